"""Declares the interfaces between core, adapters and engine for a live pool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from metabonk_tui.core.launch.preflight import PreflightView
from metabonk_tui.core.model.absence import Look
from metabonk_tui.core.model.alert import AlertTransition
from metabonk_tui.core.model.host import (
    ExitReading,
    GpuReading,
    KernelLogReading,
    MemoryReading,
    ProcessReading,
    RunPeaks,
)
from metabonk_tui.core.model.pool import Action, Plan, RoleNews, RolePolicy, RoleRequest
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import (
    EnvFileReading,
    EnvReading,
    Event,
    Observation,
    Operation,
    OrchestratorReading,
    PoolReading,
    RunHeader,
    Sample,
)
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.restore import RecordedPast


class ClockReading(Struct, frozen=True):
    """A reading of the run's clock, from which another monitor can continue the clock."""

    elapsed_s: float
    """Seconds since boot at which the clock showed `t`."""
    t: float
    speed: float


class Clock(Protocol):
    """The run's clock: real time, or `speed` times faster from an anchor on."""

    speed: float

    def now(self) -> float:
        """Return the time of the run's clock in Unix seconds."""
        ...

    def at(self, real_t: float) -> float:
        """Convert a real Unix time, for example a process start, to the run's clock."""
        ...

    def real(self, t: float) -> float:
        """Convert a time of the run's clock to real Unix seconds."""
        ...

    def reading(self) -> ClockReading:
        """Return the state of the clock, for another monitor of the run."""
        ...

    def continue_from(self, reading: ClockReading) -> None:
        """Continue another clock of the same boot."""
        ...


class StatusPoller(Protocol):
    """Polls the workers' `/status`. A failure is a value; every poll ends within its own deadline."""

    def ask(self, url: str) -> Awaitable[Callable[[], Observation]]:
        """Poll one worker once. The result decodes the answer when it is called; it must be called at most once."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


class OrchestratorReader(Protocol):
    """Reads the orchestrator's /workers: episodes, and pids where the monitor cannot see processes."""

    async def read(self) -> OrchestratorReading:
        """Request /workers once, within the reader's own deadline."""
        ...


class MemoryReader(Protocol):
    """Reads the memory left for workers. Fast enough for every tick."""

    def read(self, pids: Iterable[int] = ()) -> MemoryReading:
        """Return the memory now. `pids`: workers and Ollama, whose cgroup limits and OOM counters also count."""
        ...


class ProcessReader(Protocol):
    """Reads the processes of the pool. Fast enough for every tick; one thread at a time."""

    def read(self, fresh: bool = False) -> tuple[ProcessReading, ...]:
        """Return the processes sorted by role, slot and age; `fresh` searches for new ones at once."""
        ...


class EnvReader(Protocol):
    """Reads the environments of processes, with secrets masked."""

    def read(self, pid: int, started_at: float) -> EnvReading:
        """Return the environment at exec of the process with this pid and start time (Unix seconds)."""
        ...


class EnvFileReader(Protocol):
    """Reads the pool's env file, with secrets masked. One thread at a time; may block for seconds."""

    def read(self) -> EnvFileReading | None:
        """Return what the file sets; evaluate it again only after a change. None: no env file configured."""
        ...


class LogOwner(Struct, frozen=True):
    """The worker whose log is wanted."""

    ref: WorkerRef
    pid: int | None
    started_at: float | None
    """Real Unix seconds. A pid without a start time is not trusted as a local process."""
    directory: str | None
    """The folder of its run, from its status."""


class LogReader(Protocol):
    """Reads the workers' logs on this machine. One thread at a time; may block."""

    def read(self, owner: LogOwner) -> tuple[str, ...] | None:
        """Return the lines that may show a cause, oldest first; None: no log found, or not permitted."""
        ...


class LookStore(Protocol):
    """Keeps what the operator saw last. Fast enough for the thread of the screen; never raises."""

    def read(self) -> Look | None:
        """Return the last look of an earlier monitor; None: there was none."""
        ...

    def write(self, look: Look) -> None:
        """Replace the last look."""
        ...


class LogEndReader(Protocol):
    """Reads the last lines of the logs of workers that are gone. One thread at a time; may block."""

    def read(self, running: Iterable[LogOwner], gone: Iterable[LogOwner]) -> Mapping[WorkerRef, tuple[str, ...]]:
        """Return the last lines of the logs of `gone`, oldest first, and note where `running` write."""
        ...


class ExitReader(Protocol):
    """Reads how processes ended from the logs of their launchers. One thread at a time; may block."""

    def read(self, directories: Iterable[str]) -> tuple[ExitReading, ...]:
        """Return the exits logged since the last call. `directories`: the runs' folders, from the workers' status."""
        ...

    def read_end(self, directory: str) -> tuple[ExitReading, ...]:
        """Return what the launcher's log in a directory says of the end of its run; may block."""
        ...


class KernelLogReader(Protocol):
    """Reads new entries of the kernel's log. One thread at a time; never waits."""

    def has_news(self) -> bool:
        """Return whether a reading would find more than the last one. For any thread."""
        ...

    def read(self) -> KernelLogReading:
        """Return the OOM kills since the last call, or why the log is unreadable."""
        ...


class GpuReader(Protocol):
    """Reads the memory of the GPUs."""

    def read(self) -> tuple[GpuReading, ...] | None:
        """Return every device; None: no GPU, or no GPU library."""
        ...


