"""The run's clock: real time, or X times faster from the moment it was made."""

from __future__ import annotations

import time
from collections.abc import Callable


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
        self._elapsed = elapsed
        self._anchor_t = real()
        self._anchor_s = elapsed()

    def now(self) -> float:
        """Read it: Unix seconds of the run."""
        return self._anchor_t + (self._elapsed() - self._anchor_s) * self.speed

    def at(self, real_t: float) -> float:
        """Translate a real Unix time to the run's clock."""
        return self._anchor_t + (real_t - self._anchor_t) * self.speed

    def real(self, t: float) -> float:
        """Translate a time of the run back to a real Unix time."""
        return self._anchor_t + (t - self._anchor_t) / self.speed
