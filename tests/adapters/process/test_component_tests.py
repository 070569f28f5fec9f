"""Component tests are real processes: one that passes, fails, hangs, floods, leaves children, cannot be started."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from metabonk_tui.adapters.process.component_tests import ComponentTestsFile, run_test
from metabonk_tui.adapters.process.run_command import KEPT_LINES
from metabonk_tui.core.config.schema import TestConfig
from metabonk_tui.core.launch.preflight import TestResult
from tests.support.waiting import wait_for

Lines = list[tuple[str, ...]]


def run(folder: Path, code: str, printed: Lines | None = None, timeout_s: float = 20.0, **env: str) -> TestResult:
    test = TestConfig(name="t", command=[sys.executable, "-u", "-c", code], timeout_s=timeout_s)
    lines: Lines = [] if printed is None else printed
    return run_test(test, folder, {**os.environ, **env}, lines.append, threading.Event())


def test_a_pass_runs_in_the_folder_with_the_environment(tmp_path: Path) -> None:
    result = run(tmp_path, "import os; print(os.getcwd(), os.environ['FLAG'])", FLAG="1")
    assert (result.outcome, result.tail) == ("passed", (f"{tmp_path} 1",))
    assert abs(result.ended_t - time.time()) < 60


def test_a_failure_says_how_and_keeps_its_last_words(tmp_path: Path) -> None:
    result = run(tmp_path, "import sys; print('no frames', file=sys.stderr); sys.exit(3)")
    assert (result.outcome, result.how, result.tail) == ("failed", "exit code 3", ("no frames",))
    result = run(tmp_path, "import os; os.kill(os.getpid(), 9)")
    assert (result.outcome, result.how) == ("failed", "ended by SIGKILL")


def test_one_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    code = "import os, time; p = os.fork(); p and print(p); time.sleep(600)"
    result = run(tmp_path, code, timeout_s=1.0)
    assert result.outcome == "timed out"
    child = int(result.tail[0])
    wait_for(lambda: not Path(f"/proc/{child}").exists() or " Z " in Path(f"/proc/{child}/stat").read_text())


def test_a_flood_is_read_and_forgotten(tmp_path: Path) -> None:
    result = run(tmp_path, "for i in range(300_000): print('line', i)")
    assert result.outcome == "passed"
    assert result.tail[-1] == "line 299999"
    assert len(result.tail) == KEPT_LINES


def test_output_is_reported_while_it_runs_and_cleaned(tmp_path: Path) -> None:
    printed: Lines = []
    gate = tmp_path / "go"
    code = (
        "import os, time; print('\\x1b[31mfirst')\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)\nprint('last')"
    )
    thread = threading.Thread(target=lambda: printed.append((run(tmp_path, code, printed).outcome,)))
    thread.start()
    wait_for(lambda: any("first" in line for lines in printed for line in lines))
    assert not any("\x1b" in line for lines in printed for line in lines)
    gate.touch()
    thread.join(20)
    assert printed[-1] == ("passed",)


def test_what_cannot_be_started_is_no_pass(tmp_path: Path) -> None:
    test = TestConfig(name="t", command=["/nowhere/at/all"])
    result = run_test(test, tmp_path, {}, lambda _: None, threading.Event())
    assert result.outcome == "not started"
    assert "No such file" in result.how


def test_giving_up_ends_it(tmp_path: Path) -> None:
    give_up = threading.Event()
    test = TestConfig(name="t", command=["sleep", "600"], timeout_s=600.0)
    give_up.set()
    assert run_test(test, tmp_path, dict(os.environ), lambda _: None, give_up).outcome == "broken off"


def test_results_are_kept_by_name(tmp_path: Path) -> None:
    kept = ComponentTestsFile(tmp_path / "state" / "tests.json")
    assert kept.read() == ()
    first = TestResult("a", ("x",), "failed", 1.0, 0.5, "exit code 1", ("oh",))
    kept.save(first)
    kept.save(TestResult("b", ("y",), "passed", 2.0, 0.5))
    kept.save(TestResult("a", ("x",), "passed", 3.0, 0.5))
    assert [(one.name, one.outcome) for one in ComponentTestsFile(kept.path).read()] == [
        ("b", "passed"),
        ("a", "passed"),
    ]
    assert kept.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"name": "a"}]', '{"a": 1}'])
def test_results_that_cannot_be_believed_are_none(tmp_path: Path, text: str) -> None:
    kept = ComponentTestsFile(tmp_path / "tests.json")
    kept.path.write_text(text)
    assert kept.read() == ()
    assert "cannot be read" in kept.problem
