"""The hook of the user's: a real command, a deadline for all that it starts, and failures that are told once."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.alerts.command_hook import CommandHook, call_hook
from metabonk_tui.adapters.alerts.sent_alerts import SentAlerts
from metabonk_tui.adapters.state.pool_lock import PoolLock
from metabonk_tui.core.alerts.payload import is_wanted, make_example, make_message
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.alert import Acknowledged, Alert, AlertTransition
from metabonk_tui.core.model.ending import RunEnd
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.step.pipeline import step
from tests.support.children import config
from tests.support.refs import w
from tests.support.waiting import wait_for

PYTHON = sys.executable
FIRING = Alert(
    "MemLow", "", "warn", "firing", "0.8 GB available, below 1.0 GB", 1000.0, firing_t=1060.0, value=0.8e9,
    least=0.7e9, most=0.9e9, unit="bytes", workers=(w(0), w(2)), times=3,
)  # fmt: skip
RESOLVED = replace(FIRING, state="resolved", resolved_t=1100.0)


def hooked(*command: str, **keys: Any) -> Config:
    """Configure a hook."""
    lines = [f"command = {json.dumps(command)}", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    return config("[alerts.hook]\n" + "\n".join(lines))


@pytest.fixture
def snapshot() -> Snapshot:
    return step(None, Sample(t=1100.0), config())


Make = Callable[..., tuple[CommandHook, list[str]]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[CommandHook] = []

    def build(of: Config, lock: str = "lock", sent: Path | None = None) -> tuple[CommandHook, list[str]]:
        complaints: list[str] = []
        hook = CommandHook(of, PoolLock(tmp_path / lock), complaints.append, sent=SentAlerts(sent))
        made.append(hook)
        return hook, complaints

    yield build
    for hook in made:
        hook.close()


def keeping(folder: Path) -> tuple[str, ...]:
    """Return a command that writes what it reads to a file of its own."""
    code = "import os, sys; open(os.path.join(sys.argv[1], f'{os.getpid()}.json'), 'w').write(sys.stdin.read())"
    return (PYTHON, "-c", code, str(folder))


def kept(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(text) for text in (path.read_text() for path in files) if text.endswith("\n")]


def test_it_gets_the_alert_and_the_state_of_everything_as_json(make: Make, tmp_path: Path, snapshot: Snapshot) -> None:
    hook, complaints = make(hooked(*keeping(tmp_path)))
    hook.deliver((AlertTransition("firing", FIRING),), snapshot)
    wait_for(lambda: bool(kept(tmp_path)))
    (payload,) = kept(tmp_path)
    assert payload == {
        "schema": 1,
        "turn": "firing",
        "alert": {
            "id": "MemLow", "name": "MemLow", "about": "", "severity": "warn", "state": "firing",
            "text": "0.8 GB available, below 1.0 GB", "since_t": 1000.0, "firing_t": 1060.0, "resolved_t": None,
            "duration_s": 100.0, "workers": [0, 2], "value": 0.8e9, "least": 0.7e9, "most": 0.9e9, "unit": "bytes",
            "times": 3, "acknowledged": None,
        },
        "run": {"name": snapshot.run.name, "started_at": snapshot.run.started_at, "elapsed_s": 0.0},
        "verdict": {"word": "WAITING", "because": list(snapshot.verdict.because)},
        "pool": {"host": "127.0.0.1", "base_port": 5000, "desired": snapshot.run.desired, "up": 0},
        "memory": {"available_bytes": None, "floor_bytes": 1_000_000_000},
        "left_out": 0,
        "host": os.uname().nodename,
    }  # fmt: skip
    assert complaints == []


def test_the_made_up_one_has_the_same_shape(snapshot: Snapshot) -> None:
    real = make_message(AlertTransition("firing", FIRING), snapshot, config().pool) | {"left_out": 0}
    made = make_example(1.0, config())
    assert made.keys() == real.keys()
    assert {key: value.keys() for key, value in made.items() if isinstance(value, dict)} == {
        key: value.keys() for key, value in real.items() if isinstance(value, dict)
    }


def test_who_has_seen_it_is_said(snapshot: Snapshot) -> None:
    seen = replace(FIRING, acknowledged=Acknowledged(1090.0, "key"))
    assert make_message(AlertTransition("louder", seen), snapshot, config().pool)["alert"]["acknowledged"] == {
        "t": 1090.0,
        "by": "key",
    }


@pytest.mark.parametrize(
    ("severity", "resolved", "expected"),
    [
        ("warn", True, ["warn firing", "warn resolved", "crit firing"]),
        ("crit", True, ["crit firing"]),
        ("info", False, ["info firing", "warn firing", "crit firing"]),
    ],
)
def test_only_what_is_wanted(severity: str, resolved: bool, expected: list[str]) -> None:
    hook = hooked("x", severity=severity, resolved=resolved).alerts.hook
    changes = [
        AlertTransition("firing", replace(FIRING, severity="info")),
        AlertTransition("firing", FIRING),
        AlertTransition("resolved", RESOLVED),
        AlertTransition("firing", replace(FIRING, severity="crit")),
    ]
    assert [f"{c.alert.severity} {c.kind}" for c in changes if is_wanted(c, hook)] == expected


def test_fifty_changes_of_one_condition_are_one_call(make: Make, tmp_path: Path, snapshot: Snapshot) -> None:
    hook, _ = make(hooked(*keeping(tmp_path)))
    for number in range(50):
        change = AlertTransition("resolved", RESOLVED) if number % 2 else AlertTransition("firing", FIRING)
        hook.deliver((change,), snapshot)
        if number == 0:
            wait_for(lambda: bool(kept(tmp_path)))
    hook.deliver((AlertTransition("firing", replace(FIRING, name="Other")),), snapshot)
    wait_for(lambda: len(kept(tmp_path)) == 2)
    first, second = kept(tmp_path)
    assert (first["alert"]["name"], second["alert"]["name"]) == ("MemLow", "Other")
    assert second["left_out"] == 48


@pytest.mark.parametrize(
    ("command", "make_message"),
    [
        (("/nowhere/at-all",), "/nowhere/at-all: No such file or directory"),
        ((PYTHON, "-c", "raise SystemExit(7)"), "exit code 7"),
        ((PYTHON, "-c", "import os; os.kill(os.getpid(), 9)"), "ended by SIGKILL"),
        ((PYTHON, "-c", "import time; time.sleep(60)"), "not done within 2 s"),
    ],
    ids=["missing", "exit code", "signal", "too slow"],
)
def test_a_failure_is_reported_once_and_nothing_else_happens(
    make: Make, snapshot: Snapshot, command: tuple[str, ...], make_message: str
) -> None:
    hook, complaints = make(hooked(*command, timeout_s=2.0))
    began = time.monotonic()
    hook.deliver((AlertTransition("firing", FIRING),), snapshot)
    assert time.monotonic() - began < 1.5
    hook.deliver((AlertTransition("firing", replace(FIRING, about="again")),), snapshot)
    wait_for(lambda: bool(complaints))
    hook.close()
    assert complaints == [f"the alert hook failed: {make_message}"]


def test_at_its_deadline_all_that_it_started_ends(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "print('\\x1b]0;evil\\x07 began', flush=True)\n"
        "time.sleep(60)\n"
    )
    done = call_hook(
        hooked(PYTHON, "-c", code, timeout_s=1.5).alerts.hook, make_example(0.0, config()), threading.Event()
    )
    assert not done.ok
    assert done.how == "not done within 1.5 s"
    assert "began" in done.tail[0]
    assert done.tail[0].isprintable()
    pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: not Path(f"/proc/{pid}/stat").exists() or ") Z " in Path(f"/proc/{pid}/stat").read_text())


def test_what_it_leaves_running_goes_on(tmp_path: Path) -> None:
    """`notify &` in a script must not be cut off when the script ends."""
    later = f"import time; time.sleep(0.3); open({str(tmp_path / 'later')!r}, 'w').write('x')"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {later!r}])"
    done = call_hook(hooked(PYTHON, "-c", code).alerts.hook, make_example(0.0, config()), threading.Event())
    assert done.ok
    wait_for((tmp_path / "later").exists)


def test_one_that_does_not_read_or_prints_without_end_holds_nobody(tmp_path: Path) -> None:
    big = {**make_example(0.0, config()), "because": "x" * 1_000_000}
    deaf = call_hook(hooked(PYTHON, "-c", "pass").alerts.hook, big, threading.Event())
    assert (deaf.how, deaf.ok) == ("exit code 0", True)
    loud = "import sys\nfor _ in range(20000): print('y' * 100)\nsys.stdin.read(); print('read all')"
    done = call_hook(hooked(PYTHON, "-c", loud).alerts.hook, big, threading.Event())
    assert (done.how, done.ok, done.tail[-1]) == ("exit code 0", True, "read all")
    assert len(done.tail) <= 40


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    done = call_hook(
        hooked("echo", "$HOME; touch x", "`id`").alerts.hook, make_example(0.0, config()), threading.Event()
    )
    assert done.tail == ("$HOME; touch x `id`",)


def test_of_two_monitors_one_calls_it_and_the_other_goes_on_when_that_ends(
    make: Make, tmp_path: Path, snapshot: Snapshot
) -> None:
    first, _ = make(hooked(*keeping(tmp_path)))
    second, _ = make(hooked(*keeping(tmp_path)))
    for hook in (first, second):
        hook.deliver((AlertTransition("firing", FIRING),), snapshot)
    wait_for(lambda: len(kept(tmp_path)) == 1)
    first.close()
    second.deliver((AlertTransition("resolved", RESOLVED),), snapshot)
    second.close()
    assert [payload["turn"] for payload in kept(tmp_path)] == ["firing", "resolved"]


def test_where_no_lock_can_be_taken_it_is_called_all_the_same(make: Make, tmp_path: Path, snapshot: Snapshot) -> None:
    (tmp_path / "file").write_text("")
    hook, complaints = make(hooked(*keeping(tmp_path)), lock="file/lock")
    hook.deliver((AlertTransition("firing", FIRING),), snapshot)
    wait_for(lambda: len(kept(tmp_path)) == 1)
    assert len(complaints) == 1
    assert "cannot see whether another monitor sends the alerts" in complaints[0]


def test_the_end_waits_for_it_and_not_for_ever(
    make: Make, tmp_path: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = "import sys, time; time.sleep(0.5); open(sys.argv[1], 'w').write('done')"
    hook, _ = make(hooked(PYTHON, "-c", slow, str(tmp_path / "slow")))
    hook.deliver((AlertTransition("firing", FIRING),), snapshot)
    hook.close()
    assert (tmp_path / "slow").read_text() == "done"
    monkeypatch.setattr("metabonk_tui.adapters.alerts.channel.CLOSE_S", 0.3)
    pid = tmp_path / "pid"
    stuck = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
    hook, complaints = make(hooked(PYTHON, "-c", stuck, str(pid), timeout_s=50.0))
    hook.deliver((AlertTransition("firing", FIRING),), snapshot)
    wait_for(lambda: pid.exists() and bool(pid.read_text()))
    began = time.monotonic()
    hook.close()
    assert time.monotonic() - began < 5
    assert not Path(f"/proc/{pid.read_text()}").exists()
    assert complaints == ["the alert hook failed: broken off: the monitor ended"]


def test_its_environment_is_ours_and_nothing_is_added() -> None:
    done = call_hook(hooked("env").alerts.hook, make_example(0.0, config()), threading.Event())
    # readline puts LINES and COLUMNS where only C sees them.
    ours = {*os.environ, "LINES", "COLUMNS"}
    assert {line.split("=")[0] for line in done.tail if "=" in line} <= ours
    assert done.ok


def test_a_script_that_may_not_be_run_is_named(tmp_path: Path) -> None:
    script = tmp_path / "hook"
    script.write_text("#!/bin/sh\n")
    script.chmod(stat.S_IRUSR)
    done = call_hook(hooked(str(script)).alerts.hook, make_example(0.0, config()), threading.Event())
    assert done.how == f"{script}: Permission denied"


def test_a_home_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    script = tmp_path / "hook"
    script.write_text("#!/bin/sh\necho found\n")
    script.chmod(0o700)
    assert call_hook(hooked("~/hook").alerts.hook, make_example(0.0, config()), threading.Event()).tail == ("found",)


def ids(folder: Path) -> list[str]:
    return [payload["alert"]["id"] for payload in kept(folder)]


def test_what_fires_already_is_sent_once_by_the_first_monitor_that_has_a_hook(
    make: Make, tmp_path: Path, snapshot: Snapshot
) -> None:
    folder, memory = tmp_path / "kept", tmp_path / "sent.json"
    folder.mkdir()
    seen = replace(FIRING, name="Seen", acknowledged=Acknowledged(1070.0, "key"))
    pending = replace(FIRING, name="Pending", state="pending", firing_t=None)
    ill = replace(snapshot, alerts=(FIRING, seen, pending, replace(RESOLVED, name="Over")))
    first, _ = make(hooked(*keeping(folder)), sent=memory)
    for _ in range(2):
        first.catch_up(ill)
    wait_for(lambda: memory.exists())
    first.close()
    assert ids(folder) == ["MemLow"]
    second, _ = make(hooked(*keeping(folder)), sent=memory)
    new, newest = replace(FIRING, name="New"), replace(FIRING, name="Newest", firing_t=ill.t)
    second.catch_up(replace(ill, alerts=(*ill.alerts, new, newest)))
    wait_for(lambda: len(ids(folder)) == 2)
    second.close()
    assert ids(folder) == ["MemLow", "New"], "what the first monitor sent is not sent again"


def test_what_fired_in_a_run_that_is_over_is_not_sent(make: Make, tmp_path: Path, snapshot: Snapshot) -> None:
    hook, _ = make(hooked(*keeping(tmp_path)))
    ended = RunEnd("unknown", "how it ended is not known", 1080.0, 1070.0)
    over = replace(snapshot, alerts=(FIRING,), verdict=replace(snapshot.verdict, ended=ended))
    hook.catch_up(over)
    hook.catch_up(replace(snapshot, alerts=(FIRING,)))
    hook.close()
    assert kept(tmp_path) == []


@pytest.mark.parametrize("content", ["", "[]", '{"run": "run-1"}', '{"run": "run-1", "firing": 3}', "{"])
def test_a_damaged_memory_of_what_was_sent_counts_as_empty(tmp_path: Path, content: str) -> None:
    path = tmp_path / "sent.json"
    path.write_text(content)
    sent = SentAlerts(path)
    assert sent.unsent("run-1", (FIRING,)) == (FIRING,)
    sent.note("run-1", "MemLow", fires=True)
    assert SentAlerts(path).unsent("run-1", (FIRING,)) == ()
    assert SentAlerts(path).unsent("run-2", (FIRING,)) == (FIRING,), "another run is news"
    sent.note("run-1", "MemLow", fires=False)
    assert SentAlerts(path).unsent("run-1", (FIRING,)) == (FIRING,), "it has ended, and fires anew"
