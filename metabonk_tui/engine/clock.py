"""The run's clock: real time, or X times faster from the moment it was made."""

from __future__ import annotations

import time
from collections.abc import Callable

from metabonk_tui.core.ports.live import ClockReading


def _elapsed_s() -> float:
    """Count seconds that also pass while the machine sleeps, so that a suspend is seen as a gap."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class RunClock:
    """Real time times `speed` since its anchor; steps of the wall clock do not move it."""

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
        """One moment: as real time, on the run's clock, in seconds since the machine started."""

    def now(self) -> float:
        """Read it: Unix seconds of the run."""
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
        """Say how it goes, so that another monitor of the run can go on with it."""
        _, anchor_t, anchor_s = self._anchor
        return ClockReading(anchor_s, anchor_t, self.speed)

    def continue_from(self, reading: ClockReading) -> None:
        """Go on as a clock of this boot went that was read so; from here on at our own speed."""
        elapsed_s = self._elapsed()
        t = reading.t + (elapsed_s - reading.elapsed_s) * reading.speed
        self._anchor = (self._real(), t, elapsed_s)
