"""Files one run: every Sample with what it means, its minutes rolled up, its events told once.

Goes on with a file as well as it begins one; refuses to know where Samples come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from metabonk_tui.adapters.store.codec import Encoder
from metabonk_tui.adapters.store.rollup import MINUTE_S, Rollup, fields_of
from metabonk_tui.adapters.store.run_file import Cache, RunFile
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import Event, RunHeader, Sample
from metabonk_tui.core.model.snapshot import RunSummary, Snapshot

BEFORE_S = 300.0
"""How far before the open minute the last sample is sought: it says from where the counters grew."""


class RunWriter:
    """One run that is being filed."""

    def __init__(self, path: Path, config: Config) -> None:
        """Open or make the file, and know again what its writer before us knew. Raises what `UNREADABLE` names."""
        self.path = path
        self._file = RunFile(path)
        self._rollup = Rollup(fields_of(config))
        self._last_event: Event | None = None
        self._name = ""
        if self._file.seq:
            try:
                self._recover()
            except BaseException:
                self._file.close()
                raise

    @property
    def file(self) -> RunFile:
        """What it is written to."""
        return self._file

    def add(
        self,
        sample: Sample,
        snapshot: Snapshot | None,
        more: Mapping[str, Any],
        cache: Cache | None = None,
        inbox_to: int = 0,
    ) -> None:
        """File a Sample; all of it, or nothing and an error."""
        events = self._new_events(snapshot.events) if snapshot is not None else ()
        self._file.write(
            sample,
            meta={**more, **self._meta(sample, snapshot)},
            minutes=self._rollup.add(sample),
            events=events,
            cache=cache,
            inbox_to=inbox_to,
        )
        if events:
            self._last_event = events[-1]

    def finish(self, following: tuple[Sample, Snapshot] | None = None) -> None:
        """Write what is still open; one file is left, nothing beside it.

        `following`: what the next run begins with. The hole up to it is still this run's, and so is a kill in it.
        """
        closed = self._closed(following[1]) if following is not None else None
        if following is None or closed is None:
            self._file.finish(self._rollup.close())
            return
        sample, snapshot = following
        after = Sample(t=sample.t, memory=sample.memory, run=_header(snapshot))
        meta = {"summary": _summary(closed.last), "after": Encoder().line(after).decode()}
        self._file.finish(self._rollup.close(), meta=meta, events=self._new_events(closed.events))

    def close(self) -> None:
        """Let go of the file as it is."""
        self._file.close()

    def _recover(self) -> None:
        with Recording(self.path) as recording:
            self._last_event = recording.last_event()
            _, last_t = recording.span
            minute = int(last_t // MINUTE_S) * MINUTE_S
            recent = list(recording.numbered(from_t=minute - BEFORE_S))
            first, sample = recent[0] if recent else (0, None)
            if sample is not None and sample.t >= minute and first > 1:
                # Ticks far apart: the one before is what the counters grew from.
                recent.insert(0, next(recording.numbered(after=first - 2)))
            for _, sample in recent:
                self._rollup.add(sample)
        self._file.forget_minutes_from(minute)

    def _closed(self, following: Snapshot) -> RunSummary | None:
        """Return this run as it is known once the next one has begun."""
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
        # The oldest events fall off the end of a long list, so places cannot be remembered, only the event.
        places = [place for place, event in enumerate(events) if event is last or event == last]
        if places:
            return events[places[-1] + 1 :]
        # Another version of this program, or of the thresholds, tells the past otherwise: what is told stays told.
        return tuple(event for event in events if event.t > last.t)


def _summary(snapshot: Snapshot) -> dict[str, Any]:
    run = snapshot.run
    return {
        "run": run.name,
        "started_at": run.started_at,
        "verdict": snapshot.verdict.kind.value,
        "workers": run.desired if run.desired is not None else len(snapshot.workers),
    }


def _header(snapshot: Snapshot) -> RunHeader:
    run = snapshot.run
    return RunHeader(run.name, run.started_at, run.desired, run.source, run.interval_s, run.how, run.profile)
