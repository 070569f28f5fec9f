"""What the monitor concludes from the real MetaBonk: the mistakes, the faults and the health that its users see.

Each scenario launches MetaBonk as its user does. Scenarios of a whole gate run on a clock `SPEED` times faster.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.real.stack import ENV_FILE, SIXTH_FLAG, RealStack, wait_for

pytestmark = pytest.mark.timeout(5400)

GO, CAUTION, STOP, UNKNOWN = 0, 1, 2, 3
SPEED = int(os.environ.get("METABONK_REAL_SPEED", "20"))
GATE_S, HOUR_S = 1800.0, 3600.0
ORCHESTRATOR = "http://127.0.0.1:8040/workers"
FAST = ("--speed", str(SPEED))


def cause(report: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a cause of a report by its id; fail with all causes when it is not there."""
    found = [each for each in report["causes"] if each["id"] == name]
    assert found, report["causes"]
    return dict(found[0])


def named(stack: RealStack, pattern: str) -> list[str]:
    """Return the texts of the events about workers that match."""
    return [event["text"] for event in stack.events(kind="worker") if re.search(pattern, event["text"])]


def watch_for(stack: RealStack, run_s: float) -> None:
    """Record until so many seconds of the fast clock are over."""
    with stack.watching("record", *FAST):
        time.sleep(run_s / SPEED)


# The mistakes of the failed run


def test_an_env_file_sourced_and_not_exported_is_a_stop_within_two_minutes(stack: RealStack) -> None:
    with stack.watching("check", "--wait") as check:
        stack.launch(exported=False)
        stack.wait_up()
        answered_s = time.monotonic()
        wait_for(lambda: check.poll() is not None, "check --wait has an answer", 150)
        code = check.returncode
        spent_s = time.monotonic() - answered_s
    printed = (stack.work / "watching.log").read_text()
    assert code == STOP, printed
    assert spent_s <= 120, printed
    assert re.search(r"^STOP", printed, re.MULTILINE), printed
    # The fix is a command to copy; the launcher switches System2 on by itself, and that must not hide the mistake.
    assert "set -a" in printed
    status = stack.status(0)
    assert status is not None
    assert status["system2_enabled"] is True


def test_exported_without_the_sixth_flag_is_partial_with_the_fix(stack: RealStack) -> None:
    stack.configure(ENV_FILE)
    stack.launch(env_file=ENV_FILE)
    stack.wait_working()
    done = stack.monitor("check", "--wait", *FAST, limit_s=3 * GATE_S / SPEED)
    assert done.returncode == CAUTION, done.stdout
    assert done.stdout.startswith("PARTIAL"), done.stdout
    assert "intrinsic reward" in done.stdout
    assert "intrinsic not applied" in done.stdout
    # The report wraps its lines.
    assert f"set {SIXTH_FLAG}=1 in {stack.metabonk / ENV_FILE}" in " ".join(done.stdout.split())
    assert "check 6/6 PASS" not in done.stdout + done.stderr


def test_a_broken_import_is_named_with_its_line_of_the_log(stack: RealStack) -> None:
    stack.break_module("src/worker/exploration_policy.py")
    stack.launch()
    stack.wait_working()
    watch_for(stack, GATE_S + 600)
    report = stack.monitor_json("report", "last", "--json")
    failed = cause(report, "init-failed")
    assert failed["confidence"] >= 0.9
    assert "broken by the test" in json.dumps(failed)
    assert report["verdict"]["word"] == "PARTIAL", report["verdict"]
    assert report["exit"] == CAUTION


def test_ollama_at_a_dead_port_is_named_with_that_address(stack: RealStack) -> None:
    stack.launch(extra="export OLLAMA_HOST=http://127.0.0.1:1;")
    stack.wait_working()
    watch_for(stack, GATE_S)
    report = stack.monitor_json("report", "last", "--json")
    dead = cause(report, "system2-no-answer")
    assert dead["confidence"] >= 0.9
    # Another Ollama answers on the usual port: to start one is no fix.
    assert "127.0.0.1:1" in dead["fix"], dead


# Health


