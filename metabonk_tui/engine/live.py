"""Gathers one Sample per tick from the readers. Knows when to look, refuses to know what it means."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from metabonk_tui.core.config import Config
from metabonk_tui.core.ports import (
    EnvReader,
    GpuReader,
    MemoryReader,
    OrchestratorReader,
    PoolBackend,
    ProcessReader,
    StatusPoller,
)
from metabonk_tui.core.sample import (
    EnvReading,
    Event,
    GpuReading,
    MemoryReading,
    Observation,
    OrchestratorReading,
    PoolReading,
    ProcessReading,
    RunHeader,
    Sample,
)
from metabonk_tui.engine.clock import RunClock

LOG = logging.getLogger(__name__)
ENV_EVERY_S = 30.0
"""Real seconds between two looks at an environment that was read before."""
ENV_SETTLES_S = 2.0
"""Between fork and exec a process still shows its parent's environment: a new one is looked at again this soon."""
MAX_WORKERS = 256

T = TypeVar("T")


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


def interval_s(config: Config, workers: int, speed: float) -> float:
    """Return the real seconds between two ticks: as configured, else by the number of workers."""
    usual = config.observe.interval_s or (1.0 if workers <= 5 else 2.0 if workers <= 16 else 5.0)
    # A fast run clock is watched more often, but never so often that a busy machine cannot keep up.
    return usual if speed <= 1 else max(min(usual, 0.5), usual / speed)


