"""The memory watch at work: it looks twice, acts once through the pool's hands, and every bit of it is recorded."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.pool import Action, Plan, Resize, Stop, StopWorker
from metabonk_tui.core.model.sample import (
    Event,
    Observation,
    Operation,
    PoolReading,
    RunHeader,
    Sample,
    WatchReading,
    WorkerStatus,
)
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.restore import RecordedPast
from metabonk_tui.core.step.pipeline import step
from metabonk_tui.engine.engine import Engine
from metabonk_tui.engine.memory_watch import MemoryWatch
from tests.support.readers import Scene, configured, gated, worker_process
from tests.support.refs import w
from tests.support.samples import flat_sample
from tests.support.several_hosts import one_lost, two_hosts, with_memory
from tests.support.waiting import wait_for

GB = 1_000_000_000
NOW = time.time()


def watching(on_critical: str = "stop", otherwise: str = "alarm", **over: object) -> Config:
    config = configured()
    quick = {"warn_hold_s": 0.2, "critical_hold_s": 0.1, "cooldown_s": 3600.0} | over
    rules = msgspec.structs.replace(config.memory_watch, on_critical=on_critical, otherwise=otherwise, **quick)  # type: ignore[arg-type]
    # Holes on a loaded machine are no part of these stories.
    observe = msgspec.structs.replace(config.observe, gap_intervals=1000.0)
    return msgspec.structs.replace(config, memory_watch=rules, observe=observe)


def scene_of(config: Config) -> Scene:
    scene = Scene(config=config)
    scene.table.processes = (worker_process(0, 100, NOW - 50), worker_process(1, 101, NOW - 50))
    scene.pool.launcher(90, NOW - 60)
    return scene


def emitted(scene: Scene, prefix: str = "watch.") -> list[Event]:
    """Every event of the watch, as it was recorded."""
    return [event for sample in list(scene.samples) for event in sample.events if event.kind.startswith(prefix)]


def kinds(scene: Scene) -> list[str]:
    return [event.kind for event in emitted(scene)]


def armed(scene: Scene, engine: Engine) -> WatchReading:
    """Wait until it is armed, with enough memory."""
    engine.arm(True, "key")
    found = wait_for(lambda: (watch := scene.latest(engine).memory.watch) and watch.armed and watch)
    assert isinstance(found, WatchReading)
    return found


def ticks(scene: Scene, engine: Engine, count: int = 10) -> None:
    tick = scene.latest(engine).tick
    wait_for(lambda: scene.latest(engine).tick >= tick + count)


def test_it_is_off_until_it_is_armed_and_off_it_does_nothing() -> None:
    scene = scene_of(watching())
    scene.memory.available_bytes = GB // 10
    with scene.running() as engine:
        ticks(scene, engine, 15)
        assert scene.latest(engine).memory.watch == WatchReading(False, on_critical="stop")
        assert not scene.latest(engine).memory.watch_armed
    assert emitted(scene) == []
    assert scene.pool.planned == scene.pool.applied == []


def test_armed_it_acts_once_and_says_so() -> None:
    scene = scene_of(watching())
    gate = threading.Event()
    gate.set()
    scene.pool.apply_with = gated(
        gate, "stop the pool", Event(NOW, "pool.stop", "info", "stopped", facts={"by": "watch"})
    )
    with scene.running() as engine:
        watch = armed(scene, engine)
        assert (watch.by, watch.dry_run, watch.did) == ("key", False, "")
        ticks(scene, engine)
        assert scene.pool.applied == []
        scene.memory.available_bytes = GB // 10
        wait_for(lambda: scene.pool.applied)
        wait_for(lambda: (now := scene.latest(engine).memory.watch) and now.did_ok and now)
        ticks(scene, engine, 20)
        after = scene.latest(engine).memory.watch
        assert after is not None
        assert (after.did, after.did_ok) == ("stop the pool", True)
    assert [type(plan.action) for plan in scene.pool.applied] == [Stop]
    assert scene.pool.applied[0].action.by == "watch"
    assert [kind for kind in kinds(scene) if kind != "watch.warn"] == ["watch.armed", "watch.critical", "watch.act"]
    act = next(event for event in emitted(scene) if event.kind == "watch.act")
    assert act.text == "memory watch: stop the pool: run"
    assert act.facts == {"act": "stop the pool", "commands": [["run"]]}


def test_a_warning_comes_before() -> None:
    scene = scene_of(watching("alarm"))
    with scene.running() as engine:
        armed(scene, engine)
        scene.memory.available_bytes = int(0.9 * GB)
        wait_for(lambda: "watch.warn" in kinds(scene))
        scene.memory.available_bytes = int(0.1 * GB)
        wait_for(lambda: "watch.critical" in kinds(scene))
        scene.memory.available_bytes = 8 * GB
        wait_for(lambda: "watch.recovered" in kinds(scene))
        ticks(scene, engine)
    assert kinds(scene) == ["watch.armed", "watch.warn", "watch.critical", "watch.recovered"]
    assert emitted(scene)[1].text == "memory watch: available 0.90 GB, below 1 GB, held for 0s"
    assert emitted(scene)[2].text.endswith("; nothing but this alarm is configured")
    assert scene.pool.planned == []


def test_a_dry_run_reports_the_exact_command_and_touches_nothing() -> None:
    scene = scene_of(watching())
    with scene.running() as engine:
        scene.latest(engine)
        engine.arm(True, "key", True)
        wait_for(lambda: (watch := scene.latest(engine).memory.watch) and watch.dry_run)
        assert not scene.latest(engine).memory.watch_armed
        scene.memory.available_bytes = GB // 10
        wait_for(lambda: "watch.dry_run" in kinds(scene))
        ticks(scene, engine, 20)
        watch = scene.latest(engine).memory.watch
        assert watch is not None
        assert (watch.did, watch.did_ok) == ("stop the pool", None)
    assert kinds(scene).count("watch.dry_run") == 1
    assert emitted(scene)[-1].text == "memory watch: dry run, would now stop the pool: run"
    assert "watch.act" not in kinds(scene)
    assert scene.pool.applied == []


def slow_plan(scene: Scene) -> tuple[threading.Event, threading.Event]:
    """Let planning last until it may go on; return what says that it plans, and what lets it."""
    planning, go_on = threading.Event(), threading.Event()
    plan = scene.pool.plan

    def slow(action: Action, pool: PoolReading) -> Plan:
        planning.set()
        go_on.wait(20)
        return plan(action, pool)

    scene.pool.plan = slow  # type: ignore[method-assign]
    return planning, go_on


def test_memory_that_recovers_while_it_plans_is_left_alone() -> None:
    scene = scene_of(watching())
    planning, go_on = slow_plan(scene)
    with scene.running() as engine:
        armed(scene, engine)
        scene.memory.available_bytes = GB // 10
        wait_for(planning.is_set)
        ticks(scene, engine)  # it goes on looking while it plans
        scene.memory.available_bytes = 8 * GB
        wait_for(lambda: "watch.stand_down" in kinds(scene))
        go_on.set()
        ticks(scene, engine)
    assert scene.pool.applied == []
    assert "watch.act" not in kinds(scene)


def test_the_second_look_is_newer_than_the_plan() -> None:
    scene = scene_of(watching())
    planned_t: list[float] = []
    plan = scene.pool.plan

    def timed(action: Action, pool: PoolReading) -> Plan:
        time.sleep(0.3)
        planned_t.append(scene.clock.now())
        return plan(action, pool)

    scene.pool.plan = timed  # type: ignore[method-assign]
    with scene.running() as engine:
        armed(scene, engine)
        scene.memory.available_bytes = GB // 10
        wait_for(lambda: "watch.act" in kinds(scene))
    act = next(event for event in emitted(scene) if event.kind == "watch.act")
    assert any(planned_t[0] < sample.t <= act.t for sample in scene.samples)


def test_another_generation_of_the_pool_is_not_the_one_it_meant() -> None:
    scene = scene_of(watching())
    planning, go_on = slow_plan(scene)
    with scene.running() as engine:
        armed(scene, engine)
        scene.memory.available_bytes = GB // 10
        wait_for(planning.is_set)
        scene.pool.launcher(95, NOW - 1)
        wait_for(lambda: "watch.stand_down" in kinds(scene))
        scene.memory.available_bytes = 8 * GB
        go_on.set()
        ticks(scene, engine)
    assert scene.pool.applied == []


def test_it_never_interrupts_what_a_person_does() -> None:
    scene = scene_of(watching())
    gate = threading.Event()
    scene.pool.apply_with = gated(gate)
    with scene.running() as engine:
        armed(scene, engine)
        engine.submit(engine.plan(Resize(2)))
        wait_for(lambda: scene.latest(engine).pool.operation)
        scene.memory.available_bytes = GB // 10
        ticks(scene, engine, 20)
        assert [kind for kind in kinds(scene) if kind != "watch.armed"] == []
        gate.set()
        wait_for(lambda: len(scene.pool.applied) == 2)
    assert [type(plan.action) for plan in scene.pool.applied] == [Resize, Stop]


@pytest.mark.parametrize(
    ("reading", "who"),
    [
        (
            {"controller": "other", "holder": "pid 4711 on pts/3"},
            "another monitor holds this pool (pid 4711 on pts/3)",
        ),
        ({"controller": "none", "read_only": True}, "this monitor only looks"),
        ({"controller": "none", "problem": "no launch command"}, "no launch command"),
    ],
)
def test_who_does_not_hold_the_pool_cannot_arm_it_and_is_shown_who_does(reading: dict[str, object], who: str) -> None:
    scene = scene_of(watching())
    scene.pool.reading = replace(scene.pool.reading, **reading)  # type: ignore[arg-type]
    scene.memory.available_bytes = GB // 10
    with scene.running() as engine:
        scene.latest(engine)
        engine.arm(True, "config")
        wait_for(lambda: emitted(scene))
        ticks(scene, engine, 15)
        watch = scene.latest(engine).memory.watch
        assert watch is None if reading["controller"] == "other" else watch == WatchReading(False, on_critical="stop")
        assert [event.text for event in emitted(scene)] == [f"memory watch: not armed: {who}"]
        scene.memory.available_bytes = 8 * GB
        scene.pool.reading = replace(scene.pool.reading, controller="us", read_only=False, holder="", problem="")
        wait_for(lambda: kinds(scene) == ["watch.refused", "watch.armed"])
    assert scene.pool.applied == []


def test_armed_before_anything_was_seen_nothing_is_refused() -> None:
    scene = scene_of(watching())
    with scene.running() as engine:
        engine.arm(True, "config")
        wait_for(lambda: kinds(scene) == ["watch.armed"])
        assert scene.latest(engine).memory.watch is not None


def test_disarmed_again_it_does_nothing() -> None:
    scene = scene_of(watching())
    with scene.running() as engine:
        armed(scene, engine)
        engine.arm(False, "key")
        wait_for(lambda: kinds(scene) == ["watch.armed", "watch.disarmed"])
        scene.memory.available_bytes = GB // 10
        ticks(scene, engine, 15)
        assert scene.latest(engine).memory.watch == WatchReading(False, on_critical="stop")
        engine.arm(False, "key")
        ticks(scene, engine, 3)
    assert kinds(scene) == ["watch.armed", "watch.disarmed"]
    assert scene.pool.applied == []


def test_a_slot_that_the_launcher_respawns_is_not_stopped_and_it_says_so() -> None:
    scene = scene_of(watching("stop-highest"))
    plan = scene.pool.plan

    def respawning(action: Action, pool: PoolReading) -> Plan:
        return replace(plan(action, pool), respawns=isinstance(action, StopWorker))

    scene.pool.plan = respawning  # type: ignore[method-assign]
    with scene.running() as engine:
        armed(scene, engine)
        scene.memory.available_bytes = GB // 10
        wait_for(lambda: "watch.act" in kinds(scene))
        ticks(scene, engine)
    action = scene.pool.planned[0][0]
    assert isinstance(action, StopWorker)
    assert (action.ref, action.pid) == (w(1), 101)
    assert action.pid_started_at == pytest.approx(NOW - 50, abs=1e-3)
    act = next(event for event in emitted(scene) if event.kind == "watch.act")
    assert act.severity == "crit"
    assert act.text.startswith("memory watch: nothing can be done: stop the highest slot: the launcher would start it")
    assert scene.pool.applied == []


def test_an_act_that_fails_is_said_to_have_failed() -> None:
    scene = scene_of(watching())
    gate = threading.Event()
    gate.set()
    scene.pool.apply_with = gated(gate, "stop the pool", ok=False)
    with scene.running() as engine:
        armed(scene, engine)
        scene.memory.available_bytes = GB // 10
        wait_for(lambda: (watch := scene.latest(engine).memory.watch) and watch.did_ok is False)


def test_planning_that_raises_is_reported_and_the_watch_goes_on() -> None:
    scene = scene_of(watching())
    scene.pool.plan_error = ZeroDivisionError("a bug")
    with scene.running() as engine:
        armed(scene, engine)
        scene.memory.available_bytes = GB // 10
        wait_for(lambda: "watch.act" in kinds(scene))
        ticks(scene, engine)
    assert "planning failed: ZeroDivisionError: a bug" in emitted(scene)[-1].text
    assert scene.pool.applied == []


def test_a_screen_that_stalls_does_not_stop_it() -> None:
    scene = scene_of(watching())
    news, release = threading.Event(), threading.Event()

    def screen() -> None:
        news.wait(20)
        release.wait(20)  # as by Ctrl-S

    thread = threading.Thread(target=screen)
    thread.start()
    try:
        with scene.running() as engine:
            engine.subscribe(news.set)
            armed(scene, engine)
            assert not release.is_set()
            scene.memory.available_bytes = GB // 10
            wait_for(lambda: scene.pool.applied and "watch.act" in kinds(scene))
            assert thread.is_alive()
    finally:
        release.set()
        thread.join(20)


def test_what_it_did_is_in_the_samples_so_that_a_replay_shows_it() -> None:
    scene = scene_of(watching())
    scene.pool.apply_with = _stopped
    with scene.running() as engine:
        armed(scene, engine)
        scene.memory.available_bytes = GB // 10
        wait_for(lambda: (watch := scene.latest(engine).memory.watch) and watch.did)
    again: Snapshot | None = None
    for sample in scene.samples:
        again = step(again, sample, scene.config)
    assert again is not None
    assert again.memory.watch is not None
    assert again.memory.watch.did == "stop the pool"
    assert {"watch.armed", "watch.critical", "watch.act"} <= {event.kind for event in again.events}


async def _stopped(plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
    await asyncio.sleep(0)
    return ()


class SharedJournal:
    """A recording that another monitor writes, with that monitor's view of the pool: two samples at every look."""

    recording = True
    writer = "another one"

    def __init__(self, scene: Scene, theirs: PoolReading) -> None:
        self.scene = scene
        self.theirs = theirs
        self.events: tuple[Event, ...] = ()

    def begin(self, processes: object) -> None:
        return None

    def read_new(self) -> tuple[Sample, ...]:
        scene, now_t = self.scene, self.scene.clock.now()
        worker = Observation(status=WorkerStatus({"step": 1.0}), latency_s=0.001)
        emitted, self.events = self.events, ()
        sample = flat_sample(
            t=now_t,
            workers={w(0): worker, w(1): worker},
            memory=scene.memory.read(),
            processes=scene.table.processes,
            pool=self.theirs,
            events=emitted,
        )
        return replace(sample, t=now_t - 0.001, events=()), sample

    def submit(self, events: tuple[Event, ...], run: object) -> bool:
        self.events += events
        return True

    def take_submitted(self) -> tuple[tuple[Event, ...], None]:
        raise AssertionError("who reads along does not write")

    record = take_submitted

    def close(self) -> None:
        pass


