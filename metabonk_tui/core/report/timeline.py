"""Reduces a run to at most some hundred moments, for charts and comparisons. Pure."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping

from msgspec import Struct, msgpack
from msgspec.structs import replace

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Gap, Snapshot, VerdictKind
from metabonk_tui.core.model.worker import ComponentState, HealthState, Reach, WorkerView
from metabonk_tui.core.run.replay import by_run, ended_as
from metabonk_tui.core.worker import metrics

FINEST_S = 10.0
"""The smallest spacing of moments, in seconds on the run's clock."""
MAX_POINTS = 720
"""At twice this number the spacing doubles: 24 h are kept at less than 4 minutes."""


class ComponentPoint(Struct, frozen=True):
    """One component on one worker at one moment."""

    state: ComponentState
    value: float | None
    """None: the latest good status has no number here."""


class WorkerPoint(Struct, frozen=True):
    """One worker at one moment. None means not observed, as in its WorkerView."""

    reach: Reach
    generation: int
    ui_state: str | None
    step: float | None
    memory_bytes: int | None
    """The memory of its process tree, or of its process where the tree was not read."""
    gameplay: bool
    """Whether gameplay was corroborated so far in this run."""
    components: Mapping[str, ComponentPoint]
    numbers: Mapping[str, float | None]
    """The values of the compared `WORKER_METRICS`, by id."""
    health: HealthState | None = None
    """None: no problem found, or not known."""

    @property
    def step_rate(self) -> float | None:
        """Steps per second."""
        return self.numbers.get("step_rate")


class TimelinePoint(Struct, frozen=True):
    """The whole run at one moment, `at_s` after its start."""

    at_s: float
    verdict_kind: VerdictKind
    available_bytes: int | None
    forecast_state: str | None
    """A `ForecastState`; None: no forecast."""
    zero_s: float | None
    """The time at which memory was predicted to run out, in seconds of the run; None: no prediction."""
    zero_band_s: tuple[float, float] | None
    oom_kills: int
    workers: Mapping[WorkerRef, WorkerPoint]


