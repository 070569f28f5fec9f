"""Filters and sorts the workers. Workers never move under the cursor: their order is held while it is among them.

Does not: draw them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from metabonk_tui.core.model.condition import (
    WorkerCondition,
    condition,
    condition_level,
    needs_attention,
    severity_key,
)
from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.worker import metrics

AUTOMATIC = ""
"""No order was chosen: by id in panels and table, worst first in the grid and in side panes."""
BY_ID = "id"
WORST = "worst"


def sorts(snapshot: Snapshot | None) -> tuple[str, ...]:
    """List the sort keys: id, worst first, each component, and each metric that has a sort name."""
    parts = snapshot.workers[0].components if snapshot and snapshot.workers else ()
    return sort_names(part.id for part in parts)


def sort_names(components: Iterable[str]) -> tuple[str, ...]:
    """List the sort keys of a pool whose components have these ids."""
    return (BY_ID, WORST, *components, *_sorted_metrics())


def _sorted_metrics() -> dict[str, metrics.WorkerMetric]:
    return {metric.sort: metric for metric in metrics.WORKER_METRICS if metric.sort}


def next_sort(snapshot: Snapshot | None, now: str, step: int) -> str:
    """Return the next (1) or the previous (-1) sort key."""
    known = sorts(snapshot)
    at = known.index(now) if now in known else 0
    return known[(at + step) % len(known)]


_OrderKey = tuple[str, str, bool]
_Order = tuple[WorkerView, ...]


class _Judged:
    """What was found out about one Snapshot: a screen asks several times; a sort of 1000 workers takes 1 ms."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.orders: dict[_OrderKey, _Order] = {}
        self.held: tuple[_OrderKey, tuple[WorkerRef, ...], _Order] | None = None
        self.conditions: dict[WorkerRef, WorkerCondition] | None = None
        self.levels: Counter[Level] | None = None
        self.ill: tuple[WorkerView, ...] | None = None


_newest: _Judged | None = None


def _judged(snapshot: Snapshot) -> _Judged:
    global _newest
    if _newest is None or _newest.snapshot is not snapshot:
        _newest = _Judged(snapshot)
    return _newest


def conditions(snapshot: Snapshot) -> dict[WorkerRef, WorkerCondition]:
    """Return the condition of every worker."""
    known = _judged(snapshot)
    if known.conditions is None:
        known.conditions = {worker.ref: condition(worker) for worker in snapshot.workers}
    return known.conditions


def level_counts(snapshot: Snapshot) -> Counter[Level]:
    """Count the workers by the level of their condition, each once: the counts add up to all workers."""
    known = _judged(snapshot)
    if known.levels is None:
        found = conditions(snapshot)
        known.levels = Counter([condition_level(worker, found[worker.ref]) for worker in snapshot.workers])
    return known.levels


def ill_workers(snapshot: Snapshot) -> tuple[WorkerView, ...]:
    """Return the workers that a person should look at, the worst first."""
    known = _judged(snapshot)
    if known.ill is None:
        found = conditions(snapshot)
        ill = [worker for worker in snapshot.workers if needs_attention(found[worker.ref])]
        known.ill = tuple(sorted(ill, key=lambda worker: severity_key(worker, found[worker.ref])))
    return known.ill


def in_order(
    snapshot: Snapshot,
    wanted: str = "",
    sort: str = BY_ID,
    inverted: bool = False,
    held: tuple[WorkerRef, ...] = (),
) -> tuple[WorkerView, ...]:
    """Return the workers that meet the conditions of a filter, sorted.

    By id the lowest comes first, otherwise the worst or the highest; `inverted` reverses that. Workers without the
    number come last in both cases. `held`: an order of before, which stands; workers that are new in it come last.
    """
    known = _judged(snapshot)
    key = (wanted, sort, inverted)
    if key not in known.orders:
        known.orders[key] = _sorted(snapshot, *key)
    if not held:
        return known.orders[key]
    if known.held is None or known.held[0] != key or known.held[1] is not held:
        place = {ref: at for at, ref in enumerate(held)}
        shown = sorted(known.orders[key], key=lambda worker: place.get(worker.ref, len(place)))
        known.held = (key, held, tuple(shown))
    return known.held[2]


def count_unknown(snapshot: Snapshot, wanted: str) -> int:
    """Count the workers that a filter leaves out because a number is not known."""
    return sum(met is None for _, met in _filtered(snapshot, wanted))


def _filtered(snapshot: Snapshot, wanted: str) -> list[tuple[WorkerView, bool | None]]:
    """Return every worker, and whether it meets the filter."""
    # Imported late: the first picture has no filter.
    from metabonk_tui.core.worker.filters import components_of, parse_filter

    asked = parse_filter(wanted, components_of(snapshot))
    return [(worker, asked.matches(worker, snapshot.t)) for worker in snapshot.workers]


def _sorted(snapshot: Snapshot, wanted: str, sort: str, inverted: bool) -> tuple[WorkerView, ...]:
    chosen = list(snapshot.workers)
    if wanted:
        chosen = [worker for worker, met in _filtered(snapshot, wanted) if met]
    if sort == WORST:
        found = conditions(snapshot)
        chosen.sort(key=lambda worker: severity_key(worker, found[worker.ref]), reverse=inverted)
        return tuple(chosen)
    if sort == BY_ID:
        return tuple(sorted(chosen, key=lambda worker: worker.ref, reverse=inverted))
    ranks = {worker.ref: _rank(worker, sort) for worker in chosen}
    chosen.sort(key=lambda worker: worker.ref)
    chosen.sort(key=lambda worker: ranks[worker.ref] or 0.0, reverse=not inverted)
    chosen.sort(key=lambda worker: ranks[worker.ref] is None)
    return tuple(chosen)


def _rank(worker: WorkerView, sort: str) -> float | None:
    """Return the number to sort by; None when the worker has none."""
    if sort in (by_name := _sorted_metrics()):
        return by_name[sort].read(worker)
    return next((part.shown_value for part in worker.components if part.id == sort), None)
