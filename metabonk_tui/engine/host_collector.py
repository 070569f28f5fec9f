"""Reads one host in each tick: processes, memory, GPUs, environments, logs and exits.

Does not: poll the workers, or judge what it reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.host import (
    GpuReading,
    HostReading,
    KernelLogReading,
    MemoryReading,
    ProcessReading,
    RunPeaks,
)
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import EnvFileReading, EnvReading, Event, Observation
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.ports.live import (
    EnvFileReader,
    EnvReader,
    ExitReader,
    GpuReader,
    KernelLogReader,
    LogEndReader,
    LogReader,
    MemoryReader,
    PeaksReader,
    ProcessReader,
)
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.environments import Due, EnvironmentWatch, read_all
from metabonk_tui.engine.evidence import EvidenceWatch
from metabonk_tui.engine.log_ends import LogEndWatch, WorkerLines
from metabonk_tui.engine.logs import LogWatch
from metabonk_tui.engine.poller import Poller
from metabonk_tui.engine.single_flight import FaultLog, SingleFlight
from metabonk_tui.engine.unconfirmed import UnconfirmedWatch

ENV_FILE_EVERY_S = 5.0
"""Seconds between two checks whether the env file changed."""


class HostReaders(Struct, frozen=True):
    """Everything that is read of one host; None: this monitor has no such reader."""

    memory: MemoryReader | None = None
    processes: ProcessReader | None = None
    environments: EnvReader | None = None
    gpus: GpuReader | None = None
    env_file: EnvFileReader | None = None
    """The pool's env file, on the host of its launcher."""
    log_tails: LogReader | None = None
    log_ends: LogEndReader | None = None
    peaks: PeaksReader | None = None
    exits: ExitReader | None = None
    kernel_log: KernelLogReader | None = None


class HostTick(Struct, frozen=True):
    """What one tick read of a host: its reading, and the readings of its workers that changed."""

    reading: HostReading
    environments: Mapping[WorkerRef, EnvReading]
    log_tails: WorkerLines
    log_ends: WorkerLines


