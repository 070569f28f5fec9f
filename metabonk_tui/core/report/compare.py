"""Two runs beside each other at the same elapsed time, and the first thing in which they part. Pure.

Knows Digests; refuses to know where they come from and how they are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from metabonk_tui.core.report.compare_metrics import Metric, MetricValue, metrics
from metabonk_tui.core.report.timeline import RunTimeline, TimelinePoint

MINUTE_S = 60.0
EARLY_MARKS_S = tuple(MINUTE_S * minutes for minutes in (5, 10, 15, 20, 25, 30))
HOUR_S = 3600.0

Pair = tuple[MetricValue | None, MetricValue | None]
"""A metric in the first and in the second run. None: not recorded."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """From when on one metric differs, materially and for good or for long."""

    metric: Metric
    at_s: float
    """The first time that both were seen and it differed, in seconds after the start of either run."""
    a: MetricValue
    b: MetricValue


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonLine:
    """One metric at every mark."""

    metric: Metric
    pairs: tuple[Pair, ...]
    """As many as there are marks."""
    divergence: Divergence | None
    compared: bool
    """Was it ever seen in both at the same elapsed time?"""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """All that was found."""

    a: RunTimeline
    b: RunTimeline
    common_s: float
    """So long both go: the length of the shorter one."""
    marks_s: tuple[float, ...]
    """The elapsed times at which the lines say what was; the last ones are the ends of the two."""
    lines: tuple[ComparisonLine, ...]
    divergences: tuple[Divergence, ...]
    """By the minute in which they begin; in the same minute, what explains most stands first."""

    @property
    def first(self) -> Divergence | None:
        """The first divergence; None: there is none."""
        return self.divergences[0] if self.divergences else None

    @property
    def comparable(self) -> bool:
        """Is there anything that both recorded at the same elapsed time?"""
        return any(line.compared for line in self.lines)

    def series(self, metric: Metric, points: int) -> tuple[Pair, ...]:
        """Read one metric at so many elapsed times, evenly spread over what both have."""
        times = [self.common_s * (number + 1) / points for number in range(points)]
        point_pairs = [(self.a.at(at_s), self.b.at(at_s)) for at_s in times]
        return tuple((metric.read(a) if a else None, metric.read(b) if b else None) for a, b in point_pairs)


def compare(a: RunTimeline, b: RunTimeline) -> Comparison:
    """Lay two runs side by side."""
    chosen = metrics(a, b)
    common_s = min(a.duration_s, b.duration_s)
    marks = marks_s(a.duration_s, b.duration_s)
    at_marks = [_pairs(chosen, a.at(at_s), b.at(at_s)) for at_s in marks]
    seen = [(at_s, _pairs(chosen, a.at(at_s), b.at(at_s))) for at_s in _times(a, b, common_s)]
    lines = []
    for metric in chosen:
        pairs_seen = [
            (at_s, x, y) for at_s, pairs in seen for x, y in [pairs[metric.id]] if x is not None and y is not None
        ]
        lines.append(
            ComparisonLine(
                metric,
                tuple(pairs[metric.id] for pairs in at_marks),
                _find_divergence(metric, pairs_seen),
                bool(pairs_seen),
            )
        )
    order = {metric.id: place for place, metric in enumerate(chosen)}
    found = sorted(
        (line.divergence for line in lines if line.divergence is not None),
        key=lambda item: (item.at_s // MINUTE_S, item.metric.rank, order[item.metric.id]),
    )
    return Comparison(a, b, common_s, marks, tuple(lines), tuple(found))


def marks_s(first_s: float, second_s: float) -> tuple[float, ...]:
    """Choose the elapsed times for two lengths: every 5 minutes of validation, hours that double, both ends."""
    shorter, longer = sorted((first_s, second_s))
    marks = [at_s for at_s in EARLY_MARKS_S if at_s < shorter]
    hour_s = HOUR_S
    while hour_s < shorter:
        marks.append(hour_s)
        hour_s *= 2
    return (*marks, shorter, *((longer,) if longer > shorter else ()))


def _pairs(chosen: tuple[Metric, ...], a: TimelinePoint | None, b: TimelinePoint | None) -> Mapping[str, Pair]:
    return {
        metric.id: (metric.read(a) if a is not None else None, metric.read(b) if b is not None else None)
        for metric in chosen
    }


def _times(a: RunTimeline, b: RunTimeline, common_s: float) -> tuple[float, ...]:
    """List when to look: at the moments of the run that was sampled more rarely.

    Anything in between would lay what was against what is: a difference of two rhythms, not of two runs.
    """
    rarer = [tuple(one.at_s for one in run.points if one.at_s <= common_s) for run in (a, b)]
    rhythms = [max(run.spacing_s, run.last.run.interval_s) for run in (a, b)]
    # Any order will do where both are alike, as long as it is the same when they change places.
    return max(zip(rhythms, (-len(times) for times in rarer), rarer, strict=True))[2]


def _find_divergence(metric: Metric, pairs_seen: list[tuple[float, MetricValue, MetricValue]]) -> Divergence | None:
    """Find the first difference that lasts: for the metric's time, or, of words and shares, to the end."""
    began: tuple[float, MetricValue, MetricValue] | None = None
    last_s, times = 0.0, 0
    for at_s, x, y in pairs_seen:
        if not metric.differs(x, y):
            began, times = None, 0
            continue
        began = began or (at_s, x, y)
        last_s, times = at_s, times + 1
        if times >= metric.min_points and last_s - began[0] >= metric.min_duration_s:
            return Divergence(metric, *began)
    to_the_end = metric.kind != "number" and times >= metric.min_points
    return Divergence(metric, *began) if began is not None and to_the_end else None
