"""Forecasts when memory ends: when a level reaches the floor and zero, each with a band.

Pure and without scale: bytes of a small cgroup and of a large host are judged alike. Does not: know more than
one series, or what a warning leads to.

The method won the measurements in `docs/decisions/`. It fits Theil-Sen with a 99 % interval to means of 5 s over
10 min, without sudden falls. A fast window catches a late fall, and a warning must last. The forecast never
looks further ahead than it has looked back.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, isfinite

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.memory import ForecastState
from metabonk_tui.core.timeseries.median import median
from metabonk_tui.core.timeseries.theil_sen import Point, Trend, cannot_fall, theil_sen, without_falls

BUCKET_S = 5.0
WINDOW_S = 600.0
LEARNING_S = 300.0
EVALUATE_S = 10.0
FAST_S = 150.0
FAST_WITHIN_S = 600.0
FAST_RATIO = 0.6
MAX_POINTS = 60
MIN_POINTS = 10
SPARSE_POINTS = 12
"""Points kept beyond the window where the source is slow."""
LOW_S = 60.0
LOWS_S = 3600.0
VALLEY_S = 120.0
MAX_VALLEY_S = 300.0
UNDERCUT = 0.25
LEVEL_POINTS = 12
LEVEL_S = 60.0
DEEP_S = 300.0
MIN_DEEP = 7
GAP_S = 330.0
"""A longer gap restarts learning; a warning that was raised stays until the data refute it."""
BACK_S = 30.0
"""A time further back than this is a clock that was reset; a smaller step is jitter."""
STEP_SHARE = 0.004
HOLD = 3
CLEAR_S = 300.0
CLEAR_RATIO = 1.5
SPENT_SHARE = 0.25
DOUBT = 0.15
"""Least half-width of the band, as a share: at 10 min left, lines erred by 8 % and more."""

DOUBT_LATE = 0.3
"""Doubt of the critical alarm. It is larger, so the alarm fires earlier: a kill cannot be undone."""


class Rules(Struct, frozen=True):
    """Seconds left below which a forecast warns, and below which it is critical."""

    warn_s: float = 1200.0
    critical_s: float = 300.0


RULES = Rules()


class ForecastLine(Struct, frozen=True):
    """Result of one evaluation: whether the level falls, and the seconds until floor and zero with their bands."""

    slope: float
    """Bytes per second."""
    falls: bool
    zero_s: float | None = None
    zero_lo_s: float | None = None
    zero_hi_s: float | None = None
    floor_s: float | None = None
    floor_lo_s: float | None = None
    floor_hi_s: float | None = None
    level: float | None = None
    fresh_low: bool = False
    """Whether the newest low undercuts the last hour. A sawtooth returns to its earlier level instead."""


NO_LINE = ForecastLine(0.0, falls=False)
RAISED: tuple[ForecastState, ...] = ("WARNING", "CRITICAL")


class ForecastTrack(Struct, frozen=True):
    """State of the forecast of one series."""

    points: tuple[Point, ...] = ()
    """Means over `BUCKET_S`, oldest first, for the last `WINDOW_S`."""
    bucket: tuple[int, float, float, int] | None = None
    """The bucket that fills: (index, sum of times, sum of values, count)."""
    lows: tuple[Point, ...] = ()
    """The lowest point of every minute of the last hour."""
    began_t: float | None = None
    """When learning began."""
    seen_t: float | None = None
    evaluated_t: float | None = None
    line: ForecastLine | None = None
    state: ForecastState = "LEARNING"
    since_t: float | None = None
    falling_since_t: float | None = None
    warned: int = 0
    """Consecutive evaluations that would warn."""
    alarmed: int = 0
    """Consecutive evaluations that would be critical."""
    raised_level: float | None = None
    """The level when the warning was raised, in bytes."""
    calm_t: float | None = None
    """Since when no evaluation would warn, with a margin of `CLEAR_RATIO`."""
    eased_t: float | None = None
    """Since when no evaluation would be critical, with the same margin."""


def reset(track: ForecastTrack, t: float) -> ForecastTrack:
    """Forget everything: the monitor changed the pool, the kernel killed a process, or a new run began."""
    return ForecastTrack(seen_t=t, since_t=t)


def suspend(track: ForecastTrack, t: float) -> ForecastTrack:
    """Stop learning during start-up, when memory always falls."""
    if track.state == "SUSPENDED":
        return replace(track, seen_t=t)
    return ForecastTrack(seen_t=t, state="SUSPENDED", since_t=t)


def observe(
    track: ForecastTrack,
    t: float,
    available_bytes: float | None,
    floor_bytes: float,
    total_bytes: float | None = None,
    rules: Rules = RULES,
) -> ForecastTrack:
    """Add one reading and evaluate every `EVALUATE_S`. None and non-finite numbers were not observed."""
    if available_bytes is None or not isfinite(available_bytes) or not isfinite(t):
        return track
    if track.seen_t is not None and not -BACK_S <= t - track.seen_t <= GAP_S:
        track = replace(track, points=(), bucket=None, lows=(), began_t=None, evaluated_t=None, line=None)
        if track.state not in RAISED:
            track = replace(track, state="LEARNING", since_t=t, falling_since_t=None)
        track = replace(track, seen_t=t, warned=0, alarmed=0, calm_t=None, eased_t=None)
    if track.state == "SUSPENDED":
        track = replace(track, state="LEARNING", since_t=t, began_t=None)
    t = t if track.seen_t is None else max(t, track.seen_t)
    if track.began_t is None:
        track = replace(track, began_t=t, evaluated_t=t)
    track = _gather(replace(track, seen_t=t), t, available_bytes)
    began_t, evaluated_t = track.began_t, track.evaluated_t
    if began_t is None or evaluated_t is None or t - evaluated_t < EVALUATE_S:
        return track
    track = replace(track, evaluated_t=t)
    if t - began_t < LEARNING_S or len(track.points) < MIN_POINTS:
        return track
    return _judge(replace(track, line=_fit_line(track, t, floor_bytes, total_bytes)), t, t - began_t, rules)


def _gather(track: ForecastTrack, t: float, value: float) -> ForecastTrack:
    """Add a reading to its bucket; the mean of a full bucket becomes a point."""
    index = int(t // BUCKET_S)
    bucket = track.bucket
    if bucket is None:
        return replace(track, bucket=(index, t, value, 1))
    if bucket[0] == index:
        return replace(track, bucket=(index, bucket[1] + t, bucket[2] + value, bucket[3] + 1))
    point = (bucket[1] / bucket[3], bucket[2] / bucket[3])
    # The points are in the order of time, so what is too old is at the begin.
    points, sparse, old = track.points, len(track.points) - SPARSE_POINTS, 0
    while old < len(points) and points[old][0] <= t - (LOWS_S if old > sparse else WINDOW_S):
        old += 1
    points = points[old:]
    lows = track.lows
    if lows and lows[-1][0] // LOW_S == point[0] // LOW_S:
        lows = (*lows[:-1], (lows[-1][0], min(lows[-1][1], point[1])))
    else:
        lows = (*(low for low in lows if low[0] > t - LOWS_S), point)
    return replace(track, points=(*points, point), lows=lows, bucket=(index, t, value, 1))


def _fit_line(track: ForecastTrack, t: float, floor: float, total: float | None) -> ForecastLine:
    """Fit the long, half, fast and low lines, and choose one of them."""
    points = track.points
    whole = total if total else max(value for _, value in points)
    lifted = without_falls(points, STEP_SHARE * whole)
    fit = theil_sen(_thinned(lifted))
    if fit is None:
        return ForecastLine(0.0, falls=False)
    level = _level(points, fit.slope if fit.falls else 0.0, t)
    half = theil_sen([p for p in lifted if p[0] > t - WINDOW_S / 2]) if fit.falls else None
    if half is not None and half.lo > fit.hi:
        fit = half
    lately = [p for p in lifted if p[0] > t - FAST_S]
    fast = None if cannot_fall(lately) else theil_sen(lately)
    if fast is not None and fast.falls:
        fast_s, slow_s = level / -fast.slope, level / -fit.slope if fit.falls else inf
        if fast_s < FAST_WITHIN_S and fast_s < FAST_RATIO * slow_s:
            fit = fast
    if not fit.falls:
        fit = _fit_lows(track.lows, t) or fit
    level = _level(points, fit.slope, t)
    if not fit.falls:
        return ForecastLine(fit.slope, falls=False, level=level)
    zero = _band(level, fit)
    fresh_low = _fresh_low(track.lows, t, fit.slope, zero[0])
    if level <= floor:
        return ForecastLine(fit.slope, True, *zero, level=level, fresh_low=fresh_low)
    return ForecastLine(fit.slope, True, *zero, *_band(level - floor, fit), level=level, fresh_low=fresh_low)


def _level(points: Sequence[Point], slope: float, t: float) -> float:
    """Return the current level: the median of the last minute, each point carried along the line."""
    lately = [value + slope * (t - at) for at, value in points[-LEVEL_POINTS:] if at > t - LEVEL_S]
    return max(0.0, median(lately or [points[-1][1]]))


def _fresh_low(lows: Sequence[Point], t: float, slope: float, zero_s: float) -> bool:
    """Return whether the newest low undercuts the last hour by `UNDERCUT` of the fall that the line claims."""
    valley_s = min(MAX_VALLEY_S, max(VALLEY_S, zero_s / 5))
    newest = [low for low_t, low in lows if low_t > t - valley_s]
    before = [low for low_t, low in lows if low_t <= t - valley_s]
    return bool(newest) and (not before or min(newest) < min(before) + UNDERCUT * slope * valley_s)


def _fit_lows(lows: Sequence[Point], t: float) -> Trend | None:
    """Fit the lowest points of the last hour: under a large sawtooth only they reveal a leak.

    Each of the last four must be lower than the one before it; otherwise the fall was a load that has ended.
    """
    deep: dict[int, Point] = {}
    for low_t, low in lows:
        index = int((t - low_t) // DEEP_S)
        if index not in deep or low < deep[index][1]:
            deep[index] = (low_t, low)
    points = [deep[index] for index in sorted(deep, reverse=True)]
    if len(points) < MIN_DEEP:
        return None
    fit = None if cannot_fall(points) else theil_sen(points)
    if fit is None or not fit.falls:
        return None
    goes_on = all(after[1] - before[1] < UNDERCUT * fit.slope * DEEP_S for before, after in pairwise(points[-4:]))
    return fit if goes_on else None


def _band(room: float, fit: Trend) -> tuple[float, float, float]:
    """Return the seconds until `room` bytes are used up on a falling line: middle, low, high."""
    room = max(room, 0.0)
    middle = room / -fit.slope
    return middle, min(room / -fit.lo, middle * (1 - DOUBT)), max(room / -fit.hi, middle * (1 + DOUBT))


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Average neighbours until at most `MAX_POINTS` are left: the work grows with their square."""
    size = -(-len(points) // MAX_POINTS)
    if size <= 1:
        return list(points)
    times, values = [t for t, _ in points], [value for _, value in points]
    places = [(max(0, end - size), end) for end in range(len(points), 0, -size)]
    return [
        (sum(times[begin:end]) / (end - begin), sum(values[begin:end]) / (end - begin))
        for begin, end in reversed(places)
    ]


def _judge(track: ForecastTrack, t: float, history_s: float, rules: Rules) -> ForecastTrack:
    """Raise a warning that lasted, clear one that stayed calm, and otherwise set the direction."""
    line = track.line if track.line is not None else NO_LINE
    raised = track.state in RAISED
    track = _rest(_count(track, line, history_s, rules), line, t, rules)
    state = _next_state(track, line, t)
    falling = state in RAISED or (line.falls and line.fresh_low)
    raised_level = track.raised_level if raised else line.level
    return replace(
        track,
        state=state,
        since_t=track.since_t if state == track.state else t,
        falling_since_t=_since(track.falling_since_t, falling, t),
        raised_level=raised_level if state in RAISED else None,
    )


def _count(track: ForecastTrack, line: ForecastLine, history_s: float, rules: Rules) -> ForecastTrack:
    """Count the consecutive evaluations that would warn, and those that would be critical."""
    zero_s = _zero_s(line)
    believed = line.fresh_low and zero_s <= history_s
    warns = believed and zero_s * (1 - DOUBT) < rules.warn_s
    # A raised warning needs no fresh low: a ripple must not interrupt the count.
    alarms = (believed or track.state in RAISED) and zero_s * (1 - DOUBT_LATE) < rules.critical_s
    return replace(track, warned=track.warned + 1 if warns else 0, alarmed=track.alarmed + 1 if alarms else 0)


def _rest(track: ForecastTrack, line: ForecastLine, t: float, rules: Rules) -> ForecastTrack:
    """Record since when no evaluation would warn or be critical, with a margin."""
    # Near zero, noise hides the fall: below a quarter of the raised level nothing counts as calm.
    least = SPENT_SHARE * (track.raised_level or 0.0)
    spent = track.state in RAISED and line.level is not None and line.level < least
    zero_s = _zero_s(line)
    calm = not spent and zero_s >= CLEAR_RATIO * rules.warn_s
    eased = not spent and zero_s >= CLEAR_RATIO * rules.critical_s
    return replace(track, calm_t=_since(track.calm_t, calm, t), eased_t=_since(track.eased_t, eased, t))


def _next_state(track: ForecastTrack, line: ForecastLine, t: float) -> ForecastState:
    rested = track.calm_t is not None and t - track.calm_t >= CLEAR_S
    eased = track.eased_t is not None and t - track.eased_t >= CLEAR_S
    if track.alarmed >= HOLD or (track.state == "CRITICAL" and not eased):
        return "CRITICAL"
    if track.warned >= HOLD or (track.state in RAISED and not rested):
        return "WARNING"
    return "FALLING" if line.falls and line.fresh_low else "STEADY"


def _zero_s(line: ForecastLine) -> float:
    return line.zero_s if line.zero_s is not None else inf


def _since(since_t: float | None, holds: bool, t: float) -> float | None:
    """Return since when a condition is true: `since_t`, or `t` when it is new; None when it is false."""
    if not holds:
        return None
    return t if since_t is None else since_t
