"""Which workers are shown, and in which order. They never move by themselves: only a person sorts or filters.

Refuses to know how they are drawn.
"""

from __future__ import annotations

from metabonk_tui.core.snapshot import Snapshot
from metabonk_tui.core.worker_view import WorkerView

_LOUDEST = {"stop": 0, "caution": 1, "unknown": 2}


def in_order(snapshot: Snapshot, wanted: str = "", attention_first: bool = False) -> tuple[WorkerView, ...]:
    """Take the workers whose id, port, state or mark contains a text; by slot, or the worst first."""
    wanted = wanted.lower()
    chosen = [worker for worker in snapshot.workers if not wanted or wanted in _searched(worker)]
    if attention_first:
        chosen.sort(key=lambda w: (_LOUDEST[w.attention[0].level] if w.attention else 9, w.slot))
    return tuple(chosen)


def _searched(worker: WorkerView) -> str:
    marks = " ".join(attention.mark for attention in worker.attention)
    states = " ".join(part.state.value for part in worker.components)
    return f"w{worker.slot} :{worker.port} {worker.ui_state or ''} {worker.reach} {marks} {states}".lower()
