"""`launch`, `resize`, `stop` on real processes: the plan first, then the question, then what was said is done."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from metabonk_tui.adapters.state import role_server
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.adapters.state.role_wire import role_name
from tests.cli.conftest import Metabonk, Pool, answers, demo
from tests.support.ports import free_port
from tests.support.waiting import wait_for


@pytest.fixture
def pool(home: dict[str, str]) -> Iterator[Pool]:
    """Run two workers."""
    with demo(home, "--scenario", "healthy", "--workers", "2", "--speed", "10") as running:
        yield running


def test_without_a_terminal_and_without_yes_the_plan_is_shown_and_nothing_is_done(
    metabonk: Metabonk, pool: Pool
) -> None:
    done = metabonk("resize", "3", *pool.options)
    assert (done.returncode, done.stdout) == (64, "")
    assert "--workers 3" in done.stderr
    assert "stops     w1 pid" in done.stderr
    assert "ALL 2 workers" in done.stderr
    assert "--yes" in done.stderr
    assert not answers(pool.base_port + 2)


def test_resize_and_stop_do_what_they_say(metabonk: Metabonk, pool: Pool) -> None:
    done = metabonk("resize", "3", "--yes", *pool.options)
    assert done.returncode == 0, done.stderr
    assert "workers answer: 3 of 3" in done.stderr
    assert all(answers(pool.base_port + slot) for slot in range(3))
    done = metabonk("stop", "--yes", *pool.options)
    assert done.returncode == 0, done.stderr
    assert not any(answers(pool.base_port + slot) for slot in range(3))
    done = metabonk("launch", "1", "--yes", *pool.options)
    assert done.returncode == 0, done.stderr
    assert answers(pool.base_port)
    assert not answers(pool.base_port + 1)


@pytest.mark.parametrize(("answer", "code"), [("n", 2), ("", 2), ("yes", 0)])
def test_on_a_terminal_it_asks_and_no_is_the_default(home: dict[str, str], pool: Pool, answer: str, code: int) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "metabonk_tui", "stop", *pool.options]
    process = subprocess.Popen(
        command, env=home, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
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
    assert process.returncode == code
    assert answers(pool.base_port) == (code != 0)


@pytest.fixture
def owner(pool: Pool, tmp_path: Path) -> Iterator[ControllerRole]:
    """Control the pool, as another monitor does."""
    role = ControllerRole(role_name("127.0.0.1", pool.base_port), tmp_path / "lock", "ask")
    assert role.try_acquire()
    yield role
    role.release()


def test_an_owner_that_acts_refuses_and_is_named(metabonk: Metabonk, pool: Pool, owner: ControllerRole) -> None:
    owner.set_busy(True)
    done = metabonk("stop", "--yes", *pool.options)
    assert done.returncode == 2, done.stderr
    assert f"pid {os.getpid()}" in done.stderr
    assert "an action on the pool is under way" in done.stderr
    assert answers(pool.base_port)


def test_an_idle_owner_does_not_keep_a_stop_out(
    metabonk: Metabonk, pool: Pool, owner: ControllerRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role_server, "ANSWER_S", 0.5)
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
