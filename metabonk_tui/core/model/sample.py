"""Declares the observations: a `Sample` is everything that one tick observed, and all that is recorded.

Missing is `None`, never a default. Units are in the names. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct, field

from metabonk_tui.core.model.host import NOT_READ, HostReading, ProcessReading
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.refs import MAX_WORKERS, ONLY_HOST, HostName, WorkerRef
from metabonk_tui.core.text.phrases import count_of, cut_list

NAMED_REASONS = 2
Json = str | int | float | bool | None | list[Any] | dict[str, Any]


class BadValue(Struct, frozen=True):
    """A field that was present with an unusable value."""

    why: Literal["nan", "infinite", "too large", "wrong type", "negative", "duplicate"]
    text: str
    """The original value as text, cleaned and cut. For display only, not for arithmetic."""


class Presence(StrEnum):
    """Whether one field of one document has a value. A missing field is never read as 0."""

    ABSENT = "absent"
    NULL = "null"
    BAD = "bad"
    VALUE = "value"
    UNOBSERVED = "unobserved"
    """The source could not have seen this field, because the recording was made without it."""


class NumberField(Struct, frozen=True):
    """One numeric field. `value` is set exactly when `presence` is VALUE."""

    presence: Presence
    value: float | None = None
    bad: BadValue | None = None


if TYPE_CHECKING:
    StatusValue = Json | BadValue
else:
    # A decoder that reads this annotation cannot distinguish a JSON object from a BadValue, so it must not choose.
    StatusValue: TypeAlias = Any


class WorkerStatus(Struct, frozen=True):
    """One `/status` document, cleaned: text without control characters, numbers finite or marked bad."""

    fields: Mapping[str, StatusValue]
    observable: frozenset[str] | None = None
    """The only fields that the recorder could have seen; None: the whole document."""


class BadStatus(Struct, frozen=True):
    """An answer that is not a status document. `error` is one of `ERRORS`."""

    error: str
    detail: str = ""


STRANGER = "stranger"
"""What answers is not this pool's worker; `detail` names it as far as it can be."""

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
    "ended",
    STRANGER,
)
"""Named failures of a poll. An HTTP error is "http NNN" instead.

"ended": the worker was not asked, because the engine that placed it says that its job has ended."""


class Observation(Struct, frozen=True):
    """The result of one poll of one worker. Exactly one of `status` and `error` is set."""

    status: WorkerStatus | None = None
    error: str | None = None
    """One of `ERRORS` or `http NNN`."""
    detail: str = ""
    latency_s: float | None = None
    pid: int | None = None
    pid_started_at: float | None = None
    episode: int | None = None
    """From the orchestrator's /workers, because `/status` has no episode."""
    port: int | None = None
    last_frame_t: float | None = None
    """When a frame last reached the worker. From the orchestrator's /workers, so up to one heartbeat old."""


class OrchestratorWorker(Struct, frozen=True):
    """One worker as the orchestrator reports it: second-hand, up to one heartbeat old."""

    ref: WorkerRef
    pid: int | None = None
    """In the orchestrator's own pid namespace."""
    port: int | None = None
    episode: int | None = None
    step_age_s: float | None = None
    last_seen_t: float | None = None
    """Unix seconds on the real clock."""
    last_frame_t: float | None = None
    """When the worker's last frame came, in Unix seconds on the real clock."""


class OrchestratorReading(Struct, frozen=True):
    """One answer of the orchestrator's /workers."""

    workers: Mapping[WorkerRef, OrchestratorWorker] = field(default_factory=dict)
    error: str | None = None
    """One of `ERRORS` or `http NNN`; then `workers` is empty."""


class EnvReading(Struct, frozen=True):
    """The `METABONK_*` and configured environment of one worker process. The adapter masks secrets."""

    values: Mapping[str, str] | None
    error: str | None = None
    """"not permitted", "gone": why `values` is None."""


