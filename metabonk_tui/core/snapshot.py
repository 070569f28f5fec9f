"""What it means: a `Snapshot` is what a Sample means after all that came before, and all that is drawn or printed.

Missing is `None`, never a default. Units are in the names. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from metabonk_tui.core.black_box import BlackBox
from metabonk_tui.core.names import ContractView
from metabonk_tui.core.sample import EnvFileReading, Event, MemoryReading, PoolReading, RunPeaks, WatchReading
from metabonk_tui.core.worker_view import WorkerView

Level = Literal["go", "caution", "stop", "unknown"]


class Word(StrEnum):
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
        return {"go": 0, "caution": 1, "stop": 2, "unknown": 3}[self.level]


_LEVELS: dict[Word, Level] = {
    Word.STOP: "stop",
    Word.UNDECIDED: "unknown",
    Word.ADD_MEMORY_WATCH: "caution",
    Word.TUNE_EPSILON: "caution",
    Word.SUCCESS: "go",
    Word.LAUNCH_24H: "go",
    Word.CONTINUE: "go",
    Word.VALIDATING: "unknown",
    Word.WAITING: "unknown",
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

    word: Word
    since_t: float
    because: tuple[str, ...]
    """Sentences, the strongest first."""
    nodes: tuple[Node, ...]
    would_be: Word | None
    """While VALIDATING: what it would be if the gate ended now."""
    changes_when: str
    next_steps: tuple[NextStep, ...]
    was: Word | None
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
    workers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds memory."""

    name: str
    """"workers 5", "ollama", "launcher", "other"."""
    bytes: int
    growth_bytes_per_min: float | None


PeakSource = Literal["this run", "start-up", "earlier run", "config"]
"""Whose number a peak is. "start-up": measured in this run on workers that are still starting, and may yet grow."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How many workers fit: `n x worker peak + ollama + floor <= available + what the pool holds`."""

    worker_bytes: int
    worker_source: PeakSource
    ollama_bytes: int
    ollama_source: PeakSource
    floor_bytes: int
    budget_bytes: int
    """Available plus what the pool holds now."""
    fits: int
    held_bytes: int = 0
    """What the workers and Ollama hold now."""
    worker_peak_t: float | None = None
    """When the earlier run was that the worker's peak is from."""
    ollama_peak_t: float | None = None

    @property
    def worker_measured(self) -> bool:
        """Tell whether the worker's peak was measured, in this run or an earlier one, rather than assumed."""
        return self.worker_source != "config"

    @property
    def ollama_measured(self) -> bool:
        """Tell whether Ollama's peak was measured, in this run or an earlier one, rather than assumed."""
        return self.ollama_source != "config"

    @property
    def available_bytes(self) -> int:
        """Available memory itself."""
        return self.budget_bytes - self.held_bytes

    def needs_bytes(self, workers: int) -> int:
        """Memory that this many workers and Ollama need, without the floor."""
        return workers * self.worker_bytes + self.ollama_bytes

    def leaves_bytes(self, workers: int) -> int:
        """What stays available with this many workers; negative: it does not fit at all."""
        return self.budget_bytes - self.needs_bytes(workers)


