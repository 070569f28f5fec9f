"""It reads now and then, in a thread, and a reading that hangs is not asked for again."""

from __future__ import annotations

import asyncio
import threading

import pytest

from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.poller import Poller
from metabonk_tui.engine.single_flight import FaultLog


def test_it_is_due_at_first_and_again_after_its_interval() -> None:
    async def run() -> None:
        poller: Poller[int] = Poller("a part", 0.05, FaultLog(RunClock()))
        assert poller.is_due
        assert poller.take() is None
        poller.ask(lambda: 7)
        assert not poller.is_due
        await asyncio.sleep(0.1)
        assert poller.is_due
        assert [poller.take(), poller.take()] == [7, None]

    asyncio.run(run())


def test_a_reading_that_hangs_is_not_asked_for_twice() -> None:
    async def run() -> None:
        go_on, calls = threading.Event(), []
        poller: Poller[int] = Poller("a part", 0.0, FaultLog(RunClock()))

        def hangs() -> int:
            calls.append(1)
            go_on.wait(5)
            return len(calls)

        for _ in range(3):
            poller.ask(hangs)
            await asyncio.sleep(0.01)
            assert poller.take() is None
        go_on.set()
        await asyncio.gather(*(task for task in (poller.flight.task,) if task is not None))
        assert poller.take() == 1

    asyncio.run(run())


def test_what_raises_costs_that_reading_and_is_noted() -> None:
    async def run() -> None:
        fault_log = FaultLog(RunClock())
        poller: Poller[int] = Poller("a part", 0.0, fault_log)
        poller.ask(lambda: 1 // 0)
        await asyncio.sleep(0.05)
        assert poller.take() is None
        assert [event.text for event in fault_log.take_events()] == [
            "a part failed: ZeroDivisionError; the log says where"
        ]

    asyncio.run(run())


def test_without_a_thread_the_reading_fails_and_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        fault_log = FaultLog(RunClock())
        poller: Poller[int] = Poller("a part", 0.0, fault_log)

        def refuse(*_: object) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            poller.ask(lambda: 7)
            assert poller.take() is None
        assert [event.text for event in fault_log.take_events()] == ["a part failed: RuntimeError; the log says where"]
        poller.ask(lambda: 7)
        await asyncio.gather(*(task for task in (poller.flight.task,) if task is not None))
        assert poller.take() == 7

    asyncio.run(run())
