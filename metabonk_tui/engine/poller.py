"""Reads something in a thread every few seconds, beside the ticks: no tick waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from metabonk_tui.engine.single_flight import FaultLog, SingleFlight

T = TypeVar("T")


class Poller(Generic[T]):
    """One thing that is read now and then; a reading that hangs is not asked for a second time."""

    def __init__(self, part: str, every_s: float, fault_log: FaultLog) -> None:
        """Prepare; `part` names it in the log of faults."""
        self.flight: SingleFlight[T] = SingleFlight(part, fault_log)
        self._every_s = every_s
        self._asked_s: float | None = None

    @property
    def is_due(self) -> bool:
        """Whether it was never asked for, or long enough ago."""
        now_s = asyncio.get_running_loop().time()
        return self._asked_s is None or now_s - self._asked_s >= self._every_s

    def take(self) -> T | None:
        """Take what was read since the last call; None: nothing, or reading failed."""
        return self.flight.take(0.0)

    def ask(self, read: Callable[[], T]) -> None:
        """Read in a thread, unless a reading is under way; the next one is due after the interval."""
        self._asked_s = asyncio.get_running_loop().time()
        self.flight.ask(lambda: asyncio.to_thread(read))
