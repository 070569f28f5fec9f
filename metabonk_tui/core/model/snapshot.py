"""Declares the judged state: a `Snapshot` is a Sample evaluated after all samples before it.

Missing is `None`, never a default. Units are in the names. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.alert import Alert
from metabonk_tui.core.model.contract import ContractView
from metabonk_tui.core.model.ending import RunEnd
from metabonk_tui.core.model.host_view import HostView, gravest
from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.model.memory import MemoryView, of_run
from metabonk_tui.core.model.minutes import RunMinutes
from metabonk_tui.core.model.obituary import Obituary
from metabonk_tui.core.model.refs import ONLY_HOST, HostName, WorkerRef
from metabonk_tui.core.model.sample import EnvFileReading, Event, PoolReading
from metabonk_tui.core.model.worker import ComponentState, WorkerView


class VerdictKind(StrEnum):
    """The verdicts, in the precedence of the headline."""

    STOP = "STOP"
    UNDECIDED = "UNDECIDED"
    PARTIAL = "PARTIAL"
    ADD_MEMORY_WATCH = "ADD MEMORY WATCH"
    TUNE_EPSILON = "TUNE EPSILON"
    SUCCESS = "SUCCESS"
    LAUNCH_24H = "LAUNCH 24H"
    CONTINUE = "CONTINUE"
    VALIDATING = "VALIDATING"
    WAITING = "WAITING"

    @property
    def level(self) -> Level:
        """The severity; that of a verdict may be graver (`Verdict.level`)."""
        return _LEVELS[self]

    @property
    def exit_code(self) -> int:
        """0 go, 1 caution, 2 STOP, 3 not known yet (the convention of monitoring plugins)."""
        return levels.exit_code(self.level)


_LEVELS: dict[VerdictKind, Level] = {
    VerdictKind.STOP: "stop",
    VerdictKind.UNDECIDED: "unknown",
    VerdictKind.PARTIAL: "caution",
    VerdictKind.ADD_MEMORY_WATCH: "caution",
    VerdictKind.TUNE_EPSILON: "caution",
    VerdictKind.SUCCESS: "go",
    VerdictKind.LAUNCH_24H: "go",
    VerdictKind.CONTINUE: "go",
    VerdictKind.VALIDATING: "unknown",
    VerdictKind.WAITING: "unknown",
}

CheckResult = Literal["PASS", "PARTIAL", "FAIL", "UNKNOWN", "SKIPPED", "TO COME"]

CHECK_RESULTS: tuple[CheckResult, ...] = ("PASS", "PARTIAL", "FAIL", "UNKNOWN", "SKIPPED", "TO COME")


class CheckPart(Struct, frozen=True):
    """A component that is due in validation, at the end of a check."""

    label: str
    state: ComponentState
    """Its state on the worker on which it does best."""


class Check(Struct, frozen=True):
    """One of the six checks of the gate. It judges the interval since the previous check."""

    n: int
    due_t: float
    result: CheckResult
    because: str = ""
    observed: bool = False
    """The monitor watched at least half of the interval, and its end."""
    parts: tuple[CheckPart, ...] = ()
    """The due components at its end; empty: not judged, or its end was not seen."""


GateKind = Literal["first", "late", "again"]
"""The gate of the run's first 30 minutes, one that watching began late, or one taken again on request."""
Phase = Literal["start-up", "validation", "gameplay", "long run", "complete"]


class Gate(Struct, frozen=True):
    """The validation gate: six checks in 30 minutes."""

    phase: Phase
    began_t: float | None
    """The end of start-up; None: still starting."""
    ends_t: float | None
    gameplay_by_t: float | None
    checks: tuple[Check, ...]
    kind: GateKind = "first"
    start_up_ended_t: float | None = None
    """`began_t` of the first gate."""

    def count(self, result: CheckResult) -> int:
        """Count the checks with this result."""
        return [check.result for check in self.checks].count(result)

    @property
    def needed(self) -> int:
        """How many checks must pass: four of six."""
        return needed_checks(len(self.checks))

    @property
    def has_passed(self) -> bool:
        """Whether enough checks passed, the last one among them."""
        return bool(self.checks) and self.checks[-1].result == "PASS" and self.count("PASS") >= self.needed

    def has_ended(self, t: float) -> bool:
        """Return whether its last check is over at `t`."""
        return self.ends_t is not None and t >= self.ends_t


