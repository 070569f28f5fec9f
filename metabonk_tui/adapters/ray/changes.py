"""Says what changed between two looks at the actors of a pool, as events. Pure. Does not: ask Ray."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from metabonk_tui.adapters.ray.actors import Actor, end_text
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Event

Actors = Mapping[int, Actor]
"""The actor of each slot."""


def changes(before: Actors, now: Actors, t: float, own: frozenset[str]) -> Iterator[Event]:
    """Yield the events between two looks. `own` are the labels of the actors that this monitor ended itself."""
    for slot, actor in now.items():
        was = before.get(slot)
        if was is None or was.name != actor.name:
            if was is not None and was.lives:
                yield _unseen(was, t)
            yield from _first_sight(actor, t, own)
        elif not was.has_ended and actor.has_ended:
            yield _ended(actor, t, own)
        elif was.waits and actor.runs:
            yield _started(actor, t)
    for slot, was in before.items():
        if slot not in now and was.lives:
            yield _unseen(was, t)


def _first_sight(actor: Actor, t: float, own: frozenset[str]) -> Iterator[Event]:
    if actor.waits:
        text = f"w{actor.slot} waits as actor {actor.label}: {actor.reason}"
        yield _event(t, EventKind.JOB_WAITING, "info", actor, text)
    elif actor.has_ended:
        yield _ended(actor, t, own)
    else:
        yield _started(actor, t)


def _started(actor: Actor, t: float) -> Event:
    text = f"w{actor.slot} runs on {actor.node or 'a node'} as actor {actor.label}"
    return _event(t, EventKind.JOB_STARTED, "info", actor, text)


def _ended(actor: Actor, t: float, own: frozenset[str]) -> Event:
    # Ray lost the node: what ran there may still run.
    state = "lost" if actor.is_lost else "gone"
    text = f"w{actor.slot} is {state}; {end_text(actor)}"
    if actor.label in own:
        return _event(t, EventKind.JOB_ENDED, "info", actor, f"{text}; we ended it")
    kind = actor.cause.kind if actor.cause is not None and actor.end is None else ""
    severity: Severity = "crit" if kind in ("OOM", "NODE_DIED") else "warn"
    return _event(t, EventKind.JOB_ENDED, severity, actor, text)


def _unseen(was: Actor, t: float) -> Event:
    return _event(t, EventKind.JOB_UNSEEN, "warn", was, f"actor {was.label} is no longer listed by Ray")


def _event(t: float, kind: str, severity: Severity, actor: Actor, text: str) -> Event:
    facts = {
        "slot": actor.slot,
        "job": actor.label,
        "state": actor.state,
        "node": actor.node,
        "generation": actor.start,
    }
    worker = WorkerRef(actor.node, actor.slot) if actor.node and actor.runs else None
    return Event(t, kind, severity, text, worker, facts)
