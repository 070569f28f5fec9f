"""Gathers one Sample per tick from the agents of several hosts, within a time limit.

Does not: judge what it gathers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import HostReading, ProcessReading
from metabonk_tui.core.model.on_host import host_reading
from metabonk_tui.core.model.refs import MAX_WORKERS, HostName, WorkerRef
from metabonk_tui.core.model.sample import (
    EnvFileReading,
    EnvReading,
    Event,
    Observation,
    RunHeader,
    Sample,
)
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.hosts import HostAnswer, HostReader
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.collector import DISCOVERY_LIMIT_S, WAIT_SHARE, Collector, PoolReaders
from metabonk_tui.engine.host_watch import HostWatch
from metabonk_tui.engine.schedule import interval_s
from metabonk_tui.engine.single_flight import FaultLog, SingleFlight, wait_for

SLOWEST_S = 10.0
"""A host that answers slowly lengthens the interval at most so far."""
SPARE = 1.25
"""Answers do not always take equally long."""
FIRST_LIMIT_S = 8.0
"""How long the first look waits for a host, before it says that none answers."""
OTHERS_LIMIT_S = 2.0
"""How long it waits for the others after the first answer."""


class HostsCollector(Collector):
    """Reads a pool whose hosts have agents, one Sample at a time."""

    def __init__(self, config: Config, readers: PoolReaders, clock: RunClock, fault_log: FaultLog) -> None:
        """Prepare; the first `gather` connects."""
        super().__init__(config, readers, clock, fault_log)
        self._links: Mapping[HostName, HostReader] = readers.links
        self._flights_of: dict[HostName, SingleFlight[HostAnswer]] = {
            name: SingleFlight(f"the agent of {name}", fault_log) for name in self._links
        }
        self._watches = {name: HostWatch() for name in self._links}
        self._sent_env_file: EnvFileReading | None = None
        self._wanted_on = {name: (link.workers, False) for name, link in self._links.items()}
        """How many workers each host should have, and whether the launcher there says so."""

    @property
    def _wanted(self) -> int:
        return sum(workers for workers, _ in self._wanted_on.values())

    @property
    def interval_s(self) -> float:
        """The real seconds between two ticks: by the workers, and no shorter than the answers of a host take."""
        usual = interval_s(self._config, max(workers for workers, _ in self._wanted_on.values()), self._clock.speed)
        slowest_s = max(watch.took_s for watch in self._watches.values())
        return max(usual, min(slowest_s * SPARE / WAIT_SHARE, SLOWEST_S))

    async def gather(
        self, *, lag_s: float | None = None, fresh: bool = False, waited_s: float | None = None
    ) -> Sample:
        """Ask every host once. Never raises: a host that answers late is left out of this Sample."""
        wait_limit_s = self.interval_s * WAIT_SHARE
        now_s = asyncio.get_running_loop().time()
        self._pool.ask(self._readers.pool.read)
        self._ask(fresh)
        await wait_for((self._pool,), now_s + min(wait_limit_s / 2, DISCOVERY_LIMIT_S))
        await wait_for(self._flights_of.values(), now_s + wait_limit_s)
        pool = self._pool.take(wait_limit_s)
        sample = self._merged(wait_limit_s)
        sample = replace(
            sample,
            pool=None if pool is None else replace(self._with_run_times(pool), desired=self._wanted),
            events=(*self._fault_log.take_events(), *sample.events),
            run=self._header_of(sample) if self._is_first else None,
            lag_s=lag_s,
            interval_s=None if waited_s is None else waited_s * self._clock.speed,
        )
        self._is_first = False
        return sample

    async def first_processes(self) -> tuple[ProcessReading, ...]:
        """Return the processes of all hosts that answer within some seconds, with real start times."""
        self._ask(True)
        await self._first_answers()
        found: list[ProcessReading] = []
        for flight in self._flights_of.values():
            answer = flight.take(FIRST_LIMIT_S)
            for host in answer.sample.hosts.values() if answer is not None and answer.sample is not None else ():
                found += host.processes or ()
        for link in self._links.values():
            link.resend_all()
        return tuple(found)

    async def _first_answers(self) -> None:
        """Wait for the first Sample of any host, and then a little for the others: one proves which run it is."""
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + FIRST_LIMIT_S
        waiting = {flight.task for flight in self._flights_of.values() if flight.task is not None}
        while waiting and (left_s := ends_s - loop.time()) > 0:
            done, waiting = await asyncio.wait(waiting, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if any(task.exception() is None and task.result().sample is not None for task in done):
                ends_s = min(ends_s, loop.time() + OTHERS_LIMIT_S)

    def recall(self, known: Snapshot) -> None:
        """Do nothing: the ends of processes are in the logs of their hosts, which the agents read."""

    def resend_all(self) -> None:
        """Ask for every reading that is sent only on change again: a new run starts without them."""
        self._sent_env_file = None
        for link in self._links.values():
            link.resend_all()

    async def aclose(self) -> None:
        """End every reading and every agent."""
        await super().aclose()
        await asyncio.gather(*(link.aclose() for link in self._links.values()))

    def _flights(self) -> tuple[SingleFlight[Any], ...]:
        return (self._pool, *self._flights_of.values())

    def _ask(self, fresh: bool) -> None:
        for name, link in self._links.items():
            self._flights_of[name].ask(partial(link.read, fresh))

    def _merged(self, wait_limit_s: float) -> Sample:
        """Join what the hosts answered in this tick to one Sample on the run's clock."""
        now_s, t = asyncio.get_running_loop().time(), self._clock.now()
        workers: dict[WorkerRef, Observation] = {}
        hosts: dict[HostName, HostReading] = {}
        environments: dict[WorkerRef, EnvReading] = {}
        log_tails: dict[WorkerRef, tuple[str, ...]] = {}
        log_ends: dict[WorkerRef, tuple[str, ...]] = {}
        events: list[Event] = []
        env_file: EnvFileReading | None = None
        for name, flight in self._flights_of.items():
            answer = flight.take(wait_limit_s)
            if answer is not None and answer.pool is not None and answer.pool.desired is not None:
                # A pool that was stopped names no number: its slots stay visible until the next launch.
                self._wanted_on[name] = (min(answer.pool.desired, MAX_WORKERS), True)
            wanted, is_launched = self._wanted_on[name]
            seen = self._watches[name].observe(answer, now_s, t, self._stale_s, wanted)
            seen = replace(seen, launched=is_launched)
            if answer is None or answer.sample is None:
                hosts[name] = HostReading(link=seen)
                continue
            found = self._on_run_clock(answer.sample, name)
            workers |= found.workers
            hosts[name] = replace(found.host(name), link=seen)
            environments |= found.environments
            log_tails |= found.log_tails
            log_ends |= found.log_ends
            events += found.events
            env_file = env_file or found.env_file
        changed = env_file if env_file is not None and env_file != self._sent_env_file else None
        self._sent_env_file = env_file or self._sent_env_file
        return Sample(
            t=t,
            workers=workers,
            hosts=hosts,
            environments=environments,
            env_file=changed,
            log_tails=log_tails,
            log_ends=log_ends,
            events=tuple(events),
        )

    @property
    def _stale_s(self) -> float:
        return max(5.0, self._config.observe.stale_intervals * self.interval_s)

    def _on_run_clock(self, sample: Sample, name: HostName) -> Sample:
        """Translate the real times of a host's Sample to the run's clock."""
        at = self._clock.at
        return replace(
            sample,
            workers={
                ref: replace(
                    seen,
                    pid_started_at=None if seen.pid_started_at is None else at(seen.pid_started_at),
                    last_frame_t=None if seen.last_frame_t is None else at(seen.last_frame_t),
                )
                for ref, seen in sample.workers.items()
            },
            hosts={name: host_reading(sample.host(name), name, at)},
            events=tuple(replace(event, t=at(event.t)) for event in sample.events),
        )

    def _header_of(self, sample: Sample) -> RunHeader:
        starts = [
            process.started_at
            for host in sample.hosts.values()
            for process in host.processes or ()
            if process.role == "worker" and process.started_at is not None
        ]
        how = "oldest worker process" if starts else "first sample"
        return self.header(min(starts, default=sample.t), how, self._wanted)

    def header(self, started_at: float, how: str, desired: int | None) -> RunHeader:
        """Make the header of a live run, with the interval at which hosts are asked."""
        header = super().header(started_at, how, desired)
        return replace(header, interval_s=self.interval_s * self._clock.speed)
