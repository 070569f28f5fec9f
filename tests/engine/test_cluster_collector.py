"""Nodes come and go with the jobs of a pool: one agent on each, and nothing is said of a node without one."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.model.sample import Event, Observation, PoolReading, Sample, WaitingWorker
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.ports.cluster import NodePlace
from metabonk_tui.core.ports.hosts import HostAnswer
from metabonk_tui.core.step.pipeline import step
from metabonk_tui.engine.cluster_collector import ClusterCollector
from metabonk_tui.engine.single_flight import FaultLog
from tests.engine.test_hosts_collector import FakeLink
from tests.support.readers import Scene, configured
from tests.support.refs import w


class PlacedFake(FakeLink):
    def __init__(self, name: str, job_id: int, slots: tuple[int, ...]) -> None:
        super().__init__(name, len(slots))
        self.job_id, self.slots, self.most_slots = job_id, slots, 4
        self.closed = False

    async def read(self, fresh: bool = False) -> HostAnswer:
        answer = await super().read(fresh)
        if answer.sample is None:
            return answer
        (seen,) = self.sample.workers.values()
        name = next(iter(self.sample.hosts))
        host = self.sample.hosts[name]
        (process,) = host.processes or ()
        processes = tuple(replace(process, worker=w(slot, name), pid=40 + slot) for slot in self.slots)
        workers = {w(slot, name): replace(seen, pid=40 + slot) for slot in self.slots}
        return replace(
            answer, sample=replace(self.sample, workers=workers, hosts={name: replace(host, processes=processes)})
        )

    def refuse(self) -> None:
        """Let its workers refuse connections from now on."""
        refused = {ref: Observation(error="refused") for ref in self.sample.workers}
        self.sample = replace(self.sample, workers=refused)

    async def aclose(self) -> None:
        self.closed = True


class FakeCluster:
    def __init__(self) -> None:
        self.desired: int | None = 3
        self.refuses = False
        self.nodes: dict[HostName, NodePlace] = {}
        self.links: list[PlacedFake] = []
        self.exits: dict[HostName, tuple[ExitReading, ...]] = {}
        self.events: list[Event] = []

    def places(self) -> dict[HostName, NodePlace]:
        return self.nodes

    def link(self, node: HostName, job_id: int, slots: tuple[int, ...]) -> PlacedFake:
        self.links.append(PlacedFake(node, job_id, slots))
        if self.refuses:
            self.links[-1].refuse()
        return self.links[-1]

    def take_events(self) -> tuple[Event, ...]:
        taken, self.events = tuple(self.events), []
        return taken

    def take_exits(self) -> dict[HostName, tuple[ExitReading, ...]]:
        taken, self.exits = self.exits, {}
        return taken


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def scene() -> Scene:
    return Scene(config=configured(workers=2, interval_s=0.5))


@pytest.fixture
def source(scene: Scene, cluster: FakeCluster) -> ClusterCollector:
    readers = replace(scene.readers(), hosts={}, orchestrator=None, cluster=cluster)
    return ClusterCollector(scene.config, readers, scene.clock, FaultLog(scene.clock))


def link_of(sample: Sample, name: HostName) -> tuple[str, tuple[int, ...] | None]:
    link = sample.hosts[name].link
    assert link is not None
    return link.state, link.slots


async def test_a_pool_that_waits_has_no_host(source: ClusterCollector, cluster: FakeCluster) -> None:
    sample = await source.gather()
    assert (sample.hosts, sample.workers) == ({}, {})
    assert sample.pool is not None
    assert sample.pool.desired == 3


async def test_an_agent_follows_its_job(source: ClusterCollector, cluster: FakeCluster) -> None:
    cluster.nodes = {"n1": NodePlace((0, 1), (17, 18)), "n2": NodePlace((2,), (19,))}
    sample = await source.gather()
    assert list(sample.workers) == [w(0, "n1"), w(1, "n1"), w(2, "n2")]
    assert link_of(sample, "n1") == ("UP", (0, 1))
    # Another job there, the same agent; its own job ends, another agent.
    cluster.nodes["n1"] = NodePlace((0, 1, 3), (18, 17, 20))
    assert link_of(await source.gather(), "n1") == ("UP", (0, 1, 3))
    assert len(cluster.links) == 2
    cluster.nodes["n1"] = NodePlace((1,), (18,))
    await source.gather()
    assert [(link.job_id, link.closed) for link in cluster.links] == [(17, True), (19, False), (18, False)]
    # A slot beyond those that the agent reads needs another agent too.
    cluster.nodes["n2"] = NodePlace((2, 9), (19,))
    await source.gather()
    assert (cluster.links[1].closed, cluster.links[-1].slots) == (True, (2, 9))
    await source.aclose()


async def test_a_node_without_a_worker_is_released(source: ClusterCollector, cluster: FakeCluster) -> None:
    cluster.nodes = {"n1": NodePlace((0,), (17,)), "n2": NodePlace((2,), (19,))}
    await source.gather()
    del cluster.nodes["n2"]
    sample = await source.gather()
    assert link_of(sample, "n2") == ("RELEASED", ())
    for _ in range(3):
        sample = await source.gather()
    assert list(sample.hosts) == ["n1"]


async def test_where_all_jobs_ended_the_workers_are_gone_and_nothing_else_is(
    source: ClusterCollector, cluster: FakeCluster
) -> None:
    cluster.nodes = {"n1": NodePlace((0,), (17,))}
    await source.gather()
    cluster.nodes = {"n1": NodePlace((0,), (), ended={0: "Slurm: job 1_0 on n1: TIMEOUT"}, reason="job 1_0 TIMEOUT")}
    cluster.exits = {"n1": (ExitReading("worker", "-15", w(0, "n1"), 40),)}
    sample = await source.gather()
    assert link_of(sample, "n1") == ("IDLE", (0,))
    assert sample.workers == {w(0, "n1"): Observation(error="ended", detail="Slurm: job 1_0 on n1: TIMEOUT")}
    assert (sample.hosts["n1"].processes, len(sample.hosts["n1"].exits)) == ((), 1)
    later = await source.gather()
    assert later.hosts["n1"].processes is None, "what runs there without an agent is not known"


async def test_what_answers_for_a_job_that_ended_is_a_stranger(source: ClusterCollector, cluster: FakeCluster) -> None:
    cluster.nodes = {"n1": NodePlace((0, 1), (17,), ended={0: "Slurm: job 1_0 on n1: FAILED with exit code 1"})}
    sample = await source.gather()
    seen = sample.workers[w(0, "n1")]
    assert (seen.error, seen.status) == ("stranger", None)
    assert seen.detail.startswith("its port answers, and its job has ended: Slurm: job 1_0")
    assert sample.workers[w(1, "n1")].status is not None
    assert [process.worker for process in sample.hosts["n1"].processes or ()] == [w(1, "n1")]


async def test_after_the_loss_of_a_node_nothing_is_known_to_be_gone(
    source: ClusterCollector, cluster: FakeCluster
) -> None:
    cluster.nodes = {"n2": NodePlace((2,), (), is_lost=True, reason="job 1_2 NODE_FAIL")}
    sample = await source.gather()
    assert link_of(sample, "n2") == ("LOST", (2,))
    assert (sample.workers, sample.hosts["n2"].processes) == ({}, None)


async def test_a_worker_that_starts_and_refuses_is_no_news(source: ClusterCollector, cluster: FakeCluster) -> None:
    cluster.nodes = {"n1": NodePlace((0,), (17,), young=frozenset({0}))}
    await source.gather()
    cluster.links[0].refuse()
    assert (await source.gather()).workers[w(0, "n1")].error == "refused", "it had answered before"
    cluster.refuses = True
    cluster.nodes = {"n2": NodePlace((0,), (18,), young=frozenset({0}))}
    assert (await source.gather()).workers == {}
    cluster.nodes = {"n2": NodePlace((0,), (18,))}
    assert (await source.gather()).workers[w(0, "n2")].error == "refused", "it has had its time to start"


async def test_the_events_and_exits_of_the_cluster_are_in_the_sample(
    source: ClusterCollector, cluster: FakeCluster
) -> None:
    cluster.nodes = {"n1": NodePlace((0,), (17,))}
    cluster.events = [Event(1.0, "job.started", "info", "w0 runs on n1")]
    cluster.exits = {"n1": (ExitReading("worker", "3", w(0, "n1")),)}
    sample = await source.gather()
    assert [event.kind for event in sample.events] == ["job.started"]
    assert len(sample.hosts["n1"].exits) == 1


# What the core makes of it


def play(samples: list[Sample]) -> list[Snapshot]:
    config, shown, before = configured(), [], None
    for sample in samples:
        before = step(before, sample, config)
        shown.append(before)
    return shown


def test_a_slot_that_moves_is_one_worker(scene: Scene) -> None:
    async def gathered() -> list[Sample]:
        cluster = FakeCluster()
        readers = replace(scene.readers(), hosts={}, orchestrator=None, cluster=cluster)
        source = ClusterCollector(scene.config, readers, scene.clock, FaultLog(scene.clock))
        found = [await source.gather()]
        for nodes in (
            {"n1": NodePlace((0, 1), (17,)), "n2": NodePlace((2,), (19,))},
            {"n1": NodePlace((0, 1), (17,))},
            {"n1": NodePlace((0, 1), (17,)), "n3": NodePlace((2,), (20,))},
            {"n3": NodePlace((0, 1, 2), (20,))},
            {},
        ):
            cluster.nodes = nodes
            found.append(await source.gather())
        await source.aclose()
        return found

    waiting = PoolReading(backend="slurm", placed=True, desired=3, waiting=(WaitingWorker(2, "1_2", "Resources"),))
    shown = play([replace(sample, pool=waiting) for sample in asyncio.run(gathered())])
    labels = [[worker.ref.label for worker in snapshot.workers] for snapshot in shown]
    assert labels == [
        ["w0", "w1", "w2"],
        ["n1/w0", "n1/w1", "n2/w2"],
        ["n1/w0", "n1/w1"],
        ["n1/w0", "n1/w1", "n3/w2"],
        ["n3/w0", "n3/w1", "n3/w2"],
        ["w0", "w1", "w2"],
    ]
    assert [sorted(snapshot.hosts) for snapshot in shown] == [[""], ["n1", "n2"], ["n1"], ["n1", "n3"], ["n3"], [""]]
    assert {worker.reach for worker in shown[1].workers} == {Reach.UP}
    assert shown[2].pool.waiting == waiting.waiting
