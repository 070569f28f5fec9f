"""Schedules the ticks on a grid that a late tick does not move. All times are real seconds."""

from __future__ import annotations

from metabonk_tui.core.config.schema import Config

FASTEST_S = 0.5
"""The shortest interval for a fast run clock, so that a busy machine can keep up."""


def interval_s(config: Config, workers: int, speed: float) -> float:
    """Return the real seconds between two ticks: as configured, else by the number of workers."""
    usual = config.observe.interval_s or (1.0 if workers <= 5 else 2.0 if workers <= 16 else 5.0)
    return usual if speed <= 1 else max(min(usual, FASTEST_S), usual / speed)


class TickSchedule:
    """Computes when ticks are due."""

    def __init__(self, now_s: float) -> None:
        """Let the first tick be due now."""
        self._due_s = now_s

    def begin(self, now_s: float, every_s: float) -> float:
        """Begin a tick; return how late it is in seconds. Missed ticks are skipped.

        A tick before its due time was requested: the next tick is due one interval later.
        """
        late_s = now_s - self._due_s
        if late_s < 0:
            self._due_s = now_s + every_s
            return 0.0
        self._due_s += (late_s // every_s + 1) * every_s
        return late_s

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the next tick; 0 if it is already late."""
        return max(0.0, self._due_s - now_s)
