"""Writes one run: each Sample with its summary, the minute rows, and each event once.

Continues an existing file or creates one. Does not: know the source of the Samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from metabonk_tui.adapters.store import checkpoint
from metabonk_tui.adapters.store.codec import Encoder
from metabonk_tui.adapters.store.rollup import MINUTE_S, Rollup, fields_of
from metabonk_tui.adapters.store.run_file import NO_META, Cache, RunFile
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.seek_points import SeekPoint, SeekPoints
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.host import HostReading
from metabonk_tui.core.model.sample import Event, PoolReading, RunHeader, Sample
from metabonk_tui.core.model.snapshot import Gap, RunSummary, Snapshot
from metabonk_tui.core.recordings.restore import recorded_gap

BEFORE_S = 300.0
"""Seconds before the open minute in which to look for a sample: counters grow from it."""


class RunWriter:
    """The writer of one run."""

    def __init__(self, path: Path, config: Config, meta: Mapping[str, Any] = NO_META) -> None:
        """Open the file, or create it with `meta`, and restore the previous writer's state.

        Raises the errors in `UNREADABLE`.
        """
        self.path = path
        self._file = RunFile(path, meta)
        self._rollup = Rollup(fields_of(config))
        self._key = checkpoint.key(config)
        self._points = SeekPoints()
        self._last_event: Event | None = None
        self._name = ""
        if self._file.seq:
            try:
                self._points = SeekPoints.of(self._file.cached())
                self._recover()
            except BaseException:
                self._file.close()
                raise

    @property
    def file(self) -> RunFile:
        """The run's file, for its inbox and its tick count."""
        return self._file

    def add(
        self,
        sample: Sample,
        snapshot: Snapshot | None,
        more: Mapping[str, Any],
        cache: Cache | None = None,
        inbox_to: int = 0,
        unstored_from_t: float | None = None,
    ) -> None:
        """Write a Sample in one transaction: all of it, or nothing and an error.

        `unstored_from_t`: the time of the last stored sample, if samples since then could not be stored.
        """
        new = self._new_events(snapshot.events) if snapshot is not None else ()
        # A late tick among samples that are not stored is no gap between stored ones, and lies within theirs.
        events = new if unstored_from_t is None else [e for e in new if not _is_within(e, unstored_from_t, sample.t)]
        caches = () if cache is None else (cache,)
        point, gone = self._seek_point(snapshot)
        try:
            self._file.write(
                sample,
                meta={**more, **self._meta(sample, snapshot)},
                minutes=self._rollup.add(sample),
                events=events,
                caches=(*caches, *point),
                uncached=[each.name for each in gone],
                inbox_to=inbox_to,
            )
        except BaseException:
            self._points.break_off()
            raise
        if new:
            self._last_event = new[-1]

    def _seek_point(self, snapshot: Snapshot | None) -> tuple[tuple[Cache, ...], list[SeekPoint]]:
        """Return the Snapshot to keep with the next sample, if it is due, and the points that it replaces."""
        number = self._file.seq + 1
        if snapshot is None or not self._points.is_due(number):
            return (), []
        added = self._points.add(snapshot, number)
        if added is None:
            return (), []
        point, packed = added
        return ((point.name, self._key, packed),), self._points.dropped()

    def finish(self, following: tuple[Sample, Snapshot] | None = None) -> None:
        """Write the open data and leave one file without a log.

        `following`: the first step of the next run. The gap before it, and a kill in that gap, belong to this run.
        """
        closed = self._closed(following[1]) if following is not None else None
        if following is None or closed is None:
            self._file.finish(self._rollup.close())
            return
        sample, snapshot = following
        hosts = {name: _first_of_next(host) for name, host in sample.hosts.items()}
        after = Sample(t=sample.t, hosts=hosts, pool=_size(sample.pool), run=_header(snapshot))
        meta = {"summary": _summary(closed.last), "after": Encoder().line(after).decode()}
        self._file.finish(self._rollup.close(), meta=meta, events=self._new_events(closed.events))

    def close(self) -> None:
        """Close the file without packing it."""
        self._file.close()

    def _recover(self) -> None:
        with Recording(self.path) as recording:
            self._last_event = recording.last_event()
            _, last_t = recording.span
            minute = int(last_t // MINUTE_S) * MINUTE_S
            recent = list(recording.numbered(from_t=minute - BEFORE_S))
            first, sample = recent[0] if recent else (0, None)
            if sample is not None and sample.t >= minute and first > 1:
                # With ticks over a minute apart, counters grow from the sample before.
                recent.insert(0, next(recording.numbered(after=first - 2)))
            for _, sample in recent:
                self._rollup.add(sample)
        self._file.forget_minutes_from(minute)

    def _closed(self, following: Snapshot) -> RunSummary | None:
        """Return this run's summary from the first Snapshot of the next run."""
        name = self._name
        return next((ended for ended in reversed(following.ended_runs) if ended.last.run.name == name), None)

    def _meta(self, sample: Sample, snapshot: Snapshot | None) -> dict[str, Any]:
        if snapshot is None:
            return {}
        self._name = snapshot.run.name
        if self._file.seq:
            return {"summary": _summary(snapshot)}
        return {"summary": _summary(snapshot), "header": asdict(sample.run or _header(snapshot))}

    def _new_events(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        last = self._last_event
        if last is None:
            return events
        # Search by event, not by index: a long list drops its oldest events.
        places = [place for place, event in enumerate(events) if event is last or event == last]
        if places:
            return events[places[-1] + 1 :]
        # Another program version or other thresholds derive other events: stored events stay, later ones are added.
        return tuple(event for event in events if event.t > last.t)


def _is_within(event: Event, from_t: float, to_t: float) -> bool:
    """Return whether an event reports a gap within these times that is shorter than they are."""
    gap = recorded_gap(event) if event.kind == EventKind.RECORDER_GAP else None
    return gap is not None and from_t <= gap.from_t and gap.to_t <= to_t and gap != Gap(from_t, to_t)


def _first_of_next(host: HostReading) -> HostReading:
    """Return what the next run's first reading says of the end of this one: the memory, and who launched."""
    launchers = tuple(process for process in host.processes or () if process.role == "launcher")
    return HostReading(memory=host.memory, processes=launchers or None)


def _size(pool: PoolReading | None) -> PoolReading | None:
    return None if pool is None or pool.desired is None else PoolReading(desired=pool.desired)


def _summary(snapshot: Snapshot) -> dict[str, Any]:
    run = snapshot.run
    return {
        "run": run.name,
        "started_at": run.started_at,
        "verdict": snapshot.verdict.kind.value,
        "workers": run.desired if run.desired is not None else len(snapshot.workers),
        **({"ended_t": end.last_seen_t, "end": end.text} if (end := snapshot.verdict.ended) is not None else {}),
    }


def _header(snapshot: Snapshot) -> RunHeader:
    run = snapshot.run
    return RunHeader(run.name, run.started_at, run.desired, run.source, run.interval_s, run.how, run.profile)
