"""What was seen: a `Sample` is everything seen in one tick, and the only thing that is recorded.

Missing is `None`, never a default. Units are in the names. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.refs import WorkerRef

Json = str | int | float | bool | None | list[Any] | dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadValue:
    """A field that was present and cannot be believed."""

    why: Literal["nan", "infinite", "too large", "wrong type", "negative", "duplicate"]
    text: str
    """What stood there, cleaned and cut: for people, never for arithmetic."""


class Presence(StrEnum):
    """What one field of one document is. Never "0 because we did not find it"."""

    ABSENT = "absent"
    NULL = "null"
    BAD = "bad"
    VALUE = "value"
    UNOBSERVED = "unobserved"
    """The source could not have seen this field (a recording made without it)."""


@dataclass(frozen=True, slots=True)
class NumberField:
    """One numeric field, read: `value` is set exactly when `presence` is VALUE."""

    presence: Presence
    value: float | None = None
    bad: BadValue | None = None


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """One `/status` document, cleaned: text without control characters, numbers finite or marked bad."""

    fields: Mapping[str, Json | BadValue]
    observable: frozenset[str] | None = None
    """The only fields the recorder could have seen; None: it saw the whole document."""


@dataclass(frozen=True, slots=True)
class BadStatus:
    """Bytes that are no status. `error` is one of `ERRORS`."""

    error: str
    detail: str = ""


ERRORS = (
    "refused",
    "timeout",
    "reset",
    "closed",
    "not json",
    "too large",
    "too deep",
    "not an object",
    "redirect",
    "encoded",
    "dns",
)
"""Named failures of a poll; besides these `http NNN`."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one poll of one worker brought. Exactly one of `status` and `error` is set."""

    status: WorkerStatus | None = None
    error: str | None = None
    """One of `ERRORS` or `http NNN`."""
    detail: str = ""
    latency_s: float | None = None
    pid: int | None = None
    pid_started_at: float | None = None
    episode: int | None = None
    """From the orchestrator's /workers; `/status` has none."""
    port: int | None = None
    last_frame_t: float | None = None
    """When a frame last reached it; from the orchestrator's /workers, up to a heartbeat old."""


@dataclass(frozen=True, slots=True)
class OrchestratorWorker:
    """What the orchestrator says of one worker: second-hand, up to a heartbeat old."""

    slot: int
    pid: int | None = None
    """In the orchestrator's own pid namespace."""
    port: int | None = None
    episode: int | None = None
    step_age_s: float | None = None
    last_seen_t: float | None = None
    """Unix seconds on the real clock."""
    last_frame_t: float | None = None
    """The same, of its last frame."""


@dataclass(frozen=True, slots=True)
class OrchestratorReading:
    """One answer of the orchestrator's /workers, by slot."""

    workers: Mapping[int, OrchestratorWorker] = field(default_factory=dict)
    error: str | None = None
    """One of `ERRORS` or `http NNN`; then `workers` is empty."""


@dataclass(frozen=True, slots=True)
class MemoryReading:
    """Memory that the workers can have: the minimum over the host and every cgroup above them and us."""

    total_bytes: int | None = None
    """The smaller of the host's memory and the tightest limit."""
    available_bytes: int | None = None
    limit_bytes: int | None = None
    """The tightest cgroup limit; None: no limit."""
    limited_by: str | None = None
    """"host", or the path of the cgroup that leaves the least."""
    working_set_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_used_bytes: int | None = None
    oom_kills: int | None = None
    """Kills so far: of the workers' own cgroup where it can be read, else of the whole host."""
    oom_scope: Literal["cgroup", "host"] | None = None
    pressure_some_avg10: float | None = None
    pressure_full_avg10: float | None = None


Role = Literal["worker", "launcher", "orchestrator", "ollama", "other"]


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """One process in its own right. `tree_bytes` includes its descendants, `rss_bytes` does not."""

    role: Role
    rss_bytes: int
    slot: int | None = None
    pid: int | None = None
    started_at: float | None = None
    tree_bytes: int | None = None
    """None where the descendants were not looked at."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ExitReading:
    """How one process ended, as whoever started it says."""

    role: Role
    exit: str
    """The exit code in digits, "-15" for a signal: a text, because a reader believes no negative number."""
    slot: int | None = None
    pid: int | None = None
    """None: the log names no pid."""

    @property
    def code(self) -> int:
        """The exit code; negative for a signal."""
        return int(self.exit)


@dataclass(frozen=True, slots=True)
class KernelKill:
    """One process that the kernel says it killed for want of memory."""

    pid: int | None
    """None: the log's pids are of another namespace than ours."""
    name: str = ""
    rss_bytes: int | None = None
    oom_cgroup: str = ""
    """The group whose limit was hit; "" for the whole host."""
    task_cgroup: str = ""


@dataclass(frozen=True, slots=True)
class KernelLogReading:
    """What the kernel's log said since the last look."""

    error: str | None = None
    """"not readable: ...": then nothing is known, which is not the same as no kill."""
    kills: tuple[KernelKill, ...] = ()