class Journal(Protocol):
    """Records a pool's Samples; one monitor writes at a time. One thread; never raises for disk errors."""

    @property
    def recording(self) -> bool | None:
        """Whether any monitor stored the last Sample; None: recording is off."""
        ...

    @property
    def writer(self) -> str:
        """The other recording monitor: "pid 4711 on pts/3 since 14:02"; "": this monitor or none records."""
        ...

    def begin(self, processes: Iterable[ProcessReading]) -> RecordedPast | None:
        """Resume the run of these processes (real start times); None: no recording of that run.

        The run's clock is resumed as well.
        """
        ...

    def last(self) -> RecordedPast | None:
        """Return the past of the pool's newest run, to which no process belongs any more; None: there is none."""
        ...

    def read_new(self) -> tuple[Sample, ...] | None:
        """Return the Samples newly stored by another monitor; None: no other records, so observe the pool here."""
        ...

    def submit(self, events: tuple[Event, ...], run: RunHeader | None) -> bool:
        """Send this monitor's events and run header to the recording monitor; False: none, or unreachable."""
        ...

    def take_submitted(self) -> tuple[tuple[Event, ...], RunHeader | None]:
        """Return other monitors' events and header, and the recording's own events, since the last call."""
        ...

    def record(self, sample: Sample, snapshot: Snapshot | None) -> None:
        """Store a Sample with its Snapshot; None: evaluating the Sample failed."""
        ...

    def close(self) -> None:
        """Finish the recording and release it."""
        ...


class AlertSink(Protocol):
    """Receives alert changes, for example a notifier."""

    def deliver(self, changes: tuple[AlertTransition, ...], snapshot: Snapshot) -> None:
        """Deliver the changes of this Snapshot. Called from the engine's thread; returns at once."""
        ...


class Exporter(Protocol):
    """A way out for what is known: a file, an endpoint. It gets every new Snapshot."""

    @property
    def part(self) -> str:
        """What has failed when `publish` raises, for people."""
        ...

    def start(self) -> None:
        """Open what it needs; what goes wrong is reported, not raised. Snapshots may have come before."""
        ...

    def publish(self, snapshot: Snapshot) -> None:
        """Take the newest Snapshot, perhaps once more. Called from any thread: returns at once."""
        ...

    def close(self) -> None:
        """Close what it opened. May block for some seconds."""
        ...


class PeaksReader(Protocol):
    """Reads the memory peaks of earlier runs of this pool. One thread at a time."""

    def read(self) -> tuple[RunPeaks, ...]:
        """Return the peaks; empty: none known. Never raises."""
        ...


class PoolBackend(Protocol):
    """Launches and stops the workers. Attaching starts nothing; detaching stops nothing."""

    name: str

    async def read(self) -> PoolReading:
        """Return the running pool and its controller. Cheap; never raises for a worker's faults.

        Process start times are real Unix seconds; times of the operation are on the run's clock.
        """
        ...

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        """Return what an action would do, without doing it."""
        ...

    async def apply(self, plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        """Carry out a plan, report every step, and return the events. The last progress has the result."""
        ...

    async def aclose(self) -> None:
        """Detach from the pool, which keeps running."""
        ...


class ControlRole(Protocol):
    """The exclusive right to act on a pool, which other monitors can ask for. Thread-safe."""

    policy: RolePolicy
    """How this monitor, while it is the controller, answers a request."""
    watch_armed: bool
    """Whether the memory watch of this monitor is armed; the engine sets it."""
    watch_returns: str
    """Which monitor has lent the role and arms its memory watch again afterwards; "": none."""
    on_change: Callable[[], None]
    """Called from any thread when a request begins or ends."""

    @property
    def request(self) -> RoleRequest | None:
        """The request that waits for an answer; None: none."""
        ...

    def answer(self, number: int, yes: bool) -> None:
        """Answer a request; nothing if it has ended."""
        ...

    def ask(self, want: str, on_wait: Callable[[str], None]) -> str:
        """Ask the controller for the role; return why it was not given, "" when it was. Blocks at most 12 s."""
        ...

    def take_news(self) -> tuple[RoleNews, ...]:
        """Return what happened to the role since the last call."""
        ...


class Monitor(Protocol):
    """The engine as screens and verbs see it. Every method is safe from any thread."""

    @property
    def fault(self) -> str | None:
        """The internal error that stopped updates after `latest`; None: no error."""
        ...

    def latest(self) -> Snapshot | None:
        """Return the newest Snapshot; None: none yet."""
        ...

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` from the engine's thread for every new Snapshot."""
        ...

    def plan(self, action: Action) -> Plan:
        """Return what an action would do now, without doing it."""
        ...

    def submit(self, plan: Plan) -> None:
        """Start a plan. `Snapshot.pool.operation` shows its progress and result."""
        ...

    def arm(self, on: bool, by: str, dry_run: bool = False) -> None:
        """Arm or disarm the memory watch. `Snapshot.memory.watch` and the events show the result."""
        ...

    def acknowledge(self, ids: tuple[str, ...], by: str) -> None:
        """Acknowledge these alerts. `Snapshot.alerts` and the events show the result."""
        ...

    def ask_gate_again(self, by: str) -> None:
        """Ask to take a gate again that has ended and did not pass. `Snapshot.gate` and the events show the result."""
        ...

    def start_preflight(self, workers: int) -> None:
        """Start the checks before a launch of `workers` workers, unless they already run."""
        ...

    def preflight(self) -> PreflightView | None:
        """Return the preflight's state; None: no preflight possible here."""
        ...

    def role_request(self) -> RoleRequest | None:
        """Return which monitor asks this one for control of the pool; None: none."""
        ...

    def answer_role(self, number: int, yes: bool) -> None:
        """Answer the request with this number."""
        ...

    def poll_now(self) -> None:
        """Poll now instead of at the next tick."""
        ...

    def poll_every(self, interval_s: float) -> None:
        """Poll at this interval (real seconds) from now on; 0: as configured. The memory watch is never slowed."""
        ...
