"""Which workers are shown, and in which order. They never move by themselves: only a person sorts or filters.

Refuses to know how they are drawn.
"""

from __future__ import annotations

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.worker import metrics

BY_ID = "id"
WORST = "worst"


def sorts(snapshot: Snapshot | None) -> tuple[str, ...]:
    """List what the workers can be sorted by: their id, what is wrong with them, and each of their numbers."""
    parts = snapshot.workers[0].components if snapshot and snapshot.workers else ()
    return (BY_ID, WORST, *(part.id for part in parts), *_sorted_metrics())


def _sorted_metrics() -> dict[str, metrics.WorkerMetric]:
    return {metric.sort: metric for metric in metrics.WORKER_METRICS if metric.sort}


def next_sort(snapshot: Snapshot | None, now: str, step: int) -> str:
    """Return the sort that follows (1) or comes before (-1)."""
    known = sorts(snapshot)
    at = known.index(now) if now in known else 0
    return known[(at + step) % len(known)]


def in_order(
    snapshot: Snapshot, wanted: str = "", sort: str = BY_ID, inverted: bool = False
) -> tuple[WorkerView, ...]:
    """Take the workers whose id, port, state or mark contains a text, in the order that was asked for.

    By id the lowest stands first, otherwise the worst or the highest; `inverted` turns that round. Who has no such
    number stands last either way.
    """
    wanted = wanted.lower()
    chosen = [worker for worker in snapshot.workers if not wanted or wanted in _searched(worker)]
    ranks = {worker.ref: _rank(worker, sort) for worker in chosen}
    chosen.sort(key=lambda worker: worker.ref)
    chosen.sort(key=lambda worker: ranks[worker.ref] or 0.0, reverse=inverted != (sort not in (BY_ID, WORST)))
    chosen.sort(key=lambda worker: ranks[worker.ref] is None)
    return tuple(chosen)


def _rank(worker: WorkerView, sort: str) -> float | None:
    """Return the number that it is sorted by; None: it has none."""
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