@pytest.mark.parametrize("ours", [True, False])
def test_reading_along_it_acts_once_and_only_where_we_hold_the_pool(ours: bool) -> None:
    scene = scene_of(watching())
    processes = replace(scene.pool.reading, controller="us")
    elsewhere = replace(processes, controller="other", holder="pid 7")
    scene.pool.reading = processes if ours else elsewhere
    journal = SharedJournal(scene, elsewhere if ours else processes)
    engine = Engine(scene.config, scene.readers, scene.clock, scene.judge, [scene.samples.append], journal=journal)  # type: ignore[arg-type]
    engine.start()
    try:
        engine.arm(True, "option")
        wait_for(lambda: emitted(scene))
        ticks(scene, engine)
        scene.memory.available_bytes = GB // 10
        if ours:
            wait_for(lambda: scene.pool.applied)
        ticks(scene, engine, 40)
        assert scene.latest(engine).memory.watch_armed is ours
    finally:
        engine.stop()
    assert len(scene.pool.applied) == int(ours)
    acted = ["watch.armed", "watch.critical", "watch.act"]
    assert [kind for kind in kinds(scene) if kind != "watch.warn"] == (acted if ours else ["watch.refused"])


class PastJournal(SharedJournal):
    """A recording that this monitor continues: in it, the monitor of that time controlled the pool."""

    def begin(self, processes: object) -> RecordedPast:  # type: ignore[override]
        t = self.scene.clock.now() - 5.0
        worker = Observation(status=WorkerStatus({"step": 1.0}), latency_s=0.001)
        run = RunHeader("run-1", t - 100, 2, how="launched by us")
        return RecordedPast(None, (Sample(t=t, workers={w(0): worker}, pool=self.theirs, run=run),))

    def read_new(self) -> None:  # type: ignore[override]
        return None

    def take_submitted(self) -> tuple[tuple[Event, ...], None]:
        return (), None

    def record(self, sample: object, snapshot: object) -> None:  # type: ignore[override]
        pass


