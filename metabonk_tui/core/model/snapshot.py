"""What it means: a `Snapshot` is what a Sample means after all that came before, and all that is drawn or printed.

Missing is `None`, never a default. Units are in the names. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.alert import Alert
from metabonk_tui.core.model.contract import ContractView
from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import EnvFileReading, Event, PoolReading
from metabonk_tui.core.model.worker import WorkerView


class VerdictKind(StrEnum):
    """The verdict. The order is the precedence of the headline, loudest first."""

    STOP = "STOP"
    UNDECIDED = "UNDECIDED"
    ADD_MEMORY_WATCH = "ADD MEMORY WATCH"
    TUNE_EPSILON = "TUNE EPSILON"
    SUCCESS = "SUCCESS"
    LAUNCH_24H = "LAUNCH 24H"
    CONTINUE = "CONTINUE"
    VALIDATING = "VALIDATING"
    WAITING = "WAITING"

    @property
    def level(self) -> Level:
        """How loud it is; the same as the exit code's meaning."""
        return _LEVELS[self]

    @property
    def exit_code(self) -> int:
        """0 go, 1 caution, 2 STOP, 3 not known yet (the monitoring-plugins convention)."""
        return levels.exit_code(self.level)


_LEVELS: dict[VerdictKind, Level] = {
    VerdictKind.STOP: "stop",
    VerdictKind.UNDECIDED: "unknown",
    VerdictKind.ADD_MEMORY_WATCH: "caution",
    VerdictKind.TUNE_EPSILON: "caution",
    VerdictKind.SUCCESS: "go",
    VerdictKind.LAUNCH_24H: "go",
    VerdictKind.CONTINUE: "go",
    VerdictKind.VALIDATING: "unknown",
    VerdictKind.WAITING: "unknown",
}

CheckResult = Literal["PASS", "FAIL", "UNKNOWN", "SKIPPED", "TO COME"]


@dataclass(frozen=True, slots=True)
class Check:
    """One of the six checks of the gate; judges the interval since the last one."""

    n: int
    due_t: float
    result: CheckResult
    because: str = ""


Phase = Literal["start-up", "validation", "gameplay", "long run", "complete"]


@dataclass(frozen=True, slots=True)
class Gate:
    """The 30 minutes of six checks."""

    phase: Phase
    began_t: float | None
    """End of start-up; None while starting."""
    ends_t: float | None
    gameplay_by_t: float | None
    checks: tuple[Check, ...]

    def count(self, result: CheckResult) -> int:
        """Count the checks with this result."""
        return sum(check.result == result for check in self.checks)


Answer = Literal["yes", "no", "unknown", "not yet"]


@dataclass(frozen=True, slots=True)
class Node:
    """One question of the matrix with its answer and evidence, reached or not."""

    id: Literal["components", "memory", "gameplay"]
    question: str
    """"Are the metrics still zero?", "Memory stable, > 1 GB?", "Gameplay within 2 h?"."""
    answer: Answer
    leads_to: str
    """The word, or "on track", "CONTINUE"."""
    level: Level
    on_path: bool
    short: str
    """At most 24 cells: "3/3 due shown", "min 4.1 GB", "0/5 corroborated"."""
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NextStep:
    """Something to do now."""

    key: str | None
    """The key that does it in the UI."""
    text: str
    command: str | None
    """The same as a command line that can be copied."""
    join: Literal["", "then", "or"] = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word of the matrix and all it stands on. Never a bare word."""

    kind: VerdictKind
    since_t: float
    because: tuple[str, ...]
    """Sentences, the strongest first."""
    nodes: tuple[Node, ...]
    would_be: VerdictKind | None
    """While VALIDATING: what it would be if the gate ended now."""
    changes_when: str
    next_steps: tuple[NextStep, ...]
    was: VerdictKind | None
    """The word before this one."""
    early: bool = False
    """Decided before the gate ended, on conclusive evidence."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One possible cause of silence, with its proof."""

    id: str
    name: str
    confidence: float
    because: str
    confirm: str
    fix: str
    workers: tuple[WorkerRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Time that nobody watched."""

    from_t: float
    to_t: float


@dataclass(frozen=True, slots=True)
class RunView:
    """The run on screen."""

    name: str
    started_at: float
    elapsed_s: float
    desired: int | None
    source: str
    how: str
    profile: str
    interval_s: float
    """Nominal time between samples."""
    samples: int
    observed_s: float
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run that ended, kept for the report: its last Snapshot and all its events."""

    last: Snapshot
    events: tuple[Event, ...]
    verdicts: tuple[tuple[float, VerdictKind, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What one Sample means after all that came before. The only thing that is drawn or printed."""

    t: float
    tick: int
    run: RunView
    workers: tuple[WorkerView, ...]
    """By host and slot, ascending; every wanted slot has one, seen or not."""
    memory: MemoryView
    gate: Gate
    verdict: Verdict
    pool: PoolReading
    events: tuple[Event, ...]
    """This run's, oldest first, at most `MAX_EVENTS`."""
    verdicts: tuple[tuple[float, VerdictKind, tuple[str, ...]], ...]
    """Every change of the verdict in this run: (since, word, because)."""
    causes: tuple[Cause, ...]
    lag_s: float | None
    trend_bucket_s: float
    memory_bucket_s: float
    ended_runs: tuple[RunSummary, ...]
    state: Any
    """What `core.step` needs to go on. Nobody else may look inside."""
    env_file: EnvFileReading | None = None
    """What the pool's env file sets; None: none is configured, or it was not read yet."""
    contract: ContractView | None = None
    """Which names of `/status` were seen in this run; None: nothing was looked at yet."""
    log_lines: Mapping[WorkerRef, tuple[str, ...]] = field(default_factory=dict)
    """The lines of each worker's log that may tell a cause, oldest first; no entry for a worker: none was found."""
    recording: bool | None = None
    """Is this run being written to disk? None: no recorder runs."""
    alerts: tuple[Alert, ...] = ()
    """This run's, the loudest that fire first, then pending ones, then those that ended, newest first."""
    recorded_by: str = ""
    """The other monitor that writes it, in words; "": we do, or nobody does."""
    event_count: int = 0
    """How many events this run has had, of which `events` holds the newest. Not written to JSON."""


MAX_EVENTS = 500


def new_events(before: Snapshot | None, after: Snapshot) -> tuple[Event, ...]:
    """Return the events that `after` brought: where a run ended in between, also the last ones of that run."""
    if before is None:
        return after.events
    if before.ended_runs is not after.ended_runs and after.ended_runs:
        return (*added_events(before, after.ended_runs[-1].last), *after.events)
    if before.run.name != after.run.name:
        return after.events
    return added_events(before, after)


def added_events(before: Snapshot, after: Snapshot) -> tuple[Event, ...]:
    """Return the events that one run had between two of its Snapshots.

    Where `after` has had fewer, it is another account of the run: then those later than the last one of `before`.
    """
    added = after.event_count - before.event_count
    if added < 0:
        last_t = before.events[-1].t if before.events else float("-inf")
        return tuple(event for event in after.events if event.t > last_t)
    return after.events[max(0, len(after.events) - added) :] if added else ()