class HostCollector:
    """Reads one host. In each tick: `ask_processes`, `take_processes`, `ask_rest`, `take`."""

    def __init__(self, readers: HostReaders, clock: RunClock, fault_log: FaultLog) -> None:
        """Prepare; the first tick reads."""
        self._readers = readers
        self._clock = clock
        self._processes: SingleFlight[tuple[ProcessReading, ...]] = SingleFlight("the process table", fault_log)
        self._memory: SingleFlight[MemoryReading] = SingleFlight("memory", fault_log)
        self._gpus: SingleFlight[tuple[GpuReading, ...] | None] = SingleFlight("the GPUs", fault_log)
        self._environments: SingleFlight[list[tuple[Due, EnvReading]]] = SingleFlight("the environments", fault_log)
        self._env_file: Poller[EnvFileReading | None] = Poller("the env file", ENV_FILE_EVERY_S, fault_log)
        self._env_file_latest: EnvFileReading | None = None
        self._env_file_emitted: EnvFileReading | None = None
        self._peaks: SingleFlight[tuple[RunPeaks, ...]] = SingleFlight("what earlier runs held", fault_log)
        self._peaks_requested = False
        self._logs = LogWatch(readers.log_tails, fault_log)
        self._log_ends = LogEndWatch(readers.log_ends, fault_log)
        self._evidence = EvidenceWatch(readers.exits, readers.kernel_log, fault_log)
        self._watch = EnvironmentWatch()
        self._unconfirmed = UnconfirmedWatch()
        self._asked_real_t = 0.0
        self._pids: list[int] = []
        self.processes: tuple[ProcessReading, ...] | None = None
        """The processes of this tick, with real start times; None: not read."""
        self.has_shown_workers = False
        """Whether any table of this host listed a worker so far."""

    def ask_processes(self, fresh: bool) -> tuple[SingleFlight[Any], ...]:
        """Start reading the process table, and once the peaks of earlier runs; return what to wait for."""
        if (peaks := self._readers.peaks) is not None and not self._peaks_requested:
            self._peaks_requested = True
            self._peaks.ask_in_thread(peaks.read)
        if (processes := self._readers.processes) is not None:
            self._processes.ask_in_thread(partial(processes.read, fresh))
        return (self._processes,)

    def take_processes(self, wait_limit_s: float) -> set[WorkerRef]:
        """Take the process table of this tick; return the workers that it lists."""
        found = self._processes.take(wait_limit_s)
        self.processes = None if found is None else self._unconfirmed.filter(found, self._clock.now())
        listed = {who for process in self.processes or () if isinstance(who := process.who, WorkerRef)}
        self.has_shown_workers = self.has_shown_workers or bool(listed)
        return listed

    def is_worker(self, process: ProcessReading, *, has_status: bool) -> bool:
        """Return whether a process of this tick is the worker of its slot; `has_status`: it answered like one now."""
        if process.unconfirmed and has_status:
            self._unconfirmed.note_answer(process)
        return self._unconfirmed.is_worker(process)

    def holder_of_port(self, ref: WorkerRef) -> ProcessReading | None:
        """Return what holds the port of a worker that was seen before and is gone; None: nothing that can be seen."""
        return self._unconfirmed.holders.get(ref)

    def _of_workers(self, processes: tuple[ProcessReading, ...]) -> tuple[ProcessReading, ...]:
        """Leave out what only holds a worker's port."""
        if not any([process.unconfirmed for process in processes]):
            return processes
        return tuple([process for process in processes if self._unconfirmed.is_worker(process)])

    def take_events(self) -> tuple[Event, ...]:
        """Return the events about this host's processes since the last call."""
        return self._unconfirmed.take_events()

    def ask_rest(self) -> tuple[SingleFlight[Any], ...]:
        """Start reading memory, GPUs and the environments that are due; return what to wait for."""
        readers = self._readers
        processes = None if self.processes is None else self._of_workers(self.processes)
        if (memory := readers.memory) is not None:
            if processes is not None:
                self._pids = [p.pid for p in processes if p.role in ("worker", "ollama") and p.pid is not None]
            self._memory.ask_in_thread(partial(memory.read, self._pids))
        if (gpus := readers.gpus) is not None:
            self._gpus.ask_in_thread(gpus.read)
        self._asked_real_t = self._clock.real(self._clock.now())
        due = self._watch.due(processes or (), self._asked_real_t)
        if (environments := readers.environments) is not None and due:
            self._environments.ask_in_thread(partial(read_all, environments, due))
        return (self._memory, self._gpus, self._environments)

    def take(
        self, refs: Iterable[WorkerRef], workers: Mapping[WorkerRef, Observation], wait_limit_s: float
    ) -> HostTick:
        """Take what was read in this tick; `refs` are the host's workers, `workers` the answers of some."""
        exits, kernel_log = self._evidence.read_new(workers)
        if self.processes is not None:
            self.processes = self._of_workers(self.processes)
        processes = self.processes
        reading = HostReading(
            memory=self._memory.take(wait_limit_s),
            processes=None if processes is None else tuple(self._on_run_clock(process) for process in processes),
            gpus=self._gpus.take(wait_limit_s),
            earlier_peaks=self._peaks.take(wait_limit_s),
            exits=exits,
            kernel_log=None if kernel_log is None else self._log_on_run_clock(kernel_log),
        )
        environments = self._watch.update(self._environments.take(wait_limit_s) or (), self._asked_real_t)
        tails = self._logs.read_new(refs, processes or (), workers)
        return HostTick(reading, environments, tails, self._log_ends.read_new(processes))

    def changed_env_file(self) -> EnvFileReading | None:
        """Return the env file's reading if it changed; start the next reading every 5 s without waiting for it."""
        self._env_file_latest = self._env_file.take() or self._env_file_latest
        if (reader := self._readers.env_file) is not None and self._env_file.is_due:
            self._env_file.ask(reader.read)
        changed = self._env_file_latest if self._env_file_latest != self._env_file_emitted else None
        self._env_file_emitted = self._env_file_latest
        return changed

    def resend_all(self) -> None:
        """Send every reading that is sent only on change again: a new run starts without them."""
        self._watch.forget()
        self._env_file_emitted = None
        self._logs.forget()
        self._peaks_requested = False
        self._evidence.forget()

    def recall(self, workers: Iterable[WorkerView]) -> None:
        """Look for how the run of these recorded workers ended."""
        self._evidence.recall(workers)

    def flights(self) -> tuple[SingleFlight[Any], ...]:
        """Return every reading that may be under way."""
        return (
            *(self._processes, self._memory, self._gpus, self._environments, self._peaks),
            *(self._env_file.flight, self._logs.poller.flight, self._log_ends.flight),
            *(self._evidence.exits.flight, self._evidence.kernel_log.flight),
        )

    def _log_on_run_clock(self, log: KernelLogReading) -> KernelLogReading:
        def at(real_t: float | None) -> float | None:
            return None if real_t is None else self._clock.at(real_t)

        return replace(
            log,
            kills=tuple(replace(kill, t=at(kill.t)) for kill in log.kills),
            gpu_faults=tuple(replace(fault, t=at(fault.t)) for fault in log.gpu_faults),
            from_t=at(log.from_t),
        )

    def _on_run_clock(self, process: ProcessReading) -> ProcessReading:
        if process.started_at is None:
            return process
        return replace(process, started_at=self._clock.at(process.started_at))
