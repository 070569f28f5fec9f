"""One Sample of several hosts: each with what its agent answered, and a slow one does not hold up the others."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.host import HostReading, MemoryReading, ProcessReading
from metabonk_tui.core.model.on_host import on_host
from metabonk_tui.core.model.sample import EnvFileReading, Observation, Sample, WorkerStatus
from metabonk_tui.core.ports.hosts import HostAnswer
from metabonk_tui.core.step.pipeline import stepper
from metabonk_tui.engine import hosts_collector
from metabonk_tui.engine.collector import PoolReaders
from metabonk_tui.engine.engine import Engine
from metabonk_tui.engine.hosts_collector import HostsCollector
from metabonk_tui.engine.single_flight import FaultLog
from tests.support.readers import Scene, configured
from tests.support.refs import w
from tests.support.waiting import wait_for, wait_for_async


class FakeLink:
    """Answers with the same Sample each time."""

    def __init__(self, name: str, workers: int = 1) -> None:
        self.workers = workers
        process = ProcessReading("worker", 9, w(0), 41, 50.0)
        reading = HostReading(memory=MemoryReading(available_bytes=4), processes=(process,))
        answers = {w(0): Observation(status=WorkerStatus({"step": 1}), pid=41, pid_started_at=50.0)}
        env_file = EnvFileReading("a.env", {}, frozenset())
        self.sample = on_host(Sample(60.0, answers, {"": reading}, env_file=env_file), name, lambda t: t)
        self.answer = HostAnswer(self.sample, delay_s=0.0)
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[str] = []

    async def read(self, fresh: bool = False) -> HostAnswer:
        self.asked.append("fresh" if fresh else "read")
        await self.gate.wait()
        return self.answer

    def resend_all(self) -> None:
        self.asked.append("resend")

    async def aclose(self) -> None:
        self.asked.append("closed")


@pytest.fixture
def links() -> dict[str, FakeLink]:
    return {"node1": FakeLink("node1"), "node2": FakeLink("node2", workers=3)}


@pytest.fixture
def scene() -> Scene:
    return Scene(config=configured(workers=2, interval_s=0.5))


@pytest.fixture
def source(scene: Scene, links: dict[str, FakeLink]) -> HostsCollector:
    readers = replace(scene.readers(), hosts={}, orchestrator=None, links=links)
    return HostsCollector(scene.config, readers, scene.clock, FaultLog(scene.clock))


async def test_every_host_has_its_readings_and_its_link(source: HostsCollector, scene: Scene) -> None:
    sample = await source.gather()
    assert sorted(sample.hosts) == ["node1", "node2"]
    assert list(sample.workers) == [w(0, "node1"), w(0, "node2")]
    assert [(host.link.state, host.link.workers) for host in sample.hosts.values() if host.link] == [
        *(("UP", 1), ("UP", 3)),
    ]
    (process,) = sample.hosts["node2"].processes or ()
    assert process.started_at == scene.clock.at(50.0)
    assert sample.pool is not None
    assert sample.pool.desired == 4, "the workers of all hosts"
    assert sample.run is not None
    assert (sample.run.how, sample.run.started_at) == ("oldest worker process", scene.clock.at(50.0))


async def test_a_host_that_hangs_is_left_out_and_asked_once(
    source: HostsCollector, links: dict[str, FakeLink]
) -> None:
    links["node2"].gate.clear()
    sample = await source.gather()
    assert list(sample.workers) == [w(0, "node1")]
    assert sample.hosts["node2"].memory is None
    assert sample.hosts["node2"].link is not None
    await source.gather()
    assert links["node2"].asked == ["read"]
    links["node2"].gate.set()
    await wait_for_async(lambda: all(flight.task is None or flight.task.done() for flight in source._flights()))
    assert w(0, "node2") in (await source.gather()).workers


async def test_a_failure_is_in_the_link(source: HostsCollector, links: dict[str, FakeLink]) -> None:
    links["node1"].answer = HostAnswer(error="Connection refused")
    sample = await source.gather()
    link = sample.hosts["node1"].link
    assert link is not None
    assert (link.state, link.reason) == ("LOST", "Connection refused")


async def test_the_env_file_is_sent_when_it_changes(source: HostsCollector) -> None:
    assert (await source.gather()).env_file is not None
    assert (await source.gather()).env_file is None
    source.resend_all()
    assert (await source.gather()).env_file is not None


async def test_the_first_processes_are_those_of_all_hosts(source: HostsCollector, links: dict[str, FakeLink]) -> None:
    found = await source.first_processes()
    assert [process.worker for process in found] == [w(0, "node1"), w(0, "node2")]
    assert [process.started_at for process in found] == [50.0, 50.0], "real times, for the recording"
    assert links["node1"].asked == ["fresh", "resend"]


async def test_a_host_that_hangs_does_not_keep_the_first_picture(
    source: HostsCollector, links: dict[str, FakeLink], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts_collector, "OTHERS_LIMIT_S", 0.0)
    links["node2"].gate.clear()
    found = await source.first_processes()
    assert [process.worker for process in found] == [w(0, "node1")]


async def test_the_interval_is_no_shorter_than_the_slowest_host(
    source: HostsCollector, links: dict[str, FakeLink]
) -> None:
    assert source.interval_s == 0.5
    links["node2"].answer = HostAnswer(links["node2"].sample, took_s=2.0)
    await source.gather()
    assert source.interval_s == pytest.approx(2.0 * 1.25 / 0.8)
    links["node2"].answer = HostAnswer(links["node2"].sample, took_s=0.1)
    for _ in range(20):
        await source.gather()
    assert source.interval_s == 0.5


async def test_closing_ends_every_agent(source: HostsCollector, links: dict[str, FakeLink]) -> None:
    links["node1"].gate.clear()
    await source.gather()
    await source.aclose()
    assert all(link.asked[-1] == "closed" for link in links.values())


def test_an_engine_judges_what_the_agents_send() -> None:
    made: dict[str, FakeLink] = {}

    def readers() -> PoolReaders:
        # The engine calls this on its own thread, whose loop the links belong to.
        made.update(node1=FakeLink("node1"), node2=FakeLink("node2", workers=3))
        return replace(scene.readers(), hosts={}, orchestrator=None, links=made)

    scene = Scene(config=configured(workers=2, interval_s=0.05))
    engine = Engine(scene.config, readers, scene.clock, stepper(scene.config))
    engine.start()
    try:
        seen = wait_for(lambda: engine.latest(), "a Snapshot")
        assert sorted(seen.hosts) == ["node1", "node2"]
        assert [worker.ref.label for worker in seen.workers] == ["node1/w0", "node2/w0", "node2/w1", "node2/w2"]
    finally:
        engine.stop()
    assert all(link.asked[-1] == "closed" for link in made.values())
