"""Between the proof and the signal a process may end, become another program, or start others."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from metabonk_tui.adapters.pools.discover import PoolWatch
from metabonk_tui.adapters.pools.terminate import ProcessSet
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.model.pool import Stop, StopWorker
from tests.support.fake_pool import FakePool, do
from tests.support.refs import w
from tests.support.waiting import wait_for


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[FakePool]:
    fake = FakePool(tmp_path)
    yield fake
    fake.close()


def children_of(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def becomes_sleep(pool: FakePool, function: str) -> None:
    """Make the launcher or the worker another program at SIGUSR1."""
    script = pool.folder / "launch.py"
    code = "    import signal; signal.signal(signal.SIGUSR1, lambda *_: os.execvp('sleep', ['sleep', '600']))\n"
    script.write_text(script.read_text().replace(f"def {function}:\n", f"def {function}:\n{code}"))


async def test_a_launcher_of_a_person_that_became_a_shell_since_the_proof_is_left_alone(pool: FakePool) -> None:
    becomes_sleep(pool, "launch() -> int")
    hand = pool.launch_by_hand(1)
    wait_for(lambda: pool.open_ports(1))
    backend = pool.backend()
    plan = backend.plan(Stop(), await backend.read())
    worker, launcher = plan.hits
    assert launcher.pid == hand.pid
    known = ProcessSet(plan.hits, PoolWatch(backend._spec, None, Proc()))
    os.kill(hand.pid, signal.SIGUSR1)
    wait_for(lambda: Proc().arguments(hand.pid)[:1] == ("sleep",))
    [refused] = known.signal_all(signal.SIGTERM)
    assert f"launcher (pid {hand.pid}): left alone: it runs another program" in refused
    wait_for(lambda: Proc().stat(worker.pid) is None)
    assert Proc().stat(hand.pid) is not None


async def test_a_worker_that_forked_into_another_program_below_our_launcher_is_ended(pool: FakePool) -> None:
    becomes_sleep(pool, "worker() -> None")
    pool.launch_by_hand(1)
    wait_for(lambda: pool.open_ports(1))
    backend = pool.backend()
    plan = backend.plan(Stop(), await backend.read())
    known = ProcessSet(plan.hits, PoolWatch(backend._spec, None, Proc()))
    os.kill(plan.hits[0].pid, signal.SIGUSR1)
    wait_for(lambda: Proc().arguments(plan.hits[0].pid)[:1] == ("sleep",))
    assert known.signal_all(signal.SIGTERM) == ()
    wait_for(lambda: not known.living())


@pytest.mark.parametrize("by_launcher", [True, False])
async def test_a_stopped_worker_takes_along_what_it_started(pool: FakePool, by_launcher: bool) -> None:
    pool.habits("escapes")
    if by_launcher:
        hand = pool.launch_by_hand(1)
        wait_for(lambda: pool.open_ports(1))
        [worker] = children_of(hand.pid)
    else:
        argv = [sys.executable, f"{pool.folder}/launch.py", "worker", "--port", str(pool.base_port)]
        worker = pool.start_by_hand(argv).pid
        wait_for(lambda: pool.open_ports(1))
    [child] = wait_for(lambda: children_of(worker))
    stat = wait_for(lambda: Proc().stat(worker))
    plan, recorder, _ = await do(pool.backend("stop_grace_s = 1.0"), StopWorker(w(0), worker, stat.started_at))
    assert [hit.pid for hit in plan.hits] == [worker]
    assert recorder.last.ok, recorder.last
    assert Proc().stat(child) is None, "it held the memory of the GPU"


async def test_a_stopped_worker_leaves_a_service_that_it_started_for_all(pool: FakePool) -> None:
    script = pool.folder / "launch.py"
    start = "    import subprocess; subprocess.Popen(['sleep', '600'])\n"
    script.write_text(script.read_text().replace("def worker() -> None:\n", f"def worker() -> None:\n{start}"))
    hand = pool.launch_by_hand(1)
    wait_for(lambda: pool.open_ports(1))
    [worker] = children_of(hand.pid)
    [service] = children_of(worker)
    stat = wait_for(lambda: Proc().stat(worker))
    backend = pool.backend(ollama='[["sleep", "600"]]')
    _, recorder, _ = await do(backend, StopWorker(w(0), worker, stat.started_at))
    assert recorder.last.ok, recorder.last
    assert Proc().stat(service) is not None


async def test_a_shell_that_starts_the_launcher_again_lives_and_is_named(pool: FakePool) -> None:
    launch = f"{sys.executable} launch.py --workers 1 --base-port {pool.base_port}"
    shell = pool.start_by_hand(["sh", "-c", f"while :; do {launch}; done"])
    wait_for(lambda: pool.open_ports(1))
    _, recorder, _ = await do(pool.backend(), Stop())
    assert recorder.last.ok is False
    assert f"; sh (pid {shell.pid}) starts the launcher again: end that first" in recorder.last.message
    assert Proc().stat(shell.pid) is not None