class EnvFileReading(Struct, frozen=True):
    """The env file as bash evaluates it."""

    path: str
    values: Mapping[str, str]
    """The monitored variables that the file sets. The adapter masks secrets."""
    exported: frozenset[str]
    """Those of `values` that a plain `source` exports to child processes; the others need `set -a`."""
    error: str | None = None
    """Why reading failed; the other fields are then meaningless."""
    unread: tuple[str, ...] | None = None
    """Those of `values` that nothing in the checkout reads; None: the source was not read completely."""
    warning: str | None = None
    """What bash complained of in a usable file: a line that is no assignment, line ends of another system."""
    launcher_sets: Mapping[str, str | None] = field(default_factory=dict)
    """The required variables that the launcher's script sets whatever the file says; None: to an unknown value."""
    source: str | None = None
    """What was read for `unread`: "914 files of /srv/metabonk"; where `unread` is None, why it is not known."""


class Event(Struct, frozen=True):
    """One event of a run. `kind` is a member of `EventKind`, or any text of a recording."""

    t: float
    kind: str
    severity: Severity
    text: str
    worker: WorkerRef | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Machine-readable extras, e.g. {"from": 5, "to": 3, "by": "key"}."""


class RunHeader(Struct, frozen=True):
    """Marks the start of a new run at `started_at`."""

    name: str
    started_at: float
    desired: int | None
    source: str = "live"
    """The source of the samples: "live", "replay" or "metabonk-csv"."""
    interval_s: float | None = None
    how: str = ""
    """How the start time is known: "launched by us", "oldest worker process", "first sample", "recording"."""
    profile: str = ""
    foreign_fields: tuple[str, ...] = ()
    """Field names that the recorder requested and `/status` never had. Such fields stay unobserved."""


StepState = Literal["waiting", "running", "done", "failed", "skipped"]


class OperationStep(Struct, frozen=True):
    """One displayed step of a launch, stop or resize."""

    name: str
    state: StepState
    detail: str = ""


class Operation(Struct, frozen=True):
    """An action on the pool in progress or just ended."""

    action: str
    """For display: "launch 3 workers"."""
    started_at: float
    steps: tuple[OperationStep, ...]
    output_tail: tuple[str, ...] = ()
    """The last lines that the command printed, cleaned."""
    ended_at: float | None = None
    ok: bool | None = None
    """None while it runs."""
    message: str = ""
    """The result in one sentence."""
    log_path: str = ""
    ends: tuple[int, ...] | None = None
    """The pids of the only processes that it ends; None: any of the pool may."""


class WaitingWorker(Struct, frozen=True):
    """A wanted worker that the engine has not placed on a host yet."""

    slot: int
    job: str
    """As the engine names it: "12_3"."""
    reason: str
    """Why it waits, in the engine's word: "Resources"."""
    since_t: float | None = None
    """When it was submitted or requeued; None: not known."""
    state: str = ""
    """The engine's word for its state: "PENDING", "REQUEUED"; "": an older recorder did not write it."""


class PoolReading(Struct, frozen=True):
    """The state of the pool's launcher in one tick."""

    backend: str = ""
    desired: int | None = None
    launcher_pid: int | None = None
    launcher_started_at: float | None = None
    launched_by_us: bool = False
    controller: Literal["us", "other", "none"] = "none"
    """The monitor that may act on the pool. "other": another monitor controls it and this one is read-only."""
    holder: str = ""
    """The other controlling monitor, for display: "pid 4711 on pts/3 since 14:02"."""
    read_only: bool = False
    operation: Operation | None = None
    orchestrator_error: str | None = None
    """None: the orchestrator answers, or none is configured."""
    problem: str = ""
    """Why actions are impossible, for display: "no launch command in the config"."""
    placed: bool = False
    """Whether an engine places the workers on hosts: before it has, a Sample without any host is a reading too."""
    waiting: tuple[WaitingWorker, ...] = ()
    """The workers that wait for a place, by slot."""
    engine_error: str | None = None
    """Why the engine does not answer now: `waiting` is what it said before. None: it answers, or there is none."""
    launched_t: float | None = None
    """When an engine accepted the last launch of the whole pool; None: not known, or no engine places the workers."""
    elsewhere: str = ""
    """Where workers of this launch or checkout listen, while none is on a wanted port; "": nowhere that is seen."""