class RunTimeline(Struct, frozen=True):
    """One run: evenly spaced moments, oldest first, and its last Snapshot."""

    points: tuple[TimelinePoint, ...]
    spacing_s: float
    last: Snapshot

    @property
    def name(self) -> str:
        return self.last.run.name

    @property
    def duration_s(self) -> float:
        """Seconds from the start to the last Snapshot."""
        return max(0.0, self.last.t - self.last.run.started_at)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The periods without samples."""
        return self.last.run.gaps

    def at(self, at_s: float) -> TimelinePoint | None:
        """Return the last point at or before `at_s`; None: before the first, after the end, or in a gap."""
        t = self.last.run.started_at + at_s
        if at_s > self.duration_s or any(gap.from_t < t < gap.to_t for gap in self.gaps):
            return None
        place = bisect_right(self.points, at_s, key=lambda item: item.at_s)
        return self.points[place - 1] if place else None


class _PackedWorker(Struct, frozen=True, array_like=True):
    """A WorkerPoint as it is packed: numbers stay what they are, whole or not."""

    reach: Reach
    generation: int
    ui_state: str | None
    step: int | float | None
    memory_bytes: int | float | None
    gameplay: bool
    components: list[tuple[str, ComponentState, int | float | None]]
    numbers: list[tuple[str, int | float | None]]
    health: HealthState | None


class _PackedWorkers(Struct, frozen=True, array_like=True):
    workers: list[tuple[WorkerRef, _PackedWorker]]


_packed_workers = msgpack.Decoder(_PackedWorkers)


class _PackedPoint(Struct, frozen=True):
    """A TimelinePoint without its workers, and these as bytes.

    A worker takes 630 bytes a point, 0.9 MB in a day of an open monitor; packed it takes 70.
    """

    point: TimelinePoint
    workers: bytes | None
    """None: they hold what cannot be packed, such as a number of 20 digits, and are in the point."""


class RunTimelineBuilder:
    """Builds a timeline from successive Snapshots in bounded memory."""

    def __init__(self) -> None:
        self._spacing_s = FINEST_S
        self._points: dict[int, _PackedPoint] = {}
        self._last: Snapshot | None = None

    def add(self, snapshot: Snapshot) -> None:
        """Add the next Snapshot of the run; the last one in each interval counts."""
        place = self._place(snapshot)
        if self._last is not None and self._place(self._last) != place:
            # Only the last Snapshot of an interval becomes a point: with 1000 workers a point costs 6 ms.
            self._take_last()
        self._last = snapshot
        if len(self._points) + (place not in self._points) >= 2 * MAX_POINTS:
            self._spacing_s *= 2
            # In the order of time, so that the later of two merged points stays.
            ordered = sorted(self._points.items())
            self._points = {int(one.point.at_s // self._spacing_s): one for _, one in ordered}

    def timeline(self) -> RunTimeline | None:
        """Return the timeline so far; None: no Snapshot was added."""
        if self._last is None:
            return None
        self._take_last()
        ordered = tuple(_unpacked(one) for _, one in sorted(self._points.items()))
        return RunTimeline(ordered, self._spacing_s, self._last)

    def _place(self, snapshot: Snapshot) -> int:
        return int((snapshot.t - snapshot.run.started_at) // self._spacing_s)

    def _take_last(self) -> None:
        if self._last is not None:
            self._points[self._place(self._last)] = _packed(make_point(self._last))


def timelines(snapshots: Iterable[Snapshot]) -> tuple[RunTimeline, ...]:
    """Return the timeline of every run in the Snapshots of a recording, oldest first."""
    found: list[RunTimeline] = []
    for walk in by_run(snapshots):
        builder = RunTimelineBuilder()
        for snapshot in walk:
            builder.add(snapshot)
        final = snapshot if walk.following is None else ended_as(snapshot, walk.following)
        timeline = builder.timeline()
        if timeline is not None and final is not None:
            found.append(replace(timeline, last=final))
    return tuple(found)


def make_point(snapshot: Snapshot) -> TimelinePoint:
    """Return the point of one Snapshot."""
    start, forecast = snapshot.run.started_at, snapshot.memory.forecast
    lo_t, hi_t = (forecast.zero_lo_t, forecast.zero_hi_t) if forecast else (None, None)
    return TimelinePoint(
        at_s=snapshot.t - start,
        verdict_kind=snapshot.verdict.kind,
        available_bytes=snapshot.memory.available_bytes,
        forecast_state=forecast.state if forecast else None,
        zero_s=forecast.reaches_zero_t - start if forecast and forecast.reaches_zero_t is not None else None,
        zero_band_s=(lo_t - start, hi_t - start) if lo_t is not None and hi_t is not None else None,
        oom_kills=snapshot.run_memory.oom_kills_in_run,
        workers={worker.ref: _worker(worker) for worker in snapshot.workers},
    )


def _packed(point: TimelinePoint) -> _PackedPoint:
    workers = [
        (
            ref,
            _PackedWorker(
                each.reach,
                each.generation,
                each.ui_state,
                each.step,
                each.memory_bytes,
                each.gameplay,
                [(name, one.state, one.value) for name, one in each.components.items()],
                list(each.numbers.items()),
                each.health,
            ),
        )
        for ref, each in point.workers.items()
    ]
    try:
        return _PackedPoint(replace(point, workers={}), zlib.compress(msgpack.encode(_PackedWorkers(workers)), 1))
    except (OverflowError, UnicodeError):
        return _PackedPoint(point, None)


def _unpacked(packed: _PackedPoint) -> TimelinePoint:
    if packed.workers is None:
        return packed.point
    workers = {
        ref: WorkerPoint(
            reach=each.reach,
            generation=each.generation,
            ui_state=each.ui_state,
            step=each.step,
            memory_bytes=each.memory_bytes,  # type: ignore[arg-type]  # as it was
            gameplay=each.gameplay,
            components={name: ComponentPoint(state, value) for name, state, value in each.components},
            numbers=dict(each.numbers),
            health=each.health,
        )
        for ref, each in _packed_workers.decode(zlib.decompress(packed.workers)).workers
    }
    return replace(packed.point, workers=workers)


def _worker(worker: WorkerView) -> WorkerPoint:
    return WorkerPoint(
        reach=worker.reach,
        generation=worker.generation,
        ui_state=worker.ui_state,
        step=worker.step,
        memory_bytes=worker.held_bytes,
        gameplay=worker.gameplay.reached_t is not None,
        components={one.id: ComponentPoint(one.state, one.value) for one in worker.components},
        numbers={metric.id: metric.read(worker) for metric in metrics.WORKER_METRICS if metric.compare},
        health=worker.health.state if worker.health else None,
    )