@dataclass(frozen=True, slots=True)
class GpuReading:
    """Memory of one GPU, device level."""

    index: int
    used_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class RunPeaks:
    """The most that one worker, and Ollama, held in an earlier run on this machine, past its start-up."""

    t: float
    """When it was last measured: Unix seconds on the real clock."""
    worker_bytes: int | None = None
    ollama_bytes: int | None = None
    """None: no Ollama, or none that had loaded its model."""


@dataclass(frozen=True, slots=True)
class EnvReading:
    """The `METABONK_*` (and configured) environment of one worker process; secrets are masked by the adapter."""

    values: Mapping[str, str] | None
    error: str | None = None
    """"not permitted", "gone": why `values` is None."""


@dataclass(frozen=True, slots=True)
class EnvFileReading:
    """The env file, as bash sees it."""

    path: str
    values: Mapping[str, str]
    """Of what is looked at in an environment, what it sets; secrets are masked by the adapter."""
    exported: frozenset[str]
    """Of these, what a plain `source` hands to child processes; the rest needs `set -a`."""
    error: str | None = None
    """Why it could not be read; then nothing else here counts."""
    unread: tuple[str, ...] | None = None
    """Of these, what the workers' source never names; None: the source is not known, or not all of it was read."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `kind` is a dotted word of `interchange.md`."""

    t: float
    kind: str
    severity: Severity
    text: str
    worker: WorkerRef | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Machine-readable extras, e.g. {"from": 5, "to": 3, "by": "key"}."""


@dataclass(frozen=True, slots=True)
class RunHeader:
    """Says that a new run begins at `started_at`."""

    name: str
    started_at: float
    desired: int | None
    source: str = "live"
    """"live", "replay", "metabonk-csv": where the samples come from."""
    interval_s: float | None = None
    how: str = ""
    """How the start is known: "launched by us", "oldest worker process", "first sample", "recording"."""
    profile: str = ""
    foreign_fields: tuple[str, ...] = ()
    """Names that the recorder asked for and `/status` never had: nothing can be known through them."""


StepState = Literal["waiting", "running", "done", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class OperationStep:
    """One step of a launch, stop or resize, as it is shown."""

    name: str
    state: StepState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """An action on the pool in progress or just ended."""

    action: str
    """For people: "launch 3 workers"."""
    started_at: float
    steps: tuple[OperationStep, ...]
    output_tail: tuple[str, ...] = ()
    """The last lines that the command printed, cleaned."""
    ended_at: float | None = None
    ok: bool | None = None
    """None while it runs."""
    message: str = ""
    """How it ended, in a sentence."""
    log_path: str = ""


@dataclass(frozen=True, slots=True)
class PoolReading:
    """What launches the workers, as seen in one tick."""

    backend: str = ""
    desired: int | None = None
    launcher_pid: int | None = None
    launcher_started_at: float | None = None
    launched_by_us: bool = False
    controller: Literal["us", "other", "none"] = "none"
    """Who may act on the pool. "other": a second monitor holds it and we only look."""
    holder: str = ""
    """Who holds it when it is not us, for people: "pid 4711 on pts/3 since 14:02"."""
    read_only: bool = False
    operation: Operation | None = None
    orchestrator_error: str | None = None
    """None: it answers, or none is configured."""
    problem: str = ""
    """Why acting is impossible, for people: "no launch command in the config"."""


@dataclass(frozen=True, slots=True)
class WatchReading:
    """The memory watch as it stands in one tick."""

    armed: bool
    by: str = ""
    """Who armed it: "key", "config", "option"."""
    since_t: float | None = None
    dry_run: bool = False
    """It only says what it would do."""
    on_critical: str = "alarm"
    """What it does when memory is critical: a word of `memory_watch.on_critical`."""
    did: str = ""
    """What it did last, or in a dry run would have done: "resize 5 → 3 workers"; "" for nothing yet."""
    did_t: float | None = None
    did_ok: bool | None = None
    """How that ended; None: under way, or nothing to end."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Everything seen in one tick. The only thing that is recorded."""

    t: float
    workers: Mapping[WorkerRef, Observation] = field(default_factory=dict)
    """A worker that is not here was not looked at in this tick."""
    memory: MemoryReading | None = None
    processes: tuple[ProcessReading, ...] | None = None
    """None: not looked at; empty: none found."""
    gpus: tuple[GpuReading, ...] | None = None
    environments: Mapping[WorkerRef, EnvReading] = field(default_factory=dict)
    """Sparse: appears when it changes."""
    env_file: EnvFileReading | None = None
    """Sparse: appears when it changes."""
    log_tails: Mapping[WorkerRef, tuple[str, ...]] = field(default_factory=dict)
    """The lines of a worker's log that may tell a cause, cleaned. Sparse: appears when they change."""
    earlier_peaks: tuple[RunPeaks, ...] | None = None
    """Sparse: appears when it was read. What earlier runs of this pool held."""
    exits: tuple[ExitReading, ...] = ()
    """Sparse: what was read of ended processes since the last sample."""
    kernel_log: KernelLogReading | None = None
    """Sparse: appears with a kill, and when it becomes readable or not."""
    pool: PoolReading | None = None
    watch: WatchReading | None = None
    """None: not known, because another monitor holds the pool or the recorder knew of none."""
    events: tuple[Event, ...] = ()
    run: RunHeader | None = None
    """A new run begins with this sample."""
    lag_s: float | None = None
    """How late this tick was, on the real clock."""
