"""Collects a run for reports: its last Snapshot, all events, and its timeline. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind, added_events
from metabonk_tui.core.report.first_seen import FirstSeen, first_seen
from metabonk_tui.core.report.forecast_accuracy import ForecastRecord, forecast_record
from metabonk_tui.core.report.timeline import RunTimeline, RunTimelineBuilder
from metabonk_tui.core.run.replay import by_run, ended_as

HistoryVerdict = tuple[float, VerdictKind, tuple[str, ...]]


class RunHistory(Struct, frozen=True):
    """One run as a report reads it."""

    last: Snapshot
    """The last Snapshot of the run so far."""
    events: tuple[Event, ...]
    """All events, oldest first."""
    timeline: RunTimeline | None = None
    """None: only the last Snapshot is known, so nothing can be charted."""
    causes_t: Mapping[str, float] = field(default_factory=dict)
    """When each cause was first named; empty: the run was not followed."""
    first_confidence: Mapping[str, float] = field(default_factory=dict)
    """How probable each cause was when it was first named."""
    derive_from: tuple[Event, ...] | None = None
    """A more complete list of events for derived facts; None: use `events`."""

    @property
    def first_seen(self) -> tuple[FirstSeen, ...]:
        """When each fact was first visible."""
        return first_seen(self.last, self._derived, self.causes_t, self.first_confidence)

    @property
    def forecasts(self) -> ForecastRecord:
        """The warnings of the forecast, and their outcomes."""
        return forecast_record(self.last, self._derived)

    @property
    def verdicts(self) -> tuple[HistoryVerdict, ...]:
        """Every verdict with its start, from the Snapshot or from the events, whichever has more."""
        derive_from = tuple(
            (event.t, VerdictKind(event.facts["word"]), _texts(event.facts.get("because")))
            for event in self.events
            if event.kind == EventKind.VERDICT and event.facts.get("word") in list(VerdictKind)
        )
        return derive_from if len(derive_from) > len(self.last.verdicts) else self.last.verdicts

    @property
    def _derived(self) -> tuple[Event, ...]:
        return self.events if self.derive_from is None else self.derive_from


class RunHistoryBuilder:
    """Builds the history of one run from its Snapshots."""

    def __init__(self) -> None:
        self._timeline_builder = RunTimelineBuilder()
        self._events: list[Event] = []
        self._causes_t: dict[str, float] = {}
        self._first_confidence: dict[str, float] = {}
        self._newest: Snapshot | None = None

    def add(self, snapshot: Snapshot) -> None:
        """Add the next Snapshot of the run."""
        self._timeline_builder.add(snapshot)
        self._take(snapshot)
        for cause in snapshot.causes:
            self._causes_t.setdefault(cause.id, snapshot.t)
            self._first_confidence.setdefault(cause.id, cause.confidence)

    def history(self, last: Snapshot | None = None) -> RunHistory | None:
        """Return the history so far, with `last` as the final Snapshot if given; None: no Snapshot was added."""
        timeline = self._timeline_builder.timeline()
        if timeline is None:
            return None
        if last is not None:
            timeline = replace(timeline, last=last)
            self._take(last)
        first = dict(self._first_confidence)
        return RunHistory(timeline.last, tuple(self._events), timeline, dict(self._causes_t), first)

    def _take(self, snapshot: Snapshot) -> None:
        self._events += snapshot.events if self._newest is None else added_events(self._newest, snapshot)
        self._newest = snapshot


def histories_so_far(last: Snapshot, events: tuple[Event, ...] | None = None) -> tuple[RunHistory, ...]:
    """Return every run in a Snapshot, oldest first. `events`: all events of the last run, if stored."""
    earlier = tuple(RunHistory(ended.last, ended.events) for ended in last.ended_runs)
    return (*earlier, RunHistory(last, last.events if events is None else events))


def run_histories(snapshots: Iterable[Snapshot]) -> tuple[RunHistory, ...]:
    """Return the history of every run in the Snapshots of a recording, oldest first."""
    found: list[RunHistory] = []
    for walk in by_run(snapshots):
        builder = RunHistoryBuilder()
        for snapshot in walk:
            builder.add(snapshot)
        final = None if walk.following is None else ended_as(snapshot, walk.following)
        history = builder.history(final)
        if history is not None and (final is not None or walk.following is None):
            found.append(history)
    return tuple(found)


def _texts(because: object) -> tuple[str, ...]:
    """Return the reasons of a recorded verdict; a recording may have anything there."""
    return tuple(str(text) for text in because) if isinstance(because, list | tuple) else ()
