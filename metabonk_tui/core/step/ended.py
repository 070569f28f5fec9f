"""Follows the end of a run through one step: its track, its event, its verdict. Does not: decide how it ended."""

from __future__ import annotations

from typing import cast

from msgspec.structs import replace

from metabonk_tui.core.model.ending import RunEnd
from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.sample import RunHeader, Sample
from metabonk_tui.core.model.snapshot import RunView, Snapshot, Verdict
from metabonk_tui.core.run import ending
from metabonk_tui.core.run.tracker import RunTrack
from metabonk_tui.core.step.event_log import EventLog, verdict_draft
from metabonk_tui.core.step.state import State, Tick, VerdictChange
from metabonk_tui.core.verdict.ended import ended_verdict
from metabonk_tui.core.verdict.next_steps import READ_REPORT, steps_after_end

KEPT_VERDICTS = 500


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
    return ended_verdict(verdict, track.before, track.end, tick.gate, steps_after_end(tick.inputs))


def end_draft(end: RunEnd) -> EventDraft:
    """Draft that the run is over, and how it ended."""
    severity: Severity = "info" if end.keeps_verdict else "crit"
    facts = {"reason": end.reason, "last_seen": end.last_seen_t}
    return EventDraft(EventKind.RUN_END, severity, f"the run is over: {end.text}", facts=facts)


def closed_verdict(previous: Snapshot, state: State, header: RunHeader, sample: Sample) -> tuple[Verdict, RunEnd]:
    """Return the verdict and the end of a run that another run follows; `sample` is the first of that run."""
    end = ending.replaced_by(state.ending, state.run, header, sample)
    # The steps after a run belong to the run that follows it.
    return ended_verdict(previous.verdict, previous.verdict, end, previous.gate, ()), end


def presumed_over(snapshot: Snapshot, *, cut_by_restart: bool = False) -> Snapshot:
    """Return a recorded Snapshot whose run is over with the next sample that shows no pool."""
    state = cast(State, snapshot.state)
    known = replace(state.ending, presumed=True, cut_by_restart=cut_by_restart, restored=True)
    return replace(snapshot, state=replace(state, ending=known))


def as_restored(snapshot: Snapshot) -> Snapshot:
    """Return a recorded Snapshot of a run that this monitor continues: until a sample shows the pool, it saw none."""
    state = cast(State, snapshot.state)
    ending = replace(state.ending, restored=True)
    return replace(snapshot, state=replace(state, ending=ending), ended_unseen=ending.ended_unseen)


def over_by_restart(snapshot: Snapshot) -> Snapshot:
    """Return the last recorded Snapshot of a run that a restart of its machine cut off."""
    state = cast(State, snapshot.state)
    if snapshot.verdict.ended is not None or not state.run.begun:
        return snapshot
    end = ending.end_by_restart(state.ending, state.run, snapshot.t)
    events = EventLog(snapshot.t, snapshot.events)
    events.emit(end_draft(end))
    verdict = ended_verdict(snapshot.verdict, snapshot.verdict, end, snapshot.gate, (READ_REPORT,))
    return replace(
        snapshot,
        run=with_end(snapshot.run, verdict),
        verdict=verdict,
        events=events.newest,
        event_count=snapshot.event_count + events.emitted,
    )


def with_end(run: RunView, verdict: Verdict) -> RunView:
    """Return a run that is over as old as it was when it was last seen; what was not watched later is not its gap."""
    end = verdict.ended
    if end is None:
        return run
    gaps = tuple([gap for gap in run.gaps if gap.from_t < end.t or gap.from_t <= end.last_seen_t])
    return replace(run, elapsed_s=max(0.0, end.last_seen_t - run.started_at), gaps=gaps)


def following_header(run: RunTrack, state: State, sample: Sample) -> RunHeader | None:
    """Return the header of the run that begins with this sample after one that is over; None: none does."""
    operation = sample.pool.operation if sample.pool is not None else None
    if operation is not None and operation.ended_at is None:
        return None
    return ending.header_after(run, sample) if ending.begins_anew(state.ending, sample) else None


def add_verdict(verdicts: tuple[VerdictChange, ...], verdict: Verdict, events: EventLog) -> tuple[VerdictChange, ...]:
    """Append and emit a verdict if its kind differs from the last one."""
    if verdicts and verdicts[-1][1] is verdict.kind:
        return verdicts
    events.emit(verdict_draft(verdict))
    return (*verdicts, (verdict.since_t, verdict.kind, verdict.because))[-KEPT_VERDICTS:]
