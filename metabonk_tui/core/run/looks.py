"""Follows a run while no key is pressed. Pure; a tick costs a comparison, an event an append.

Does not: say what changed; `core/report/absence.py` does.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from metabonk_tui.core.model.absence import AbsenceTrack, Look, WorkerLook
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot, new_events

KEPT_EVENTS = 200
STALLS = (EventKind.COMPONENT_SILENT, EventKind.WORKER_HEALTH)
NOTABLE = frozenset({EventKind.WORKER_GENERATION, EventKind.WORKER_UP, *STALLS})


def look_at(snapshot: Snapshot) -> Look:
    """Return what this Snapshot shows, in short."""
    held = [worker.tree_bytes or worker.rss_bytes for worker in snapshot.workers]
    known = [size for size in held if size is not None]
    return Look(
        snapshot.t,
        snapshot.run.name,
        snapshot.verdict.kind,
        snapshot.verdict.level,
        tuple(
            WorkerLook(
                worker.ref, worker.generation, worker.step, worker.episode, worker.gameplay.reached_t is not None
            )
            for worker in snapshot.workers
        ),
        sum(known) if known and len(known) == len(held) else None,
    )


def begin(look: Look, snapshot: Snapshot) -> AbsenceTrack:
    """Begin with a look at or before this Snapshot; what lies between is taken from the Snapshot."""
    track = AbsenceTrack(look, event_count=snapshot.event_count, run=snapshot.run.name)
    if look.t >= snapshot.t:
        return _lowered(track, snapshot)
    history = [(size, t) for t, size in snapshot.memory.history if t >= look.t]
    if history:
        lowest, t = min(history)
        from_t = min(t for _, t in history)
        late_t = from_t if from_t - look.t > snapshot.memory_bucket_s else None
        track = replace(track, lowest_bytes=lowest, lowest_t=t, lowest_from_t=late_t)
    first_t = snapshot.events[0].t if snapshot.events else look.t
    is_cut = snapshot.event_count > len(snapshot.events) and first_t > look.t
    track = replace(track, dropped=snapshot.event_count - len(snapshot.events) if is_cut else 0)
    return _added(track, [event for event in snapshot.events if event.t > look.t])


def observe(track: AbsenceTrack, before: Snapshot, snapshot: Snapshot) -> AbsenceTrack:
    """Take in a newer Snapshot."""
    if snapshot.event_count != track.event_count or snapshot.run.name != track.run:
        track = replace(
            _added(track, new_events(before, snapshot)), event_count=snapshot.event_count, run=snapshot.run.name
        )
    return _lowered(track, snapshot)


def _lowered(track: AbsenceTrack, snapshot: Snapshot) -> AbsenceTrack:
    available = snapshot.memory.available_bytes
    if available is None or (track.lowest_bytes is not None and available >= track.lowest_bytes):
        return track
    return replace(track, lowest_bytes=available, lowest_t=snapshot.t)


def _added(track: AbsenceTrack, events: Iterable[Event]) -> AbsenceTrack:
    notable = [event for event in events if event.kind in NOTABLE]
    if not notable:
        return track
    kept = (*track.events, *notable)
    return replace(track, events=kept[-KEPT_EVENTS:], dropped=track.dropped + max(0, len(kept) - KEPT_EVENTS))
