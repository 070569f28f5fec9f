"""`launch`, `resize`, `stop` on real processes: the plan first, then the question, then what was said is done."""

import os
import pty
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.state import role_server
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.adapters.state.role_wire import role_name
from metabonk_tui.cli.verbs.pool import _first_snapshot
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.collector import POOL_PART
from metabonk_tui.engine.single_flight import FaultLog
from tests.cli.conftest import Metabonk, Pool, answers, demo
from tests.support.forks import PROGRAM, Forked
from tests.support.ports import free_port
from tests.support.samples import coarse, last
from tests.support.waiting import wait_for

TWO_WORKERS = ("--scenario", "healthy", "--workers", "2", "--speed", "10")


@pytest.fixture
def pool(home: dict[str, str]) -> Iterator[Pool]:
    """Run two workers."""
    with demo(home, *TWO_WORKERS) as running:
        yield running


def test_resize_stop_and_launch_do_what_they_say_and_a_stop_names_the_stranger_that_still_answers(
    metabonk: Metabonk, pool: Pool, tmp_path: Path
) -> None:
    done = metabonk("resize", "3", "--yes", *pool.options)
    assert done.returncode == 0, done.stderr
    assert "workers answer: 3 of 3" in done.stderr
    assert all(answers(pool.base_port + slot) for slot in range(3))
    done = metabonk("stop", "--yes", *pool.options)
    assert done.returncode == 0, done.stderr
    assert not any(answers(pool.base_port + slot) for slot in range(3))
    done = metabonk("launch", "2", "--yes", *pool.options)
    assert done.returncode == 0, done.stderr
    assert all(answers(pool.base_port + slot) for slot in range(2))
    assert not answers(pool.base_port + 2)

    text, count = re.subn(r"(?m)^workers = 2$", "workers = 3", Path(pool.config).read_text())
    assert count == 1
    config = tmp_path / "three.toml"
    config.write_text(text)
    with socket.create_server(("127.0.0.1", pool.base_port + 2)):
        done = metabonk("stop", "--yes", "--config", str(config))
        assert done.returncode == 2, done.stderr
        stranger = f"{pool.base_port + 2} answers"
        assert f"nothing here may be stopped, and the pool's ports are in use: {stranger}" in done.stderr
        assert f"(pid {os.getpid()}" in done.stderr
    assert not answers(pool.base_port)
    assert not answers(pool.base_port + 1)


def test_on_a_terminal_it_asks_and_only_yes_stops_the_pool(home: dict[str, str], pool: Pool) -> None:
    for answer in ("n", ""):
        assert stop_answered(answer, home, pool) == 2
        assert all(answers(pool.base_port + slot) for slot in range(2)), answer
    assert stop_answered("yes", home, pool) == 0
    assert not answers(pool.base_port)