def needed_checks(checks: int) -> int:
    """Return how many of so many checks make a gate: two thirds, rounded up."""
    return -(-checks * 2 // 3)


Answer = Literal["yes", "no", "partly", "unknown", "not yet"]


class Node(Struct, frozen=True):
    """One question of the decision matrix with its answer and evidence, even when off the path."""

    id: Literal["early", "components", "memory", "gameplay"]
    """"early": the branch of a STOP before the gate ends; it exists only then."""
    question: str
    """"Are the metrics still zero?", "Memory stable, > 1 GB?", "Gameplay within 2 h?"."""
    answer: Answer
    leads_to: str
    """The resulting verdict, or "on track", "CONTINUE"."""
    level: Level
    on_path: bool
    short: str
    """At most 24 cells: "3/3 due shown", "min 4.1 GB", "0/5 corroborated"."""
    evidence: tuple[str, ...]


class NextStep(Struct, frozen=True):
    """One recommended action."""

    key: str | None
    """The key that runs it in the UI."""
    text: str
    command: str | None
    """The same action as a command line."""
    join: Literal["", "then", "or"] = ""


class Verdict(Struct, frozen=True):
    """The result of the decision matrix with its reasons and next steps."""

    kind: VerdictKind
    since_t: float
    because: tuple[str, ...]
    """Reasons as sentences, the strongest first."""
    nodes: tuple[Node, ...]
    would_be: VerdictKind | None
    """While VALIDATING: the verdict if the gate ended now."""
    changes_when: str
    next_steps: tuple[NextStep, ...]
    was: VerdictKind | None
    """The previous verdict."""
    early: bool = False
    """Whether conclusive evidence decided the verdict before the gate ended."""
    caution: bool = False
    """CONTINUE, and something is missing that a go needs."""
    ended: RunEnd | None = None
    """How its run ended; None: the run is not over. A run that is over is never a go."""

    @property
    def title(self) -> str:
        """The verdict on screen: "STOP", and "STOP ended" where its run is over."""
        return f"{self.kind} ended" if self.ended is not None else str(self.kind)

    @property
    def level(self) -> Level:
        """The severity, equal to the meaning of the exit code."""
        if self.kind.level != "go":
            return self.kind.level
        return "unknown" if self.ended is not None else "caution" if self.caution else "go"

    @property
    def exit_code(self) -> int:
        """0 go, 1 caution, 2 STOP, 3 not known yet, or a go of a run that is over."""
        return levels.exit_code(self.level)

    @property
    def reported_exit_code(self) -> int:
        """The exit code of the word as it was, also of a run that is over: `report` is about the past."""
        return levels.exit_code("caution" if self.caution and self.kind.level == "go" else self.kind.level)


class Cause(Struct, frozen=True):
    """One possible cause of silent components, with its evidence."""

    id: str
    name: str
    confidence: float
    because: str
    confirm: str
    fix: str
    workers: tuple[WorkerRef, ...] = ()


class Gap(Struct, frozen=True):
    """A period without samples."""

    from_t: float
    to_t: float


DEMO_PROFILE = "demo: "
"""Begins `pool.profile` of a demo pool; the scenario follows."""
SAMPLE_PROFILE = "sample"
"""The profile of the sample recordings: `bench.sample_runs` made them, so no pool was ever live."""


def source_of(source: str, profile: str) -> str:
    """Return where a run comes from: "demo" or "sample", which are no training, else the source of its samples."""
    return "demo" if profile.startswith(DEMO_PROFILE) else "sample" if profile == SAMPLE_PROFILE else source


class RunView(Struct, frozen=True):
    """The run on screen."""

    name: str
    started_at: float
    elapsed_s: float
    desired: int | None
    source: str
    how: str
    profile: str
    interval_s: float
    """The nominal time between samples."""
    samples: int
    observed_s: float
    gaps: tuple[Gap, ...]

    @property
    def shown_source(self) -> str:
        """Where the run comes from, in a word or two: a demo and a sample of this program are marked as such."""
        return f"demo {self.demo}" if self.demo else source_of(self.source, self.profile)

    @property
    def demo(self) -> str:
        """The scenario of a demo; "": this is no demo."""
        return self.profile.removeprefix(DEMO_PROFILE) if self.profile.startswith(DEMO_PROFILE) else ""


class RunSummary(Struct, frozen=True):
    """A run that ended, kept for the report."""

    last: Snapshot
    events: tuple[Event, ...]
    verdicts: tuple[tuple[float, VerdictKind, tuple[str, ...]], ...]


class Snapshot(Struct, frozen=True, eq=False):
    """One Sample, judged after all samples before it. Screens and reports read nothing else."""

    t: float
    tick: int
    run: RunView
    workers: Sequence[WorkerView]
    """By host and slot, ascending; every wanted slot has one, seen or not. A step computes them at the first read."""
    hosts: Mapping[HostName, HostView]
    """By name; one without a name where the monitor reads its own machine."""
    gate: Gate
    verdict: Verdict
    pool: PoolReading
    events: tuple[Event, ...]
    """Events of this run, oldest first, at most `MAX_EVENTS`."""
    verdicts: tuple[tuple[float, VerdictKind, tuple[str, ...]], ...]
    """Every change of the verdict in this run: (since, kind, because)."""
    causes: tuple[Cause, ...]
    lag_s: float | None
    trend_bucket_s: float
    memory_bucket_s: float
    ended_runs: tuple[RunSummary, ...]
    state: Any
    """The state that `core.step` continues from; opaque to all other packages."""
    env_file: EnvFileReading | None = None
    """What the pool's env file sets; None: no file configured, or not read yet."""
    contract: ContractView | None = None
    """Which names of `/status` were seen in this run; None: nothing was looked at yet."""
    log_lines: Mapping[WorkerRef, tuple[str, ...]] = field(default_factory=dict)
    """The lines of each worker's log that may tell a cause, oldest first; no entry for a worker: none was found."""
    recording: bool | None = None
    """Whether this run is being recorded; None: no recorder runs."""
    alerts: tuple[Alert, ...] = ()
    """Alerts of this run: firing (most severe first), then pending, then resolved (newest first)."""
    recorded_by: str = ""
    """The other monitor that records the run, for display; "": this monitor records, or none does."""
    minutes: RunMinutes = RunMinutes()
    """The run by the minute. Not written to JSON."""
    event_count: int = 0
    """Total number of events in this run; `events` has the newest. Not written to JSON."""
    obituaries: tuple[Obituary, ...] = ()
    """The pages about deaths in this run, oldest first, at most `MAX_OBITUARIES`."""
    earlier_obituaries: int = 0
    """How many older pages were dropped."""
    ended_unseen: bool = False
    """Whether the run is over, and this monitor never saw a part of its pool. Not written to JSON."""

    def __post_init__(self) -> None:
        """Reject a Snapshot without a host: it would have no memory. Raises ValueError."""
        if not self.hosts:
            raise ValueError("a Snapshot shows at least one host")

    @property
    def memory(self) -> MemoryView:
        """The memory of the only host, or of the one on which it is worst."""
        return gravest(self.hosts).memory

    @property
    def run_memory(self) -> MemoryView:
        """The memory of the run: of several hosts the worst one, with the lowest value and the kills of all."""
        return of_run(self.memory, [host.memory for host in self.hosts.values()])

    @property
    def has_several_hosts(self) -> bool:
        """Whether hosts have names, and each needs a row of its own."""
        return ONLY_HOST not in self.hosts


MAX_EVENTS = 500


def computed(snapshot: Snapshot) -> Snapshot:
    """Return the Snapshot with everything computed that a step leaves to the first reader."""
    hosts = {}
    for name, host in snapshot.hosts.items():
        memory = host.memory
        memory = replace(
            memory, history=tuple(memory.history), owners=tuple(memory.owners), growth=tuple(memory.growth)
        )
        hosts[name] = HostView(memory, host.link)
    return replace(snapshot, workers=tuple(snapshot.workers), hosts=hosts)


def new_events(before: Snapshot | None, after: Snapshot) -> tuple[Event, ...]:
    """Return the events that `after` added, including the last events of a run that ended in between."""
    if before is None:
        return after.events
    if before.ended_runs is not after.ended_runs and after.ended_runs:
        return (*added_events(before, after.ended_runs[-1].last), *after.events)
    if before.run.name != after.run.name:
        return after.events
    return added_events(before, after)


def shares_events(before: Snapshot | None, after: Snapshot) -> bool:
    """Return whether both are of one run. A relaunch that the monitor saw gets the name of the launch later."""
    if before is None:
        return False
    return before.run.name == after.run.name or (bool(before.events) and before.events[:1] == after.events[:1])


def added_events(before: Snapshot, after: Snapshot) -> tuple[Event, ...]:
    """Return the events between two Snapshots of one run.

    If `after` counts fewer events, it was rebuilt from another source: then return the events later than `before`.
    """
    added = after.event_count - before.event_count
    if added < 0:
        last_t = before.events[-1].t if before.events else float("-inf")
        return tuple(event for event in after.events if event.t > last_t)
    return after.events[max(0, len(after.events) - added) :] if added else ()
