"""The backend on a scripted Ray: what it creates and ends, and what it never touches."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from metabonk_tui.adapters.ray.pool import RayPool
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.core.model.pool import Action, Launch, Plan, Resize, Restart, Stop, StopWorker
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Event, Operation, PoolReading
from metabonk_tui.engine.clock import RunClock
from tests.support.children import config
from tests.support.fake_ray import FakeRay

NONE = PoolReading()


class Trial:
    """One pool on a cluster of its own, and the operations that it reported."""

    def __init__(self, folder: Path) -> None:
        self.ray = FakeRay()
        self.config = config(
            f'[pool]\nbackend = "ray"\nworkers = 4\nbase_port = 5000\n[pool.launcher]\ndirectory = "{folder}"\n'
            "stop_grace_s = 0.05\nstart_timeout_s = 5.0\nenvironment = { FROM = 'file' }\n"
            '[pool.ray]\naddress = "10.0.0.1:6379"\npython = "/srv/ray/bin/python"\nmemory_gb = 2.0\n'
        )
        self.role = ControllerRole(f"test-ray-{os.getpid()}-{folder.name}", folder / "lock")
        self.pool = self.monitor()
        self.last: Operation | None = None

    def monitor(self, **options: bool) -> RayPool:
        return RayPool(
            self.config,
            clock=RunClock(),
            controller_lock=self.role,
            sidecar=self.ray,  # type: ignore[arg-type]
            **options,
        )

    async def do(self, action: Action) -> tuple[Plan, Operation, tuple[Event, ...]]:
        plan = self.pool.plan(action, NONE)
        assert plan.mode != "refused", plan.refusal
        events = await self.pool.apply(plan, self.keep)
        assert self.last is not None
        return plan, self.last, events

    def keep(self, operation: Operation) -> None:
        self.last = operation

    def name(self, label: str) -> str:
        return next(name for name in self.ray.actors if name.endswith(f".{label}"))


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    for name, value in (("look_every_s", 0.0), ("waits_s", 0.0), ("kill_wait_s", 0.05)):
        monkeypatch.setattr(RayPool, name, value)
    found = Trial(tmp_path)
    yield found
    found.role.release()


async def test_a_launch_creates_one_actor_a_slot_and_names_what_waits(trial: Trial) -> None:
    trial.ray.room = 3
    plan, operation, events = await trial.do(Launch(4))
    assert (plan.mode, plan.start, plan.hits) == ("start", 4, ())
    assert plan.commands == (
        ("ray.remote", "namespace=metabonk", "num_cpus=1", "memory=2.0GB", "w0.1", "w1.1", "w2.1", "w3.1"),
    )
    asked = trial.ray.words("start")[0]
    assert asked["needs"] == {"cpus": 1.0, "gpus": 0.0, "memory_bytes": 2_000_000_000}
    assert asked["spec"]["env"] == {"FROM": "file"}
    worker = asked["workers"][3]
    assert (worker["slot"], worker["port"]) == (3, 5003)
    assert worker["argv"][-3:] == ["5003", "--instance-id", "omega-3"]
    waits = "PENDING_CREATION: needs 1 CPU, a node has at most 0 CPU free"
    assert (operation.ok, operation.message) == (True, f"3 of 4 workers started, 1 wait: {waits}")
    assert [(each.kind, each.severity) for each in events] == [("pool.launch", "info")]
    reading = await trial.pool.read()
    assert (reading.desired, reading.controller, reading.placed) == (4, "us", True)
    assert [(each.slot, each.job, each.reason) for each in reading.waiting] == [(3, "w3.1", waits)]
    places = trial.pool.places()
    assert list(places) == ["n1"]
    assert (places["n1"].slots, len(places["n1"].jobs), places["n1"].is_lost) == ((0, 1, 2), 3, False)


async def test_a_resize_ends_and_creates_only_what_it_must(trial: Trial) -> None:
    await trial.do(Launch(4))
    plan, operation, _ = await trial.do(Resize(2))
    assert [hit.name for hit in plan.hits] == ["actor w2.1 on n1", "actor w3.1 on n1"]
    assert operation.ok, operation.message
    assert trial.ray.states() == {"w0.1": "ALIVE", "w1.1": "ALIVE", "w2.1": "DEAD", "w3.1": "DEAD"}
    assert trial.ray.words("kill") == [], "SIGTERM was enough"
    plan, operation, _ = await trial.do(Resize(3))
    assert (plan.hits, plan.start, operation.ok) == ((), 1, True)
    assert trial.ray.states()["w2.2"] == "ALIVE", "a start of a slot has a name of its own"


async def test_what_waits_is_killed_before_the_places_are_free(trial: Trial) -> None:
    trial.ray.room = 1
    await trial.do(Launch(2))
    _, operation, _ = await trial.do(Stop())
    assert operation.ok, operation.message
    orders = [(op, fields["names"]) for op, fields in trial.ray.asked if op in ("kill", "ask_to_end")]
    assert orders == [("kill", [trial.name("w1.1")]), ("ask_to_end", [trial.name("w0.1")])]


async def test_what_withstands_sigterm_is_killed_after_the_grace(trial: Trial) -> None:
    await trial.do(Launch(2))
    trial.ray.withstands = True
    _, operation, _ = await trial.do(Stop())
    assert operation.ok
    assert [step.detail for step in operation.steps] == ["2 workers", "2 actors; ray.kill was needed"]


async def test_what_is_left_after_ray_kill_is_named(trial: Trial) -> None:
    await trial.do(Launch(1))
    trial.ray.withstands = True
    trial.ray.fails["kill"] = "Ray did not answer in time"
    _, operation, events = await trial.do(Stop())
    assert (operation.ok, operation.message) == (False, "still listed: actor w0.1 ALIVE; Ray did not answer in time")
    assert events[0].severity == "crit"


async def test_actors_of_others_are_never_touched(trial: Trial) -> None:
    trial.ray.strangers = ["their-model"]
    await trial.do(Launch(1))
    theirs = f"metabonk-tui.{'f' * 32}.w0.1"
    trial.ray.add(theirs, 5000)
    plan, operation, _ = await trial.do(Stop())
    assert operation.ok
    assert [hit.name for hit in plan.hits] == ["actor w0.1 on n1"]
    assert plan.warnings == ("not ours, left alone: actor their-model is in the namespace and has another name",)
    assert trial.ray.actors[theirs]["state"] == "ALIVE"
    assert all(theirs not in fields.get("names", ()) for _, fields in trial.ray.asked)


async def test_restart_stop_of_one_worker_and_nothing_to_do(trial: Trial) -> None:
    nothing = trial.pool.plan(Stop(), NONE)
    assert (nothing.mode, nothing.warnings) == ("noop", ("no actor of this pool was found: none runs and none waits",))
    await trial.do(Launch(2))
    refused = trial.pool.plan(Launch(2), NONE)
    assert (refused.mode, "resize it" in refused.refusal) == ("refused", True)
    plan, operation, _ = await trial.do(StopWorker(WorkerRef("n1", 1), 1002, 1.0))
    assert ([hit.name for hit in plan.hits], operation.ok) == (["actor w1.1 on n1"], True)
    assert trial.pool.plan(StopWorker(WorkerRef("n2", 0), 1001, 1.0), NONE).mode == "refused"
    plan, operation, _ = await trial.do(Restart(2))
    assert (plan.mode, operation.ok) == ("restart_all", True)
    assert {k: v for k, v in trial.ray.states().items() if v == "ALIVE"} == {"w0.2": "ALIVE", "w1.2": "ALIVE"}
    again = trial.pool.plan(Resize(2), NONE)
    assert (again.mode, again.warnings) == ("noop", ("the pool has 2 workers already: their actors run or wait",))


async def test_a_launch_is_known_from_the_moment_in_which_ray_accepted_it(trial: Trial) -> None:
    trial.ray.fails["start"] = "no"
    await trial.do(Launch(2))
    assert (await trial.pool.read()).launched_t is None
    del trial.ray.fails["start"]
    before_s = time.time()
    await trial.do(Launch(2))
    first = (await trial.pool.read()).launched_t
    assert first is not None
    assert before_s <= first <= time.time()
    await trial.do(Resize(3))
    assert (await trial.pool.read()).launched_t == first
    await trial.do(Restart(3))
    assert ((await trial.pool.read()).launched_t or 0.0) > first
    await trial.do(Stop())
    assert (await trial.pool.read()).launched_t is None


async def test_a_plan_of_a_pool_that_changed_is_not_carried_out(trial: Trial) -> None:
    plan = trial.pool.plan(Launch(1), NONE)
    other = trial.monitor()
    await other.apply(other.plan(Launch(1), NONE), lambda operation: None)
    await trial.pool.apply(plan, trial.keep)
    assert trial.last is not None
    assert (trial.last.ok, "changed since the plan" in trial.last.message) == (False, True)
    assert len(trial.ray.actors) == 1


async def test_a_worker_that_ends_at_once_fails_the_launch_with_its_log(trial: Trial) -> None:
    await trial.do(Launch(1))
    trial.ray.end(trial.name("w0.1"), 3)
    trial.ray.room = 0
    plan = trial.pool.plan(Resize(1), NONE)
    add = trial.ray.add

    def add_and_break(name: str, port: int) -> None:
        trial.ray.room = 1
        add(name, port)
        trial.ray.end(name, 3)

    trial.ray.add = add_and_break  # type: ignore[method-assign]
    await trial.pool.apply(plan, trial.keep)
    assert trial.last is not None
    assert (trial.last.ok, "1 ended: process exited with 3" in trial.last.message) == (False, True)
    assert trial.last.output_tail == ("the last line",)


async def test_ray_that_does_not_answer_is_a_problem_and_nothing_is_done(trial: Trial) -> None:
    await trial.do(Launch(1))
    trial.ray.fails["look"] = "Ray did not answer in time"
    assert trial.pool.plan(Stop(), NONE).refusal == "Ray did not answer in time"
    reading = await trial.pool.read()
    assert "Ray last answered 0 s ago: Ray did not answer in time" in reading.problem
    assert reading.desired == 1, "what was known stays known"


async def test_a_read_only_monitor_looks(trial: Trial) -> None:
    pool = trial.monitor(read_only=True)
    assert "only to look" in pool.plan(Launch(1), NONE).refusal
    assert (await pool.read()).read_only
    assert trial.ray.words("look") != []
    await pool.aclose()
    assert trial.ray.is_closed


async def test_exits_and_events_of_actors_that_end(trial: Trial) -> None:
    await trial.do(Launch(4))
    trial.pool.take_events()
    trial.ray.end(trial.name("w0.1"), -9)
    trial.ray.die(trial.name("w1.1"), "OOM", text="was 3.33GB used / 23.54GB limit (0.14)")
    trial.ray.die(trial.name("w2.1"), "NODE_DIED", "UNEXPECTED_TERMINATION")
    trial.ray.die(trial.name("w3.1"), "WORKER_DIED", text="Worker exit type: SYSTEM_ERROR Worker exit detail: x")
    trial.pool._watch.look()
    assert [(each.severity, each.text) for each in trial.pool.take_events()] == [
        ("warn", "w0 is gone; Ray: actor w0.1 on n1: process killed by signal 9"),
        ("crit", "w1 is gone; Ray: actor w1.1 on n1: killed by Ray's memory monitor at 3.33 GB of 23.54 GB"),
        ("crit", "w2 is lost; Ray: actor w2.1 on n1: its node died"),
        ("warn", "w3 is gone; Ray: actor w3.1 on n1: its actor's process was killed or crashed (SYSTEM_ERROR)"),
    ]
    exits = trial.pool.take_exits()["n1"]
    assert [(each.worker, each.exit, each.reason) for each in exits] == [
        (WorkerRef("n1", 0), "-9", None),
        (WorkerRef("n1", 1), "", "killed by Ray"),
    ], "of a lost node nothing is known, and of a crashed actor no exit"
    place = trial.pool.places()["n1"]
    assert (place.jobs, place.is_lost, sorted(place.ended)) == ((), True, [0, 1, 3])


async def test_a_monitor_that_dies_in_the_middle_is_followed(trial: Trial) -> None:
    trial.ray.fails["start"] = "the sidecar ended with -9"
    _, operation, events = await trial.do(Launch(3))
    assert (operation.ok, operation.message) == (False, "the sidecar ended with -9")
    assert events[0].severity == "crit"
    del trial.ray.fails["start"]
    other = trial.monitor()
    assert (await other.read()).desired == 3, "what was wanted stands in the cluster"
    plan = other.plan(Resize(3), NONE)
    assert (plan.mode, plan.start) == ("incremental", 3)
    await other.apply(plan, trial.keep)
    assert trial.last is not None
    assert (trial.last.ok, len(trial.ray.actors)) == (True, 3)
