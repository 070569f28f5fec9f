"""Asking without being held up: an answer that takes longer than a tick counts at a later one.

Knows how long answers take, refuses to know what they say.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Generic, TypeVar

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.ports.live import Clock

LOG = logging.getLogger(__name__)
T = TypeVar("T")


class FaultLog:
    """Bugs of the parts that we ask. Each costs its own part only; each part's first one becomes an event."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: set[tuple[str, str]] = set()
        self._emitted_parts: set[str] = set()
        self._events: list[Event] = []

    def note(self, part: str, error: Exception) -> None:
        """Log an error once with its traceback, and tell the first one of the part."""
        message = f"{type(error).__name__}: {error}"
        if (part, message) not in self._known and len(self._known) < 100:
            self._known.add((part, message))
            LOG.error("%s failed", part, exc_info=error)
        if part not in self._emitted_parts:
            self._emitted_parts.add(part)
            text = f"{part} failed: {type(error).__name__}; the log says where"
            self._events.append(Event(self._clock.now(), EventKind.MONITOR_ERROR, "warn", text))

    def report_fault(self, message: str) -> None:
        """Tell what went wrong outside of the loop; whoever says it says it once."""
        LOG.error("%s", message)
        self._events.append(Event(self._clock.now(), EventKind.MONITOR_ERROR, "warn", message))

    def take_events(self) -> tuple[Event, ...]:
        """Hand over what has not been told yet."""
        events = tuple(self._events)
        self._events.clear()
        return events


class SingleFlight(Generic[T]):
    """Something asked at every tick, but never twice at a time.

    Who kept a tick waiting is not waited for again until it has answered quickly, so that one hung worker delays
    one tick and not all of them.
    """

    def __init__(self, part: str, fault_log: FaultLog) -> None:
        self._part = part
        self._fault_log = fault_log
        self._task: asyncio.Task[T] | None = None
        self._asked_s = 0.0
        self._took_s = 0.0
        self.slow = False
        """It kept a tick waiting, and has not answered quickly since."""

    def ask(self, read: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Ask now, unless the last answer is still to come."""
        if self._task is None:
            self._asked_s = _now_s()
            self._task = asyncio.create_task(read())
            self._task.add_done_callback(self._answered)

    def take(self, wait_limit_s: float) -> T | None:
        """Take the answer; None while it is still to come, or when asking failed."""
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
        """How long the answer has been outstanding; 0 when none is."""
        return 0.0 if self._task is None else _now_s() - self._asked_s

    @property
    def task(self) -> asyncio.Task[T] | None:
        """What is under way."""
        return self._task

    def _answered(self, _: asyncio.Task[T]) -> None:
        self._took_s = _now_s() - self._asked_s


async def wait_for(flights: Iterable[SingleFlight[Any]], until_s: float) -> None:
    """Wait for the answers of those that are not known to be slow, at most until this time of the loop."""
    tasks = [flight.task for flight in flights if flight.task is not None and not flight.slow]
    if tasks:
        # Even when time is up, what is already there is taken.
        await asyncio.wait(tasks, timeout=max(0.0, until_s - _now_s()))


async def cancel_all(flights: Iterable[SingleFlight[Any]]) -> None:
    """Cancel what is under way and wait until it has ended."""
    tasks = [flight.task for flight in flights if flight.task is not None]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
