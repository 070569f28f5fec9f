"""The loop on its own thread: it outlives slow screens and our own bugs, and acts on one thing at a time."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.pool import Launch, Plan, Resize, Restart, Stop, StopWorker
from metabonk_tui.core.model.sample import Event, Operation, OperationStep, Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.engine import collector, operations
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.engine import Engine
from tests.support.readers import LIMIT_S, Scene, configured, gated, worker_process
from tests.support.refs import w
from tests.support.waiting import wait_for

NOW = time.time()


@pytest.fixture(autouse=True)
def _quiet_bugs() -> Iterator[None]:
    """The bugs that are provoked here need not be read about."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def kinds(engine: Engine) -> list[str]:
    latest = engine.latest()
    return [event.kind for event in latest.events] if latest else []


def operation(engine: Engine) -> Operation | None:
    latest = engine.latest()
    return latest.pool.operation if latest else None


class TestTheLoop:
    def test_it_ticks_by_itself_and_ends_when_asked(self) -> None:
        scene = Scene()
        with scene.running() as engine:
            wait_for(lambda: (engine.latest() or scene.latest(engine)).tick >= 5)
            assert engine.fault is None
        assert scene.workers.closed
        assert scene.pool.closed
        count = len(scene.samples)
        time.sleep(0.15)
        assert len(scene.samples) == count

    def test_time_goes_forward_from_sample_to_sample(self) -> None:
        scene = Scene()
        with scene.running() as engine:
            wait_for(lambda: scene.latest(engine).tick >= 10)
        times = [sample.t for sample in scene.samples]
        assert times == sorted(times)
        assert all(sample.lag_s is not None and sample.lag_s >= 0 for sample in scene.samples)

    def test_it_ends_at_once_although_everything_hangs(self) -> None:
        scene = Scene(config=configured(interval_s=30.0))
        scene.workers.hung, scene.workers.timeout_s, scene.beats.hung_s = {0, 1}, 60.0, 60.0
        with scene.running() as engine:
            wait_for(lambda: len(scene.workers.asked) == 2)
            began = time.monotonic()
            engine.stop()
            assert time.monotonic() - began < 4.0
        assert scene.workers.closed

    def test_it_can_be_stopped_twice_and_before_it_was_started(self) -> None:
        scene = Scene()
        engine = Engine(scene.config, scene.readers, scene.clock, scene.judge)
        engine.stop()
        assert engine.plan(Stop()).mode == "refused"
        engine.submit(engine.plan(Stop()))
        engine.poll_now()
        with scene.running() as running:
            scene.latest(running)
            running.stop()
            running.stop()
            running.poll_now()
            running.submit(running.plan(Stop()))

    def test_readers_that_cannot_be_made_are_a_fault_not_a_hang(self) -> None:
        def broken() -> object:
            raise ZeroDivisionError("no readers")

        scene = Scene()
        engine = Engine(scene.config, broken, scene.clock, scene.judge)  # type: ignore[arg-type]
        engine.start()
        wait_for(lambda: engine.fault)
        assert engine.latest() is None
        assert engine.plan(Stop()).refusal == "ZeroDivisionError: no readers"
        engine.stop()

    def test_looking_now_does_not_wait_for_the_next_tick(self) -> None:
        scene = Scene(config=configured(interval_s=60.0))
        with scene.running() as engine:
            first = scene.latest(engine)
            engine.poll_now()
            wait_for(lambda: scene.latest(engine).tick == first.tick + 1, limit_s=0.8 * 60.0)

    def test_a_hundred_wishes_to_look_are_not_a_hundred_looks(self) -> None:
        scene = Scene(config=configured(interval_s=60.0))
        with scene.running() as engine:
            scene.latest(engine)
            began = time.monotonic()
            while time.monotonic() - began < 0.5:
                engine.poll_now()
                time.sleep(0.002)
            assert len(scene.samples) <= 2 + (time.monotonic() - began) / 0.2

    def test_a_stall_is_one_late_tick_and_no_pile_of_them(self) -> None:
        scene = Scene(config=configured(interval_s=0.05))
        stalled = threading.Event()

        def judge(previous: Snapshot | None, sample: Sample) -> Snapshot:
            if len(scene.samples) == 5:
                stalled.set()
                time.sleep(0.6)
            return scene.judge(previous, sample)

        with scene.running(judge):
            wait_for(lambda: len(scene.samples) >= 8)
        assert stalled.is_set()
        lags = [sample.lag_s or 0.0 for sample in scene.samples]
        assert lags[5] > 0.4
        spacings = [after.t - before.t for before, after in zip(scene.samples, scene.samples[1:], strict=False)]
        assert spacings[4] >= 0.6
        # Twelve ticks were missed; none of them was made up for at once.
        assert sum(spacings[5:7]) > 0.02