class LiveSource:
    """Looks at the live pool, one Sample at a time."""

    def __init__(self, config: Config, readers: Readers, clock: RunClock) -> None:
        """Prepare to look; nothing is read yet."""
        self._config = config
        self._readers = readers
        self._clock = clock
        self._environments: dict[int, tuple[int, float, EnvReading]] = {}
        self._faults: set[str] = set()
        self._first = True
        self.wanted = config.pool.workers

    async def gather(self, *, lag_s: float | None = None, fresh: bool = False) -> Sample:
        """Look at everything once; a part that fails is None and an event, never an exception."""
        events: list[Event] = []
        pool, processes = await asyncio.gather(
            self._guard("pool", self._readers.pool.read, events), self._read_processes(events, fresh)
        )
        if pool is not None and pool.desired is not None:
            self.wanted = pool.desired
        orchestrator, memory, gpus = await asyncio.gather(
            self._read_orchestrator(events), self._read_memory(processes, events), self._read_gpus(events)
        )
        workers = await self._poll(processes, orchestrator)
        environments = await self._read_environments(processes, events)
        t = self._clock.now()
        sample = Sample(
            t=t,
            workers=workers,
            memory=memory,
            processes=None if processes is None else tuple(self._on_run_clock(p) for p in processes),
            gpus=gpus,
            environments=environments,
            pool=None if pool is None else self._pool_on_run_clock(pool, orchestrator),
            events=tuple(events),
            run=self._first_header(t, processes) if self._first else None,
            lag_s=lag_s,
        )
        self._first = False
        return sample

    def header(self, started_at: float, how: str, desired: int | None) -> RunHeader:
        """Make the header of a live run."""
        speed = self._clock.speed
        return RunHeader(
            name=f"run-{int(self._clock.real(started_at))}",
            started_at=started_at,
            desired=desired,
            interval_s=interval_s(self._config, self.wanted, speed) * speed,
            how=how,
            profile=self._config.pool.profile,
        )

    def _first_header(self, t: float, processes: tuple[ProcessReading, ...] | None) -> RunHeader:
        starts = [p.started_at for p in processes or () if p.role == "worker" and p.started_at is not None]
        if starts:
            return self.header(self._clock.at(min(starts)), "oldest worker process", None)
        return self.header(t, "first sample", None)

    async def _poll(
        self, processes: tuple[ProcessReading, ...] | None, orchestrator: OrchestratorReading | None
    ) -> dict[int, Observation]:
        of_slot = {p.slot: p for p in processes or () if p.role == "worker" and p.slot is not None}
        beats = orchestrator.workers if orchestrator else {}
        slots = sorted({*range(self.wanted), *of_slot, *beats})[:MAX_WORKERS]
        pool = self._config.pool
        host = f"[{pool.host}]" if ":" in pool.host else pool.host
        polls = (self._readers.status.poll(f"http://{host}:{pool.base_port + slot}/status") for slot in slots)
        seen = await asyncio.gather(*polls)
        workers = {}
        for slot, observation in zip(slots, seen, strict=True):
            process, beat = of_slot.get(slot), beats.get(slot)
            started_at = process.started_at if process else None
            workers[slot] = replace(
                observation,
                pid=process.pid if process else (beat.pid if beat else None),
                pid_started_at=None if started_at is None else self._clock.at(started_at),
                episode=beat.episode if beat else None,
                port=pool.base_port + slot,
            )
        return workers

    async def _read_processes(self, events: list[Event], fresh: bool) -> tuple[ProcessReading, ...] | None:
        reader = self._readers.processes
        if reader is None:
            return None
        return await self._guard("processes", lambda: asyncio.to_thread(reader.read, fresh), events)

    async def _read_memory(
        self, processes: tuple[ProcessReading, ...] | None, events: list[Event]
    ) -> MemoryReading | None:
        reader = self._readers.memory
        if reader is None:
            return None
        pids = [p.pid for p in processes or () if p.role in ("worker", "ollama") and p.pid is not None]
        return await self._guard("memory", lambda: asyncio.to_thread(reader.read, pids), events)

    async def _read_gpus(self, events: list[Event]) -> tuple[GpuReading, ...] | None:
        reader = self._readers.gpus
        if reader is None:
            return None
        return await self._guard("gpus", lambda: asyncio.to_thread(reader.read), events)

    async def _read_orchestrator(self, events: list[Event]) -> OrchestratorReading | None:
        reader = self._readers.orchestrator
        return None if reader is None else await self._guard("orchestrator", reader.read, events)

    async def _read_environments(
        self, processes: tuple[ProcessReading, ...] | None, events: list[Event]
    ) -> Mapping[int, EnvReading]:
        """Read what is new or was last read long ago; return only what changed."""
        reader = self._readers.environments
        if reader is None or processes is None:
            return {}
        real_t = self._clock.real(self._clock.now())
        changed = {}
        for process in processes:
            slot, pid, started_at = process.slot, process.pid, process.started_at
            if process.role != "worker" or slot is None or pid is None or started_at is None:
                continue
            known = self._environments.get(slot)
            same = known is not None and known[0] == pid
            settles = real_t - started_at < ENV_SETTLES_S + ENV_EVERY_S / 10
            if known is not None and same and real_t - known[1] < (ENV_SETTLES_S if settles else ENV_EVERY_S):
                continue
            read: Callable[[], Awaitable[EnvReading]] = lambda p=pid, s=started_at: asyncio.to_thread(  # type: ignore[misc] # noqa: E731
                reader.read, p, s
            )
            reading = await self._guard("environments", read, events)
            if reading is None:
                continue
            self._environments[slot] = (pid, real_t, reading)
            if known is None or not same or known[2] != reading:
                changed[slot] = reading
        return changed

    def _on_run_clock(self, process: ProcessReading) -> ProcessReading:
        if process.started_at is None:
            return process
        return replace(process, started_at=self._clock.at(process.started_at))

    def _pool_on_run_clock(self, pool: PoolReading, orchestrator: OrchestratorReading | None) -> PoolReading:
        started_at = pool.launcher_started_at
        return replace(
            pool,
            launcher_started_at=None if started_at is None else self._clock.at(started_at),
            orchestrator_error=orchestrator.error if orchestrator else None,
        )

    async def _guard(self, part: str, read: Callable[[], Awaitable[T]], events: list[Event]) -> T | None:
        """Run one reader; its bug costs its own part only, and is told once."""
        try:
            return await read()
        except Exception as error:
            LOG.exception("reading %s failed", part)
            if part not in self._faults:
                self._faults.add(part)
                text = f"{part} cannot be read: {type(error).__name__}, see the log"
                events.append(Event(self._clock.now(), "monitor.error", "warn", text))
            return None
