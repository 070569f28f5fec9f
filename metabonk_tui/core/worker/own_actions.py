"""Tracks our own actions on the pool, which explain the ends of processes. Does not: judge how a process ended."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Sample

FROM_EVENT_S = 60.0
"""Seconds before its end at which an action of ours may have started, if only its end was recorded."""


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
