"""The doors of the core: what an adapter must be, in as few methods as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from metabonk_tui.core.launch.preflight import PreflightView
from metabonk_tui.core.model.alert import AlertTransition
from metabonk_tui.core.model.pool import Action, Plan
from metabonk_tui.core.model.sample import (
    EnvFileReading,
    EnvReading,
    Event,
    ExitReading,
    GpuReading,
    KernelLogReading,
    MemoryReading,
    Observation,
    Operation,
    OrchestratorReading,
    PoolReading,
    ProcessReading,
    RunHeader,
    RunPeaks,
    Sample,
)
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.restore import RecordedPast


@dataclass(frozen=True, slots=True)
class ClockReading:
    """How a run's clock goes: where it stood at a moment of this boot, and how fast it goes."""

    elapsed_s: float
    """Seconds since the machine started."""
    t: float
    speed: float


class Clock(Protocol):
    """The run's clock: real time, or X times faster from an anchor on."""

    speed: float

    def now(self) -> float:
        """Read the run's clock: Unix seconds."""
        ...

    def at(self, real_t: float) -> float:
        """Translate a real Unix time (a process's start, say) to the run's clock."""
        ...

    def real(self, t: float) -> float:
        """Translate a time of the run back to a real Unix time."""
        ...

    def reading(self) -> ClockReading:
        """Say how it goes, so that another monitor of the run can go on with it."""
        ...

    def continue_from(self, reading: ClockReading) -> None:
        """Go on as another clock of this boot went."""
        ...


class StatusPoller(Protocol):
    """The workers' `/status`. Every failure is a value; a poll always ends within its own deadline."""

    async def poll(self, url: str) -> Observation:
        """Ask one worker once."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


class OrchestratorReader(Protocol):
    """The orchestrator's view of the workers: episodes, and pids where we cannot see processes ourselves."""

    async def read(self) -> OrchestratorReading:
        """Ask once; ends within its own deadline."""
        ...


class MemoryReader(Protocol):
    """The memory that the workers can still have. Quick enough to be called at every tick."""

    def read(self, pids: Iterable[int] = ()) -> MemoryReading:
        """Read it now. `pids`: the workers and Ollama, whose limits and OOM counters count too."""
        ...


class ProcessReader(Protocol):
    """The processes of the pool. Quick enough to be called at every tick; from one thread at a time."""

    def read(self, fresh: bool = False) -> tuple[ProcessReading, ...]:
        """Read them, sorted by role, slot and age; `fresh` looks for new ones now rather than every few seconds."""
        ...


class EnvReader(Protocol):
    """The environments of processes, secrets masked."""

    def read(self, pid: int, started_at: float) -> EnvReading:
        """Read what the process had when it was executed; it is named by its pid and start (Unix seconds)."""
        ...


class EnvFileReader(Protocol):
    """The pool's env file, secrets masked. From one thread at a time; may block for some seconds."""

    def read(self) -> EnvFileReading | None:
        """Say what it sets now, running it anew only when it changed; None: no env file is configured."""
        ...


@dataclass(frozen=True, slots=True)
class LogOwner:
    """A worker whose log is looked for."""

    slot: int
    pid: int | None
    started_at: float | None
    """Real Unix seconds; a pid without it is not trusted to be a process of this machine."""
    directory: str | None
    """Its run's folder, as its status says."""


class LogReader(Protocol):
    """The workers' logs on this machine. From one thread at a time; may block."""

    def read(self, owner: LogOwner) -> tuple[str, ...] | None:
        """Return the lines so far that may tell a cause, oldest first; None: no log was found, or not permitted."""
        ...


class ExitReader(Protocol):
    """What those who start processes say of their ends. From one thread at a time; may block."""

    def read(self, directories: Iterable[str]) -> tuple[ExitReading, ...]:
        """Return the exits told since the last call; `directories`: the runs' folders, as the workers name them."""
        ...


class KernelLogReader(Protocol):
    """The kernel's log, from now on. From one thread at a time; never waits."""

    def read(self) -> KernelLogReading:
        """Return what it says of OOM kills since the last call, or that it cannot be read."""
        ...


