"""`check` on real workers: the word, the evidence, the exit code; stdout is data and stderr is narration."""

import json
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Metabonk, Pool, demo
from tests.support.forks import PROGRAM, Forked
from tests.support.plain_workers import plain_workers
from tests.support.waiting import wait_for

NOBODY = ["--base-port", "1", "--workers", "2"]
SHAPE = {
    "obituaries",
    "earlier_obituaries",
    "schema",
    "run",
    "verdict",
    "verdicts",
    "nodes",
    "gate",
    "checks",
    "workers",
    "memory",
    "events",
    "gaps",
    "alerts",
    "causes",
    "in_short",
    "first_seen",
}


@pytest.fixture
def silent(home: dict[str, str]) -> Iterator[Pool]:
    """Run a pool whose flags were not exported, an hour a minute."""
    with demo(home, "--scenario", "silent", "--workers", "2", "--speed", "60") as pool:
        yield pool


def test_without_a_pool_the_verdict_is_waiting_and_the_code_3(metabonk: Metabonk, tmp_path: Path) -> None:
    done = metabonk("check", "--json", *NOBODY)
    report = json.loads(done.stdout)
    assert done.returncode == 3, done.stderr
    assert set(report) == SHAPE
    assert report["verdict"]["word"] == "WAITING"
    assert [worker["slot"] for worker in report["workers"]] == [0, 1]
    assert "nothing else watches this pool" in done.stderr
    assert "metabonk_tui" in done.stderr
    assert " record" in done.stderr
    assert not list(tmp_path.rglob("*.lock")), "a check takes no control of the pool"


def test_for_takes_as_long_as_it_says_and_text_begins_with_the_word(metabonk: Metabonk, tmp_path: Path) -> None:
    # Patterns that no process has: another test may run a launcher of its own.
    roles = ("worker", "launcher", "orchestrator", "vision", "learner", "ollama")
    (tmp_path / "own.toml").write_text("[processes]\n" + "".join(f'{role} = [["no-{role}"]]\n' for role in roles))
    before = time.monotonic()
    done = metabonk("check", "--for", "2.5s", *NOBODY, "--config", "own.toml")
    assert time.monotonic() - before >= 2.5
    assert done.returncode == 3
    assert done.stdout.startswith("WAITING: no pool found")
    assert "  none       worker processes  none on this machine runs no-worker\n" in done.stdout
    assert "  none       worker ports      127.0.0.1:1 to 2: all refuse\n" in done.stdout
    assert "  found      configuration     own.toml says nothing of a pool\n" in done.stdout
    assert "-m metabonk_tui setup\n" in done.stdout


def test_wait_stays_until_the_gate_has_decided_and_each_later_check_is_seen_now(
    metabonk: Metabonk, silent: Pool
) -> None:
    """One pool for all checks: none of them changes it, and the first is recorded before the others."""
    done = metabonk("check", "--wait", "--json", *silent.options)
    before = json.loads(done.stdout)
    assert done.returncode == 2, done.stdout
    assert before["verdict"]["word"] == "STOP"
    # The STOP comes early; on a busy machine before the gate has judged any check.
    assert before["nodes"]["components"] in ("yes", "unknown")
    assert {worker["components"]["intrinsic_reward"] for worker in before["workers"]} == {"ABSENT"}
    assert "verdict" in done.stderr
    assert "STOP" in done.stderr

    for how in ([], ["--wait"]):
        report = json.loads(metabonk("check", "--json", *how, *silent.options).stdout)
        assert report["run"]["name"] == before["run"]["name"], how
        assert report["run"]["ended_at"] > before["run"]["ended_at"], how
        before = report

    done = metabonk("check", "--wait", *silent.options)
    (suggestion,) = [line for line in done.stdout.splitlines() if "stop the pool" in line]
    assert suggestion.endswith(f"-m metabonk_tui --config {silent.config} --speed 60 stop"), "it means this pool"


