"""Rebuilds the Snapshot of a recorded run that started before this monitor. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.model.snapshot import MAX_EVENTS, Gap, Snapshot
from metabonk_tui.core.run.replay import Step

GAP_KINDS = (EventKind.RECORDER_GAP, EventKind.RECORDER_ERROR)
"""Kinds of events that mark unrecorded periods: no monitor ran, or storing failed."""

TrueRhythm = Callable[[Snapshot, tuple[Gap, ...], float], Snapshot]


class RecordedPast(Struct, frozen=True):
    """The recorded part of a run."""

    known: Snapshot | None
    """A stored Snapshot; then `samples` start after it. None: no Snapshot stored."""
    samples: Iterable[Sample]
    events: tuple[Event, ...] = ()
    """All events of the run, where `samples` are thinned out; otherwise empty."""
    rhythm_s: float | None = None
    """The true interval between samples in seconds, where `samples` are thinned out."""
    cut_by_restart: bool = False
    """Whether the machine was restarted before a monitor saw the end of the run."""


def recorded_gap(event: Event) -> Gap | None:
    """Return the gap that an event of a recording reports. None: its facts are no two times in order."""
    from_t, to_t = event.facts.get("from"), event.facts.get("to")
    if isinstance(from_t, bool) or isinstance(to_t, bool):
        return None
    if isinstance(from_t, int | float) and isinstance(to_t, int | float) and 0 <= from_t <= to_t < math.inf:
        return Gap(float(from_t), float(to_t))
    return None


def rebuild(past: RecordedPast, step: Step, with_true_rhythm: TrueRhythm) -> Snapshot | None:
    """Return the Snapshot at the end of the recording; None: nothing recorded.

    `with_true_rhythm` corrects the interval and the gaps where `samples` are thinned out.
    """
    snapshot = past.known
    for sample in past.samples:
        snapshot = step(snapshot, sample)
    if snapshot is None or past.rhythm_s is None:
        return snapshot
    gaps = tuple(gap for event in past.events if event.kind in GAP_KINDS and (gap := recorded_gap(event)) is not None)
    snapshot = with_true_rhythm(snapshot, gaps, past.rhythm_s)
    if not past.events:
        return snapshot
    return replace(snapshot, events=past.events[-MAX_EVENTS:], event_count=len(past.events))
