"""Keeps the run's clock: real time, or `speed` times faster since the clock was made."""

from __future__ import annotations

import time
from collections.abc import Callable

from metabonk_tui.core.ports.live import ClockReading


def _elapsed_s() -> float:
    """Return seconds since boot, sleep included, so that a suspend shows as a gap."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class RunClock:
    """Runs at `speed` times real time since its anchor. Changes of the wall clock do not move it."""

    def __init__(
        self,
        speed: float = 1.0,
        real: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = _elapsed_s,
    ) -> None:
        """Anchor the clock at this moment."""
        self.speed = speed
        self._real = real
        self._elapsed = elapsed
        real_t = real()
        self._anchor = (real_t, real_t, elapsed())
        """The same moment three times: real Unix time, run time, seconds since boot."""

    def now(self) -> float:
        """Return Unix seconds on the run's clock."""
        _, anchor_t, anchor_s = self._anchor
        return anchor_t + (self._elapsed() - anchor_s) * self.speed

    def at(self, real_t: float) -> float:
        """Translate a real Unix time to the run's clock."""
        anchor_real_t, anchor_t, _ = self._anchor
        return anchor_t + (real_t - anchor_real_t) * self.speed

    def real(self, t: float) -> float:
        """Translate a time of the run back to a real Unix time."""
        anchor_real_t, anchor_t, _ = self._anchor
        return anchor_real_t + (t - anchor_t) / self.speed

    def reading(self) -> ClockReading:
        """Return this clock's anchor and speed, so that another monitor of the run can continue it."""
        _, anchor_t, anchor_s = self._anchor
        return ClockReading(anchor_s, anchor_t, self.speed)

    def continue_from(self, reading: ClockReading) -> None:
        """Take over the time of another clock of this boot; from now on at this clock's own speed."""
        elapsed_s = self._elapsed()
        t = reading.t + (elapsed_s - reading.elapsed_s) * reading.speed
        self._anchor = (self._real(), t, elapsed_s)
