"""Follows one worker's step counter: its rate, its usual rate in this generation, jumps and falls."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.timeseries.median import median
from metabonk_tui.core.timeseries.window import Points

RATE_POINTS = Points(every_s=5.0, span_s=60.0)
MIN_BASELINE = 3
"""Earlier rates of a worker that are needed before a rate can count as a jump."""
MIN_DUE = 10.0
"""Steps usual in the window of the rate; below this number a fall may be chance."""


class StepTrack(Struct, frozen=True):
    """State of the step counter of one worker."""

    points: Points = RATE_POINTS
    baseline: tuple[float, ...] = ()
    """Earlier rates in this generation: at most one a minute, the last 30."""
    usual: float = 0.0
    """The median of `baseline`; 0.0: too few rates."""
    baseline_t: float | None = None
    ratio: float | None = None
    fell: float | None = None
    """Rate as a share of the usual rate, when it fell by the factor that counts as a jump; else None."""
    announced: float = 1.0
    """The ratio at the last event: the next one is due when it doubles."""

    @property
    def rate(self) -> float | None:
        """Steps per second over the last minute."""
        return self.points.rate()


NO_STEPS = StepTrack()


def observe_step(steps: StepTrack, step: float | None, t: float, config: Config) -> StepTrack:
    """Update the track with the step of one good status; None: the status had no step."""
    if step is None:
        return steps
    points, usual = steps.points.add(t, step), steps.usual
    rate = points.rate()
    if rate is None:
        return replace(steps, points=points)
    ratio = rate / usual if usual > 0 else None
    jumped = ratio is not None and ratio >= config.verdict.rate_jump
    # With few steps due in a window, a window without steps proves nothing.
    due = usual * RATE_POINTS.span_s >= MIN_DUE
    fell = due and ratio is not None and ratio <= 1 / config.verdict.rate_jump
    if jumped or fell or steps.ratio is not None or steps.fell is not None or steps.announced != 1.0:
        steps = replace(
            steps,
            points=points,
            fell=ratio if fell else None,
            ratio=ratio if jumped else None,
            announced=steps.announced if jumped else 1.0,
        )
    else:
        steps = replace(steps, points=points)
    if not jumped and (steps.baseline_t is None or t - steps.baseline_t >= 60.0):
        # A jump must not enter its own baseline: it would stop counting as a jump.
        baseline = (*steps.baseline, rate)[-30:]
        usual = median(baseline) if len(baseline) >= MIN_BASELINE else 0.0
        steps = replace(steps, baseline=baseline, baseline_t=t, usual=usual)
    return steps


def announce_rate(steps: StepTrack) -> StepTrack | None:
    """Return the track with its ratio announced when an event is due: at the jump, and at each doubling. Else None."""
    if steps.ratio is None or steps.ratio < 2 * steps.announced:
        return None
    return replace(steps, announced=steps.ratio)