class WatchReading(Struct, frozen=True):
    """The state of the memory watch in one tick."""

    armed: bool
    by: str = ""
    """What armed it: "key", "config" or "option"."""
    since_t: float | None = None
    dry_run: bool = False
    """The watch reports its action and does not carry it out."""
    on_critical: str = "alarm"
    """Its action when memory is critical: a value of `memory_watch.on_critical`."""
    did: str = ""
    """The last action, real or dry-run: "resize 5 → 3 workers"; "": none yet."""
    did_t: float | None = None
    did_ok: bool | None = None
    """Whether that action succeeded; None: still running, or no action."""


class Sample(Struct, frozen=True):
    """Everything that one tick observed, and all that is recorded."""

    t: float
    workers: Mapping[WorkerRef, Observation] = field(default_factory=dict)
    """A worker that is not here was not looked at in this tick."""
    hosts: Mapping[HostName, HostReading] = field(default_factory=dict)
    """A host that is not here was not read in this tick."""
    environments: Mapping[WorkerRef, EnvReading] = field(default_factory=dict)
    """Sparse: appears when it changes."""
    env_file: EnvFileReading | None = None
    """Sparse: appears when it changes."""
    log_tails: Mapping[WorkerRef, tuple[str, ...]] = field(default_factory=dict)
    """The lines of a worker's log that may tell a cause, cleaned. Sparse: appears when they change."""
    log_ends: Mapping[WorkerRef, tuple[str, ...]] = field(default_factory=dict)
    """The last lines of the log of a worker whose process is gone, cleaned. Sparse: once for each death."""
    pool: PoolReading | None = None
    watch: WatchReading | None = None
    """None: not known, because another monitor controls the pool or the recorder had no watch."""
    events: tuple[Event, ...] = ()
    run: RunHeader | None = None
    """Set when a new run starts with this sample."""
    lag_s: float | None = None
    """Delay of this tick against its schedule, in real seconds."""
    interval_s: float | None = None
    """Seconds of the run's clock between this sample and the one before, as the operator chose; None: as usual."""

    def host(self, name: HostName) -> HostReading:
        """Return what this tick read of a host; `NOT_READ`: nothing."""
        return self.hosts.get(name, NOT_READ)

    @property
    def only_host(self) -> HostReading:
        """What this tick read of the only host. Raises ValueError where hosts have names."""
        if not self.hosts.keys() <= {ONLY_HOST}:
            raise ValueError(f"several hosts: {', '.join(sorted(self.hosts))}")
        return self.host(ONLY_HOST)

    @property
    def processes(self) -> tuple[ProcessReading, ...]:
        """The processes of every host that was read in this tick."""
        return tuple([process for host in self.hosts.values() for process in host.processes or ()])


def known_waiting(pool: PoolReading) -> tuple[WaitingWorker, ...] | None:
    """Return the workers that wait for a place; None: no engine places workers, or it does not answer now."""
    return pool.waiting if pool.placed and pool.engine_error is None else None


def waiting_text(waiting: Sequence[WaitingWorker]) -> str:
    """Say how many workers wait, and why: "2 workers wait for a place: Resources"."""
    reasons = cut_list(list(dict.fromkeys(each.reason for each in waiting)), NAMED_REASONS)
    waits = "waits" if len(waiting) == 1 else "wait"
    return f"{count_of(len(waiting), 'worker')} {waits} for a place: {reasons}"


def slots_without_place(pool: PoolReading, workers: Iterable[WorkerRef]) -> tuple[int, ...]:
    """Return the wanted slots that no node has and that do not wait: their job ended before it had a node.

    Only an engine that places workers leaves such a slot; elsewhere every wanted slot is a worker.
    """
    if not pool.placed or pool.desired is None:
        return ()
    known = {ref.slot for ref in workers} | {each.slot for each in pool.waiting}
    return tuple(slot for slot in range(min(pool.desired, MAX_WORKERS)) if slot not in known)