def test_a_healthy_pool_raises_no_critical_alert_in_an_hour_and_passes_the_gate(stack: RealStack) -> None:
    stack.launch()
    stack.wait_working()
    with stack.watching("record", *FAST):
        wait_for(lambda: [s for s in (0, 1) if (stack.status(s) or {}).get("gameplay_started")], "gameplay", 240)
        # In gameplay the components that move only in menus rest.
        stack.set_mode("play")
        time.sleep(HOUR_S / SPEED)
    report = stack.monitor_json("report", "last", "--json")
    critical = [alert for alert in report["alerts"] if alert["severity"] == "crit" and alert["state"] != "pending"]
    assert critical == []
    assert [
        event for event in report["events"] if event["kind"] == "alert.firing" and event["severity"] == "crit"
    ] == []
    assert report["verdict"]["word"] in ("LAUNCH 24H", "SUCCESS", "CONTINUE"), report["verdict"]
    assert [check["result"] for check in report["checks"]].count("PASS") >= 4, report["checks"]
    assert report["exit"] == GO, report["verdict"]


COUNTERS = (
    "step",
    "actions_total",
    "dynamic_ui_exploration_actions",
    "intrinsic_reward_total",
    "system2_trigger_engaged_count",
    "vlm_hints_used",
    "meta_success_sequences",
)
CONSTANTS = ("instance_id", "system2_trigger_mode", "system2_enabled")
SERVICES = ("orchestrator", "vision", "learner")
OWN_KEYS = ("METABONK_", "MEGABONK_")


class Truth:
    """What curl and /proc say, read again and again beside the monitor."""

    def __init__(self, stack: RealStack) -> None:
        self._stack = stack
        self.curls: list[tuple[float, float, dict[int, dict[str, Any]]]] = []
        self.available_bytes: list[int] = []
        self.source = "".join(path.read_text(errors="replace") for path in (stack.metabonk / "src").rglob("*.py"))

    def read(self) -> None:
        began, found = time.time(), {slot: self._stack.status(slot) for slot in (0, 1)}
        self.curls.append((began, time.time(), {slot: status for slot, status in found.items() if status}))
        self.available_bytes.append(meminfo("MemAvailable"))

    def is_written(self, name: str) -> bool:
        """Return whether the workers' source can write a field; parts of the reward have "intrinsic_" before them."""
        return f'"{name.removeprefix("intrinsic_")}"' in self.source or f'"{name}"' in self.source

    def around(self, t: float, slot: int) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the last status before a sample and the first after it; None: there are not both.

        The worker answered at most one poll before the sample was complete.
        """
        before = [statuses[slot] for _, ended, statuses in self.curls if ended <= t - 3 and slot in statuses]
        after = [statuses[slot] for began, _, statuses in self.curls if began >= t and slot in statuses]
        return (before[-1], after[0]) if before and after else None

    def names(self, slot: int) -> tuple[set[str], set[str]]:
        """Return the fields that were in every status of a worker, and those that were in one."""
        found = [set(statuses[slot]) for _, _, statuses in self.curls if slot in statuses]
        return set.intersection(*found), set.union(*found)


def test_every_value_lies_between_two_readings_of_curl_and_proc(stack: RealStack) -> None:
    stack.launch()
    # Some fields come with the first frames.
    stack.wait_working()
    truth = Truth(stack)
    with stack.watching():
        for _ in range(30):
            truth.read()
            time.sleep(0.5)
    exported = stack.monitor("export", "last", "--jsonl", "-").stdout.splitlines()
    samples = [sample for sample in map(json.loads, exported) if "workers" in sample]
    compare_statuses(samples, truth)
    compare_processes(samples, stack)
    compare_environments(samples, stack)
    compare_memory(samples, truth)
    listed = json.loads(stack.inside(["curl", "-s", "-m", "5", ORCHESTRATOR]).stdout)["workers_by_id"]
    for slot in (0, 1):
        assert samples[-1]["workers"][str(slot)]["episode"] == listed[f"omega-{slot}"]["episode_idx"]


def compare_statuses(samples: list[dict[str, Any]], truth: Truth) -> None:
    """Compare every sample with the answers to curl before and after it: names, counters and constants."""
    compared = 0
    for sample in samples:
        for slot in (0, 1):
            observed, around = sample["workers"].get(str(slot)), truth.around(sample["t"], slot)
            if not (observed and "status" in observed and around):
                continue
            (before, after), seen = around, observed["status"]
            always, ever = truth.names(slot)
            assert always <= seen.keys(), always - seen.keys()
            # A bonus has its field only in the moment in which it is paid, which curl need not have seen.
            assert [name for name in seen.keys() - ever if not truth.is_written(name)] == []
            for name in COUNTERS:
                assert before[name] <= seen[name] <= after[name], (name, slot, sample["t"])
            for name in CONSTANTS:
                assert seen[name] == after[name], name
            compared += len(COUNTERS) + len(CONSTANTS) + 1
    assert compared >= 100, f"{len(samples)} samples, {len(truth.curls)} readings of curl"


def compare_processes(samples: list[dict[str, Any]], stack: RealStack) -> None:
    """Compare pids, starts and sizes of the last sample with /proc."""
    last = [sample for sample in samples if sample.get("processes")][-1]
    listed = {p.get("slot", p["role"]): p for p in last["processes"]}
    pids: dict[int | str, int | None] = {slot: stack.worker_pid(slot) for slot in (0, 1)}
    pids |= {role: stack.pids(f"-m src.{role}.")[0] for role in SERVICES}
    for who, pid in pids.items():
        assert pid is not None
        assert listed[who]["pid"] == pid, who
        assert listed[who]["rss_bytes"] == pytest.approx(resident_bytes(stack, pid), rel=0.1), who
        # The system clock may be adjusted meanwhile.
        assert listed[who]["started_at"] == pytest.approx(started_at(stack, pid), abs=2.0), who
    assert all(last["workers"][str(slot)]["pid"] == pids[slot] for slot in (0, 1))


def compare_environments(samples: list[dict[str, Any]], stack: RealStack) -> None:
    """Compare each worker's variables of MetaBonk with /proc/PID/environ."""
    for slot in (0, 1):
        text = stack.inside(["cat", f"/proc/{stack.worker_pid(slot)}/environ"]).stdout
        variables = dict(entry.split("=", 1) for entry in text.split("\0") if entry.startswith(OWN_KEYS))
        observed = next(sample["env"][str(slot)] for sample in samples if str(slot) in sample.get("env", {}))
        assert {key: value for key, value in observed.items() if key.startswith(OWN_KEYS)} == variables
        assert variables[SIXTH_FLAG] == "1"


