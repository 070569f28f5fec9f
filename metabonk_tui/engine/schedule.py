"""When to look: how often, and on a grid that lateness never moves. All in real seconds."""

from __future__ import annotations

from metabonk_tui.core.config.schema import Config

FASTEST_S = 0.5
"""A fast run clock is watched more often, but never so often that a busy machine cannot keep up."""


def interval_s(config: Config, workers: int, speed: float) -> float:
    """Return the real seconds between two ticks: as configured, else by the number of workers."""
    usual = config.observe.interval_s or (1.0 if workers <= 5 else 2.0 if workers <= 16 else 5.0)
    return usual if speed <= 1 else max(min(usual, FASTEST_S), usual / speed)


class TickSchedule:
    """The times at which ticks are due."""

    def __init__(self, now_s: float) -> None:
        """Let the first tick be due now."""
        self._due_s = now_s

    def begin(self, now_s: float, every_s: float) -> float:
        """Begin a tick; return how late it is. What was missed is not made up for.

        A tick that begins before it is due was asked for: the next one is due an interval later.
        """
        late_s = now_s - self._due_s
        if late_s < 0:
            self._due_s = now_s + every_s
            return 0.0
        self._due_s += (late_s // every_s + 1) * every_s
        return late_s

    def wait_s(self, now_s: float) -> float:
        """Return how long it is until the next tick is due; 0 when it is late already."""
        return max(0.0, self._due_s - now_s)
