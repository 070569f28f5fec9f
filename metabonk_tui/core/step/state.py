"""Declares what steps keep between samples (`State`) and what one step works on (`Tick`).

Does not: judge anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.core.alerts.tracker import AlertTracks
from metabonk_tui.core.causes.tracker import CauseTracker
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.memory.flight_recorder import FlightRecorder
from metabonk_tui.core.memory.kernel_evidence import KernelEvidence
from metabonk_tui.core.memory.tracker import MemoryTrack
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.host import LinkReading
from metabonk_tui.core.model.host_view import HostView
from metabonk_tui.core.model.minutes import RunMinutes
from metabonk_tui.core.model.obituary import Obituary
from metabonk_tui.core.model.refs import ONLY_HOST, HostName, WorkerRef
from metabonk_tui.core.model.sample import EnvFileReading, PoolReading, Sample
from metabonk_tui.core.model.snapshot import Check, Gap, Gate, Snapshot, Verdict, VerdictKind
from metabonk_tui.core.model.timing import Timing
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.run.ending import EndTrack
from metabonk_tui.core.run.gate import GateTrack
from metabonk_tui.core.run.tracker import RunTrack
from metabonk_tui.core.step.event_log import EventLog
from metabonk_tui.core.timeseries.window import Spacing
from metabonk_tui.core.verdict.hysteresis import Hysteresis
from metabonk_tui.core.verdict.inputs import VerdictInputs
from metabonk_tui.core.worker.contract import ContractTrack
from metabonk_tui.core.worker.health import HealthTrack
from metabonk_tui.core.worker.process_exits import ExitState
from metabonk_tui.core.worker.record import NO_WORKERS, PoolRecord
from metabonk_tui.core.worker.tracker import WorkerTrack

VerdictChange = tuple[float, VerdictKind, tuple[str, ...]]
"""(since, kind, because)"""


class HostState(Struct, frozen=True):
    """The data of one host that a step needs from earlier steps."""

    memory: MemoryTrack = field(default_factory=MemoryTrack)
    exits: ExitState = field(default_factory=ExitState)
    recorder: FlightRecorder = field(default_factory=FlightRecorder)
    kernel_log: str | None = None
    """"readable", or the reason why not; None: not read."""
    evidence: KernelEvidence = field(default_factory=KernelEvidence)
    link: LinkReading | None = None
    """How its agent answers; None: the monitor reads the host itself."""


def new_hosts() -> dict[HostName, HostState]:
    """Return the state of the hosts before their first sample, which names them: until then there is one."""
    return {ONLY_HOST: HostState()}


class State(Struct, frozen=True):
    """The data that a step needs from earlier steps."""

    run: RunTrack
    tracks: Mapping[WorkerRef, WorkerTrack]
    hosts: Mapping[HostName, HostState]
    gate: GateTrack
    contract: ContractTrack
    health_tracks: Mapping[WorkerRef, HealthTrack] = field(default_factory=dict)
    record: PoolRecord = NO_WORKERS
    """The workers in words."""
    hysteresis: Hysteresis = field(default_factory=Hysteresis)
    env_file: EnvFileReading | None = None
    """The last reading; it survives the end of a run."""
    cause_tracker: CauseTracker = field(default_factory=CauseTracker)
    alerts: AlertTracks = field(default_factory=AlertTracks)
    ending: EndTrack = field(default_factory=EndTrack)
    minutes: RunMinutes = RunMinutes()


class Tick:
    """The working data of one step. Mutable, and never kept after the step.

    The pipeline sets the first block. Exactly one stage writes each of the other fields; reading a field before its
    stage has run raises AttributeError.
    """

    previous: Snapshot | None
    sample: Sample
    config: Config
    before: State
    now: State
    """Starts as `before`; a stage replaces its own fields through `update`."""
    events: EventLog
    pool: PoolReading
    desired: int | None
    run: RunTrack
    """The run including this sample, before the pool's own actions are noted."""
    timing: Timing
    tracks: Mapping[WorkerRef, WorkerTrack]
    """The workers with this sample taken in, before what was emitted of them is noted."""
    observed_memory: Mapping[HostName, MemoryTrack]
    """Memory including this sample, before kills known only from the kernel's log are latched."""
    exits: Mapping[HostName, ExitState]
    workers: Sequence[WorkerView]
    """Computed when it is first read: the judges read the record."""
    judged_checks: tuple[Check, ...]
    gate: Gate
    hosts: Mapping[HostName, HostView]
    inputs: VerdictInputs
    verdict: Verdict
    verdicts: tuple[VerdictChange, ...]
    obituaries: tuple[tuple[Obituary, ...], int]
    """The pages about deaths, and how many older ones were dropped."""

    def __init__(
        self,
        previous: Snapshot | None,
        sample: Sample,
        config: Config,
        before: State,
        events: EventLog,
        pool: PoolReading,
        desired: int | None,
    ) -> None:
        """Set the first block; no other field has a value yet."""
        self.previous, self.sample, self.config = previous, sample, config
        self.before = self.now = before
        self.events, self.pool, self.desired = events, pool, desired

    def update(self, **fields: Any) -> None:
        """Replace the given fields of `now`."""
        self.now = replace(self.now, **fields)


def with_own_actions(run: RunTrack, sample: Sample) -> RunTrack:
    """Note the monitor's own stops and launches, so that a stopped pool does not count as failed."""
    for event in sample.events:
        if event.severity == "crit":
            continue
        if event.kind == EventKind.POOL_STOP and event.worker is None:
            run = replace(run, stopped_t=event.t)
        elif event.kind in (EventKind.POOL_LAUNCH, EventKind.POOL_RESIZE):
            run = replace(run, stopped_t=None)
    if run.stopped_t is not None and any(seen.status is not None for seen in sample.workers.values()):
        answered_after = sample.t - run.stopped_t > 2 * run.spacing.nominal_s
        run = replace(run, stopped_t=None) if answered_after else run
    return run


def with_true_rhythm(snapshot: Snapshot, gaps: tuple[Gap, ...], rhythm_s: float) -> Snapshot:
    """Return a Snapshot built from part of the samples with the true interval (seconds) and gaps."""
    state = cast(State, snapshot.state)
    run = replace(state.run, spacing=Spacing(rhythm_s), gaps=gaps or state.run.gaps)
    return replace(
        snapshot,
        run=replace(snapshot.run, gaps=run.gaps, interval_s=rhythm_s),
        state=replace(state, run=run),
    )
