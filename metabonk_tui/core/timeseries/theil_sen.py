"""Fits a line through noisy points: Theil-Sen slope with a 99 % interval. Takes sudden falls out of a series.

Does not: know what the points measure, or what a line leads to.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

from msgspec import Struct

from metabonk_tui.core.timeseries.median import median

Point = tuple[float, float]
"""(time in seconds, value); a sequence of points has ascending times."""

Z_99 = 2.576
MAX_INFLATION = 2.0


class Trend(Struct, frozen=True):
    """Median slope over all pairs of points, in units per second, with its 99 % interval."""

    slope: float
    lo: float
    hi: float

    @property
    def falls(self) -> bool:
        """Whether the whole interval lies below zero."""
        return self.hi < 0


def theil_sen(points: Sequence[Point]) -> Trend | None:
    """Fit a line that up to 29 % of outliers cannot bend; None below five points or without a time span.

    The interval is Kendall's rank interval (Sen 1968). Autocorrelated residuals widen it: a slow wander contains
    fewer independent points than it has points.
    """
    n = len(points)
    if n < 5 or points[-1][0] <= points[0][0]:
        return None
    slopes = _sorted_slopes(points)
    pairs = len(slopes)
    # The slopes are sorted; `median` would sort them again.
    slope = (slopes[(pairs - 1) // 2] + slopes[pairs // 2]) / 2
    half_width = Z_99 * sqrt(n * (n - 1) * (2 * n + 5) / 18) * _inflation(points, slope)
    low = max(0, int((pairs - half_width) / 2))
    high = min(pairs - 1, int((pairs + half_width) / 2) + 1)
    return Trend(slope, slopes[low], slopes[high])


def cannot_fall(points: Sequence[Point]) -> bool:
    """Return whether the Trend of the points certainly does not fall, at a tenth of its cost; False: it may.

    The interval lies below zero only where more pairs fall than its upper end has below it. Autocorrelation, which is
    not computed here, only moves that end up.
    """
    n = len(points)
    if n < 5 or not all([before[0] < after[0] for before, after in pairwise(points)]):
        return n < 5
    pairs = n * (n - 1) // 2
    half_width = Z_99 * sqrt(n * (n - 1) * (2 * n + 5) / 18)
    falling = 0
    sorted_values: list[float] = []
    for _, value in points:
        falling += len(sorted_values) - bisect_right(sorted_values, value)
        insort(sorted_values, value)
    return falling <= min(pairs - 1, int((pairs + half_width) / 2) + 1)


LEAST_KEPT = 20
"""Points below which the slopes of a line are not kept: those of so few are computed as quickly."""
KEPT_LINES = 8
"""Lines whose slopes are kept: two for each of four series."""
MOST_GONE = 4
"""First points that a window may have lost since its last line; with more, all slopes are computed."""


class _FittedLine(Struct, frozen=True):
    """The points of a line, and the slopes of all their pairs."""

    points: tuple[Point, ...]
    slopes: list[float]
    """In ascending order; never changed."""


_lines: list[_FittedLine] = []
"""The newest lines, the newest first: most points of a window are those of the same window 10 s before."""


def _sorted_slopes(points: Sequence[Point]) -> list[float]:
    """Return the slope of every pair of points with different times, in ascending order; not to be changed."""
    if len(points) < LEAST_KEPT or not all([before[0] < after[0] for before, after in pairwise(points)]):
        return sorted(
            [
                (value - earlier) / (t - earlier_t)
                for i, (t, value) in enumerate(points)
                for earlier_t, earlier in points[:i]
                if t > earlier_t
            ]
        )
    before = next((line for line in _lines if points[0] in line.points[:MOST_GONE]), None)
    slopes = None if before is None else _moved_on(before, points)
    if slopes is None:
        slopes = sorted(_slopes_to(points, 0))
    kept = [line for line in _lines if line is not before]
    _lines[:] = [_FittedLine(tuple(points), slopes), *kept[: KEPT_LINES - 1]]
    return slopes


def _slopes_to(points: Sequence[Point], first: int) -> list[float]:
    """Return the slopes of all pairs whose later point is the one at `first` or after it."""
    return [
        (value - earlier) / (t - earlier_t)
        for i, (t, value) in enumerate(points[first:], first)
        for earlier_t, earlier in points[:i]
    ]


def _moved_on(line: _FittedLine, points: Sequence[Point]) -> list[float] | None:
    """Return the slopes of points that begin with the last points of a line; None: they do not."""
    gone = line.points.index(points[0])
    shared = len(line.points) - gone
    if shared < LEAST_KEPT or tuple(points[:shared]) != line.points[gone:]:
        return None
    lost = sorted(
        [
            (value - earlier) / (t - earlier_t)
            for i, (earlier_t, earlier) in enumerate(line.points[:gone], 1)
            for t, value in line.points[i:]
        ]
    )
    # What lies between the lost ones is copied: to delete 59 of 1770 one by one moves all that follow each time.
    before, slopes, begin = line.slopes, [], 0
    for slope in lost:
        place = bisect_left(before, slope, begin)
        if place == len(before) or before[place] != slope:
            return None  # numbers that have no order
        slopes += before[begin:place]
        begin = place + 1
    slopes += before[begin:]
    slopes += _slopes_to(points, shared)
    slopes.sort()
    return slopes


def _inflation(points: Sequence[Point], slope: float) -> float:
    """Return the factor that widens the interval for autocorrelated residuals: 1 to `MAX_INFLATION`."""
    residuals = [value - slope * t for t, value in points]
    middle = sum(residuals) / len(residuals)
    residuals = [residual - middle for residual in residuals]
    power = sum([residual * residual for residual in residuals])
    if power <= 0:
        return 1.0
    autocorrelation = max(0.0, sum([a * b for a, b in pairwise(residuals)]) / power)
    return (
        min(MAX_INFLATION, sqrt((1 + autocorrelation) / (1 - autocorrelation)))
        if autocorrelation < 1
        else MAX_INFLATION
    )


MANY_FALLS = 4
"""More sudden falls than this in one window are a leak in steps, not loads."""


MAX_FALL_S = 75.0
"""Seconds; a fall that lasts longer is not a load."""


def _short(falls: list[bool], points: Sequence[Point]) -> list[bool]:
    """Keep only the falls that end within `MAX_FALL_S`."""
    kept = list(falls)
    start = 0
    for end in range(1, len(falls) + 1):
        if end == len(falls) or falls[end] != falls[start]:
            if falls[start] and points[end][0] - points[start][0] > MAX_FALL_S:
                kept[start:end] = [False] * (end - start)
            start = end
    return kept


def without_falls(points: Sequence[Point], min_fall: float) -> list[Point]:
    """Take sudden falls out by raising every later point. Sudden rises stay in.

    A fall is sudden when it exceeds both `min_fall` and six median deviations of the steps between points.
    Removing rises as well would turn every sawtooth into a leak.
    """
    steps = [after[1] - before[1] for before, after in pairwise(points)]
    if not steps:
        return list(points)
    usual = median(steps)
    spread = median([abs(step - usual) for step in steps])
    limit = max(min_fall, 6 * spread)
    falls = [usual - step > limit for step in steps]
    if not any(falls):
        return list(points)
    falls = _short(falls, points)
    if sum(now and not before for before, now in pairwise([False, *falls])) > MANY_FALLS:
        return list(points)
    lifted, lifted_points = 0.0, [points[0]]
    for (t, value), step, fall in zip(points[1:], steps, falls, strict=True):
        if fall:
            lifted += usual - step
        lifted_points.append((t, value + lifted))
    return lifted_points
