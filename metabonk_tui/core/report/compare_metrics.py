"""Defines the metrics that compare two runs: how to read, compare and write each.

Pure. A missing value is None and never differs. An absent key is a known value and may differ.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Literal

from msgspec import Struct

from metabonk_tui.core.model.snapshot import VerdictKind
from metabonk_tui.core.model.worker import ComponentState, ComponentView, Reach
from metabonk_tui.core.report.timeline import ComponentPoint, RunTimeline, TimelinePoint, WorkerPoint
from metabonk_tui.core.text.numbers import gigabytes, number
from metabonk_tui.core.timeseries.median import median
from metabonk_tui.core.worker import metrics as worker_metrics
from metabonk_tui.core.worker.metrics import CompareRule, WorkerMetric

GB = 1_000_000_000
NOT_RECORDED = "not recorded"
ABSENT = "absent"
"""The value of a component whose key no worker has: known, but no number."""


class Share(Struct, frozen=True):
    """How many of the observed workers have a property."""

    count: int
    of: int
    what: str = ""
    """Words after the number: "looping"."""


MetricValue = float | str | Share
"""The value of a metric at one moment of one run."""
MetricKind = Literal["word", "share", "number"]


class Metric(Struct, frozen=True):
    """One line of the comparison."""

    id: str
    title: str
    kind: MetricKind
    rank: int
    """Among differences in the same minute, the lowest rank explains most and comes first."""
    min_duration_s: float
    """Seconds that a difference must last. Shorter ones come from start-up or from unequal sampling.

    A difference in words or shares also counts if it was seen twice and lasts to the end.
    """
    read: Callable[[TimelinePoint], MetricValue | None]
    """Returns None for a moment without this metric."""
    differs: Callable[[Any, Any], bool]
    """Whether two values of this metric differ materially. Symmetric."""
    write: Callable[[Any], str]
    min_points: int = 2
    """Least number of differing moments; matters where a run was sampled rarely."""


KEYS, KILLS, SHOWING, HEALTH, GAMEPLAY, RATES, MEMORY, VERDICT = range(8)
"""The ranks. The verdict is last, because the others lead to it."""
KEY_PRESENT = (
    ComponentState.ACTIVE,
    ComponentState.STALLED,
    ComponentState.RESTING,
    ComponentState.ZERO,
    ComponentState.UNPROVEN,
    ComponentState.BAD,
)
QUIET = (ComponentState.STALLED, ComponentState.ZERO, ComponentState.ABSENT, ComponentState.UNPROVEN)


def metrics(a: RunTimeline, b: RunTimeline) -> tuple[Metric, ...]:
    """Return the metrics for two runs, in the order of the page."""
    # One configuration judged both runs, so their components are the same.
    parts = max((_parts(one) for one in (a, b)), key=len)
    derived = tuple(part.id for part in parts if part.derived)
    # A new verdict needs two evaluations, so rare sampling shows it later.
    word = Metric(
        "verdict", "verdict", "word", VERDICT, 300.0, lambda m: m.verdict_kind.value, _other_level, str, min_points=3
    )
    return (
        word,
        _share("workers_up", "workers up", HEALTH, 300.0, _up, differ_by_worker),
        *(one for part in parts for one in _of_component(part)),
        _share("conduct", "workers in trouble", HEALTH, 300.0, _trouble, differ_by_worker),
        _number("resets", "counter resets", HEALTH, 300.0, _resets, _more_resets, "{:.0f}".format),
        *(_of_workers(metric, rule) for metric in worker_metrics.WORKER_METRICS for rule in metric.compare),
        _share("uncertain", "state uncertain", HEALTH, 300.0, _uncertain, _differ_by_half),
        _share("gameplay", "reached gameplay", GAMEPLAY, 600.0, partial(_gameplay, derived), _none_against_some),
        _number("available_memory", "available memory", MEMORY, 300.0, _available, _memory(1.0, 0.2), _gigabytes),
        _number("workers_memory", "held by workers", MEMORY, 300.0, _held, _memory(1.0, 1 / 3), _gigabytes),
        Metric("oom_kills", "OOM kills", "number", KILLS, 0.0, _kills, operator.ne, "{:.0f}".format, min_points=1),
    )


def _parts(run_timeline: RunTimeline) -> tuple[ComponentView, ...]:
    return run_timeline.last.workers[0].components if run_timeline.last.workers else ()


def _of_component(part: ComponentView) -> tuple[Metric, ...]:
    """Return the metrics of one component: key present, showing, and median value."""
    floor = part.expected_min or 10.0**-part.decimals
    present, showing, value = partial(_present, part.id), partial(_showing, part.id), partial(_median_value, part.id)
    name, decimals = part.title, part.decimals
    return (
        _share(f"{part.id}.keys", f"{name} keys", KEYS, 120.0, present, differ_by_worker),
        _share(f"{part.id}.showing", f"{name} showing", SHOWING, 600.0, showing, _differ_by_half),
        Metric(
            f"{part.id}.value",
            f"{name}, median",
            "number",
            RATES,
            600.0,
            value,
            # An absent key has no number, and the metric of keys reports it.
            lambda x, y: ABSENT not in (x, y) and _differ_by_factor(4, floor)(x, y),
            lambda x: x if x == ABSENT else number(x, decimals),
        ),
    )


def _of_workers(metric: WorkerMetric, rule: CompareRule) -> Metric:
    """Return the metric that combines one number of all workers by the rule."""
    return _number(
        f"{metric.id}.{rule.id}",
        rule.title,
        RATES,
        300.0,
        partial(_combined, metric.id, rule.combine),
        _differ_by_factor(rule.factor, rule.floor),
        metric.written,
    )


def _share(
    name: str,
    title: str,
    rank: int,
    min_duration_s: float,
    read: Callable[[TimelinePoint], Share | None],
    differs: Callable[[Share, Share], bool],
) -> Metric:
    return Metric(name, title, "share", rank, min_duration_s, read, differs, write_share)


def _number(
    name: str,
    title: str,
    rank: int,
    min_duration_s: float,
    read: Callable[[TimelinePoint], float | None],
    differs: Callable[[float, float], bool],
    write: Callable[[float], str],
) -> Metric:
    return Metric(name, title, "number", rank, min_duration_s, read, differs, write)


# When two values differ


def differ_by_worker(x: Share, y: Share) -> bool:
    """Return whether the shares differ by at least one worker of the larger pool."""
    return abs(x.count * y.of - y.count * x.of) >= min(x.of, y.of)


def _differ_by_half(x: Share, y: Share) -> bool:
    return 2 * abs(x.count * y.of - y.count * x.of) >= x.of * y.of


def _none_against_some(x: Share, y: Share) -> bool:
    return (x.count == 0) != (y.count == 0)


def _other_level(x: str, y: str) -> bool:
    """Return whether two verdicts have different known levels: go, caution, STOP."""
    levels = {VerdictKind(x).level, VerdictKind(y).level}
    return len(levels) == 2 and "unknown" not in levels


def _differ_by_factor(factor: float, floor: float) -> Callable[[float, float], bool]:
    """Return a test for a difference by `factor`; values below the floor count as the floor."""
    return lambda x, y: max(x, y) >= factor * max(min(x, y), floor)


def _memory(least_gb: float, share: float) -> Callable[[float, float], bool]:
    return lambda x, y: abs(x - y) >= least_gb * GB and abs(x - y) >= share * max(x, y)


def _more_resets(x: float, y: float) -> bool:
    return abs(x - y) >= 2 and max(x, y) >= 2 * min(x, y)


# How values are written


def write_share(share: Share) -> str:
    """Return a share as "0/5", followed by its words."""
    return f"{share.count}/{share.of}" + (f" {share.what}" if share.what else "")


def _gigabytes(value: float) -> str:
    return f"{gigabytes(value)} GB"


# How values are read


def _present(part: str, point: TimelinePoint) -> Share | None:
    states = [one.state for one in _component_points(part, point)]
    known = [state for state in states if state in KEY_PRESENT or state is ComponentState.ABSENT]
    return _counted(sum(state in KEY_PRESENT for state in known), len(known))


def _showing(part: str, point: TimelinePoint) -> Share | None:
    states = [one.state for one in _component_points(part, point)]
    shows = sum(state is ComponentState.ACTIVE for state in states)
    return _counted(shows, shows + sum(state in QUIET for state in states))


def _median_value(part: str, point: TimelinePoint) -> float | str | None:
    components = _component_points(part, point)
    known = {one.state for one in components} & {*KEY_PRESENT, ComponentState.ABSENT}
    median_value = _median(one.value for one in components)
    return ABSENT if median_value is None and known == {ComponentState.ABSENT} else median_value


def _component_points(part: str, point: TimelinePoint) -> list[ComponentPoint]:
    return [worker.components[part] for worker in point.workers.values() if part in worker.components]


def _seen(point: TimelinePoint) -> list[WorkerPoint]:
    return [worker for worker in point.workers.values() if worker.reach is not Reach.UNOBSERVED]


def _up(point: TimelinePoint) -> Share | None:
    seen = _seen(point)
    return _counted(sum(worker.reach is Reach.UP for worker in seen), len(seen))


def _trouble(point: TimelinePoint) -> Share | None:
    seen = _seen(point)
    words = [worker.health.value for worker in seen if worker.health is not None]
    return _counted(len(words), len(seen), ", ".join(sorted(set(words))))


def _resets(point: TimelinePoint) -> float | None:
    seen = _seen(point)
    return float(sum(worker.generation - 1 for worker in seen)) if seen else None


def _combined(name: str, combine: Callable[[Sequence[float]], float], point: TimelinePoint) -> float | None:
    numbers = [worker.numbers.get(name) for worker in _seen(point)]
    known = [value for value in numbers if value is not None]
    return float(combine(known)) if known else None


def _uncertain(point: TimelinePoint) -> Share | None:
    states = [worker.ui_state for worker in _seen(point) if worker.reach is Reach.UP and worker.ui_state is not None]
    return _counted(states.count("uncertain"), len(states))


def _gameplay(derived: tuple[str, ...], point: TimelinePoint) -> Share | None:
    """Count the workers that reached gameplay, among those whose recording could show it."""
    observed = [
        worker
        for worker in _seen(point)
        if not derived or any(worker.components[part].state is not ComponentState.UNOBSERVED for part in derived)
    ]
    return _counted(sum(worker.gameplay for worker in observed), len(observed))


def _available(point: TimelinePoint) -> float | None:
    return None if point.available_bytes is None else float(point.available_bytes)


def _held(point: TimelinePoint) -> float | None:
    """Return the bytes held by all answering workers; None: a part is unknown."""
    held = [worker.memory_bytes for worker in point.workers.values() if worker.reach is Reach.UP]
    known = [size for size in held if size is not None]
    return float(sum(known)) if known and len(known) == len(held) else None


def _kills(point: TimelinePoint) -> float | None:
    return None if point.available_bytes is None and not point.oom_kills else float(point.oom_kills)


def _counted(count: int, of: int, what: str = "") -> Share | None:
    return Share(count, of, what) if of else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(median(known)) if known else None
