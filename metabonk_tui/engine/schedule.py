"""Schedules the ticks on a grid that a late tick does not move. All times are real seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from metabonk_tui.core.config.schema import Config

T = TypeVar("T")

FASTEST_S = 0.5
"""The shortest interval for a fast run clock, so that a busy machine can keep up."""

BURST = 64
"""The most polls that begin at once; so many cost about 5 ms, in which the screen cannot take a key."""
BURST_EVERY_S = 0.02
SPREAD_SHARE = 0.3
"""The share of an interval in which all polls begin. Each burst costs a wake-up, so few workers have one."""


def spread_s(every_s: float, left_s: float) -> float:
    """Return the seconds in which the polls of a tick begin: at most half of what is left to wait for answers."""
    return max(0.0, min(every_s * SPREAD_SHARE, left_s / 2))


def bursts(due: Sequence[T], within_s: float) -> list[Sequence[T]]:
    """Divide the polls of one tick into bursts, which begin `BURST_EVERY_S` apart."""
    most = max(1, int(within_s / BURST_EVERY_S))
    size = max(BURST, -(-len(due) // most))
    return [due[at : at + size] for at in range(0, len(due), size)]


def interval_s(config: Config, workers: int, speed: float) -> float:
    """Return the real seconds between two ticks: as configured, else by the number of workers."""
    usual = config.observe.interval_s or (1.0 if workers <= 5 else 2.0 if workers <= 16 else 5.0)
    return usual if speed <= 1 else max(min(usual, FASTEST_S), usual / speed)


async def is_set_within(event: asyncio.Event, limit_s: float) -> bool:
    """Wait for an event, which asks for a tick before it is due; False: the time is over."""
    try:
        async with asyncio.timeout(limit_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


class TickSchedule:
    """Computes when ticks are due."""

    def __init__(self, now_s: float) -> None:
        """Let the first tick be due now."""
        self._due_s = now_s
        self.waited_s: float | None = None
        """The interval before the newest tick, where the operator chose it; None: as configured."""
        self._chosen_s: float | None = None

    def begin(self, now_s: float, every_s: float, chosen_s: float = 0.0, *, is_watched: bool = False) -> float:
        """Begin a tick; return how late it is in seconds. Missed ticks are skipped.

        A tick before its due time was requested: the next tick is due one interval later. `chosen_s`: the interval
        that the operator chose, 0: none. `is_watched`: the memory watch is armed, so a longer interval does not count.
        """
        self.waited_s = self._chosen_s
        self._chosen_s = chosen_s if chosen_s and not (is_watched and chosen_s > every_s) else None
        every_s = self._chosen_s or every_s
        late_s = now_s - self._due_s
        if late_s < 0:
            self._due_s = now_s + every_s
            return 0.0
        self._due_s += (late_s // every_s + 1) * every_s
        return late_s

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the next tick; 0 if it is already late."""
        return max(0.0, self._due_s - now_s)
