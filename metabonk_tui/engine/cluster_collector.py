"""Gathers one Sample per tick from the agents on the nodes on which an engine has placed the workers.

The nodes come and go with the jobs. Does not: ask the engine itself; the pool backend does, every few seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import ExitReading, HostReading, LinkReading, ProcessReading
from metabonk_tui.core.model.refs import HostName, WorkerRef
from metabonk_tui.core.model.sample import STRANGER, Observation, Sample
from metabonk_tui.core.ports.cluster import Cluster, NodePlace, PlacedLink
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.collector import PoolReaders
from metabonk_tui.engine.host_watch import HostWatch
from metabonk_tui.engine.hosts_collector import FIRST_LIMIT_S, HostsCollector
from metabonk_tui.engine.schedule import interval_s
from metabonk_tui.engine.single_flight import FaultLog, SingleFlight, wait_for

NO_AGENT = "no job of this pool runs there"
RELEASED_SAMPLES = 3
"""How many Samples say that a node was released: one may be left out by a reader of a recording."""


class ClusterCollector(HostsCollector):
    """Reads a pool whose nodes an engine chooses, one Sample at a time."""

    def __init__(self, config: Config, readers: PoolReaders, clock: RunClock, fault_log: FaultLog) -> None:
        """Prepare; the first `gather` connects. Raises ValueError without a cluster."""
        if readers.cluster is None:
            raise ValueError("no cluster places the workers")
        super().__init__(config, readers, clock, fault_log)
        self._cluster: Cluster = readers.cluster
        self._placed: dict[HostName, PlacedLink] = {}
        self._links = self._placed
        self._places: Mapping[HostName, NodePlace] = {}
        self._idle: Mapping[HostName, NodePlace] = {}
        self._idle_since_t: dict[HostName, float] = {}
        self._released: dict[HostName, int] = {}
        self._processes: dict[HostName, tuple[ProcessReading, ...]] = {}
        """The processes of each node as its agent last saw them."""
        self._answered: set[WorkerRef] = set()
        """The workers that have answered since their slot came to their node."""
        self._young: frozenset[WorkerRef] = frozenset()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def interval_s(self) -> float:
        """The real seconds between two ticks, as for hosts of the configuration."""
        if self._links:
            return super().interval_s
        return interval_s(self._config, self._cluster.desired or 1, self._clock.speed)

    async def gather(
        self, *, lag_s: float | None = None, fresh: bool = False, waited_s: float | None = None
    ) -> Sample:
        """Ask every node once. Never raises: a node that answers late is left out of this Sample."""
        sample = await super().gather(lag_s=lag_s, fresh=fresh, waited_s=waited_s)
        pool = sample.pool
        if pool is not None:
            # How many are wanted is the engine's word: a slot without a node is wanted too.
            sample = replace(sample, pool=replace(pool, desired=self._cluster.desired))
        return replace(sample, events=(*sample.events, *self._cluster.take_events()))

    async def first_processes(self) -> tuple[ProcessReading, ...]:
        """Return the processes of all nodes that answer within some seconds, with real start times."""
        self._pool.ask(self._readers.pool.read)
        await wait_for((self._pool,), asyncio.get_running_loop().time() + FIRST_LIMIT_S)
        self._follow()
        return await super().first_processes()

    async def aclose(self) -> None:
        """End every reading and every agent."""
        await super().aclose()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _ask(self, fresh: bool) -> None:
        self._follow()
        super()._ask(fresh)

    def _follow(self) -> None:
        """Have one agent on every node on which a job of the pool runs, and release the nodes without a worker."""
        places = self._cluster.places()
        idle = {name: place for name, place in places.items() if not place.jobs}
        for name in [name for name, link in self._placed.items() if self._is_over(link, places.get(name))]:
            self._drop(name)
        for name in (self._idle.keys() | self._watches.keys()) - places.keys():
            self._watches.pop(name, None)
            self._processes.pop(name, None)
            self._released[name] = RELEASED_SAMPLES
        self._places, self._idle = places, idle
        self._idle_since_t = {name: self._idle_since_t.get(name, self._clock.now()) for name in idle}
        for name, place in places.items():
            self._released.pop(name, None)
            if not place.jobs:
                continue
            if name not in self._placed:
                self._placed[name] = self._cluster.link(name, place.jobs[0], place.slots)
                self._flights_of[name] = SingleFlight(f"the agent of {name}", self._fault_log)
                self._watches.setdefault(name, HostWatch())
            link = self._placed[name]
            link.slots, link.workers = place.slots, len(place.slots)
        self._wanted_on = {name: (len(link.slots), False) for name, link in self._placed.items()}
        here = {WorkerRef(name, slot) for name, place in places.items() for slot in place.slots}
        self._answered &= here - self._ended(places)
        self._young = frozenset(WorkerRef(name, slot) for name, place in places.items() for slot in place.young)

    @property
    def _wanted(self) -> int:
        return self._cluster.desired or 0

    @staticmethod
    def _is_over(link: PlacedLink, place: NodePlace | None) -> bool:
        """Return whether the job of an agent has ended, or the agent cannot read a new slot."""
        return place is None or link.job_id not in place.jobs or max(place.slots, default=0) >= link.most_slots

    def _drop(self, name: HostName) -> None:
        """End the agent of a node without waiting for it."""
        link, flight = self._placed.pop(name), self._flights_of.pop(name)
        if flight.task is not None:
            flight.task.cancel()
        task = asyncio.get_running_loop().create_task(link.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _merged(self, wait_limit_s: float) -> Sample:
        sample = super()._merged(wait_limit_s)
        hosts = dict(sample.hosts)
        exits = self._cluster.take_exits()
        for name, reading in hosts.items():
            self._processes[name] = reading.processes or self._processes.get(name, ())
            if (placed := self._placed.get(name)) is not None and reading.link is not None:
                hosts[name] = replace(reading, link=replace(reading.link, slots=placed.slots))
        for name, place in self._idle.items():
            hosts[name] = self._without_agent(name, place, exits.get(name, ()))
        for name, ended in exits.items():
            if name in hosts and name not in self._idle:
                hosts[name] = replace(hosts[name], exits=(*hosts[name].exits, *ended))
        for name, left in list(self._released.items()):
            hosts[name] = HostReading(link=LinkReading("RELEASED", slots=()))
            self._released[name] = left - 1
            if left <= 1:
                del self._released[name]
        workers = dict(sample.workers)
        for name, place in self._places.items():
            for slot, how in place.ended.items():
                ref = WorkerRef(name, slot)
                if ref in workers or name in self._idle:
                    workers[ref] = _after_the_end(workers.get(ref), how)
        for name in hosts.keys() & self._places.keys():
            hosts[name] = _without_ended(hosts[name], self._places[name].ended)
        self._answered |= {ref for ref, seen in workers.items() if seen.status is not None}
        # A worker of a resize refuses connections while it starts: that is no news.
        starting = self._young - self._answered
        workers = {ref: seen for ref, seen in workers.items() if seen.status is not None or ref not in starting}
        return replace(sample, hosts=hosts, workers=workers)

    @staticmethod
    def _ended(places: Mapping[HostName, NodePlace]) -> set[WorkerRef]:
        return {WorkerRef(name, slot) for name, place in places.items() for slot in place.ended}

    def _without_agent(self, name: HostName, place: NodePlace, exits: tuple[ExitReading, ...]) -> HostReading:
        """Return what is known of a node on which none of the pool's jobs runs now."""
        if place.is_lost:
            # Slurm cannot see the node: what ran there may still run.
            link = LinkReading("LOST", self._idle_since_t[name], place.reason, len(place.slots), slots=place.slots)
            return HostReading(link=link)
        reason = f"{NO_AGENT}: {place.reason}" if place.reason else NO_AGENT
        link = LinkReading("IDLE", self._idle_since_t[name], reason, len(place.slots), slots=place.slots)
        if not exits:
            return HostReading(link=link)
        # The engine sees the node and ended the jobs there: their workers are gone, and nothing is known of the rest.
        return HostReading(processes=self._processes.get(name, ()), exits=exits, link=link)

    async def _first_answers(self) -> None:
        if self._flights_of:
            await super()._first_answers()


def _after_the_end(seen: Observation | None, how: str) -> Observation:
    """Return what is true of a worker whose job has ended: what answers on its port is another process."""
    if seen is not None and seen.status is not None:
        return Observation(error=STRANGER, detail=f"its port answers, and its job has ended: {how}")
    return Observation(error="ended", detail=how)


def _without_ended(host: HostReading, ended: Mapping[int, str]) -> HostReading:
    """Return the reading without processes that look like workers whose jobs have ended."""
    if host.processes is None or not ended:
        return host
    kept = tuple(p for p in host.processes if p.worker is None or p.worker.slot not in ended)
    return replace(host, processes=kept)
