"""Exit codes and the kernel's log, from real files and the real kernel."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from metabonk_tui.adapters.host.kernel_log import KernelLog
from metabonk_tui.adapters.process.exits import ExitCodeReader
from metabonk_tui.adapters.process.spawn import reap, start_child, take_ended
from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.jsonl_writer import write_jsonl
from metabonk_tui.core.model.host import ExitReading, KernelKill, KernelLogReading
from metabonk_tui.core.model.sample import RunHeader
from tests.support.refs import w
from tests.support.samples import flat_sample


def written(directory: Path, text: str) -> None:
    (directory / "logs").mkdir(exist_ok=True)
    with (directory / "logs" / "omega.log").open("a") as log:
        log.write(text)


def line(code: int, slot: int = 1) -> str:
    return f"[start_omega] restarting omega-{slot} (exit {code}, attempt 1)\n"


def test_the_launchers_log_is_followed_from_where_it_was(tmp_path: Path) -> None:
    os.mkdir(run := tmp_path / "run")
    written(run, line(9))
    os.utime(run, (time.time() - 1000,) * 2)
    exits = ExitCodeReader()
    assert exits.read([str(run)]) == ()
    written(run, "INFO: GET /status\n" + line(-15) + line(3, 2)[:20])
    assert exits.read([str(run)]) == (ExitReading("worker", "-15", worker=w(1)),)
    written(run, line(3, 2)[20:] + "[start_omega] omega-1 restart limit reached (10/10)\n")
    assert exits.read([str(run)]) == (ExitReading("worker", "3", worker=w(2)),)
    assert exits.read([str(run)]) == ()


def test_the_exit_of_a_workers_companion_is_not_the_workers(tmp_path: Path) -> None:
    exits = ExitCodeReader()
    os.mkdir(run := tmp_path / "run")
    written(run, "[start_omega] restarting omega-1-eye (exit 1, attempt 1)\n" + line(4, 2))
    os.utime(run, (time.time() + 10,) * 2)
    assert exits.read([str(run)]) == (ExitReading("worker", "4", worker=w(2)),)


def test_a_run_that_began_after_us_is_read_whole(tmp_path: Path) -> None:
    exits = ExitCodeReader()
    os.mkdir(run := tmp_path / "run")
    written(run, line(-9) + "[start_omega] omega-2 restart limit reached (0/0) (exit -9)\n")
    os.utime(run, (time.time() + 10,) * 2)
    assert exits.read([str(run)]) == (
        ExitReading("worker", "-9", worker=w(1)),
        ExitReading("worker", "-9", worker=w(2)),
    )


def test_what_is_no_log_is_no_evidence(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    os.mkfifo(tmp_path / "logs" / "omega.log")
    assert ExitCodeReader().read([str(tmp_path), str(tmp_path / "nowhere"), "relative"]) == ()


def test_our_own_childrens_codes_are_taken_once(tmp_path: Path) -> None:
    take_ended()
    child = start_child([sys.executable, "-c", "raise SystemExit(3)"], tmp_path, os.environ, tmp_path / "out.log")
    assert child.process.wait(30) == 3
    reap()
    exits = ExitCodeReader(take_ended)
    # Children of other tests may end meanwhile.
    assert ExitReading("launcher", "3", pid=child.pid) in exits.read([])
    assert child.pid not in [ended.pid for ended in exits.read([])]


def test_a_log_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    assert (KernelLog(tmp_path / "none").read().error or "").startswith("not readable")


def test_evidence_survives_a_recording(tmp_path: Path) -> None:
    kill = KernelKill(4, "x", 5, "/a", "/a/b")
    sample = flat_sample(
        t=1.0,
        run=RunHeader("r", 1.0, 1, interval_s=1.0),
        exits=(ExitReading("worker", "-9", worker=w(1)),),
        kernel_log=KernelLogReading(kills=(kill,)),
    )
    write_jsonl(str(tmp_path / "a.jsonl"), [sample])
    (read,) = read_jsonl(str(tmp_path / "a.jsonl"), [])
    assert (read.only_host.exits, read.only_host.kernel_log) == (sample.only_host.exits, sample.only_host.kernel_log)


def test_the_end_of_the_stack_is_read_with_its_line(tmp_path: Path) -> None:
    exits = ExitCodeReader()
    os.mkdir(run := tmp_path / "run")
    died = "[start_omega] orchestrator exited with -9"
    asked = "[start_omega] received 15, shutting down..."
    worker = "[start_omega] omega-1 exited with 1"
    written(run, f"INFO: orchestrator exited with 3\n{died}\n{asked}\n{worker}\n[start_omega] ui exited with 0\n")
    os.utime(run, (time.time() + 10,) * 2)
    expected = (
        ExitReading("orchestrator", "-9", line=died),
        ExitReading("launcher", "-15", line=asked, asked=True),
        ExitReading("worker", "1", worker=w(1), line=worker),
    )
    assert exits.read([str(run)]) == expected
    assert exits.read([str(run)]) == ()


def test_the_end_of_an_earlier_run_is_read_although_its_log_is_old(tmp_path: Path) -> None:
    os.mkdir(run := tmp_path / "run")
    died = "[start_omega] vision exited with 1"
    written(run, line(-9) + died + "\n")
    os.utime(run, (time.time() - 1000,) * 2)
    exits = ExitCodeReader()
    assert exits.read_end(str(run)) == (ExitReading("vision", "1", line=died),), "respawns of workers are no end"
    assert exits.read_end(str(tmp_path / "none")) == ()
    assert exits.read_end("relative") == ()
