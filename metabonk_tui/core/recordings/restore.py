"""What was seen before this monitor looked, and how a Snapshot is made of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.model.snapshot import MAX_EVENTS, Gap, Snapshot
from metabonk_tui.core.timeseries.window import Spacing

GAP_KINDS = ("recorder.gap", "recorder.error")
"""What tells of a stretch that is not in the recording: nobody looked, or it could not be stored."""


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


def rebuild(past: RecordedPast, step: Callable[[Snapshot | None, Sample], Snapshot]) -> Snapshot | None:
    """Make the Snapshot of the end of what was recorded; None: nothing was."""
    snapshot = past.known
    for sample in past.samples:
        snapshot = step(snapshot, sample)
    if snapshot is None or past.rhythm_s is None:
        return snapshot
    return _with_all_events(snapshot, past.events, past.rhythm_s)


def _with_all_events(snapshot: Snapshot, events: tuple[Event, ...], rhythm_s: float) -> Snapshot:
    """Put right what few samples tell wrong: the rhythm, the gaps, and what happened between them."""
    gaps = tuple(
        Gap(float(event.facts["from"]), float(event.facts["to"]))
        for event in events
        if event.kind in GAP_KINDS and {"from", "to"} <= set(event.facts)
    )
    state = cast(Any, snapshot.state)
    run = replace(state.run, spacing=Spacing(rhythm_s), gaps=gaps or state.run.gaps)
    return replace(
        snapshot,
        events=events[-MAX_EVENTS:] or snapshot.events,
        run=replace(snapshot.run, gaps=run.gaps, interval_s=rhythm_s),
        state=replace(state, run=run),
    )
