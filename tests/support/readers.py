"""Provides scripted readers and a scripted pool for the tests of the engine."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace

from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import MemoryReading, ProcessReading
from metabonk_tui.core.model.pool import Action, Launch, Plan, PlanSource, Resize, Restart
from metabonk_tui.core.model.refs import ONLY_HOST
from metabonk_tui.core.model.sample import (
    EnvReading,
    Event,
    Observation,
    Operation,
    OrchestratorReading,
    PoolReading,
    Sample,
    WorkerStatus,
)
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.step.pipeline import step
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.collector import Collector, PoolReaders
from metabonk_tui.engine.engine import Engine
from metabonk_tui.engine.host_collector import HostReaders
from tests.support.paths import ROOT
from tests.support.refs import w
from tests.support.waiting import wait_for

DEFAULTS = (ROOT / "config.toml").read_text(encoding="utf-8")
LIMIT_S = 20.0
"""Generous for a busy machine; no test here needs that long."""


def configured(workers: int = 2, interval_s: float = 0.05, **observe: float) -> Config:
    config = parse_config(DEFAULTS, None)
    return msgspec.structs.replace(
        config,
        pool=msgspec.structs.replace(config.pool, workers=workers),
        observe=msgspec.structs.replace(config.observe, interval_s=interval_s, **observe),
    )


async def gather_until(source: Collector, true: Callable[[Sample], bool]) -> Sample:
    """Gather until a Sample meets the condition, and return it; fail after 20 s."""
    ends = time.monotonic() + LIMIT_S
    while True:
        sample = await source.gather()
        if true(sample):
            return sample
        assert time.monotonic() < ends, "no such Sample came"
        await asyncio.sleep(0.01)


def worker_process(slot: int, pid: int, started_at: float) -> ProcessReading:
    return ProcessReading("worker", 300_000_000, w(slot), pid, started_at, 300_000_000, f"worker {slot}")


@dataclass
class Workers:
    """Every worker answers at once, except those in `hung` or `errors`."""

    hung: set[int] = field(default_factory=set)
    errors: dict[int, str] = field(default_factory=dict)
    broken: set[int] = field(default_factory=set)
    fields: dict[str, Any] = field(default_factory=dict)
    """Fields of every status besides its step."""
    timeout_s: float = 0.4
    asked: list[int] = field(default_factory=list)
    closed: bool = False

    async def ask(self, url: str) -> Callable[[], Observation]:
        seen = await self.poll(url)
        return lambda: seen

    async def poll(self, url: str) -> Observation:
        slot = int(url.split(":")[2].split("/")[0]) - 5000
        self.asked.append(slot)
        if slot in self.broken:
            raise ZeroDivisionError("a bug in the client")
        if slot in self.hung:
            await asyncio.sleep(self.timeout_s)
            return Observation(error="timeout", detail="no whole answer", latency_s=self.timeout_s)
        if slot in self.errors:
            return Observation(error=self.errors[slot])
        return Observation(status=WorkerStatus({"step": float(len(self.asked)), **self.fields}), latency_s=0.001)

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Table:
    """A scripted process table. `stuck` makes the next readings wait."""

    processes: tuple[ProcessReading, ...] = ()
    error: Exception | None = None
    stuck: threading.Event | None = None
    calls: int = 0
    at_once: int = 0
    most_at_once: int = 0

    def read(self, fresh: bool = False) -> tuple[ProcessReading, ...]:
        self.calls += 1
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            if self.stuck is not None:
                self.stuck.wait(LIMIT_S)
            if self.error is not None:
                raise self.error
            return self.processes
        finally:
            self.at_once -= 1


@dataclass
class Memory:
    available_bytes: int = 12_000_000_000
    pids: list[list[int]] = field(default_factory=list)
    error: Exception | None = None

    def read(self, pids: Iterable[int] = ()) -> MemoryReading:
        self.pids.append(list(pids))
        if self.error is not None:
            raise self.error
        return MemoryReading(total_bytes=16_000_000_000, available_bytes=self.available_bytes)


@dataclass
class Environments:
    values: dict[str, str] = field(default_factory=lambda: {"METABONK_A": "1"})
    calls: list[tuple[int, float]] = field(default_factory=list)

    def read(self, pid: int, started_at: float) -> EnvReading:
        self.calls.append((pid, started_at))
        return EnvReading(dict(self.values))


@dataclass
class Beats:
    """A scripted orchestrator; every answer takes `hung_s` seconds."""

    reading: OrchestratorReading = field(default_factory=OrchestratorReading)
    hung_s: float = 0.0
    calls: int = 0

    async def read(self) -> OrchestratorReading:
        self.calls += 1
        await asyncio.sleep(self.hung_s)
        return self.reading


class Pool:
    """A pool with scripted operations: `apply_with` is awaited as apply(plan, progress)."""

    name = "scripted"

    def __init__(self) -> None:
        self.reading = PoolReading(backend="scripted", controller="us", desired=2)
        self.apply_with: Callable[..., Any] | None = None
        self.applied: list[Plan] = []
        self.planned: list[tuple[Action, PoolReading]] = []
        self.read_error: Exception | None = None
        self.plan_error: Exception | None = None
        self.closed = False

    async def read(self) -> PoolReading:
        if self.read_error is not None:
            raise self.read_error
        return self.reading

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        self.planned.append((action, pool))
        if self.plan_error is not None:
            raise self.plan_error
        start = action.workers if isinstance(action, Launch | Resize | Restart) else 0
        return Plan(action, "start" if start else "stop", (("run",),), (), start, PlanSource("/"))

    async def apply(self, plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        self.applied.append(plan)
        return await self.apply_with(plan, progress) if self.apply_with is not None else ()

    async def aclose(self) -> None:
        self.closed = True

    def launcher(self, pid: int | None, started_at: float | None) -> None:
        self.reading = replace(self.reading, launcher_pid=pid, launcher_started_at=started_at)


@dataclass
class Scene:
    """An engine with all its scripted readers."""

    config: Config = field(default_factory=configured)
    clock: RunClock = field(default_factory=RunClock)
    workers: Workers = field(default_factory=Workers)
    pool: Pool = field(default_factory=Pool)
    table: Table = field(default_factory=Table)
    memory: Memory = field(default_factory=Memory)
    environments: Environments = field(default_factory=Environments)
    beats: Beats = field(default_factory=Beats)
    samples: list[Sample] = field(default_factory=list)

    def readers(self, **more: Any) -> PoolReaders:
        """Return the scripted readers, and `more` of the only host."""
        host = HostReaders(memory=self.memory, processes=self.table, environments=self.environments, **more)
        return PoolReaders(self.workers, self.pool, {ONLY_HOST: host}, self.beats)

    def judge(self, previous: Snapshot | None, sample: Sample) -> Snapshot:
        return step(previous, sample, self.config)

    @contextmanager
    def running(self, judge: Callable[[Snapshot | None, Sample], Snapshot] | None = None) -> Iterator[Engine]:
        engine = Engine(self.config, self.readers, self.clock, judge or self.judge, [self.samples.append])
        engine.start()
        try:
            yield engine
        finally:
            engine.stop()
            assert not [thread for thread in threading.enumerate() if thread is engine._thread], "it did not end"

    def latest(self, engine: Engine) -> Snapshot:
        found = wait_for(engine.latest, "no Snapshot came")
        assert isinstance(found, Snapshot)
        return found


def gated(gate: threading.Event, title: str = "launch 2 workers", *events: Event, ok: bool = True) -> Any:
    """Return an apply that reports its start, waits for the gate, and reports its end."""

    async def apply(plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        operation = Operation(title, time.time(), ())
        progress(operation)
        while not gate.is_set():  # noqa: ASYNC110 - the gate belongs to the test's own thread
            await asyncio.sleep(0.005)
        progress(replace(operation, ended_at=time.time(), ok=ok, message="done" if ok else "it broke"))
        return events

    return apply