def compare_memory(samples: list[dict[str, Any]], truth: Truth) -> None:
    """Compare the memory of the host; inside a limited group there is less, and /proc does not show it."""
    seen = [sample["memory"] for sample in samples if sample.get("memory", {}).get("limited_by") == "host"]
    slack = 0.05 * meminfo("MemTotal")
    for memory in seen:
        assert memory["total_bytes"] == meminfo("MemTotal")
        assert min(truth.available_bytes) - slack <= memory["available_bytes"] <= max(truth.available_bytes) + slack


def meminfo(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def resident_bytes(stack: RealStack, pid: int) -> int:
    """Return the resident memory of a process of the namespace."""
    found = re.search(r"VmRSS:\s+(\d+) kB", stack.inside(["cat", f"/proc/{pid}/status"]).stdout)
    assert found is not None
    return int(found[1]) * 1024


def started_at(stack: RealStack, pid: int) -> float:
    """Return when a process of the namespace started, in seconds since the epoch."""
    ticks = int(stack.inside(["cat", f"/proc/{pid}/stat"]).stdout.rpartition(")")[2].split()[19])
    boot = re.search(r"^btime (\d+)", Path("/proc/stat").read_text(), re.MULTILINE)
    assert boot is not None
    return int(boot[1]) + ticks / os.sysconf("SC_CLK_TCK")


# Faults


def test_a_killed_worker_is_down_at_once_and_a_new_generation_afterwards(stack: RealStack) -> None:
    stack.launch()
    stack.wait_up()
    old = stack.worker_pid(1)
    assert old is not None
    with stack.watching():
        stack.wait_seen()
        stack.kill(old, signal.SIGKILL)
        wait_for(lambda: stack.events(kind="worker.down"), "w1 is down", 10)
        during = stack.monitor("check", "--for", "2s")
        wait_for(lambda: stack.worker_pid(1) not in (None, old) and stack.status(1), "the launcher's respawn", 120)
        wait_for(lambda: stack.events(kind="worker.generation"), "the new generation", 20)
    assert "w1" in during.stdout
    report = stack.monitor_json("report", "last", "--json")
    assert [worker["generations"] for worker in report["workers"]] == [1, 2]
    assert len([event for event in report["events"] if event["kind"] == "run.start"]) == 1
    gone = json.dumps(stack.events(kind="process.gone"))
    assert "signal 9" in gone, gone
    assert "OOM" not in gone


def test_a_stopped_worker_is_hung_and_never_down_nor_a_go(stack: RealStack) -> None:
    stack.launch()
    stack.wait_up()
    pid = stack.worker_pid(0)
    assert pid is not None
    with stack.watching():
        stack.wait_seen()
        stack.kill(pid, signal.SIGSTOP)
        wait_for(lambda: named(stack, r"^w0 hung: .*has not answered"), "w0 is hung", 40)
        assert named(stack, f"process {pid} is stopped: kill -CONT {pid} resumes it")
        wait_for(lambda: stack.monitor("status").returncode != GO, "no go", 60)
        stack.kill(pid, signal.SIGCONT)
        wait_for(lambda: named(stack, "^w0 answers"), "w0 answers again", 60)
    assert not named(stack, "^w0 (w1 )?(is )?(down|gone)")
    assert [worker["generations"] for worker in stack.monitor_json("report", "last", "--json")["workers"]] == [1, 1]


def test_a_frozen_worker_is_a_zombie_with_the_exception_that_froze_it(stack: RealStack) -> None:
    stack.launch()
    stack.wait_working()
    with stack.watching():
        stack.wait_seen()
        wait_for(lambda: stack.events(kind="component.active"), "the monitor sees something grow", 60)
        time.sleep(5)  # and the step, which has no event
        stack.freeze(0)
        wait_for(lambda: named(stack, "^w0 zombie: answers"), "w0 is a zombie", 180)
        report = stack.monitor_json("check", "--json", "--for", "5s")
    assert stack.status(0), "a zombie still answers"
    assert report["exit"] != GO
    zombie = cause(report, "zombie-worker")
    assert zombie["confidence"] >= 0.9
    assert "device-side assert triggered" in json.dumps(zombie)


def test_a_killed_orchestrator_is_named_as_what_took_the_pool_down(stack: RealStack) -> None:
    stack.launch()
    stack.wait_up()
    with stack.watching():
        stack.wait_seen()
        (orchestrator,) = stack.pids("-m src.orchestrator.main")
        stack.kill(orchestrator, signal.SIGKILL)
        wait_for(lambda: not stack.pids("-m src.worker.main"), "start_omega ends the pool", 60)
        wait_for(lambda: stack.monitor("status").returncode == STOP, "STOP", 180)
    # No monitor watches any more: the run that is over is still the answer.
    check = stack.monitor("check")
    assert check.returncode == STOP, check.stdout
    assert check.stdout.startswith("STOP"), check.stdout
    report = stack.monitor("report", "last")
    for printed in (check.stdout, report.stdout):
        assert re.search(r"orchestrator .*(-9|signal 9)", printed), printed


def test_a_launch_by_hand_replaces_the_run_and_says_so(stack: RealStack) -> None:
    stack.launch(2)
    stack.wait_up(2)
    with stack.watching():
        stack.wait_seen()
        old, first_pid = run_names(stack)[0], stack.worker_pid(0)
        replace_by_hand(stack, first_pid)
        wait_for(lambda: len(run_names(stack)) > 1, "a new run", 60)
    ended = stack.monitor("report", old).stdout
    assert "replaced" in ended, ended
    assert "launch.py --workers 1" in ended
    assert stack.monitor_json("report", old, "--json")["run"]["desired"] == 2


def replace_by_hand(stack: RealStack, first_pid: int | None) -> None:
    """Launch one worker while a pool runs, and again while the clean-up of the first pool ends the new one."""

    def is_up() -> bool:
        return stack.worker_pid(0) not in (None, first_pid) and stack.status(0) is not None

    for _ in range(3):
        launcher = stack.launch(1)
        wait_for(lambda launcher=launcher: launcher.poll() is not None or is_up(), "the second launch", 180)
        if launcher.poll() is None:
            return
    raise AssertionError(f"no second launch came up:\n{stack.log()}")


def run_names(stack: RealStack) -> list[str]:
    """Return the names of the recorded runs, the newest first."""
    return re.findall(r"^\s*(run-\S+)", stack.monitor("runs").stdout, re.MULTILINE)
