"""Provides the timing of a tick, for the tests of a single tracker, and a clock that a test moves."""

from metabonk_tui.core.model.timing import Timing


def timing(t: float, nominal_s: float = 1.0) -> Timing:
    """Return the timing of a tick that follows another one without a gap, after start-up."""
    return Timing(
        t=t,
        elapsed_s=nominal_s,
        gap=None,
        gap_s=3 * nominal_s,
        nominal_s=nominal_s,
        stale_s=3 * nominal_s,
        slack_s=5.0,
        late_s=30.0,
        starting=False,
        suspended=False,
    )


class StandingClock:
    """A monotonic clock that stands until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now
