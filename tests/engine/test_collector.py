"""One Sample per tick: who is asked, who is believed, and that no reader holds up the others."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.host import NOT_READ
from metabonk_tui.core.model.refs import MAX_WORKERS, ONLY_HOST
from metabonk_tui.core.model.sample import OrchestratorReading, OrchestratorWorker
from metabonk_tui.engine import collector as live
from metabonk_tui.engine import environments
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.collector import Collector
from metabonk_tui.engine.host_collector import HostReaders
from metabonk_tui.engine.single_flight import FaultLog
from tests.support.readers import Scene, configured, gather_until, worker_process
from tests.support.refs import w

NOW = time.time()


def source_of(scene: Scene) -> Collector:
    return Collector(scene.config, scene.readers(), scene.clock, FaultLog(scene.clock))


@pytest.fixture
def scene() -> Scene:
    # An interval so long that a tick waits for each worker that answers at all.
    return Scene(config=configured(workers=2, interval_s=10.0))


class TestWhoIsAsked:
    async def test_every_wanted_slot(self, scene: Scene) -> None:
        scene.pool.reading = replace(scene.pool.reading, desired=3)
        sample = await source_of(scene).gather()
        assert list(sample.workers) == [w(0), w(1), w(2)]
        assert [sample.workers[w(slot)].port for slot in range(3)] == [5000, 5001, 5002]

    async def test_each_host_has_its_own_readings(self, scene: Scene) -> None:
        readers = scene.readers()
        both = replace(readers, hosts={"node1": readers.hosts[ONLY_HOST], "node2": HostReaders()})
        sample = await Collector(scene.config, both, scene.clock, FaultLog(scene.clock)).gather()
        assert set(sample.hosts) == {"node1"}, "of the other host nothing was read"
        assert sample.host("node1").memory is not None
        assert sample.host("node2") == NOT_READ

    async def test_as_configured_where_the_pool_does_not_know(self, scene: Scene) -> None:
        scene.pool.reading = replace(scene.pool.reading, desired=None)
        assert list((await source_of(scene).gather()).workers) == [w(0), w(1)]

    async def test_slots_beyond_that_anybody_shows(self, scene: Scene) -> None:
        scene.table.processes = (worker_process(4, 104, NOW),)
        scene.beats.reading = OrchestratorReading({w(7): OrchestratorWorker(w(7), 107)})
        assert list((await source_of(scene).gather()).workers) == [w(0), w(1), w(4), w(7)]

    async def test_who_answered_once_is_asked_until_another_run_begins(self, scene: Scene) -> None:
        source = source_of(scene)
        scene.pool.reading = replace(scene.pool.reading, desired=5)
        assert len((await source.gather()).workers) == 5
        scene.pool.reading = replace(scene.pool.reading, desired=1)
        assert len((await source.gather()).workers) == 5
        source.resend_all()
        assert list((await source.gather()).workers) == [w(0)]

    async def test_by_the_configured_host(self, scene: Scene) -> None:
        import msgspec

        asked: list[str] = []

        async def poll(url: str) -> object:
            asked.append(url)
            return await type(scene.workers).poll(scene.workers, "http://x:5000/status")

        scene.workers.poll = poll  # type: ignore[method-assign, assignment]
        for host, shown in (("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")):
            scene.config = msgspec.structs.replace(
                scene.config, pool=msgspec.structs.replace(scene.config.pool, host=host)
            )
            await source_of(scene).gather()
            assert asked[-1] == f"http://{shown}:5001/status"

    async def test_each_of_many_once_a_tick_and_all_in_its_sample(self, scene: Scene) -> None:
        scene.pool.reading = replace(scene.pool.reading, desired=1000)
        source = source_of(scene)
        for _ in range(2):
            scene.workers.asked.clear()
            sample = await source.gather()
            assert list(sample.workers) == [w(slot) for slot in range(1000)]
            assert all(seen.status is not None for seen in sample.workers.values())
            assert scene.workers.asked == list(range(1000))

    async def test_no_more_than_a_pool_can_want(self, scene: Scene) -> None:
        scene.pool.reading = replace(scene.pool.reading, desired=10**4)
        assert len((await source_of(scene).gather()).workers) == MAX_WORKERS

    async def test_what_is_not_polled_is_said_once(self, scene: Scene) -> None:
        scene.pool.reading = replace(scene.pool.reading, desired=5000)
        source = source_of(scene)
        texts = [event.text for _ in range(3) for event in (await source.gather()).events]
        assert texts == ["polling 1024 of 5000 workers: no more are asked, judged or shown"]

    async def test_a_worker_that_is_there_is_polled_before_one_that_is_only_wanted(self, scene: Scene) -> None:
        scene.pool.reading = replace(scene.pool.reading, desired=5000)
        scene.table.processes = (worker_process(4999, 104, NOW),)
        polled = list((await source_of(scene).gather()).workers)
        assert polled == [w(slot) for slot in range(MAX_WORKERS - 1)] + [w(4999)]


class TestWhoTheyAre:
    async def test_the_process_table_names_a_worker_on_the_runs_clock(self, scene: Scene) -> None:
        scene.clock = RunClock(60.0)
        scene.table.processes = (worker_process(0, 100, NOW - 10),)
        sample = await source_of(scene).gather()
        assert sample.workers[w(0)].pid == 100
        assert sample.workers[w(0)].pid_started_at == scene.clock.at(NOW - 10)
        assert sample.only_host.processes is not None
        assert sample.only_host.processes[0].started_at == scene.clock.at(NOW - 10)

    async def test_what_only_holds_a_port_is_the_worker_once_it_answers_like_one(self, scene: Scene) -> None:
        scene.table.processes = (
            worker_process(0, 100, NOW - 10),
            replace(worker_process(1, 200, NOW - 20), unconfirmed=True, name="python squat.py"),
        )
        scene.workers.errors[1] = "not json"
        source = source_of(scene)
        for _ in range(2):
            sample = await source.gather()
            assert sample.workers[w(1)].pid is None
            assert sample.workers[w(1)].detail.endswith("port 5001 is held by python (pid 200)")
            assert [process.pid for process in sample.only_host.processes or ()] == [100]
            assert set(sample.environments) <= {w(0)}
        assert {pid for pid, _ in scene.environments.calls} == {100}, "a stranger's environment is not read"
        assert scene.memory.pids[-1] == [100], "nor the limits of its cgroup"
        del scene.workers.errors[1]
        assert (await source.gather()).workers[w(1)].pid == 200
        sample = await source.gather()
        assert [process.pid for process in sample.only_host.processes or ()] == [100, 200]
        assert set(sample.environments) == {w(1)}
        scene.workers.errors[1] = "http 500"
        assert (await source.gather()).workers[w(1)].pid == 200, "a worker that is sick stays the worker"

    @pytest.mark.parametrize(
        ("error", "shown", "detail"),
        [
            ("not json", "stranger", "its answer is no JSON; port 5001 is held by python (pid 200)"),
            ("closed", "stranger", "it closes the connection; port 5001 is held by python (pid 200)"),
            ("http 500", "stranger", "http 500; port 5001 is held by python (pid 200)"),
            ("timeout", "timeout", "port 5001 is held by python (pid 200)"),
            ("refused", "refused", "port 5001 is held by python (pid 200)"),
        ],
    )
    async def test_what_answers_in_the_place_of_a_dead_worker_is_a_stranger(
        self, scene: Scene, error: str, shown: str, detail: str
    ) -> None:
        ours = worker_process(1, 150, NOW - 20)
        scene.table.processes = (ours,)
        source = source_of(scene)
        assert (await source.gather()).workers[w(1)].error is None
        holder = replace(worker_process(1, 200, NOW - 5), unconfirmed=True, name="python squat.py")
        scene.table.processes = (holder,)
        scene.workers.errors[1] = error
        seen = (await source.gather()).workers[w(1)]
        assert (seen.error, seen.detail, seen.pid) == (shown, detail, None)
        scene.table.processes = (holder, ours)
        assert (await source.gather()).workers[w(1)].error == error, "its own process is there"

    async def test_a_worker_by_another_command_may_take_the_place_of_a_dead_one(self, scene: Scene) -> None:
        scene.table.processes = (worker_process(1, 150, NOW - 20),)
        source = source_of(scene)
        await source.gather()
        scene.table.processes = (replace(worker_process(1, 200, NOW - 5), unconfirmed=True),)
        seen = (await source.gather()).workers[w(1)]
        assert seen.error is None
        assert seen.status is not None

    async def test_a_stranger_begins_no_run(self, scene: Scene) -> None:
        scene.table.processes = (replace(worker_process(1, 200, NOW - 500), unconfirmed=True),)
        scene.workers.errors |= {0: "refused", 1: "http 404"}
        run = (await source_of(scene).gather()).run
        assert run is not None
        assert run.how == "first sample"

    async def test_a_worker_by_its_port_alone_begins_the_run_at_its_start(self, scene: Scene) -> None:
        scene.table.processes = (replace(worker_process(1, 200, NOW - 500), unconfirmed=True),)
        run = (await source_of(scene).gather()).run
        assert run is not None
        assert run.how == "oldest worker process"

    async def test_of_two_processes_in_a_slot_the_younger_counts(self, scene: Scene) -> None:
        scene.table.processes = (worker_process(0, 100, NOW - 10), worker_process(0, 101, NOW - 1))
        assert (await source_of(scene).gather()).workers[w(0)].pid == 101

    async def test_the_orchestrator_is_believed_where_the_table_sees_no_worker(self, scene: Scene) -> None:
        beats = {w(0): OrchestratorWorker(w(0), 55, 5000, 3), w(1): OrchestratorWorker(w(1), 56, 5001, 4)}
        scene.beats.reading = OrchestratorReading(beats)
        source = source_of(scene)
        seen = (await source.gather()).workers
        assert [(seen[w(slot)].pid, seen[w(slot)].episode) for slot in (0, 1)] == [(55, 3), (56, 4)]
        scene.table.processes = (worker_process(0, 100, NOW),)
        seen = (await source.gather()).workers
        # Worker 1 is not in the table that sees worker 0: it has died, and the heartbeat is an echo.
        assert [seen[w(slot)].pid for slot in (0, 1)] == [100, None]
        scene.table.processes = ()
        seen = (await source.gather()).workers
        assert [seen[w(slot)].pid for slot in (0, 1)] == [None, None]

    async def test_episodes_of_an_earlier_process_are_not_this_ones(self, scene: Scene) -> None:
        scene.table.processes = (worker_process(0, 100, NOW),)
        scene.beats.reading = OrchestratorReading({w(0): OrchestratorWorker(w(0), 99, 5000, 8)})
        assert (await source_of(scene).gather()).workers[w(0)].episode is None
        scene.beats.reading = OrchestratorReading({w(0): OrchestratorWorker(w(0), 100, 5000, 1)})
        assert (await source_of(scene).gather()).workers[w(0)].episode == 1

    async def test_memory_is_read_for_workers_and_ollama(self, scene: Scene) -> None:
        ollama = replace(worker_process(0, 300, NOW), role="ollama", worker=None)
        launcher = replace(worker_process(0, 400, NOW), role="launcher", worker=None)
        scene.table.processes = (launcher, worker_process(0, 100, NOW), ollama)
        sample = await source_of(scene).gather()
        assert scene.memory.pids == [[100, 300]]
        assert sample.only_host.memory is not None


class TestWhoFails:
    async def test_one_failing_reader_costs_its_own_part_and_is_reported_once(self, scene: Scene) -> None:
        scene.memory.error = ZeroDivisionError("a bug")
        source = source_of(scene)
        samples = [await source.gather() for _ in range(3)]
        assert [sample.only_host.memory for sample in samples] == [None] * 3
        assert all(len(sample.workers) == 2 for sample in samples)
        collected = [event for sample in samples for event in sample.events]
        assert [(event.kind, "memory" in event.text) for event in collected] == [("monitor.error", True)]

    async def test_everything_failing_is_still_a_sample(self, scene: Scene) -> None:
        scene.memory.error = scene.table.error = scene.pool.read_error = ZeroDivisionError("a bug")
        scene.workers.broken = {0, 1}
        sample = await source_of(scene).gather()
        assert (sample.hosts, sample.pool, dict(sample.workers)) == ({}, None, {})
        assert {event.kind for event in sample.events} == {"monitor.error"}

    async def test_what_recovers_is_read_again(self, scene: Scene) -> None:
        source = source_of(scene)
        scene.table.error = ZeroDivisionError("a bug")
        assert (await source.gather()).only_host.processes is None
        scene.table.error = None
        assert (await source.gather()).only_host.processes == ()

    async def test_an_orchestrator_that_is_gone_is_named_in_the_pool(self, scene: Scene) -> None:
        scene.beats.reading = OrchestratorReading(error="refused")
        sample = await source_of(scene).gather()
        assert sample.pool is not None
        assert sample.pool.orchestrator_error == "refused"

    async def test_the_orchestrator_is_not_asked_at_every_tick(self, scene: Scene) -> None:
        source = source_of(scene)
        scene.beats.reading = OrchestratorReading({w(0): OrchestratorWorker(w(0), 55, 5000, 3)})
        episodes = [(await source.gather()).workers[w(0)].episode for _ in range(5)]
        assert scene.beats.calls == 1
        assert episodes == [3] * 5

    async def test_a_failed_look_at_the_processes_does_not_change_whose_memory_is_read(self, scene: Scene) -> None:
        scene.table.processes = (worker_process(0, 100, NOW),)
        source = source_of(scene)
        await source.gather()
        scene.table.error = ZeroDivisionError("a bug")
        await source.gather()
        assert scene.memory.pids == [[100], [100]]


class TestWhoIsSlow:
    async def test_a_hung_worker_does_not_hold_up_its_neighbour(self) -> None:
        scene = Scene(config=configured(workers=2, interval_s=0.1))
        scene.workers.hung, scene.workers.timeout_s = {1}, 5.0
        source = source_of(scene)
        took = []
        for _ in range(12):
            began = time.monotonic()
            sample = await source.gather()
            took.append(time.monotonic() - began)
            assert sample.workers[w(0)].status is not None, "the good one is there at every tick"
            await asyncio.sleep(0.05)
        # The first tick waited for it, but not to its end, and the others did not wait at all.
        assert max(took) < 5.0
        assert sorted(took)[len(took) // 2] < took[0]
        await source.aclose()

    async def test_it_is_a_timeout_from_its_first_to_its_last_and_then_well_again(self) -> None:
        scene = Scene(config=configured(workers=2, interval_s=0.1))
        scene.workers.hung, scene.workers.timeout_s = {1}, 0.2
        source = source_of(scene)
        assert w(1) not in (await source.gather()).workers, "nothing is known of it yet"
        await gather_until(source, lambda sample: w(1) in sample.workers)
        for _ in range(10):
            assert (await source.gather()).workers[w(1)].error == "timeout"
            await asyncio.sleep(0.03)
        scene.workers.hung = set()
        await gather_until(source, lambda sample: sample.workers[w(1)].status is not None)
        for _ in range(3):
            assert (await source.gather()).workers[w(1)].status is not None
        await source.aclose()

    async def test_nobody_is_asked_twice_at_a_time(self) -> None:
        scene = Scene(config=configured(workers=2, interval_s=0.05))
        scene.workers.hung, scene.workers.timeout_s = {1}, 30.0
        source = source_of(scene)
        for _ in range(5):
            await source.gather()
        assert scene.workers.asked.count(1) == 1
        assert scene.workers.asked.count(0) == 5
        await source.aclose()

    async def test_a_stuck_process_table_costs_its_own_part_and_is_read_by_one_thread(self) -> None:
        scene = Scene(config=configured(workers=2, interval_s=2.0))
        scene.table.stuck = gate = threading.Event()
        source = source_of(scene)
        try:
            for _ in range(4):
                sample = await source.gather()
                assert sample.only_host.processes is None
                assert sample.only_host.memory is not None
                assert sample.workers[w(0)].status is not None
            assert scene.table.calls == 1
        finally:
            gate.set()
        sample = await gather_until(source, lambda sample: sample.only_host.processes is not None)
        assert scene.table.most_at_once == 1

    async def test_a_hung_orchestrator_delays_nobody(self) -> None:
        scene = Scene(config=configured(workers=2, interval_s=0.1))
        scene.beats.hung_s = 30.0
        source = source_of(scene)
        await source.gather()
        began = time.monotonic()
        for _ in range(5):
            assert (await source.gather()).workers[w(0)].status is not None
        assert time.monotonic() - began < scene.beats.hung_s
        await source.aclose()

    async def test_closing_leaves_no_task(self) -> None:
        scene = Scene(config=configured(workers=2, interval_s=0.05))
        scene.workers.hung, scene.workers.timeout_s, scene.beats.hung_s = {0, 1}, 30.0, 30.0
        before = asyncio.all_tasks()
        source = source_of(scene)
        await source.gather()
        await source.aclose()
        assert asyncio.all_tasks() == before


class TestEnvironments:
    async def test_they_are_reported_when_new_and_when_changed(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(environments, "EVERY_S", 0.0)
        monkeypatch.setattr(environments, "AGAIN_S", 1e9)
        scene.table.processes = (worker_process(0, 100, NOW - 100),)
        source = source_of(scene)
        collected = []
        for value in ("1", "1", "2", "2"):
            scene.environments.values = {"METABONK_A": value}
            collected.append({slot: env.values for slot, env in (await source.gather()).environments.items()})
        assert collected == [{w(0): {"METABONK_A": "1"}}, {}, {w(0): {"METABONK_A": "2"}}, {}]

    async def test_they_are_not_read_at_every_tick(self, scene: Scene) -> None:
        scene.table.processes = (worker_process(0, 100, NOW - 100),)
        source = source_of(scene)
        for _ in range(4):
            await source.gather()
        assert scene.environments.calls == [(100, NOW - 100)]

    async def test_the_same_environment_of_another_process_is_news(self, scene: Scene) -> None:
        source = source_of(scene)
        collected = []
        for pid, started_at in ((100, NOW - 100), (101, NOW - 90), (101, NOW - 80)):
            scene.table.processes = (worker_process(0, pid, started_at),)
            collected.append(list((await source.gather()).environments))
        assert collected == [[w(0)], [w(0)], [w(0)]]

    async def test_a_new_run_gets_everything_again(self, scene: Scene) -> None:
        scene.table.processes = (worker_process(0, 100, NOW - 100),)
        source = source_of(scene)
        await source.gather()
        assert not (await source.gather()).environments
        source.resend_all()
        assert list((await source.gather()).environments) == [w(0)]

    def test_a_young_process_is_looked_at_again_soon(self) -> None:
        watch = environments.EnvironmentWatch()
        process = worker_process(0, 100, NOW)
        reading = scripted_reading()

        def due(now: float) -> bool:
            found = watch.due([process], now)
            watch.update([(each, reading) for each in found], now)
            return bool(found)

        looks = [t for t in range(0, 40) if due(NOW + t)]
        assert looks == [0, 2, 4, 34]


def scripted_reading() -> environments.EnvReading:
    return environments.EnvReading({"METABONK_A": "1"})


class TestTheFirstSample:
    async def test_a_run_that_was_there_began_with_its_oldest_worker(self, scene: Scene) -> None:
        scene.table.processes = (worker_process(0, 100, NOW - 50), worker_process(1, 101, NOW - 70))
        source = source_of(scene)
        header = (await source.gather()).run
        assert header is not None
        assert (header.how, header.name) == ("oldest worker process", f"run-{int(NOW - 70)}")
        assert header.started_at == pytest.approx(NOW - 70)
        assert (await source.gather()).run is None

    async def test_an_empty_pool_begins_with_the_first_sample(self, scene: Scene) -> None:
        sample = await source_of(scene).gather()
        assert sample.run is not None
        assert (sample.run.how, sample.run.started_at) == ("first sample", sample.t)
        assert sample.run.interval_s == 10.0

    async def test_our_own_pool_is_found_again_under_its_own_name(self, scene: Scene) -> None:
        scene.table.processes = (worker_process(0, 100, NOW - 50),)
        scene.pool.launcher(90, NOW - 60)
        scene.pool.reading = replace(scene.pool.reading, launched_by_us=True)
        header = (await source_of(scene).gather()).run
        assert header is not None
        assert (header.how, header.name, header.desired) == ("launched by us", f"run-{int(NOW - 60)}", 2)

    async def test_its_interval_is_on_the_runs_clock(self, scene: Scene) -> None:
        scene.clock = RunClock(60.0)
        scene.config = configured(workers=2, interval_s=0.25)
        header = (await source_of(scene).gather()).run
        assert header is not None
        assert header.interval_s == pytest.approx(15.0)

    def test_no_tick_waits_longer_than_its_interval(self) -> None:
        assert 0 < live.WAIT_SHARE < 1
