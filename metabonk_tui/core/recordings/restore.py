"""What was seen before this monitor looked, and how a Snapshot is made of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.model.snapshot import MAX_EVENTS, Gap, Snapshot
from metabonk_tui.core.run.replay import Step

GAP_KINDS = (EventKind.RECORDER_GAP, EventKind.RECORDER_ERROR)
"""Kinds that say which stretch is not in the recording: nobody watched, or it could not be stored."""

TrueRhythm = Callable[[Snapshot, tuple[Gap, ...], float], Snapshot]


@dataclass(frozen=True, slots=True)
class RecordedPast:
    """What a recording holds of a run."""

    known: Snapshot | None
    """The Snapshot of a moment in it, where one was kept; then only what came after it is in `samples`."""
    samples: Iterable[Sample]
    events: tuple[Event, ...] = ()
    """All that happened, where `samples` are too few to tell."""
    rhythm_s: float | None = None
    """The true time between samples, where `samples` are only some of them."""


def rebuild(past: RecordedPast, step: Step, with_true_rhythm: TrueRhythm) -> Snapshot | None:
    """Make the Snapshot of the end of what was recorded; None: nothing was.

    `with_true_rhythm` corrects the time between samples and the gaps, where only some of the samples are left.
    """
    snapshot = past.known
    for sample in past.samples:
        snapshot = step(snapshot, sample)
    if snapshot is None or past.rhythm_s is None:
        return snapshot
    gaps = tuple(
        Gap(float(event.facts["from"]), float(event.facts["to"]))
        for event in past.events
        if event.kind in GAP_KINDS and {"from", "to"} <= set(event.facts)
    )
    snapshot = with_true_rhythm(snapshot, gaps, past.rhythm_s)
    if not past.events:
        return snapshot
    return replace(snapshot, events=past.events[-MAX_EVENTS:], event_count=len(past.events))
