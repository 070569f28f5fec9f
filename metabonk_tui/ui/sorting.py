"""Filters and sorts the workers. Workers never move by themselves: only the operator sorts or filters.

Does not: draw them.
"""

from __future__ import annotations

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.worker import metrics

BY_ID = "id"
WORST = "worst"


def sorts(snapshot: Snapshot | None) -> tuple[str, ...]:
    """List the sort keys: id, worst first, each component, and each metric that has a sort name."""
    parts = snapshot.workers[0].components if snapshot and snapshot.workers else ()
    return (BY_ID, WORST, *(part.id for part in parts), *_sorted_metrics())


def _sorted_metrics() -> dict[str, metrics.WorkerMetric]:
    return {metric.sort: metric for metric in metrics.WORKER_METRICS if metric.sort}


def next_sort(snapshot: Snapshot | None, now: str, step: int) -> str:
    """Return the next (1) or the previous (-1) sort key."""
    known = sorts(snapshot)
    at = known.index(now) if now in known else 0
    return known[(at + step) % len(known)]


def in_order(
    snapshot: Snapshot, wanted: str = "", sort: str = BY_ID, inverted: bool = False
) -> tuple[WorkerView, ...]:
    """Return the workers whose id, port, state or mark contains the text, sorted.

    By id the lowest comes first, otherwise the worst or the highest; `inverted` reverses that. Workers without the
    number come last in both cases.
    """
    wanted = wanted.lower()
    chosen = [worker for worker in snapshot.workers if not wanted or wanted in _searched(worker)]
    ranks = {worker.ref: _rank(worker, sort) for worker in chosen}
    chosen.sort(key=lambda worker: worker.ref)
    chosen.sort(key=lambda worker: ranks[worker.ref] or 0.0, reverse=inverted != (sort not in (BY_ID, WORST)))
    chosen.sort(key=lambda worker: ranks[worker.ref] is None)
    return tuple(chosen)


def _rank(worker: WorkerView, sort: str) -> float | None:
    """Return the number to sort by; None when the worker has none."""
    if sort == WORST:
        return -levels.order(worker.attention[0].level) if worker.attention else 9.0
    if sort == BY_ID:
        return worker.slot
    if sort in (by_name := _sorted_metrics()):
        return by_name[sort].read(worker)
    return next((part.value for part in worker.components if part.id == sort), None)


def _searched(worker: WorkerView) -> str:
    marks = " ".join(attention.mark for attention in worker.attention)
    states = " ".join(part.state.value for part in worker.components)
    return f"{worker.ref.label} :{worker.port} {worker.ui_state or ''} {worker.reach} {marks} {states}".lower()
