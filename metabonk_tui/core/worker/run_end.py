"""Explains the ends of processes by the end of their run, and tracks our own actions, which explain them as well.

Does not: find out how a run ended, or which evidence is the strongest.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.ending import RunEnd
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.process_exit import ProcessExit
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.worker import WorkerView

STRENGTH = 5
"""Every evidence about the process itself is stronger."""
FROM_EVENT_S = 60.0
"""Seconds before its end at which an action of ours may have started, if only its end was recorded."""


def end_with_run(process_exit: ProcessExit, end: RunEnd, late_s: float) -> ProcessExit:
    """Explain an exit that nothing else explains by the end of its run, if that is known and came at the time."""
    if process_exit.reason != "unknown" or end.reason == "unknown" or process_exit.t < end.last_seen_t - late_s:
        return process_exit
    return replace(process_exit, reason="end of the run", evidence=end.text, strength=STRENGTH)


def with_run_end(workers: Sequence[WorkerView], end: RunEnd, late_s: float) -> tuple[WorkerView, ...]:
    """Return the workers of a run that is over, with the ends of their processes that its end explains."""
    return tuple(
        replace(
            worker,
            generations=tuple(
                life
                # A process that another one followed did not end with the run.
                if life.ended is None or life is not worker.generations[-1]
                else replace(life, ended=end_with_run(life.ended, end, late_s))
                for life in worker.generations
            ),
        )
        for worker in workers
    )


class OwnAction(Struct, frozen=True):
    """An action of ours on the pool: which processes it may have ended, and from when to when."""

    from_t: float
    to_t: float | None
    """None: the action is under way."""
    pids: tuple[int, ...] | None
    """The only processes that the action meant; None: the whole pool as it was at `from_t`."""
    text: str


def update_own_actions(own_actions: tuple[OwnAction, ...], sample: Sample, fresh_t: float) -> tuple[OwnAction, ...]:
    """Update our own actions. An event with a pid means that process; any other means the whole pool."""
    kept = [action for action in own_actions if action.to_t is not None and action.to_t >= fresh_t]
    operation = sample.pool.operation if sample.pool is not None else None
    open_ = next((action for action in own_actions if action.to_t is None), None)
    if operation is not None and operation.ended_at is None:
        if not operation.action.startswith("stop worker"):
            kept.append(OwnAction(operation.started_at, None, operation.ends, operation.action))
    elif open_ is not None and (sample.pool is not None or sample.events):
        kept.append(replace(open_, to_t=sample.t))
    elif open_ is not None:
        kept.append(open_)
    for event in sample.events:
        if (
            event.kind not in (EventKind.POOL_STOP, EventKind.POOL_LAUNCH, EventKind.POOL_RESIZE)
            or event.severity == "crit"
        ):
            continue
        pid = event.facts.get("pid")
        if isinstance(pid, int):
            kept.append(OwnAction(event.t - FROM_EVENT_S, event.t, (pid,), event.text))
        elif event.worker is None and open_ is None and (event.kind == EventKind.POOL_STOP or event.facts.get("from")):
            kept.append(OwnAction(event.t - FROM_EVENT_S, event.t, None, event.text))
    return tuple(kept)
