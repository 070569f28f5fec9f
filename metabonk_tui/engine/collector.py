"""Gathers one Sample per tick from the readers. Knows whom to ask and how long to wait, not what it means."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.refs import WorkerRef
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
from metabonk_tui.engine.evidence import EvidenceWatch
from metabonk_tui.engine.logs import LogWatch
from metabonk_tui.engine.pollers import Due, EnvironmentWatch, read_all
from metabonk_tui.engine.schedule import interval_s
from metabonk_tui.engine.single_flight import Faults, Question, give_up, wait_for

PATIENCE = 0.8
"""The share of an interval for which a tick waits for answers; the rest is for what is made of them."""
AROUND_S = 1.0
"""The longest wait for what says which workers there are."""
ORCHESTRATOR_EVERY_S = 2.0
"""Its heartbeats come every 5 s."""
ENV_FILE_EVERY_S = 5.0
"""Between two looks whether the env file changed."""
MAX_WORKERS = 256


@dataclass(frozen=True, slots=True)
class Readers:
    """Everything that is looked at; None: not there."""

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


class LiveSource:
    """Looks at the live pool, one Sample at a time."""

    def __init__(self, config: Config, readers: Readers, clock: RunClock, faults: Faults) -> None:
        """Prepare to look; nothing is read yet."""
        self._config = config
        self._readers = readers
        self._clock = clock
        self._pool: Question[PoolReading] = Question("the pool", faults)
        self._processes: Question[tuple[ProcessReading, ...]] = Question("the process table", faults)
        self._orchestrator: Question[OrchestratorReading] = Question("the orchestrator", faults)
        self._memory: Question[MemoryReading] = Question("memory", faults)
        self._gpus: Question[tuple[GpuReading, ...] | None] = Question("the GPUs", faults)
        self._environments: Question[list[tuple[Due, EnvReading]]] = Question("the environments", faults)
        self._env_file: Question[EnvFileReading | None] = Question("the env file", faults)
        self._peaks: Question[tuple[RunPeaks, ...]] = Question("what earlier runs held", faults)
        self._peaks_told = False
        self._env_file_asked_s: float | None = None
        self._env_file_seen: EnvFileReading | None = None
        self._env_file_told: EnvFileReading | None = None
        self._logs = LogWatch(readers.log_tails, faults)
        self._evidence = EvidenceWatch(readers.exits, readers.kernel_log, faults)
        self._faults = faults
        self._polls: dict[WorkerRef, Question[Observation]] = {}
        self._timeouts: dict[WorkerRef, Observation] = {}
        self._watch = EnvironmentWatch()
        self._heard: OrchestratorReading | None = None
        self._heard_s: float | None = None
        self._table_sees = False
        self._first = True
        self._wanted = config.pool.workers
        self._refs = [WorkerRef(slot=slot) for slot in range(self._wanted)]
        self._pids: list[int] = []

    @property
    def interval_s(self) -> float:
        """The real seconds between two ticks, by the number of workers that there are now."""
        return interval_s(self._config, len(self._refs), self._clock.speed)

    async def gather(self, *, lag_s: float | None = None, fresh: bool = False) -> Sample:
        """Look at everything once; what does not answer in time is left out, what fails is None. Never raises.

        `fresh`: look for new processes now.
        """
        now_s = asyncio.get_running_loop().time()
        patience_s = self.interval_s * PATIENCE
        until_s = now_s + patience_s
        # Whoever does not answer here must not use up the time of the workers.
        around_s = now_s + min(patience_s / 2, AROUND_S)
        if (peaks := self._readers.peaks) is not None and not self._peaks_told:
            self._peaks_told = True
            self._peaks.ask(lambda: asyncio.to_thread(peaks.read))
        pool, processes = await self._look_around(around_s, patience_s, fresh)
        workers, memory, gpus, environments = await self._look_closely(processes, until_s, patience_s)
        exits, kernel_log = self._evidence.news(workers)
        t = self._clock.now()
        sample = Sample(
            t=t,
            workers=workers,
            memory=memory,
            processes=None if processes is None else tuple(self._on_run_clock(p) for p in processes),
            gpus=gpus,
            environments=environments,
            env_file=self._env_file_news(),
            log_tails=self._logs.news(self._refs, processes or (), workers),
            earlier_peaks=self._peaks.take(patience_s),
            exits=exits,
            kernel_log=kernel_log,
            pool=None if pool is None else self._completed(pool),
            events=self._faults.take_events(),
            run=self._first_header(t, pool, processes) if self._first else None,
            lag_s=lag_s,
        )
        self._first = False
        return sample

    async def pool(self) -> PoolReading | None:
        """Look at the pool alone: what another monitor saw of it is not what we may do."""
        patience_s = self.interval_s * PATIENCE
        self._pool.ask(self._readers.pool.read)
        await wait_for((self._pool,), asyncio.get_running_loop().time() + min(patience_s / 2, AROUND_S))
        pool = self._pool.take(patience_s)
        return None if pool is None else self._completed(pool)

    def go_on(self) -> None:
        """Tell no beginning: the run is known already."""
        self._first = False

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

    def tell_all(self) -> None:
        """Put what is told only when it changes into the next Sample: a new run knows nothing of it."""
        self._watch.forget()
        self._env_file_told = None
        self._logs.forget()
        self._peaks_told = False
        self._evidence.forget()

    async def aclose(self) -> None:
        """Stop asking."""
        await give_up(self._questions())

    def _questions(self) -> Iterable[Question[Any]]:
        return (
            *(self._pool, self._processes, self._orchestrator, self._memory, self._gpus, self._environments),
            self._env_file,
            self._logs.question,
            self._peaks,
            self._evidence.exits,
            self._evidence.kernel_log,
            *self._polls.values(),
        )

    async def _look_around(
        self, until_s: float, patience_s: float, fresh: bool
    ) -> tuple[PoolReading | None, tuple[ProcessReading, ...] | None]:
        """Find out which workers there are."""
        now_s = asyncio.get_running_loop().time()
        self._pool.ask(self._readers.pool.read)
        if (processes_of := self._readers.processes) is not None:
            self._processes.ask(lambda: asyncio.to_thread(processes_of.read, fresh))
        if (orchestrator := self._readers.orchestrator) is not None and (
            self._heard_s is None or now_s - self._heard_s >= ORCHESTRATOR_EVERY_S
        ):
            self._heard_s = now_s
            self._orchestrator.ask(orchestrator.read)
        await wait_for((self._pool, self._processes, self._orchestrator), until_s)
        pool, processes = self._pool.take(patience_s), self._processes.take(patience_s)
        self._heard = self._orchestrator.take(patience_s) or self._heard
        if pool is not None and pool.desired is not None:
            # A pool that is gone wants nothing: its slots stay in sight until another one begins.
            self._wanted = pool.desired
        of_table = {p.slot for p in processes or () if p.role == "worker" and p.slot is not None}
        self._table_sees = self._table_sees or bool(of_table)
        of_orchestrator = set(self._heard.workers) if self._heard else set()
        slots = sorted({*range(self._wanted), *of_table, *of_orchestrator})[:MAX_WORKERS]
        self._refs = [WorkerRef(slot=slot) for slot in slots]
        return pool, processes

    async def _look_closely(
        self, processes: tuple[ProcessReading, ...] | None, until_s: float, patience_s: float
    ) -> tuple[
        dict[WorkerRef, Observation],
        MemoryReading | None,
        tuple[GpuReading, ...] | None,
        Mapping[WorkerRef, EnvReading],
    ]:
        """Ask every worker, and read what memory and environments there are."""
        readers, real_t = self._readers, self._clock.real(self._clock.now())
        for ref in self._refs:
            url = self._url(ref)
            poll = self._polls.setdefault(ref, Question(f"the poll of worker {ref.written}", self._faults))
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
            self._seen(processes, patience_s),
            self._memory.take(patience_s),
            self._gpus.take(patience_s),
            self._watch.news(self._environments.take(patience_s) or (), real_t),
        )

    def _env_file_news(self) -> EnvFileReading | None:
        """Look at the env file now and then, without waiting for it; return it when it is news."""
        now_s = asyncio.get_running_loop().time()
        self._env_file_seen = self._env_file.take(0.0) or self._env_file_seen
        due = self._env_file_asked_s is None or now_s - self._env_file_asked_s >= ENV_FILE_EVERY_S
        if (reader := self._readers.env_file) is not None and due:
            self._env_file_asked_s = now_s
            self._env_file.ask(lambda: asyncio.to_thread(reader.read))
        news = self._env_file_seen if self._env_file_seen != self._env_file_told else None
        self._env_file_told = self._env_file_seen
        return news

    def _seen(self, processes: tuple[ProcessReading, ...] | None, patience_s: float) -> dict[WorkerRef, Observation]:
        """Take what the workers answered, and join it with who they are."""
        of_slot = {p.slot: p for p in processes or () if p.role == "worker" and p.slot is not None}
        seen = {}
        for ref, poll in list(self._polls.items()):
            answer = poll.take(patience_s)
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
                # The last poll timed out and the next one is out for as long as it likes: it still does not answer.
                answer = replace(self._timeouts[ref], detail="still no answer")
            else:
                continue
            seen[ref] = self._identified(ref, answer, of_slot)
        return seen

    def _identified(self, ref: WorkerRef, answer: Observation, of_slot: Mapping[int, ProcessReading]) -> Observation:
        process = of_slot.get(ref.slot)
        beat = self._heard.workers.get(ref.slot) if self._heard else None
        if process is None:
            # The table sees everything here at once, the orchestrator only what was so some seconds ago. It is
            # believed where the table never sees a worker: on another machine, in another pid namespace.
            pid, started_at = (beat.pid if beat and not self._table_sees else None), None
        else:
            pid, started_at = process.pid, process.started_at
        earlier = beat is not None and None not in (pid, beat.pid) and beat.pid != pid
        frame_t = beat.last_frame_t if beat and not earlier else None
        return replace(
            answer,
            pid=pid,
            pid_started_at=None if started_at is None else self._clock.at(started_at),
            episode=beat.episode if beat and not earlier else None,
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

    def _completed(self, pool: PoolReading) -> PoolReading:
        started_at = pool.launcher_started_at
        return replace(
            pool,
            launcher_started_at=None if started_at is None else self._clock.at(started_at),
            orchestrator_error=self._heard.error if self._heard else None,
        )
