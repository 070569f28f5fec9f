"""Gathers one Sample per tick from the readers, within a time limit. Does not: judge what it gathers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.refs import MAX_WORKERS, WorkerRef
from metabonk_tui.core.model.sample import (
    EnvFileReading,
    EnvReading,
    GpuReading,
    MemoryReading,
    Observation,
    OrchestratorReading,
    PoolReading,
    ProcessReading,
    RunHeader,
    RunPeaks,
    Sample,
)
from metabonk_tui.core.ports.live import (
    EnvFileReader,
    EnvReader,
    ExitReader,
    GpuReader,
    KernelLogReader,
    LogReader,
    MemoryReader,
    OrchestratorReader,
    PeaksReader,
    PoolBackend,
    ProcessReader,
    StatusPoller,
)
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.environments import Due, EnvironmentWatch, read_all
from metabonk_tui.engine.evidence import EvidenceWatch
from metabonk_tui.engine.logs import LogWatch
from metabonk_tui.engine.poller import Poller
from metabonk_tui.engine.schedule import interval_s
from metabonk_tui.engine.single_flight import FaultLog, SingleFlight, cancel_all, wait_for

WAIT_SHARE = 0.8
"""The share of an interval for which a tick waits for answers; the rest is for judging and drawing them."""
DISCOVERY_LIMIT_S = 1.0
"""The longest wait for the pool, the process table and the orchestrator, which list the workers."""
ORCHESTRATOR_EVERY_S = 2.0
"""Workers send the orchestrator a heartbeat every 5 s."""
ENV_FILE_EVERY_S = 5.0
"""Seconds between two checks whether the env file changed."""


@dataclass(frozen=True, slots=True)
class Readers:
    """Everything that the collector reads; None: this monitor has no such reader."""

    status: StatusPoller
    pool: PoolBackend
    orchestrator: OrchestratorReader | None = None
    memory: MemoryReader | None = None
    processes: ProcessReader | None = None
    environments: EnvReader | None = None
    gpus: GpuReader | None = None
    env_file: EnvFileReader | None = None
    log_tails: LogReader | None = None
    peaks: PeaksReader | None = None
    exits: ExitReader | None = None
    kernel_log: KernelLogReader | None = None


class Collector:
    """Reads the live pool, one Sample at a time."""

    def __init__(self, config: Config, readers: Readers, clock: RunClock, fault_log: FaultLog) -> None:
        """Prepare; the first `gather` reads."""
        self._config = config
        self._readers = readers
        self._clock = clock
        self._pool: SingleFlight[PoolReading] = SingleFlight("the pool", fault_log)
        self._processes: SingleFlight[tuple[ProcessReading, ...]] = SingleFlight("the process table", fault_log)
        self._orchestrator: SingleFlight[OrchestratorReading] = SingleFlight("the orchestrator", fault_log)
        self._memory: SingleFlight[MemoryReading] = SingleFlight("memory", fault_log)
        self._gpus: SingleFlight[tuple[GpuReading, ...] | None] = SingleFlight("the GPUs", fault_log)
        self._environments: SingleFlight[list[tuple[Due, EnvReading]]] = SingleFlight("the environments", fault_log)
        self._env_file: Poller[EnvFileReading | None] = Poller("the env file", ENV_FILE_EVERY_S, fault_log)
        self._peaks: SingleFlight[tuple[RunPeaks, ...]] = SingleFlight("what earlier runs held", fault_log)
        self._peaks_requested = False
        self._env_file_latest: EnvFileReading | None = None
        self._env_file_emitted: EnvFileReading | None = None
        self._logs = LogWatch(readers.log_tails, fault_log)
        self._evidence = EvidenceWatch(readers.exits, readers.kernel_log, fault_log)
        self._fault_log = fault_log
        self._polls: dict[WorkerRef, SingleFlight[Observation]] = {}
        self._timeouts: dict[WorkerRef, Observation] = {}
        self._watch = EnvironmentWatch()
        self._orchestrator_latest: OrchestratorReading | None = None
        self._orchestrator_asked_s: float | None = None
        self._table_has_workers = False
        self._is_first = True
        self._desired = config.pool.workers
        self._refs = [WorkerRef(slot=slot) for slot in range(self._desired)]
        self._pids: list[int] = []

    @property
    def interval_s(self) -> float:
        """The real seconds between two ticks, by the current number of workers."""
        return interval_s(self._config, len(self._refs), self._clock.speed)

    async def gather(self, *, lag_s: float | None = None, fresh: bool = False) -> Sample:
        """Read everything once. Never raises: a late answer is left out, a failed reading is None.

        `fresh`: scan for new processes now.
        """
        now_s = asyncio.get_running_loop().time()
        wait_limit_s = self.interval_s * WAIT_SHARE
        until_s = now_s + wait_limit_s
        # A slow reader must not delay polling the workers.
        discovery_until_s = now_s + min(wait_limit_s / 2, DISCOVERY_LIMIT_S)
        if (peaks := self._readers.peaks) is not None and not self._peaks_requested:
            self._peaks_requested = True
            self._peaks.ask(lambda: asyncio.to_thread(peaks.read))
        pool, processes = await self._find_workers(discovery_until_s, wait_limit_s, fresh)
        workers, memory, gpus, environments = await self._read_workers(processes, until_s, wait_limit_s)
        exits, kernel_log = self._evidence.read_new(workers)
        t = self._clock.now()
        sample = Sample(
            t=t,
            workers=workers,
            memory=memory,
            processes=None if processes is None else tuple(self._on_run_clock(p) for p in processes),
            gpus=gpus,
            environments=environments,
            env_file=self._changed_env_file(),
            log_tails=self._logs.read_new(self._refs, processes or (), workers),
            earlier_peaks=self._peaks.take(wait_limit_s),
            exits=exits,
            kernel_log=kernel_log,
            pool=None if pool is None else self._with_run_times(pool),
            events=self._fault_log.take_events(),
            run=self._first_header(t, pool, processes) if self._is_first else None,
            lag_s=lag_s,
        )
        self._is_first = False
        return sample

    async def pool(self) -> PoolReading | None:
        """Read the pool alone: only our own reading shows whether this monitor may act on it."""
        wait_limit_s = self.interval_s * WAIT_SHARE
        self._pool.ask(self._readers.pool.read)
        await wait_for((self._pool,), asyncio.get_running_loop().time() + min(wait_limit_s / 2, DISCOVERY_LIMIT_S))
        pool = self._pool.take(wait_limit_s)
        return None if pool is None else self._with_run_times(pool)

    def mark_run_known(self) -> None:
        """Send no RunHeader with the next Sample: the run is known already."""
        self._is_first = False

    def header(self, started_at: float, how: str, desired: int | None) -> RunHeader:
        """Make the header of a live run that began at this time of the run's clock."""
        speed = self._clock.speed
        return RunHeader(
            name=f"run-{int(self._clock.real(started_at))}",
            started_at=started_at,
            desired=desired,
            interval_s=interval_s(self._config, desired or len(self._refs), speed) * speed,
            how=how,
            profile=self._config.pool.profile,
        )

    def resend_all(self) -> None:
        """Send every reading that is sent only on change again: a new run starts without them."""
        self._watch.forget()
        self._env_file_emitted = None
        self._logs.forget()
        self._peaks_requested = False
        self._evidence.forget()

    async def aclose(self) -> None:
        """Cancel every reading under way."""
        await cancel_all(self._flights())

    def _flights(self) -> Iterable[SingleFlight[Any]]:
        return (
            *(self._pool, self._processes, self._orchestrator, self._memory, self._gpus, self._environments),
            self._peaks,
            *(self._env_file.flight, self._logs.poller.flight),
            *(self._evidence.exits.flight, self._evidence.kernel_log.flight),
            *self._polls.values(),
        )

    async def _find_workers(
        self, until_s: float, wait_limit_s: float, fresh: bool
    ) -> tuple[PoolReading | None, tuple[ProcessReading, ...] | None]:
        """Read the pool, the process table and every 2 s the orchestrator; update the list of workers."""
        now_s = asyncio.get_running_loop().time()
        self._pool.ask(self._readers.pool.read)
        if (process_reader := self._readers.processes) is not None:
            self._processes.ask(lambda: asyncio.to_thread(process_reader.read, fresh))
        if (orchestrator := self._readers.orchestrator) is not None and (
            self._orchestrator_asked_s is None or now_s - self._orchestrator_asked_s >= ORCHESTRATOR_EVERY_S
        ):
            self._orchestrator_asked_s = now_s
            self._orchestrator.ask(orchestrator.read)
        await wait_for((self._pool, self._processes, self._orchestrator), until_s)
        pool, processes = self._pool.take(wait_limit_s), self._processes.take(wait_limit_s)
        self._orchestrator_latest = self._orchestrator.take(wait_limit_s) or self._orchestrator_latest
        if pool is not None and pool.desired is not None:
            # A pool that ended has no desired count: its slots stay visible until the next pool starts.
            self._desired = pool.desired
        table_slots = {p.slot for p in processes or () if p.role == "worker" and p.slot is not None}
        self._table_has_workers = self._table_has_workers or bool(table_slots)
        orchestrator_slots = set(self._orchestrator_latest.workers) if self._orchestrator_latest else set()
        slots = sorted({*range(self._desired), *table_slots, *orchestrator_slots})[:MAX_WORKERS]
        self._refs = [WorkerRef(slot=slot) for slot in slots]
        return pool, processes

    async def _read_workers(
        self, processes: tuple[ProcessReading, ...] | None, until_s: float, wait_limit_s: float
    ) -> tuple[
        dict[WorkerRef, Observation],
        MemoryReading | None,
        tuple[GpuReading, ...] | None,
        Mapping[WorkerRef, EnvReading],
    ]:
        """Poll every worker, and read memory, GPUs and the environments that are due."""
        readers, real_t = self._readers, self._clock.real(self._clock.now())
        for ref in self._refs:
            url = self._url(ref)
            poll = self._polls.setdefault(ref, SingleFlight(f"the poll of worker {ref.written}", self._fault_log))
            poll.ask(lambda url=url: readers.status.poll(url))  # type: ignore[misc]
        if (memory := readers.memory) is not None:
            if processes is not None:
                self._pids = [p.pid for p in processes if p.role in ("worker", "ollama") and p.pid is not None]
            self._memory.ask(lambda: asyncio.to_thread(memory.read, self._pids))
        if (gpus := readers.gpus) is not None:
            self._gpus.ask(lambda: asyncio.to_thread(gpus.read))
        due = self._watch.due(processes or (), real_t)
        if (environments := readers.environments) is not None and due:
            self._environments.ask(lambda: asyncio.to_thread(read_all, environments, due))
        await wait_for((self._memory, self._gpus, self._environments, *self._polls.values()), until_s)
        return (
            self._take_observations(processes, wait_limit_s),
            self._memory.take(wait_limit_s),
            self._gpus.take(wait_limit_s),
            self._watch.update(self._environments.take(wait_limit_s) or (), real_t),
        )

    def _changed_env_file(self) -> EnvFileReading | None:
        """Return the env file's reading if it changed; start the next reading every 5 s without waiting for it."""
        self._env_file_latest = self._env_file.take() or self._env_file_latest
        if (reader := self._readers.env_file) is not None and self._env_file.is_due:
            self._env_file.ask(reader.read)
        changed = self._env_file_latest if self._env_file_latest != self._env_file_emitted else None
        self._env_file_emitted = self._env_file_latest
        return changed

    def _take_observations(
        self, processes: tuple[ProcessReading, ...] | None, wait_limit_s: float
    ) -> dict[WorkerRef, Observation]:
        """Join the workers' answers with their processes and heartbeats."""
        process_by_slot = {p.slot: p for p in processes or () if p.role == "worker" and p.slot is not None}
        observations = {}
        for ref, poll in list(self._polls.items()):
            answer = poll.take(wait_limit_s)
            if ref not in self._refs:
                if poll.task is None:
                    del self._polls[ref]
                self._timeouts.pop(ref, None)
                continue
            if answer is not None:
                self._timeouts.pop(ref, None)
                if answer.error == "timeout":
                    self._timeouts[ref] = answer
            elif ref in self._timeouts:
                # The last poll timed out and the next poll is still under way: the worker still does not answer.
                answer = replace(self._timeouts[ref], detail="still no answer")
            else:
                continue
            observations[ref] = self._with_process(ref, answer, process_by_slot)
        return observations

    def _with_process(
        self, ref: WorkerRef, answer: Observation, process_by_slot: Mapping[int, ProcessReading]
    ) -> Observation:
        process = process_by_slot.get(ref.slot)
        heartbeat = self._orchestrator_latest.workers.get(ref.slot) if self._orchestrator_latest else None
        if process is None:
            # The table shows this machine now; the orchestrator lags by seconds. Its pid counts only where the
            # table has shown no worker so far: workers on another machine or in another pid namespace.
            pid, started_at = (heartbeat.pid if heartbeat and not self._table_has_workers else None), None
        else:
            pid, started_at = process.pid, process.started_at
        is_earlier_process = heartbeat is not None and None not in (pid, heartbeat.pid) and heartbeat.pid != pid
        frame_t = heartbeat.last_frame_t if heartbeat and not is_earlier_process else None
        return replace(
            answer,
            pid=pid,
            pid_started_at=None if started_at is None else self._clock.at(started_at),
            episode=heartbeat.episode if heartbeat and not is_earlier_process else None,
            port=self._config.pool.base_port + ref.slot,
            last_frame_t=None if frame_t is None else self._clock.at(frame_t),
        )

    def _url(self, ref: WorkerRef) -> str:
        pool = self._config.pool
        host = f"[{pool.host}]" if ":" in pool.host else pool.host
        return f"http://{host}:{pool.base_port + ref.slot}/status"

    def _first_header(
        self, t: float, pool: PoolReading | None, processes: tuple[ProcessReading, ...] | None
    ) -> RunHeader:
        if pool is not None and pool.launched_by_us and pool.launcher_started_at is not None:
            return self.header(self._clock.at(pool.launcher_started_at), "launched by us", pool.desired)
        starts = [p.started_at for p in processes or () if p.role == "worker" and p.started_at is not None]
        if starts:
            return self.header(self._clock.at(min(starts)), "oldest worker process", None)
        return self.header(t, "first sample", None)

    def _on_run_clock(self, process: ProcessReading) -> ProcessReading:
        if process.started_at is None:
            return process
        return replace(process, started_at=self._clock.at(process.started_at))

    def _with_run_times(self, pool: PoolReading) -> PoolReading:
        started_at = pool.launcher_started_at
        return replace(
            pool,
            launcher_started_at=None if started_at is None else self._clock.at(started_at),
            orchestrator_error=self._orchestrator_latest.error if self._orchestrator_latest else None,
        )