class TestSubscribers:
    def test_the_newest_wins(self) -> None:
        scene = Scene()
        with scene.running() as engine:
            first = scene.latest(engine)
            wait_for(lambda: scene.latest(engine).tick >= first.tick + 5)
            newest = scene.latest(engine)
            wait_for(lambda: scene.latest(engine) is not newest)

    def test_a_screen_that_never_reads_does_not_slow_it(self) -> None:
        scene = Scene()
        news = threading.Event()
        release = threading.Event()

        def screen() -> None:
            news.wait(LIMIT_S)
            release.wait(LIMIT_S)  # as by Ctrl-S

        thread = threading.Thread(target=screen)
        thread.start()
        try:
            with scene.running() as engine:
                engine.subscribe(news.set)
                wait_for(lambda: scene.latest(engine).tick >= 20)
        finally:
            release.set()
            thread.join(LIMIT_S)

    def test_a_screen_that_raises_costs_nothing_and_is_reported_once(self) -> None:
        scene = Scene()
        woken: list[int] = []

        def gone() -> None:
            raise RuntimeError("event loop is closed")

        with scene.running() as engine:
            engine.subscribe(gone)
            engine.subscribe(lambda: woken.append(1))
            wait_for(lambda: len(woken) >= 5)
            wait_for(lambda: "monitor.error" in kinds(engine))
            assert kinds(engine).count("monitor.error") == 1


class TestOurOwnBugs:
    def test_a_step_that_raises_keeps_the_last_snapshot_and_goes_on(self) -> None:
        scene = Scene()
        broken = threading.Event()
        before: list[Snapshot | None] = []

        def judge(previous: Snapshot | None, sample: Sample) -> Snapshot:
            if broken.is_set():
                before.append(previous)
                raise ZeroDivisionError("a bug of ours")
            return scene.judge(previous, sample)

        with scene.running(judge) as engine:
            wait_for(lambda: scene.latest(engine).tick >= 2)
            broken.set()
            wait_for(lambda: len(before) >= 3)
            assert engine.fault == "ZeroDivisionError: a bug of ours"
            kept = engine.latest()
            assert kept is not None
            assert all(each is kept for each in before[-2:])
            broken.clear()
            wait_for(lambda: scene.latest(engine).tick >= kept.tick + 2)
            assert engine.fault is None
            assert kinds(engine).count("monitor.error") == 1

    def test_what_is_reported_once_survives_a_sample_that_could_not_be_judged(self) -> None:
        scene = Scene()
        scene.table.processes = (worker_process(0, 100, NOW - 50),)

        def judge(previous: Snapshot | None, sample: Sample) -> Snapshot:
            if len(scene.samples) < 3:
                raise ZeroDivisionError("a bug of ours")
            return scene.judge(previous, sample)

        with scene.running(judge) as engine:
            first = scene.latest(engine)
        assert first.run.how == "oldest worker process"
        assert first.workers[0].env is not None

    def test_a_recorder_that_raises_costs_its_own_part(self) -> None:
        scene = Scene()
        recorded: list[Sample] = []

        def full(sample: Sample) -> None:
            raise OSError("no space left on device")

        engine = Engine(scene.config, scene.readers, scene.clock, scene.judge, [full, recorded.append])
        engine.start()
        try:
            wait_for(lambda: len(recorded) >= 3 and "monitor.error" in kinds(engine))
        finally:
            engine.stop()

    def test_a_reader_that_raises_is_an_event_in_the_snapshot(self) -> None:
        scene = Scene()
        scene.memory.error = ZeroDivisionError("a bug")
        with scene.running() as engine:
            wait_for(lambda: scene.latest(engine).tick >= 3)
            assert kinds(engine).count("monitor.error") == 1