ForecastState = Literal["LEARNING", "SUSPENDED", "STEADY", "FALLING", "WARNING", "CRITICAL"]
"""LEARNING: too little history, which is never OK. SUSPENDED: in start-up. FALLING: it ends, but not soon."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """When memory ends, if the trend holds. Every time has its band: a bare number would claim too much."""

    reaches_zero_t: float | None
    """None: no fall that can be told from noise."""
    plus_minus_s: float | None
    """Half the width of the band around `reaches_zero_t`, for a line of text."""
    slope_bytes_per_min: float
    """The line from now on, negative when available memory falls; 0.0 and no line while LEARNING or SUSPENDED."""
    text: str
    """For people: "OOM ~19m ±6m, if this trend holds"."""
    state: ForecastState = "FALLING"
    reaches_floor_t: float | None = None
    """None also where it is at or below the floor already."""
    zero_lo_t: float | None = None
    zero_hi_t: float | None = None
    """The band of `reaches_zero_t`."""
    floor_lo_t: float | None = None
    floor_hi_t: float | None = None
    """The band of `reaches_floor_t`."""
    since_t: float | None = None
    """Since when `state` is what it is."""
    falling_since_t: float | None = None
    """Since when it falls without having been called off."""

    @property
    def known(self) -> bool:
        """Whether there is a line at all."""
        return self.state not in ("LEARNING", "SUSPENDED")

    @property
    def raised(self) -> bool:
        """Whether it warns."""
        return self.state in ("WARNING", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Growth:
    """Who grows, how fast, since when."""

    name: str
    """"w2", "ollama", "launcher", "other"."""
    bytes: int
    """Held now."""
    bytes_per_min: float | None
    """Over the last 5 min; None: too little history."""
    since_t: float | None
    """Since when it grows without a rest; None: it does not."""


@dataclass(frozen=True, slots=True)
class SwapView:
    """Swap, judged: growing while tasks stall on memory is thrashing."""

    level: Literal["ok", "warn", "crit", "unknown"]
    used_bytes: int | None
    total_bytes: int | None
    bytes_per_min: float | None
    """How fast swap in use grows; None: too little history."""
    text: str
    """For people: "swap thrashing: +120 MB/min, PSI 32"; "" where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class GpuMemory:
    """Memory of one GPU, device level, judged like the host's."""

    index: int
    used_bytes: int
    total_bytes: int
    forecast: Forecast


@dataclass(frozen=True, slots=True)
class MemoryView:
    """Memory, judged."""

    reading: MemoryReading | None
    level: Literal["ok", "warn", "crit", "unknown"]
    floor_bytes: int
    min_available_bytes: int | None
    """Lowest in this run."""
    below_floor_since_t: float | None
    above_floor_since_t: float | None
    history: tuple[tuple[float, int], ...]
    """(t, available bytes), one per `Snapshot.memory_bucket_s`, oldest first, the last 60 minutes."""
    owners: tuple[Owner, ...]
    oom_kills_in_run: int
    oom_since_t: float | None
    oom_victims: tuple[str, ...]
    """"ollama", "w3": who vanished when the counter moved, where that is known."""
    budget: Budget | None
    forecast: Forecast | None = None
    first_warning_t: float | None = None
    first_critical_t: float | None = None
    watch_armed: bool = False
    """Armed in earnest: a dry run guards nothing."""
    watch: WatchReading | None = None
    """The memory watch; None: not known."""
    growth: tuple[Growth, ...] = ()
    """By process, the fastest first; empty where processes were not looked at."""
    swap: SwapView | None = None
    """None: swap was not observed."""
    gpus: tuple[GpuMemory, ...] | None = None
    """None: not looked at, or no GPU library; empty: no GPU."""
    lesson: RunPeaks | None = None
    """What a later run may learn from this one; None: nothing that can be trusted yet."""
    black_box: BlackBox | None = None
    """Around the first OOM kill of the run."""
    kernel_log: str | None = None
    """"readable", or why not; None: it was not looked at."""


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
    verdicts: tuple[tuple[float, Word, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What one Sample means after all that came before. The only thing that is drawn or printed."""

    t: float
    tick: int
    run: RunView
    workers: tuple[WorkerView, ...]
    """By slot, ascending; every wanted slot has one, seen or not."""
    memory: MemoryView
    gate: Gate
    verdict: Verdict
    pool: PoolReading
    events: tuple[Event, ...]
    """This run's, oldest first, at most `MAX_EVENTS`."""
    verdicts: tuple[tuple[float, Word, tuple[str, ...]], ...]
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
    recording: bool | None = None
    """Is this run being written to disk? None: no recorder runs."""
    recorded_by: str = ""
    """The other monitor that writes it, in words; "": we do, or nobody does."""


MAX_EVENTS = 500