class GpuReader(Protocol):
    """The memory of the GPUs."""

    def read(self) -> tuple[GpuReading, ...] | None:
        """Read every device; None: no GPU, or no way to ask."""
        ...


class Journal(Protocol):
    """Where a pool's Samples are kept, by one monitor at a time. From one thread; never raises for a disk's faults."""

    @property
    def recording(self) -> bool | None:
        """Whether the last Sample was stored, by us or by who stores them; None: nothing is to be stored."""
        ...

    @property
    def writer(self) -> str:
        """Say who stores, for people: "pid 4711 on pts/3 since 14:02"; "": we do, or nobody does."""
        ...

    def begin(self, processes: Iterable[ProcessReading]) -> RecordedPast | None:
        """Go on with the run of these processes (start times real); None: there is no recording of theirs.

        The run's clock goes on, too.
        """
        ...

    def read_new(self) -> tuple[Sample, ...] | None:
        """Return what another monitor has stored since; None: there is no other, so look yourself."""
        ...

    def submit(self, events: tuple[Event, ...], run: RunHeader | None) -> bool:
        """Hand what we did to the monitor that stores; False: there is none, or it cannot be reached."""
        ...

    def take_submitted(self) -> tuple[tuple[Event, ...], RunHeader | None]:
        """Return what other monitors did, and what happened to the recording itself, since the last time."""
        ...

    def record(self, sample: Sample, snapshot: Snapshot | None) -> None:
        """Store a Sample and what it means; None: it could not be judged."""
        ...

    def close(self) -> None:
        """Let go of the recording, complete as it is."""
        ...


class AlertSink(Protocol):
    """Somebody who is told of alerts."""

    def deliver(self, changes: tuple[AlertTransition, ...], snapshot: Snapshot) -> None:
        """Tell what changed with this Snapshot. Called from the engine's thread: returns at once."""
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
    """What earlier runs of this pool held. From one thread at a time."""

    def read(self) -> tuple[RunPeaks, ...]:
        """Read it; empty: nothing is known. Never raises."""
        ...


class PoolBackend(Protocol):
    """What launches and stops the workers. Attaching never starts anything; detaching never stops anything."""

    name: str

    async def read(self) -> PoolReading:
        """See what runs and who may act on it. Cheap; never raises for a worker's faults.

        Start times of processes in it are real Unix seconds; its operation's times are on the run's clock.
        """
        ...

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        """Say what an action would do; do nothing."""
        ...

    async def apply(self, plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        """Do it, reporting every step; return what happened. The last progress says how it ended."""
        ...

    async def aclose(self) -> None:
        """Detach. The pool goes on."""
        ...


class Monitor(Protocol):
    """What a screen or a verb sees of the engine. Every method may be called from any thread."""

    @property
    def fault(self) -> str | None:
        """The bug of ours because of which nothing newer than `latest` can be shown; None: none."""
        ...

    def latest(self) -> Snapshot | None:
        """Return the newest Snapshot; None before the first."""
        ...

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` (from the engine's thread) whenever a newer Snapshot can be had."""
        ...

    def plan(self, action: Action) -> Plan:
        """Say what an action would do now; do nothing."""
        ...

    def submit(self, plan: Plan) -> None:
        """Carry a plan out. Its progress and end are seen in `Snapshot.pool.operation`."""
        ...

    def arm(self, on: bool, by: str, dry_run: bool = False) -> None:
        """Arm or disarm the memory watch; what became of it is seen in `Snapshot.memory.watch` and the events."""
        ...

    def acknowledge(self, ids: tuple[str, ...], by: str) -> None:
        """Say that somebody has seen these alerts; what became of it is seen in `Snapshot.alerts` and the events."""
        ...

    def start_preflight(self, workers: int) -> None:
        """Look at what must be so before a launch of so many workers, unless that is under way."""
        ...

    def preflight(self) -> PreflightView | None:
        """Say how the preflight stands; None: none can be made here."""
        ...

    def poll_now(self) -> None:
        """Look at once instead of at the next tick."""
        ...
