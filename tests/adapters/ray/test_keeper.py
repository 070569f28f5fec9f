"""The keeper with real processes: the worker ends with its actor, with time to save, and its exit is known."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.ray import keeper
from metabonk_tui.adapters.ray.actor import KEEPER_START
from tests.support.waiting import wait_for

SAVES = """
import os, signal, subprocess, sys, time
def end(*_):
    print("saving", os.environ["FROM"], flush=True)
    os._exit(7)
signal.signal(signal.SIGTERM, end)
if "child" in sys.argv:
    print(subprocess.Popen(["sleep", "600"]).pid, flush=True)
print("ready", flush=True)
time.sleep(600)
"""
WITHSTANDS = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
)


@contextmanager
def kept(folder: Path, *argv: str, grace_s: float = 30.0) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """Start a worker as an actor does; yield the pipes and the first answer."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", KEEPER_START], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    spec = {"argv": argv, "cwd": str(folder), "env": {"FROM": "file"}, "log": str(folder / "log"), "grace_s": grace_s}
    text = json.dumps(Path(keeper.__file__).read_text()) + "\n" + json.dumps(spec) + "\n"
    process.stdin.write(text.encode())
    process.stdin.flush()
    with process:
        yield process, json.loads(process.stdout.readline())


def end_of(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def is_gone(pid: int) -> bool:
    """Return whether a process has ended; this machine's init may not have reaped it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def wait_until_ready(folder: Path) -> None:
    wait_for(lambda: "ready" in (folder / "log").read_text(), "the worker runs")


def test_sigterm_when_it_is_asked_for_and_the_exit_is_known(tmp_path: Path) -> None:
    with kept(tmp_path, sys.executable, "-c", SAVES) as (process, first):
        stat = Proc().stat(first["pid"])
        assert stat is not None
        assert first["start_ticks"] == stat.start_ticks
        assert first["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        wait_until_ready(tmp_path)
        assert process.stdin is not None
        process.stdin.write(b"TERM\n")
        process.stdin.flush()
        assert end_of(process) == {"code": 7}
    assert "saving file" in (tmp_path / "log").read_text()
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_the_end_of_the_actor_ends_the_worker_and_its_children(tmp_path: Path) -> None:
    with kept(tmp_path, sys.executable, "-c", SAVES, "child") as (process, first):
        wait_until_ready(tmp_path)
        child = int((tmp_path / "log").read_text().split()[0])
        assert process.stdin is not None
        process.stdin.close()
        assert end_of(process) == {"code": 7}
        wait_for(lambda: is_gone(first["pid"]) and is_gone(child), "both have ended")
    assert "saving file" in (tmp_path / "log").read_text()


def test_a_worker_that_withstands_is_killed_after_the_grace(tmp_path: Path) -> None:
    with kept(tmp_path, sys.executable, "-c", WITHSTANDS, grace_s=0.2) as (process, first):
        wait_until_ready(tmp_path)
        assert process.stdin is not None
        process.stdin.close()
        assert end_of(process) == {"code": -9}
        wait_for(lambda: is_gone(first["pid"]), "it has ended")


def test_a_worker_ends_when_its_keeper_is_killed(tmp_path: Path) -> None:
    with kept(tmp_path, sys.executable, "-c", WITHSTANDS) as (process, first):
        wait_until_ready(tmp_path)
        os.kill(parent_of(first["pid"]), signal.SIGKILL)
        wait_for(lambda: is_gone(first["pid"]), "it has ended")
        assert process.stdout is not None
        assert process.stdout.readline() == b""


def test_the_keeper_is_no_child_of_the_actor(tmp_path: Path) -> None:
    with kept(tmp_path, sys.executable, "-c", SAVES) as (process, first):
        assert process.wait(60) == 0
        assert parent_of(first["pid"]) != process.pid
        wait_until_ready(tmp_path)


@pytest.mark.parametrize("argv", [("/nowhere/worker",), ("/etc/hostname",)])
def test_a_command_that_cannot_start_is_an_answer(tmp_path: Path, argv: tuple[str, ...]) -> None:
    with kept(tmp_path, *argv) as (_, first):
        assert first["error"].startswith(f"{argv[0]} cannot be started: ")


def test_a_log_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    with kept(tmp_path, "true") as (_, first):
        assert "cannot be started" in first["error"]
    assert not (tmp_path / "elsewhere").exists()
