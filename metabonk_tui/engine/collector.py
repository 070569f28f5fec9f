"""Gathers one Sample per tick from the readers, within a time limit. Does not: judge what it gathers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import NOT_READ, HostReading, ProcessReading
from metabonk_tui.core.model.refs import MAX_WORKERS, HostName, WorkerRef, slot_ref
from metabonk_tui.core.model.sample import (
    EnvReading,
    Observation,
    OrchestratorReading,
    PoolReading,
    RunHeader,
    Sample,
)
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.hosts import HostLink
from metabonk_tui.core.ports.live import OrchestratorReader, PoolBackend, StatusPoller
from metabonk_tui.core.worker.strangers import is_worker_document, of_port_holder, with_holder
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.host_collector import HostCollector, HostReaders
from metabonk_tui.engine.log_ends import WorkerLines
from metabonk_tui.engine.schedule import BURST_EVERY_S, bursts, interval_s, spread_s
from metabonk_tui.engine.single_flight import FaultLog, SingleFlight, cancel_all, wait_for
from metabonk_tui.engine.unconfirmed import held_by

if TYPE_CHECKING:
    from metabonk_tui.core.ports.cluster import Cluster

WAIT_SHARE = 0.8
"""The share of an interval for which a tick waits for answers; the rest is for judging and drawing them."""
DISCOVERY_LIMIT_S = 1.0
"""The longest wait for the pool, the process table and the orchestrator, which list the workers."""
POOL_PART = "the pool"
"""The part that a fault of reading the pool names."""
ORCHESTRATOR_EVERY_S = 2.0
"""Workers send the orchestrator a heartbeat every 5 s."""


class PoolReaders(Struct, frozen=True):
    """Everything that the collector reads: the pool, its workers' `/status`, and its hosts."""

    status: StatusPoller
    pool: PoolBackend
    hosts: Mapping[HostName, HostReaders]
    orchestrator: OrchestratorReader | None = None
    """None: none is configured."""
    links: Mapping[HostName, HostLink] = {}
    """The agents of a pool on several hosts, which then read everything; empty: `hosts` reads it here."""
    cluster: Cluster | None = None
    """The engine that places the workers on nodes; None: hosts do not change."""


