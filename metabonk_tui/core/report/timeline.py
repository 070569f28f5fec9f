"""A run boiled down to some hundred moments: what a report charts and a comparison lays side by side. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Gap, Snapshot, VerdictKind
from metabonk_tui.core.model.worker import ComponentState, HealthState, Reach, WorkerView

FINEST_S = 10.0
"""The finest spacing of moments, on the run's clock."""
MOST = 720
"""At twice as many moments every other one is let go: 24 h are kept at less than four minutes."""


@dataclass(frozen=True, slots=True)
class ComponentMoment:
    """One component on one worker at one moment."""

    state: ComponentState
    value: float | None
    """None: not a value in the latest good status."""


@dataclass(frozen=True, slots=True)
class WorkerMoment:
    """One worker at one moment. None is not observed, as in its WorkerView."""

    reach: Reach
    generation: int
    ui_state: str | None
    step: float | None
    step_rate: float | None
    memory_bytes: int | None
    """Its tree, or itself where the tree was not looked at."""
    gameplay: bool
    """Corroborated so far in this run."""
    components: Mapping[str, ComponentMoment]
    health: HealthState | None = None
    """None: nothing is wrong with what it is doing, or it is not known."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The whole run at one moment, `at_s` after its start."""

    at_s: float
    word: VerdictKind
    available_bytes: int | None
    forecast_state: str | None
    """A `ForecastState`; None: there is no forecast."""
    zero_s: float | None
    """When memory was then foretold to end, in seconds after the run's start; None: not foretold."""
    zero_band_s: tuple[float, float] | None
    oom_kills: int
    workers: Mapping[WorkerRef, WorkerMoment]


@dataclass(frozen=True, slots=True)
class Digest:
    """One run: its moments at even spacing, oldest first, and the Snapshot that it ended with."""

    moments: tuple[Moment, ...]
    spacing_s: float
    last: Snapshot

    @property
    def name(self) -> str:
        """The run's name."""
        return self.last.run.name

    @property
    def duration_s(self) -> float:
        """From its start to what was seen last."""
        return max(0.0, self.last.t - self.last.run.started_at)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The times that nobody watched."""
        return self.last.run.gaps

    def at(self, at_s: float) -> Moment | None:
        """Return what was seen last at so many seconds; None before the first, past the end and within a gap."""
        t = self.last.run.started_at + at_s
        if at_s > self.duration_s or any(gap.from_t < t < gap.to_t for gap in self.gaps):
            return None
        place = bisect_right(self.moments, at_s, key=lambda one: one.at_s)
        return self.moments[place - 1] if place else None


class Digester:
    """Boils a run down while it is stepped through, in bounded memory."""

    def __init__(self) -> None:
        self._spacing_s = FINEST_S
        self._moments: dict[int, Moment] = {}
        self._last: Snapshot | None = None

    def add(self, snapshot: Snapshot) -> None:
        """Take in the next Snapshot of the run: of each stretch the last one counts."""
        at_s = snapshot.t - snapshot.run.started_at
        self._last = snapshot
        self._moments[int(at_s // self._spacing_s)] = moment(snapshot)
        if len(self._moments) >= 2 * MOST:
            self._spacing_s *= 2
            # In order of time: the later of two that fall together stays.
            self._moments = {int(one.at_s // self._spacing_s): one for _, one in sorted(self._moments.items())}

    def digest(self) -> Digest | None:
        """Return the run so far; None: nothing was taken in."""
        if self._last is None:
            return None
        ordered = tuple(one for _, one in sorted(self._moments.items()))
        return Digest(ordered, self._spacing_s, self._last)


def digests(snapshots: Iterable[Snapshot]) -> tuple[Digest, ...]:
    """Boil down every run that a walk through a recording meets, oldest first."""
    found: list[Digest] = []
    digester, name = Digester(), None
    for snapshot in snapshots:
        run = (snapshot.run.name, snapshot.run.started_at)
        if name is not None and run != name:
            found += _ended(digester, snapshot)
            digester = Digester()
        name = run
        digester.add(snapshot)
    last = digester.digest()
    return (*found, last) if last is not None else tuple(found)


def _ended(digester: Digester, following: Snapshot) -> list[Digest]:
    """Close a run: what came of it is only known when the next one begins."""
    one = digester.digest()
    if one is None:
        return []
    kept = [ended.last for ended in following.ended_runs if ended.last.run.name == one.last.run.name]
    # A run that never began (nobody answered in it) is not kept.
    return [Digest(one.moments, one.spacing_s, kept[-1])] if kept else []


def moment(snapshot: Snapshot) -> Moment:
    """Boil one Snapshot down."""
    start, forecast = snapshot.run.started_at, snapshot.memory.forecast
    lo_t, hi_t = (forecast.zero_lo_t, forecast.zero_hi_t) if forecast else (None, None)
    reading = snapshot.memory.reading
    return Moment(
        at_s=snapshot.t - start,
        word=snapshot.verdict.kind,
        available_bytes=reading.available_bytes if reading else None,
        forecast_state=forecast.state if forecast else None,
        zero_s=forecast.reaches_zero_t - start if forecast and forecast.reaches_zero_t is not None else None,
        zero_band_s=(lo_t - start, hi_t - start) if lo_t is not None and hi_t is not None else None,
        oom_kills=snapshot.memory.oom_kills_in_run,
        workers={worker.ref: _worker(worker) for worker in snapshot.workers},
    )


def _worker(worker: WorkerView) -> WorkerMoment:
    return WorkerMoment(
        reach=worker.reach,
        generation=worker.generation,
        ui_state=worker.ui_state,
        step=worker.step,
        step_rate=worker.step_rate,
        memory_bytes=worker.rss_bytes if worker.tree_bytes is None else worker.tree_bytes,
        gameplay=worker.gameplay.reached_t is not None,
        components={one.id: ComponentMoment(one.state, one.value) for one in worker.components},
        health=worker.health.state if worker.health else None,
    )
