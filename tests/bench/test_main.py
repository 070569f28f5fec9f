import json
import signal
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import machine, process_tree, subjects
from bench.commands import Settings
from bench.machine import Busyness
from bench.subjects import Subject
from tests.support.paths import ROOT
from tests.support.waiting import wait_for

QUIET, BUSY = Busyness(0.0, 0.0, 2), Busyness(0.9, 8.0, 2)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace every subject by one that returns 1.0 for each metric; returns the names in the order of measuring."""
    order: list[str] = []

    def instead(name: str) -> Subject:
        def measure(wanted: Collection[str], _settings: Settings) -> dict[str, float | None]:
            order.append(name)
            if name == "htop":
                raise RuntimeError("it failed")
            return dict.fromkeys(wanted, 1.0)

        missing = "btop is not installed" if name == "btop" else ""
        return Subject(name, subjects.SUBJECTS[name].metrics, measure, missing)

    monkeypatch.setattr(bench, "SUBJECTS", {name: instead(name) for name in subjects.SUBJECTS})
    # No test asks for the version of a program that this machine may not have.
    monkeypatch.setattr(bench, "PROGRAMS", {})
    monkeypatch.setattr(machine, "look", lambda: QUIET)
    monkeypatch.setattr(machine, "while_measuring", lambda _began: QUIET)
    return order


def test_a_busy_machine_is_refused_before_anything_is_measured(
    measured: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "look", lambda: BUSY)
    assert bench.main(["--only", "status"]) == bench.TOO_BUSY
    assert measured == []
    said = capsys.readouterr().out
    assert "90%" in said
    assert "FORCE=1" in said


@pytest.mark.parametrize(
    ("before", "meanwhile", "argv", "code", "doubt"),
    [
        (QUIET, QUIET, [], 0, None),
        (QUIET, BUSY, [], 2, "too busy"),
        (BUSY, QUIET, ["--force"], 0, "too busy"),
        (QUIET, BUSY, ["--force"], 0, "too busy"),
        (QUIET, QUIET, ["--rounds", "1"], 0, "1 of at least 3 rounds"),
    ],
    ids=["quiet", "it became busy", "forced", "became busy and forced", "too few rounds"],
)
def test_what_a_judgement_is_worth(
    before: Busyness,
    meanwhile: Busyness,
    argv: list[str],
    code: int,
    doubt: str | None,
    measured: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(machine, "look", lambda: before)
    monkeypatch.setattr(machine, "while_measuring", lambda _began: meanwhile)
    path = tmp_path / "bench.json"
    assert bench.main(["--only", "status", "--json", str(path), *argv]) == code
    said = json.loads(path.read_text())["no_judgement"]
    assert (said is None) if doubt is None else doubt in said


def test_rounds_are_interleaved(measured: list[str]) -> None:
    assert bench.main(["--only", "status,idle-naive", "--rounds", "3"]) == 1
    assert measured == ["ours", "naive", "pass", "status"] * 3


def test_a_missed_row_gives_the_exit_code(measured: list[str]) -> None:
    assert bench.main(["--only", "rss-glances"]) == 1
    assert bench.main(["--only", "rss-64"]) == 0


def test_what_is_missing_or_fails_is_skipped_and_the_rest_is_measured(
    measured: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main(["--only", "idle-btop,htop,status"]) == 0
    said = capsys.readouterr()
    assert "SKIPPED: btop is not installed" in said.out
    assert "skipped: btop: btop is not installed" in said.err
    assert "it failed" in said.err
    assert "| htop | –" in said.out
    assert "| MET |" in said.out


def test_an_unknown_row_is_refused(measured: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--only", "idle-nothing"]) == 64
    assert "idle-nothing" in capsys.readouterr().err
    assert measured == []


def empty_apps(root: int) -> list[int]:
    """Return the started apps below a process; a fork has no command line of its own yet."""
    return [pid for pid in process_tree.pids(root)[1:] if b"bench.reference.empty" in command_line(pid)]


def command_line(pid: int) -> bytes:
    """Return the command line of a process; b"": it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_measurement_that_is_stopped_leaves_no_program(number: signal.Signals) -> None:
    """Runs a real measurement of a real program, and stops it after its program has started."""
    bench_process = subprocess.Popen(
        [sys.executable, "-m", "bench", "--only", "empty", "--force", "--rounds", "50"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        started = wait_for(lambda: empty_apps(bench_process.pid), "a program is started")
        for _ in range(6):
            # Python loses an exception that a handler raises inside a finalizer; a person presses Ctrl-C again.
            bench_process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                bench_process.wait(10)
                break
        assert bench_process.poll() == 128 + number
    finally:
        bench_process.kill()
        bench_process.communicate()
    wait_for(lambda: not [pid for pid in started if Path(f"/proc/{pid}").exists()], "the program has ended")