def test_a_recorded_pool_arms_nothing() -> None:
    scene = scene_of(watching())
    held = replace(scene.pool.reading, controller="us")
    scene.pool.reading = replace(held, controller="none", read_only=True)
    journal = PastJournal(scene, held)
    engine = Engine(scene.config, scene.readers, scene.clock, scene.judge, [scene.samples.append], journal=journal)  # type: ignore[arg-type]
    asked: list[bool] = []

    def ask_at_the_recorded_snapshot() -> None:
        if not asked:
            asked.append(True)
            engine.arm(True, "option")

    engine.subscribe(ask_at_the_recorded_snapshot)
    engine.start()
    try:
        wait_for(lambda: emitted(scene))
        ticks(scene, engine)
    finally:
        engine.stop()
    assert kinds(scene) == ["watch.refused"]


class TestOnSeveralHosts:
    """Each host is judged by its own memory, and acted on alone."""

    def setup_method(self) -> None:
        self.now_t = 1000.0
        self.planned: list[Action] = []
        self.begun: list[Plan] = []
        self.began_t: list[float] = []
        self.watch = MemoryWatch(watching(), self, self.plan, self.begin, lambda: None)  # type: ignore[arg-type]

    def begin(self, plan: Plan) -> None:
        self.begun.append(plan)
        self.began_t.append(self.now_t)

    def now(self) -> float:
        return self.now_t

    def plan(self, action: Action) -> Plan:
        self.planned.append(action)
        return Plan(action, "stop", (("stop",),), (), 0, None)

    async def tick(self, **available_gb: float) -> None:
        self.now_t += 1.0
        seen = with_memory(two_hosts(), {name: int(gb * GB) for name, gb in available_gb.items()})
        pool = PoolReading(backend="hosts", controller="us")
        self.watch.judge(replace(seen, t=self.now_t, pool=pool))
        for task in [host.task for host in self.watch._hosts.values() if host.task is not None]:
            await task

    async def test_the_action_is_on_the_host_that_is_critical(self) -> None:
        self.watch.arm(True, "key", False, PoolReading(backend="hosts", controller="us"))
        for _ in range(4):
            await self.tick(node1=9.0, node2=0.1)
        assert self.planned == [Stop("watch", hosts=("node2",))]
        assert [plan.action for plan in self.begun] == self.planned
        sample = self.watch.contribute(Sample(1.0))
        texts = [event.text for event in sample.events if event.kind in ("watch.critical", "watch.act")]
        assert all("node2" in text for text in texts)
        assert not any("node1" in text for text in texts)

    async def test_two_hosts_take_turns_in_being_critical_and_none_held_long_enough(self) -> None:
        rules = watching(critical_hold_s=5.0)
        self.watch = MemoryWatch(rules, self, self.plan, self.begin, lambda: None)  # type: ignore[arg-type]
        self.watch.arm(True, "key", False, PoolReading(backend="hosts", controller="us"))
        for _ in range(6):
            await self.tick(node1=0.1, node2=9.0)
            await self.tick(node1=9.0, node2=0.1)
        assert self.planned == [], "the memory of one host does not count for another"

    async def test_two_critical_hosts_are_acted_on_one_after_the_other(self) -> None:
        self.watch.arm(True, "key", False, PoolReading(backend="hosts", controller="us"))
        for _ in range(8):
            await self.tick(node1=0.1, node2=0.1)
        assert len(self.began_t) == len(set(self.began_t)) == 2, "one action at a time"
        assert {plan.action.hosts for plan in self.begun if isinstance(plan.action, Stop)} == {("node1",), ("node2",)}

    async def test_a_host_that_is_not_seen_is_left_alone(self) -> None:
        self.watch.arm(True, "key", False, PoolReading(backend="hosts", controller="us"))
        pool = PoolReading(backend="hosts", controller="us")
        for _ in range(4):
            self.now_t += 1.0
            self.watch.judge(replace(one_lost(), t=self.now_t, pool=pool))
        assert self.planned == []