class Collector:
    """Reads the live pool, one Sample at a time."""

    def __init__(self, config: Config, readers: PoolReaders, clock: RunClock, fault_log: FaultLog) -> None:
        """Prepare; the first `gather` reads."""
        self._config = config
        self._readers = readers
        self._clock = clock
        self._pool: SingleFlight[PoolReading] = SingleFlight(POOL_PART, fault_log)
        self._orchestrator: SingleFlight[OrchestratorReading] = SingleFlight("the orchestrator", fault_log)
        self._hosts = {name: HostCollector(host, clock, fault_log) for name, host in readers.hosts.items()}
        self._fault_log = fault_log
        self._polls: dict[WorkerRef, SingleFlight[Callable[[], Observation]]] = {}
        self._poll_worker: dict[WorkerRef, Callable[[], Awaitable[Callable[[], Observation]]]] = {}
        self._timeouts: dict[WorkerRef, Observation] = {}
        self._orchestrator_latest: OrchestratorReading | None = None
        self._orchestrator_asked_s: float | None = None
        self._is_first = True
        self._desired = config.pool.workers
        self._refs = [slot_ref(slot) for slot in range(self._desired)]
        self._answered: set[WorkerRef] = set()
        self._only: frozenset[int] | None = None
        self._left_out = 0
        """How many workers were not polled in the last tick, because they exceed the limit."""

    @property
    def interval_s(self) -> float:
        """The real seconds between two ticks, by the current number of workers."""
        return interval_s(self._config, len(self._refs), self._clock.speed)

    async def gather(
        self, *, lag_s: float | None = None, fresh: bool = False, waited_s: float | None = None
    ) -> Sample:
        """Read everything once. Never raises: a late answer is left out, a failed reading is None.

        `fresh`: scan for new processes now. `waited_s`: the interval that the operator chose, in real seconds.
        """
        now_s = asyncio.get_running_loop().time()
        wait_limit_s = self.interval_s * WAIT_SHARE
        until_s = now_s + wait_limit_s
        # A slow reader must not delay polling the workers.
        discovery_until_s = now_s + min(wait_limit_s / 2, DISCOVERY_LIMIT_S)
        pool = await self._find_workers(discovery_until_s, wait_limit_s, fresh)
        workers = await self._read_workers(until_s, wait_limit_s)
        hosts, environments, log_tails, log_ends = self._take_hosts(workers, wait_limit_s)
        t = self._clock.now()
        sample = Sample(
            t=t,
            workers=workers,
            hosts=hosts,
            environments=environments,
            env_file=next((file for host in self._hosts.values() if (file := host.changed_env_file())), None),
            log_tails=log_tails,
            log_ends=log_ends,
            pool=None if pool is None else self._with_run_times(pool),
            events=(*self._fault_log.take_events(), *(e for host in self._hosts.values() for e in host.take_events())),
            run=self._first_header(t, pool) if self._is_first else None,
            lag_s=lag_s,
            interval_s=None if waited_s is None else waited_s * self._clock.speed,
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

    async def first_processes(self) -> tuple[ProcessReading, ...]:
        """Read the processes before the first tick, with real start times. Raises what a reader raises."""
        found: tuple[ProcessReading, ...] = ()
        for host in self._readers.hosts.values():
            if host.processes is not None:
                found += await asyncio.to_thread(host.processes.read, True)
        return found

    def ask_only(self, slots: tuple[int, ...] | None) -> None:
        """Ask only these workers from now on; None: the wanted ones and those that are seen."""
        self._only = None if slots is None else frozenset(slots)

    def mark_run_known(self) -> None:
        """Send no RunHeader with the next Sample: the run is known already."""
        self._is_first = False

    def recall(self, known: Snapshot) -> None:
        """Look for how a recorded run ended: its end may have been logged while no monitor watched."""
        for name, host in self._hosts.items():
            host.recall([worker for worker in known.workers if worker.ref.host == name])

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
        for host in self._hosts.values():
            host.resend_all()
        self._answered.clear()

    async def aclose(self) -> None:
        """Cancel every reading under way."""
        await cancel_all(self._flights())

    def _flights(self) -> Iterable[SingleFlight[Any]]:
        return (
            *(self._pool, self._orchestrator),
            *(flight for host in self._hosts.values() for flight in host.flights()),
            *self._polls.values(),
        )

    async def _find_workers(self, until_s: float, wait_limit_s: float, fresh: bool) -> PoolReading | None:
        """Read the pool, the process tables and every 2 s the orchestrator; update the list of workers."""
        now_s = asyncio.get_running_loop().time()
        self._pool.ask(self._readers.pool.read)
        tables = [flight for host in self._hosts.values() for flight in host.ask_processes(fresh)]
        if (orchestrator := self._readers.orchestrator) is not None and (
            self._orchestrator_asked_s is None or now_s - self._orchestrator_asked_s >= ORCHESTRATOR_EVERY_S
        ):
            self._orchestrator_asked_s = now_s
            self._orchestrator.ask(orchestrator.read)
        await wait_for((self._pool, *tables, self._orchestrator), until_s)
        pool = self._pool.take(wait_limit_s)
        in_tables = {ref for host in self._hosts.values() for ref in host.take_processes(wait_limit_s)}
        self._orchestrator_latest = self._orchestrator.take(wait_limit_s) or self._orchestrator_latest
        if pool is not None and pool.desired is not None:
            # A pool that ended has no desired count: its slots stay visible until the next pool starts.
            self._desired = pool.desired
        heartbeats = set(self._orchestrator_latest.workers) if self._orchestrator_latest else set()
        # A worker that answered once in a run is asked until another run begins: its silence is news.
        self._refs = self._limited(in_tables | heartbeats | self._answered)
        return pool

    def _limited(self, seen: set[WorkerRef]) -> list[WorkerRef]:
        """Return the workers to poll, seen or wanted. Say once how many are left out, the unseen first."""
        most = max(MAX_WORKERS, self._config.pool.workers)
        wanted = {slot_ref(slot) for slot in range(self._desired)}
        every = sorted(seen | wanted)
        if self._only is not None:
            return [WorkerRef(slot=slot) for slot in sorted(self._only)]
        left_out = max(0, len(every) - most)
        if left_out and left_out != self._left_out:
            self._fault_log.report_fault(f"polling {most} of {len(every)} workers: no more are asked, judged or shown")
        self._left_out = left_out
        return every if not left_out else sorted([*sorted(seen), *sorted(wanted - seen)][:most])

    async def _read_workers(self, until_s: float, wait_limit_s: float) -> dict[WorkerRef, Observation]:
        """Poll every worker, and read what else the hosts have."""
        flights = [flight for host in self._hosts.values() for flight in host.ask_rest()]
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        for number, burst in enumerate(bursts(self._refs, spread_s(self.interval_s, until_s - begin_s))):
            # A burst that is late already begins at once: it needs the time for its answers.
            if (early_s := begin_s + number * BURST_EVERY_S - loop.time()) > 0:
                await asyncio.sleep(early_s)
            for ref in burst:
                self._ask_worker(ref)
        await wait_for((*flights, *self._polls.values()), until_s)
        return self._take_observations(wait_limit_s)

    def _take_hosts(
        self, workers: Mapping[WorkerRef, Observation], wait_limit_s: float
    ) -> tuple[dict[HostName, HostReading], dict[WorkerRef, EnvReading], WorkerLines, WorkerLines]:
        """Take what was read of every host: the readings, and what changed of the workers."""
        hosts: dict[HostName, HostReading] = {}
        environments: dict[WorkerRef, EnvReading] = {}
        log_tails: WorkerLines = {}
        log_ends: WorkerLines = {}
        for name, host in self._hosts.items():
            refs = [ref for ref in self._refs if ref.host == name]
            answers = {ref: seen for ref, seen in workers.items() if ref.host == name}
            tick = host.take(refs, answers, wait_limit_s)
            if tick.reading != NOT_READ:
                hosts[name] = tick.reading
            environments |= tick.environments
            log_tails = {**log_tails, **tick.log_tails}
            log_ends = {**log_ends, **tick.log_ends}
        return hosts, environments, log_tails, log_ends

    def _take_observations(self, wait_limit_s: float) -> dict[WorkerRef, Observation]:
        """Join the workers' answers with their processes and heartbeats."""
        processes = {process.who: process for host in self._hosts.values() for process in host.processes or ()}
        observations = {}
        wanted = set(self._refs)
        for ref, poll in list(self._polls.items()):
            received = poll.take(wait_limit_s)
            if ref not in wanted:
                if poll.task is None:
                    del self._polls[ref], self._poll_worker[ref]
                self._timeouts.pop(ref, None)
                continue
            # All answers are decoded one after the other: between polls, it takes half as long again.
            answer = None if received is None else self._decoded(ref, received)
            if answer is not None:
                self._timeouts.pop(ref, None)
                if answer.error == "timeout":
                    self._timeouts[ref] = answer
            elif ref in self._timeouts:
                # The last poll timed out and the next poll is still under way: the worker still does not answer.
                answer = replace(self._timeouts[ref], detail="still no answer")
            else:
                continue
            if answer.status is not None:
                self._answered.add(ref)
            process, host = processes.get(ref), self._hosts.get(ref.host)
            if process is None and host is not None and (holder := host.holder_of_port(ref)) is not None:
                answer = of_port_holder(answer, held_by(holder, self._config.pool.base_port + ref.slot))
            elif process is not None and process.unconfirmed:
                has_status = answer.status is not None and is_worker_document(answer.status, self._config)
                if not self._hosts[ref.host].is_worker(process, has_status=has_status):
                    answer = with_holder(answer, held_by(process, self._config.pool.base_port + ref.slot))
                    process = None
            observations[ref] = self._with_process(ref, answer, process)
        return observations

    def _decoded(self, ref: WorkerRef, received: Callable[[], Observation]) -> Observation | None:
        """Decode an answer; None: a bug, which is noted."""
        try:
            return received()
        except Exception as error:
            self._fault_log.note(f"the poll of worker {ref.written}", error)
            return None

    def _with_process(self, ref: WorkerRef, answer: Observation, process: ProcessReading | None) -> Observation:
        heartbeat = self._orchestrator_latest.workers.get(ref) if self._orchestrator_latest else None
        if process is None:
            # The table shows this machine now; the orchestrator lags by seconds. Its pid counts only where the
            # table has shown no worker so far: workers on another machine or in another pid namespace.
            pid, started_at = (heartbeat.pid if heartbeat and not self._has_table(ref) else None), None
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

    def _has_table(self, ref: WorkerRef) -> bool:
        """Return whether the process table of the worker's host has listed a worker so far."""
        host = self._hosts.get(ref.host)
        return host is not None and host.has_shown_workers

    def _ask_worker(self, ref: WorkerRef) -> None:
        if ref not in self._polls:
            self._polls[ref] = SingleFlight(f"the poll of worker {ref.written}", self._fault_log)
            self._poll_worker[ref] = partial(self._readers.status.ask, self._url(ref))
        self._polls[ref].ask(self._poll_worker[ref])

    def _url(self, ref: WorkerRef) -> str:
        pool = self._config.pool
        host = f"[{pool.host}]" if ":" in pool.host else pool.host
        return f"http://{host}:{pool.base_port + ref.slot}/status"

    def _first_header(self, t: float, pool: PoolReading | None) -> RunHeader:
        if pool is not None and pool.launched_by_us and pool.launcher_started_at is not None:
            return self.header(self._clock.at(pool.launcher_started_at), "launched by us", pool.desired)
        starts = [
            process.started_at
            for host in self._hosts.values()
            for process in host.processes or ()
            if process.role == "worker" and process.started_at is not None
        ]
        if starts:
            return self.header(self._clock.at(min(starts)), "oldest worker process", None)
        return self.header(t, "first sample", None)

    def _with_run_times(self, pool: PoolReading) -> PoolReading:
        started_at = pool.launcher_started_at
        return replace(
            pool,
            launcher_started_at=None if started_at is None else self._clock.at(started_at),
            orchestrator_error=self._orchestrator_latest.error if self._orchestrator_latest else None,
        )


def collector_of(config: Config, readers: PoolReaders, clock: RunClock, fault_log: FaultLog) -> Collector:
    """Make the collector that fits the readers: here, from the agents of its hosts, or on the nodes of a cluster."""
    chosen: type[Collector] = Collector
    if readers.cluster is not None:
        from metabonk_tui.engine.cluster_collector import ClusterCollector as chosen
    elif readers.links:
        from metabonk_tui.engine.hosts_collector import HostsCollector as chosen
    return chosen(config, readers, clock, fault_log)
