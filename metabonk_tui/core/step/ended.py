"""Follows the end of a run through one step: its track, its event, its verdict. Does not: decide how it ended."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from metabonk_tui.core.model.ending import RunEnd
from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.sample import RunHeader, Sample
from metabonk_tui.core.model.snapshot import RunView, Snapshot, Verdict
from metabonk_tui.core.run import ending
from metabonk_tui.core.run.tracker import RunTrack
from metabonk_tui.core.step.state import State, Tick
from metabonk_tui.core.verdict.ended import ended_verdict


def judge_end(tick: Tick, verdict: Verdict) -> Verdict:
    """Take the sample into the track of the run's end; return the verdict of the run, over or not."""
    operation = tick.pool.operation
    changing = operation is not None and operation.ended_at is None
    shown = tick.previous.verdict if tick.previous is not None else None
    before = tick.before.ending
    run, exits = tick.now.run, tick.exits.values()
    track = ending.observe(before, tick.sample, run, exits, shown, tick.timing, changing=changing)
    tick.update(ending=track)
    if track.end is None:
        return verdict
    if before.end is None or before.end.text != track.end.text:
        tick.events.emit(end_draft(track.end))
    return ended_verdict(verdict, track.before, track.end, tick.gate)


def end_draft(end: RunEnd) -> EventDraft:
    """Draft that the run is over, and how it ended."""
    severity: Severity = "info" if end.keeps_verdict else "crit"
    facts = {"reason": end.reason, "last_seen": end.last_seen_t}
    return EventDraft(EventKind.RUN_END, severity, f"the run is over: {end.text}", facts=facts)


def closed_verdict(previous: Snapshot, state: State, header: RunHeader, sample: Sample) -> tuple[Verdict, RunEnd]:
    """Return the verdict and the end of a run that another run follows; `sample` is the first of that run."""
    end = ending.replaced_by(state.ending, state.run, header, sample)
    return ended_verdict(previous.verdict, previous.verdict, end, previous.gate), end


def presumed_over(snapshot: Snapshot) -> Snapshot:
    """Return a recorded Snapshot whose run is over with the next sample that shows no pool."""
    state = cast(State, snapshot.state)
    return replace(snapshot, state=replace(state, ending=replace(state.ending, presumed=True)))


def with_end(run: RunView, verdict: Verdict) -> RunView:
    """Return a run that is over as old as it was when it was last seen."""
    if verdict.ended is None:
        return run
    return replace(run, elapsed_s=max(0.0, verdict.ended.last_seen_t - run.started_at))


def following_header(run: RunTrack, state: State, sample: Sample) -> RunHeader | None:
    """Return the header of the run that begins with this sample after one that is over; None: none does."""
    operation = sample.pool.operation if sample.pool is not None else None
    if operation is not None and operation.ended_at is None:
        return None
    return ending.header_after(run, sample) if ending.begins_anew(state.ending, sample) else None