class TestOperations:
    def test_progress_is_seen_while_ticking_goes_on(self) -> None:
        scene = Scene()
        stage = {"n": 0}

        async def apply(plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
            operation = Operation("launch 2 workers", NOW, (OperationStep("launch", "waiting"),))
            progress(operation)
            for state in ("running", "done"):
                while stage["n"] == 0:  # noqa: ASYNC110 - set by the test's own thread
                    await asyncio.sleep(0.005)
                stage["n"] -= 1
                operation = replace(operation, steps=(OperationStep("launch", state),))  # type: ignore[arg-type]
                progress(operation)
            progress(replace(operation, ended_at=scene.clock.now(), ok=True, message="2 workers answer"))
            return (Event(scene.clock.now(), "pool.launch", "info", "launched"),)

        scene.pool.apply_with = apply
        with scene.running() as engine:
            scene.latest(engine)
            engine.submit(engine.plan(Launch(2)))
            seen = []
            for state in ("waiting", "running"):
                wait_for(lambda state=state: (found := operation(engine)) and found.steps[0].state == state)
                tick = scene.latest(engine).tick
                wait_for(lambda tick=tick: scene.latest(engine).tick >= tick + 3)
                seen.append(state)
                stage["n"] += 1
            ended = wait_for(lambda: (found := operation(engine)) and found.ok and found)
            assert ended.message == "2 workers answer"
            wait_for(lambda: "pool.launch" in kinds(engine))
            assert kinds(engine).count("pool.launch") == 1

    def test_the_end_of_an_operation_stays_in_sight_for_a_while(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(operations, "SHOWN_S", 1.0)
        scene = Scene()
        gate = threading.Event()
        gate.set()
        scene.pool.apply_with = gated(gate)
        with scene.running() as engine:
            scene.latest(engine)
            engine.submit(engine.plan(Launch(2)))
            wait_for(lambda: (found := operation(engine)) and found.ended_at)
            ended = time.monotonic()
            wait_for(lambda: operation(engine) is None)
            assert time.monotonic() - ended > 0.5

    def test_a_second_one_is_refused_and_reported(self) -> None:
        scene = Scene()
        gate = threading.Event()
        scene.pool.apply_with = gated(gate)
        with scene.running() as engine:
            scene.latest(engine)
            engine.submit(engine.plan(Launch(2)))
            wait_for(lambda: operation(engine))
            engine.submit(engine.plan(Stop()))
            wait_for(lambda: "pool.refused" in kinds(engine))
            event = next(each for each in scene.latest(engine).events if each.kind == "pool.refused")
            assert (event.severity, event.text) == ("warn", "refused: launch 2 workers is still under way")
            gate.set()
            wait_for(lambda: (found := operation(engine)) and found.ok)
            engine.submit(engine.plan(Stop()))
            wait_for(lambda: len(scene.pool.applied) == 2)

    def test_a_refused_plan_never_reaches_the_pool(self) -> None:
        scene = Scene()
        with scene.running() as engine:
            scene.latest(engine)
            engine.submit(replace(engine.plan(Launch(2)), mode="refused", refusal="no launch command"))
            wait_for(lambda: "pool.refused" in kinds(engine))
            assert scene.pool.applied == []

    def test_a_bug_in_the_backend_ends_the_operation_not_the_engine(self) -> None:
        scene = Scene()

        async def apply(plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
            progress(Operation("launch 2 workers", NOW, ()))
            raise ZeroDivisionError("a \x1b[2J bug")

        scene.pool.apply_with = apply
        with scene.running() as engine:
            scene.latest(engine)
            engine.submit(engine.plan(Launch(2)))
            ended = wait_for(lambda: (found := operation(engine)) and found.ended_at and found)
            assert ended.ok is False
            assert "ZeroDivisionError: a \ufffd[2J bug" in ended.message
            tick = scene.latest(engine).tick
            wait_for(lambda: scene.latest(engine).tick > tick + 2)
            assert "monitor.error" in kinds(engine)

    def test_planning_never_raises_into_the_screen(self) -> None:
        scene = Scene()
        scene.pool.plan_error = ZeroDivisionError("a bug")
        with scene.running() as engine:
            scene.latest(engine)
            plan = engine.plan(Launch(2))
        assert (plan.mode, plan.refusal) == ("refused", "planning failed: ZeroDivisionError: a bug")

    def test_planning_is_asked_in_real_time(self) -> None:
        scene = Scene(clock=RunClock(60.0), config=configured(interval_s=0.05))
        scene.pool.launcher(90, NOW - 30)
        with scene.running() as engine:
            snapshot = scene.latest(engine)
            assert snapshot.pool.launcher_started_at == scene.clock.at(NOW - 30)
            engine.plan(StopWorker(w(0), 100, scene.clock.at(NOW - 20)))
        action, pool = scene.pool.planned[0]
        assert isinstance(action, StopWorker)
        assert action.pid_started_at == pytest.approx(NOW - 20, abs=1e-3)
        assert pool.launcher_started_at == pytest.approx(NOW - 30, abs=1e-3)

    def test_leaving_in_the_middle_cancels_our_part(self) -> None:
        scene = Scene()
        left = threading.Event()

        async def apply(plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                left.set()
                raise
            return ()

        scene.pool.apply_with = apply
        with scene.running() as engine:
            scene.latest(engine)
            engine.submit(engine.plan(Launch(2)))
            wait_for(lambda: scene.pool.applied)
        assert left.is_set()


class TestRuns:
    @pytest.fixture(autouse=True)
    def _patient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let a tick wait for its readers, which answer at once: on a busy machine a thread begins too late."""
        monkeypatch.setattr(collector, "WAIT_SHARE", 25.0)
        monkeypatch.setattr(collector, "DISCOVERY_LIMIT_S", 10.0)

    @pytest.mark.parametrize("action", [Launch(2), Resize(2), Restart(2)])
    def test_a_run_of_ours_begins_when_its_launcher_is_seen(self, action: Launch | Resize | Restart) -> None:
        scene = Scene()
        scene.pool.launcher(90, NOW - 60)
        scene.table.processes = (worker_process(0, 100, NOW - 50), worker_process(1, 101, NOW - 50))
        gate = threading.Event()
        scene.pool.apply_with = gated(gate)
        with scene.running() as engine:
            assert scene.latest(engine).run.how == "oldest worker process"
            engine.submit(engine.plan(action))
            wait_for(lambda: operation(engine))
            tick = scene.latest(engine).tick
            wait_for(lambda: scene.latest(engine).tick >= tick + 3)
            assert scene.latest(engine).run.how == "oldest worker process", "nothing has been launched yet"
            launched_t = time.time()
            scene.pool.launcher(91, launched_t)
            run = wait_for(lambda: (found := scene.latest(engine).run).how == "launched by us" and found)
            assert run.started_at == pytest.approx(launched_t, abs=0.01)
            assert len(scene.latest(engine).ended_runs) == 1
            gate.set()
            wait_for(lambda: (found := operation(engine)) and found.ok)
            tick = scene.latest(engine).tick
            wait_for(lambda: scene.latest(engine).tick >= tick + 3)
            assert len(scene.latest(engine).ended_runs) == 1, "one launch is one run"
        headers = [sample.run for sample in scene.samples if sample.run is not None]
        assert [(header.how, header.desired) for header in headers[1:]] == [("launched by us", 2)]

    @pytest.mark.parametrize("action", [Launch(2), Resize(2), Restart(2)])
    def test_a_run_on_a_cluster_begins_when_its_engine_accepted_the_launch(
        self, action: Launch | Resize | Restart
    ) -> None:
        """The operation ends when every worker has a place: those that answered before made a run of their own."""
        scene = Scene()
        scene.pool.reading = replace(scene.pool.reading, placed=True, launched_t=NOW - 60)
        gate = threading.Event()
        scene.pool.apply_with = gated(gate)
        with scene.running() as engine:
            scene.latest(engine)
            engine.submit(engine.plan(action))
            wait_for(lambda: operation(engine))
            tick = scene.latest(engine).tick
            wait_for(lambda: scene.latest(engine).tick >= tick + 3)
            assert scene.latest(engine).run.how != "launched by us", "the launch before was another run's"
            launched_t = time.time()
            scene.pool.reading = replace(scene.pool.reading, launched_t=launched_t)
            run = wait_for(lambda: (found := scene.latest(engine).run).how == "launched by us" and found)
            assert run.started_at == launched_t
            gate.set()
            wait_for(lambda: (found := operation(engine)) and found.ok)
            tick = scene.latest(engine).tick
            wait_for(lambda: scene.latest(engine).tick >= tick + 3)
        headers = [sample.run for sample in scene.samples if sample.run is not None]
        assert [(header.how, header.desired) for header in headers[1:]] == [("launched by us", 2)]

    def test_without_a_launcher_to_see_it_begins_when_the_launch_is_done(self) -> None:
        scene = Scene()
        gate = threading.Event()
        scene.pool.apply_with = gated(gate)
        with scene.running() as engine:
            scene.latest(engine)
            submitted_t = time.time()
            engine.submit(engine.plan(Launch(2)))
            wait_for(lambda: operation(engine))
            gate.set()
            run = wait_for(lambda: (found := scene.latest(engine).run).how == "launched by us" and found)
            assert run.started_at == pytest.approx(submitted_t, abs=2.0)

    @pytest.mark.parametrize("action", [Launch(2), Stop()])
    def test_what_launched_nothing_begins_nothing(self, action: Launch | Stop) -> None:
        scene = Scene()
        gate = threading.Event()
        gate.set()
        failed = (Event(NOW, "pool.launch", "crit", "the launcher cannot be started"),)
        scene.pool.apply_with = gated(gate, "launch 2 workers", *(failed if isinstance(action, Launch) else ()))
        with scene.running() as engine:
            scene.latest(engine)
            engine.submit(engine.plan(action))
            wait_for(lambda: (found := operation(engine)) and found.ended_at)
            tick = scene.latest(engine).tick
            wait_for(lambda: scene.latest(engine).tick >= tick + 3)
        assert [sample.run for sample in scene.samples[1:] if sample.run is not None] == []

    def test_a_new_run_gets_the_environments_again(self) -> None:
        scene = Scene()
        scene.table.processes = (worker_process(0, 100, NOW - 50), worker_process(1, 101, NOW - 50))
        gate = threading.Event()
        scene.pool.apply_with = gated(gate)
        with scene.running() as engine:
            wait_for(lambda: all(worker.env is not None for worker in scene.latest(engine).workers))
            engine.submit(engine.plan(Restart(2)))
            wait_for(lambda: operation(engine))
            scene.pool.launcher(91, time.time())
            wait_for(lambda: scene.latest(engine).run.how == "launched by us")
            wait_for(lambda: all(worker.env is not None for worker in scene.latest(engine).workers))
            gate.set()