def stop_answered(answer: str, home: dict[str, str], pool: Pool) -> int:
    """Answer the question of `stop` on a terminal; return the exit code."""
    ours, theirs = pty.openpty()
    command = [*PROGRAM, "stop", *pool.options]
    process = Forked(command, env=home, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    try:
        assert process.stderr is not None
        prompt = ""
        while not prompt.endswith("[y/N] "):
            character = process.stderr.read(1)
            assert character, prompt
            prompt += character
        os.write(ours, answer.encode() + b"\n")
        process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(ours)
    return process.returncode


@contextmanager
def owner_of(pool: Pool, folder: Path) -> Iterator[ControllerRole]:
    """Control the pool, as another monitor does."""
    role = ControllerRole(role_name("127.0.0.1", pool.base_port), folder / "lock", "ask")
    assert role.try_acquire()
    try:
        yield role
    finally:
        role.release()


def test_who_refuses_a_stop_and_who_does_not(
    metabonk: Metabonk, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a terminal and without --yes the plan is shown, and nothing is done.
    done = metabonk("resize", "3", *pool.options)
    assert (done.returncode, done.stdout) == (64, "")
    assert "--workers 3" in done.stderr
    assert "stops     w1 pid" in done.stderr
    assert "ALL 2 workers" in done.stderr
    assert "--yes" in done.stderr
    assert not answers(pool.base_port + 2)

    # An owner that acts refuses and is named.
    with owner_of(pool, tmp_path) as owner:
        owner.set_busy(True)
        done = metabonk("stop", "--yes", *pool.options)
    assert done.returncode == 2, done.stderr
    assert f"pid {os.getpid()}" in done.stderr
    assert "an action on the pool is under way" in done.stderr
    assert all(answers(pool.base_port + slot) for slot in range(2))

    # An idle owner does not keep a stop out.
    monkeypatch.setattr(role_server, "ANSWER_S", 0.5)
    with owner_of(pool, tmp_path) as owner:
        owner.watch_armed = True
        done = metabonk("stop", "--yes", "--host", "localhost", *pool.options)
        assert done.returncode == 0, done.stderr
        assert "asking it for control" in done.stderr
        assert f"the memory watch of pid {os.getpid()}" in done.stderr
        assert not answers(pool.base_port)
        wait_for(lambda: owner.held)


def test_a_pool_that_is_only_looked_at_is_refused(metabonk: Metabonk, tmp_path: Path) -> None:
    (tmp_path / "look.toml").write_text('[pool]\nbackend = "none"\nbase_port = 2\n')
    done = metabonk("launch", "1", "--yes", "--config", "look.toml")
    assert done.returncode == 2
    assert 'pool.backend is "none"' in done.stderr


def test_a_launch_that_fails_is_1_and_shows_the_last_lines(metabonk: Metabonk, tmp_path: Path) -> None:
    (tmp_path / "fails.toml").write_text(
        f'[pool]\nbase_port = {free_port()}\norchestrator = ""\n[pool.launcher]\n'
        'launch = ["sh", "-c", "echo no GPU; exit 3"]\n'
        'stop = ["true"]\nstart_timeout_s = 5.0\n[memory]\nworker_gb = 0.001\nollama_gb = 0\nfloor_gb = 0.001\n'
    )
    done = metabonk("launch", "1", "--yes", "--config", "fails.toml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no GPU" in done.stderr


def test_read_only_and_acting_contradict_each_other(metabonk: Metabonk) -> None:
    assert metabonk("--read-only", "stop", "--yes").returncode == 64


def test_a_suspended_recorder_does_not_keep_a_stop_out(metabonk: Metabonk, home: dict[str, str], pool: Pool) -> None:
    command = [*PROGRAM, "record", "--memory-watch", *pool.options]
    quiet = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # A group of its own below this one: the kernel does not stop an orphaned group.
    recorder = subprocess.Popen(command, env=home, process_group=0, **quiet)  # type: ignore[call-overload]
    role = ControllerRole(role_name("127.0.0.1", pool.base_port), Path("/nowhere/lock"))
    try:
        wait_for(lambda: f"pid {recorder.pid} " in role.holder())
        # A whole recording, so that the stop follows it.
        wait_for(lambda: any((Path(home["METABONK_TUI_STATE_DIR"]) / "runs").glob("*.db")))
        os.kill(recorder.pid, signal.SIGTSTP)
        wait_for(lambda: not role.holder())
        os.kill(recorder.pid, signal.SIGSTOP)
        done = metabonk("stop", "--yes", *pool.options)
        assert done.returncode == 0, done.stderr
        assert not answers(pool.base_port)
    finally:
        recorder.kill()
        recorder.wait()


class UnreadPool:
    """An engine whose pool was never read."""

    own_pool = None
    fault = None

    def __init__(self, part: str) -> None:
        log = FaultLog(RunClock())
        log.note(part, RuntimeError("a bug"))
        self.snapshot = replace(last(coarse(for_s=60.0)), events=log.take_events())

    def latest(self) -> Snapshot:
        return self.snapshot

    def poll_now(self) -> None:
        """Poll nothing."""


def test_a_pool_that_cannot_be_read_is_said_at_once() -> None:
    monitor: Any = UnreadPool(POOL_PART)
    with pytest.raises(RuntimeError, match="the pool failed: RuntimeError; the log says where"):
        _first_snapshot(monitor, is_stop=True)


def test_a_fault_of_another_part_does_not_end_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metabonk_tui.cli.verbs.pool.FIRST_SNAPSHOT_S", 0.1)
    monitor: Any = UnreadPool("the kernel log")
    with pytest.raises(RuntimeError, match="was not seen within"):
        _first_snapshot(monitor, is_stop=True)
