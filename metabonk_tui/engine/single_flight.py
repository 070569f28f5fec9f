"""Runs one slow read at a time; its result counts in the tick in which it arrives.

Measures how long a read takes. Does not: look into the result.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.ports.shortage import is_own_shortage
from metabonk_tui.engine.reader_threads import reader_threads

LOG = logging.getLogger(__name__)
T = TypeVar("T")


class FaultLog:
    """Logs the bugs of the parts of the monitor; the first bug of each part also becomes an event."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: set[tuple[str, str]] = set()
        self._emitted_parts: set[str] = set()
        self._shortages: set[int | None] = set()
        self._events: list[Event] = []

    def note(self, part: str, error: Exception) -> None:
        """Log an error once with its traceback (at most 100 errors), and emit the part's first error."""
        message = f"{type(error).__name__}: {error}"
        if (part, message) not in self._known and len(self._known) < 100:
            self._known.add((part, message))
            LOG.error("%s failed", part, exc_info=error)
        if isinstance(error, OSError) and is_own_shortage(error):
            self._note_shortage(error)
        elif part not in self._emitted_parts:
            self._emitted_parts.add(part)
            text = f"{part} failed: {type(error).__name__}; the log says where"
            self._events.append(Event(self._clock.now(), EventKind.MONITOR_ERROR, "warn", text, facts={"part": part}))

    def _note_shortage(self, error: OSError) -> None:
        """Emit once that no descriptor is free: with 40 workers it fails 40 parts, and none of them has a fault."""
        if error.errno not in self._shortages:
            self._shortages.add(error.errno)
            whose = f"the monitor has no file descriptor left (limit {resource.getrlimit(resource.RLIMIT_NOFILE)[0]})"
            text = whose if error.errno == errno.EMFILE else "the machine has no file descriptor left"
            text += "; what it could not poll is unknown, not down: raise `ulimit -n`"
            self._events.append(Event(self._clock.now(), EventKind.MONITOR_ERROR, "warn", text))

    def report_fault(self, message: str) -> None:
        """Log and emit a fault from outside the loop. The caller must report each fault only once."""
        LOG.error("%s", message)
        self._events.append(Event(self._clock.now(), EventKind.MONITOR_ERROR, "warn", message))

    def take_events(self) -> tuple[Event, ...]:
        """Return the events since the last call."""
        events = tuple(self._events)
        self._events.clear()
        return events


class SingleFlight(Generic[T]):
    """A read that every tick may start, but that never runs twice at a time.

    A read that delayed a tick is slow: ticks do not wait for it until it has answered within the limit again.
    So a hung worker delays one tick, not all of them.
    """

    def __init__(self, part: str, fault_log: FaultLog) -> None:
        self._part = part
        self._fault_log = fault_log
        self._task: asyncio.Future[T] | None = None
        self._asked_s = 0.0
        self._took_s = 0.0
        self.awaited: Awaited | None = None
        """Where the end of the read is counted; None: no tick waits for it."""
        self.slow = False
        """Whether the read delayed a tick and has not answered within the limit since."""

    def ask(self, read: Callable[[], Awaitable[T]]) -> None:
        """Start the read, unless the last one is still under way."""
        if self._task is None:
            self._asked_s = _now_s()
            self._task = asyncio.ensure_future(read())
            self._task.add_done_callback(self._answered)

    def ask_in_thread(self, read: Callable[[], T]) -> None:
        """Start a read that blocks in a thread, unless the last one is still under way."""
        if self._task is None:
            self._asked_s = _now_s()
            self._task = reader_threads().run(read)
            self._task.add_done_callback(self._answered)

    def take(self, wait_limit_s: float) -> T | None:
        """Return the result; None: still under way, cancelled or failed. Failures go to the fault log."""
        if self._task is None:
            return None
        if not self._task.done():
            self.slow = True
            return None
        task, self._task = self._task, None
        self.slow = self._took_s > wait_limit_s
        if task.cancelled():
            return None
        error = task.exception()
        if error is None:
            return task.result()
        if not isinstance(error, Exception):
            raise error
        self._fault_log.note(self._part, error)
        return None

    @property
    def waiting_s(self) -> float:
        """Seconds since the current read began; 0 if none is under way."""
        return 0.0 if self._task is None else _now_s() - self._asked_s

    @property
    def task(self) -> asyncio.Future[T] | None:
        """The read under way; None: none."""
        return self._task

    def _answered(self, _: asyncio.Future[T]) -> None:
        self._took_s = _now_s() - self._asked_s
        if self.awaited is not None:
            self.awaited.count()
            self.awaited = None


class Awaited:
    """Counts down to the end of several reads.

    `asyncio.wait` adds a callback to each of them and removes it again, which costs 4 us.
    """

    def __init__(self, flights: Iterable[SingleFlight[Any]]) -> None:
        self._left = 0
        self._ended = asyncio.get_running_loop().create_future()
        for flight in flights:
            flight.awaited = self
            self._left += 1

    def count(self) -> None:
        """Note the end of one more read."""
        self._left -= 1
        if self._left == 0:
            self.end()

    def end(self) -> None:
        """Wait for no more reads."""
        if not self._ended.done():
            self._ended.set_result(None)

    async def wait(self, until_s: float) -> None:
        """Wait for all reads, at most until `until_s` on the loop's clock."""
        timer = asyncio.get_running_loop().call_at(until_s, self.end)
        try:
            await self._ended
        finally:
            timer.cancel()


async def wait_for(flights: Iterable[SingleFlight[Any]], until_s: float) -> None:
    """Wait for the reads that are not slow, at most until `until_s` on the loop's clock."""
    running = [flight for flight in flights if not flight.slow and flight.task is not None and not flight.task.done()]
    if running:
        # Even with no time left, finished reads are collected.
        await Awaited(running).wait(until_s)
    else:
        await asyncio.sleep(0)  # lets every read that has just ended note how long it took


async def cancel_all(flights: Iterable[SingleFlight[Any]]) -> None:
    """Cancel every read under way and wait until it has ended."""
    tasks = [flight.task for flight in flights if flight.task is not None]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