def test_ctrl_c_is_130_and_silent_about_it(home: dict[str, str], tmp_path: Path) -> None:
    command = [*PROGRAM, "check", "--wait", *NOBODY]
    process = subprocess.Popen(
        command,
        env=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A job that a shell starts in the background has SIGINT ignored, and hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stderr is not None
        assert "run" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in stderr


def test_check_during_a_run_knows_what_was_before_it_was_started(
    metabonk: Metabonk, home: dict[str, str], silent: Pool, tmp_path: Path
) -> None:
    command = [*PROGRAM, "record", *silent.options]
    recorder = Forked(command, env=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: '"STOP"' in metabonk("runs", "--json").stdout, limit_s=120, every_s=1.0)
        for beside in (True, False):
            if not beside:
                recorder.send_signal(signal.SIGTERM)
                recorder.wait(timeout=30)
            # On a busy machine three samples of a check may come so late that workers are stale in them.
            done = wait_for(lambda: (one := metabonk("check", "--json", *silent.options)).returncode == 2 and one)
            report = json.loads(done.stdout)
            assert report["run"]["name"] == json.loads(metabonk("runs", "--json").stdout)["runs"][0]["name"]
            words = [one["word"] for one in report["verdicts"]]
            assert (words[0], words[-1]) == ("VALIDATING", "STOP")
            assert report["events"][0]["kind"] == "run.start"
            stop = next(one for one in report["first_seen"] if one["id"] == "verdict-stop")
            assert stop["before_end_s"] > 0
            assert [one["id"] for one in report["first_seen"]].count("component-absent") == 1
    finally:
        recorder.kill()
        recorder.wait(timeout=30)


def test_40_workers_below_a_limit_of_32_open_files_are_all_up_and_the_shortage_is_named_once(
    metabonk: Metabonk, home: dict[str, str]
) -> None:
    workers = 40
    with plain_workers(workers) as port:
        done = metabonk(
            *("check", "--json", "--for", "4s", "--base-port", str(port), "--workers", str(workers)),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32)),
        )
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    texts = [event["text"] for event in report["events"] if event["kind"] == "monitor.error"]
    assert len(texts) == 1
    assert "file descriptors" in texts[0]
    assert "limit 32" in texts[0]
    assert not [event for event in report["events"] if event["kind"] == "worker.down"]
    assert [worker["slot"] for worker in report["workers"] if worker["observed"]] == list(range(workers))


def test_a_hundred_workers_are_all_up(metabonk: Metabonk) -> None:
    workers = 100
    with plain_workers(workers) as port:
        command = ("check", "--json", "--base-port", str(port), "--workers", str(workers))
        # On a busy machine the samples of one check may come before every worker has answered.
        done = wait_for(lambda: (one := metabonk(*command)) and '"reach": "up"' in one.stdout and one, every_s=0.5)
        report = json.loads(done.stdout)
    assert [worker["slot"] for worker in report["workers"] if worker["reach"] == "up"] == list(range(workers))


def test_one_check_records_nothing_and_is_no_go_and_a_run_that_is_over_is_still_the_answer(
    metabonk: Metabonk, home: dict[str, str]
) -> None:
    with demo(home, "--scenario", "healthy", "--workers", "1") as pool:
        done = metabonk("check", "--again", *pool.options)
        assert done.returncode == 3, done.stdout
        assert "the gate is not taken again: nothing else watches this pool" in done.stderr
        assert json.loads(metabonk("runs", "--json").stdout)["runs"] == []

        assert metabonk("check", "--for", "3s", *pool.options).returncode == 3
    command = ("check", "--json", "--base-port", str(pool.base_port), "--workers", "1")
    # On a busy machine the samples of one check may come too late to show that no part of the pool is there.
    done = wait_for(lambda: (one := metabonk(*command)) and "end" in json.loads(one.stdout) and one, every_s=0.5)
    report = json.loads(done.stdout)
    assert report["run"]["name"] == json.loads(metabonk("runs", "--json").stdout)["runs"][0]["name"]
    assert report["end"]["reason"] in ("stopped", "unknown")
    assert done.returncode == (3 if report["end"]["reason"] == "stopped" else 2)
    assert "the run is over" in " ".join(report["verdict"]["because"])
