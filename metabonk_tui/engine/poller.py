"""Reads one source in a thread every few seconds; no tick waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from metabonk_tui.engine.single_flight import FaultLog, SingleFlight

T = TypeVar("T")


class Poller(Generic[T]):
    """Reads one source at an interval; starts no second reading while one hangs."""

    def __init__(self, part: str, every_s: float, fault_log: FaultLog) -> None:
        """Prepare; `part` names the source in the fault log."""
        self.flight: SingleFlight[T] = SingleFlight(part, fault_log)
        self._every_s = every_s
        self._asked_s: float | None = None

    @property
    def is_due(self) -> bool:
        """Whether the interval since the last `ask` is over, or there was none."""
        now_s = asyncio.get_running_loop().time()
        return self._asked_s is None or now_s - self._asked_s >= self._every_s

    def take(self) -> T | None:
        """Return the reading finished since the last call; None: none, or it failed."""
        return self.flight.take(0.0)

    def ask(self, read: Callable[[], T]) -> None:
        """Read in a thread, unless a reading is under way; the next reading is due after the interval."""
        self._asked_s = asyncio.get_running_loop().time()
        self.flight.ask_in_thread(read)
