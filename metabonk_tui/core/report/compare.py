"""Compares two runs at the same elapsed times, and finds where they first diverge. Pure.

Does not: load or draw the `RunTimeline` of a run.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from metabonk_tui.core.report.compare_metrics import Metric, MetricValue, metrics
from metabonk_tui.core.report.timeline import RunTimeline, TimelinePoint

MINUTE_S = 60.0
EARLY_MARKS_S = tuple(MINUTE_S * minutes for minutes in (5, 10, 15, 20, 25, 30))
HOUR_S = 3600.0

Pair = tuple[MetricValue | None, MetricValue | None]
"""A metric's values in the first and the second run; None: not recorded."""


class Divergence(Struct, frozen=True):
    """The start of a material and lasting difference in one metric."""

    metric: Metric
    at_s: float
    """The first elapsed time, in seconds, at which both runs have the metric and it differs."""
    a: MetricValue
    b: MetricValue


class ComparisonLine(Struct, frozen=True, eq=False):
    """One metric at every mark of the comparison."""

    metric: Metric
    pairs: tuple[Pair, ...]
    """One pair for each of `Comparison.marks_s`."""
    divergence: Divergence | None
    compared: bool
    """Whether both runs have the metric at the same elapsed time at least once."""


class Comparison(Struct, frozen=True, eq=False):
    """The result of a comparison."""

    a: RunTimeline
    b: RunTimeline
    common_s: float
    """The length of the shorter run."""
    marks_s: tuple[float, ...]
    """The elapsed times of the pairs, ending with the ends of both runs."""
    lines: tuple[ComparisonLine, ...]
    divergences: tuple[Divergence, ...]
    """Ordered by starting minute, then by rank: what explains most comes first."""

    @property
    def first(self) -> Divergence | None:
        """The first divergence; None: the runs do not diverge."""
        return self.divergences[0] if self.divergences else None

    @property
    def comparable(self) -> bool:
        """Whether any metric can be compared at all."""
        return any(line.compared for line in self.lines)

    def series(self, metric: Metric, points: int) -> tuple[Pair, ...]:
        """Return one metric at `points` elapsed times, evenly spread over the common length."""
        times = [self.common_s * (number + 1) / points for number in range(points)]
        point_pairs = [(self.a.at(at_s), self.b.at(at_s)) for at_s in times]
        return tuple((metric.read(a) if a else None, metric.read(b) if b else None) for a, b in point_pairs)


def compare(a: RunTimeline, b: RunTimeline) -> Comparison:
    """Compare two runs metric by metric."""
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
    """Return the marks for two lengths: every 5 minutes up to 30, hours that double, and both ends."""
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
    """Return the elapsed times to compare: those of the more rarely sampled run.

    Times between them would compare an old value with a new one: a difference of sampling, not of the runs.
    """
    rarer = [tuple(one.at_s for one in run.points if one.at_s <= common_s) for run in (a, b)]
    rhythms = [max(run.spacing_s, run.last.run.interval_s) for run in (a, b)]
    # With equal intervals any choice works, if swapping the runs does not change it.
    return max(zip(rhythms, (-len(times) for times in rarer), rarer, strict=True))[2]


def _find_divergence(metric: Metric, pairs_seen: list[tuple[float, MetricValue, MetricValue]]) -> Divergence | None:
    """Return the first difference that lasts for the metric's time; words and shares may last to the end instead."""
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
