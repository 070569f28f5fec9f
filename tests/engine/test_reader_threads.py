"""Real threads: reads run one after the other, a read that hangs holds up no other one, and nothing is lost."""

from __future__ import annotations

import asyncio
import threading

import pytest

from metabonk_tui.core.ports.looks import GRID_S, WAITS_S, look_at_s
from metabonk_tui.engine import reader_threads as module
from metabonk_tui.engine.reader_threads import ReaderThreads, reader_threads

LIMIT_S = 60.0


async def test_reads_run_in_one_thread_in_their_order_and_each_gets_its_result() -> None:
    threads, seen = ReaderThreads(), []

    def read(number: int) -> int:
        seen.append((number, threading.get_ident()))
        return number * 2

    results = await asyncio.gather(*(threads.run(lambda number=number: read(number)) for number in range(20)))
    assert results == [number * 2 for number in range(20)]
    assert [number for number, _ in seen] == list(range(20))
    assert {ident for _, ident in seen} == {seen[0][1]}
    assert seen[0][1] != threading.get_ident()


async def test_what_a_read_raises_reaches_who_asked_and_the_next_read_runs() -> None:
    threads = ReaderThreads()
    failed, worked = threads.run(lambda: 1 // 0), threads.run(lambda: 7)
    with pytest.raises(ZeroDivisionError):
        await failed
    assert await worked == 7


@pytest.mark.parametrize("hung", [1, 3])
async def test_reads_that_hang_hold_up_no_other_one(hung: int) -> None:
    threads, release = ReaderThreads(), threading.Event()
    try:
        stuck = [threads.run(lambda: release.wait(LIMIT_S)) for _ in range(hung)]
        async with asyncio.timeout(LIMIT_S):
            assert await threads.run(lambda: 7) == 7
            # Also one that is asked for when no thread looks at those that hang any more.
            await asyncio.sleep(sum(WAITS_S) + len(WAITS_S) * GRID_S)
            assert await threads.run(lambda: 8) == 8
        assert not any(each.done() for each in stuck)
    finally:
        release.set()
    async with asyncio.timeout(LIMIT_S):
        assert await asyncio.gather(*stuck) == [True] * hung


async def test_a_read_longer_than_all_looks_wakes_the_loop_at_its_end() -> None:
    threads, release = ReaderThreads(), threading.Event()
    asked = threads.run(lambda: release.wait(LIMIT_S))
    await asyncio.sleep(sum(WAITS_S) + (len(WAITS_S) + 1) * GRID_S)
    release.set()
    async with asyncio.timeout(LIMIT_S):
        assert await asked


async def test_a_thread_that_had_nothing_to_read_ends_and_the_next_read_starts_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.01)
    threads = ReaderThreads()
    for number in range(20):
        assert await threads.run(lambda number=number: number) == number
        await asyncio.sleep(0.01)  # about as long as a thread waits: it ends before, after or while the read comes


async def test_a_cancelled_read_that_has_not_begun_never_runs() -> None:
    threads, release, ran = ReaderThreads(), threading.Event(), []
    first = threads.run(lambda: release.wait(LIMIT_S))
    asked = threads.run(lambda: ran.append(1))
    asked.cancel()
    release.set()
    await first
    await threads.run(lambda: None)
    assert ran == []


async def test_each_loop_has_its_own_threads() -> None:
    here = reader_threads()
    assert here is reader_threads()

    async def elsewhere() -> ReaderThreads:
        return reader_threads()

    assert await asyncio.to_thread(lambda: asyncio.run(elsewhere())) is not here


@pytest.mark.parametrize("now_s", [0.0, 0.0049999, 1234.5678, 1e6])
def test_looks_are_on_the_grid_and_leave_the_time_that_an_end_takes(now_s: float) -> None:
    for looks, wait_s in enumerate(WAITS_S):
        at_s = look_at_s(now_s, looks)
        assert at_s is not None
        assert wait_s < at_s - now_s + 1e-9 <= wait_s + GRID_S + 2e-9
        assert abs(at_s / GRID_S - round(at_s / GRID_S)) < 1e-3
    assert look_at_s(now_s, len(WAITS_S)) is None
