"""Shares the recording of a run with other monitors: one monitor writes it, the others follow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import overload

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.sample import Event, PoolReading, Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import Journal
from metabonk_tui.core.recordings.restore import rebuild
from metabonk_tui.core.step.ended import as_restored, presumed_over
from metabonk_tui.core.step.state import with_true_rhythm
from metabonk_tui.engine.isolated import Isolated


class FollowedSamples(Struct, frozen=True):
    """What another monitor recorded since the last tick, and what this monitor adds to it."""

    samples: tuple[Sample, ...]
    """The Samples not judged yet, oldest first; the newest has what this monitor adds."""
    pool: PoolReading | None
    """The pool with what this monitor adds, even if no Sample is new; None: not known."""
    starts_over: bool = False
    """Whether the Samples replace what this monitor saw so far: they record the same run from its start."""


class SharedRun:
    """Owns the journal. Without a journal nothing is restored, followed or stored."""

    def __init__(self, journal: Journal | None, isolated: Isolated) -> None:
        self._journal = journal
        self._isolated = isolated

    def begin(
        self, processes: tuple[ProcessReading, ...], step: Callable[[Snapshot | None, Sample], Snapshot]
    ) -> Snapshot | None:
        """Continue the recording of the run of these processes; None: there is no recording of it. May block."""
        past = self._journal.begin(processes) if self._journal is not None else None
        known = rebuild(past, step, with_true_rhythm) if past is not None else None
        return None if known is None else self.with_recording(as_restored(known))

    def last_run(self, step: Callable[[Snapshot | None, Sample], Snapshot]) -> Snapshot | None:
        """Return the last Snapshot of the pool's newest run, presumed over; None: none is recorded. May block."""
        past = self._journal.last() if self._journal is not None else None
        known = rebuild(past, step, with_true_rhythm) if past is not None else None
        if past is None or known is None:
            return None
        return presumed_over(known, cut_by_restart=past.cut_by_restart)

    def read_new(self) -> tuple[Sample, ...] | None:
        """Return what another monitor has stored since the last tick; None: no other monitor stores this run."""
        return self._journal.read_new() if self._journal is not None else None

    def follow(
        self,
        recorded: tuple[Sample, ...],
        latest: Snapshot | None,
        pool: PoolReading | None,
        fault_events: tuple[Event, ...],
        contribute: Callable[[Sample], Sample],
    ) -> FollowedSamples:
        """Add to the newest recorded Sample the pool as seen here and what `contribute` adds.

        Events and the header of a run go to the monitor that writes: they come back with its next Sample.
        """
        starts_over = latest is not None and _is_recorded_from_start(recorded, latest)
        latest = None if starts_over else latest
        fresh = tuple(sample for sample in recorded if latest is None or sample.t > latest.t)
        newest = fresh[-1] if fresh else Sample(t=latest.t if latest else 0.0)
        observed = replace(newest, pool=pool or uncontrolled(newest.pool), events=(*newest.events, *fault_events))
        contributed = contribute(observed)
        # The recorded watch is the other monitor's. If the watch here is armed, it alone acts on this pool.
        watch = contributed.watch if pool is not None and contributed.watch is not None else newest.watch
        contributed = replace(contributed, watch=watch)
        own_events = contributed.events[len(newest.events) :]
        own_run = contributed.run if contributed.run is not newest.run else None
        if (own_events or own_run) and self._journal is not None and self._journal.submit(own_events, own_run):
            contributed = replace(contributed, events=newest.events, run=newest.run)
        earlier = tuple(replace(sample, pool=_as_seen_here(sample.pool, pool)) for sample in fresh[:-1])
        samples = (*earlier, contributed) if fresh else ()
        return FollowedSamples(samples, contributed.pool, starts_over)

    def with_submitted(self, sample: Sample) -> Sample:
        """Add what other monitors did, and what happened to the recording."""
        if self._journal is None:
            return sample
        submitted = self._isolated.run("recording", self._journal.take_submitted)
        if submitted is None:
            return sample
        events, run = submitted
        # All monitors share the run's clock, but the others may emit an event after the time of this Sample.
        in_time = tuple(replace(event, t=min(event.t, sample.t)) for event in events)
        return replace(sample, events=(*sample.events, *in_time), run=sample.run or run)

    def store(self, sample: Sample, snapshot: Snapshot | None) -> None:
        """Record a Sample and its Snapshot; None: the step failed."""
        if (journal := self._journal) is not None:
            self._isolated.run("recording", lambda: journal.record(sample, snapshot))

    def with_recording(self, snapshot: Snapshot) -> Snapshot:
        """Add whether the run is recorded, and by whom."""
        if self._journal is None:
            return snapshot
        # A run that is over is not recorded any more, and that is no fault.
        recording = None if snapshot.verdict.ended is not None else self._journal.recording
        return replace(snapshot, recording=recording, recorded_by=self._journal.writer)

    def close(self) -> None:
        """Release the recording, complete as it is."""
        if self._journal is not None:
            self._journal.close()


@overload
def uncontrolled(pool: PoolReading) -> PoolReading: ...
@overload
def uncontrolled(pool: None) -> None: ...
def uncontrolled(pool: PoolReading | None) -> PoolReading | None:
    """Return a recorded pool without the controller of its time; None: no pool was recorded."""
    return None if pool is None else replace(pool, controller="none", holder="")


def _as_seen_here(recorded: PoolReading | None, here: PoolReading | None) -> PoolReading | None:
    """Return a recorded pool with what this monitor may do: the recorded role is that of the monitor that wrote it."""
    if recorded is None or here is None:
        return uncontrolled(recorded)
    return replace(
        recorded,
        controller=here.controller,
        holder=here.holder,
        read_only=here.read_only,
        problem=here.problem,
    )


def _is_recorded_from_start(recorded: tuple[Sample, ...], latest: Snapshot) -> bool:
    """Return whether these Samples record the known run from its start, on the clock of their writer."""
    return bool(recorded) and recorded[0].run is not None and recorded[0].t <= latest.t
