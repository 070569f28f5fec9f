"""The agent carries out exactly the plan that it made, once, one at a time, and holds the role only meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from metabonk_tui.adapters.agent.actor import BUSY, OTHER_PLAN, ActionRole, PoolActor
from metabonk_tui.adapters.agent.protocol import Act
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.core.model.pool import Action, Launch, Plan, Restart, Stop
from metabonk_tui.core.model.sample import Event, Operation, PoolReading
from tests.support.waiting import wait_for_async


class FakePool:
    """Acts until it is released, and notes whether it had the role."""

    name = "fake"

    def __init__(self, role: ActionRole) -> None:
        self.role = role
        self.applied: list[Plan] = []
        self.release = asyncio.Event()
        self.fails = False
        self.mode = "start"
        self.desired: int | None = None

    async def read(self) -> PoolReading:
        return PoolReading(desired=self.desired)

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        if not self.role.try_acquire():
            return Plan(action, "refused", (), (), 0, None, refusal="another monitor acts on this pool")
        return Plan(action, self.mode, (("run", "--token=hunter2"),), (), 2, None)  # type: ignore[arg-type]

    async def apply(self, plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        assert self.role.try_acquire()
        self.applied.append(plan)
        progress(Operation("launch", 1.0, ()))
        await self.release.wait()
        if self.fails:
            raise ValueError("a bug")
        progress(Operation("launch", 1.0, (), ended_at=2.0, ok=True, message="done"))
        return (Event(2.0, "pool.launch", "info", "launched"),)

    async def aclose(self) -> None:
        self.role.release()


@pytest.fixture
def role(tmp_path: Path) -> Iterator[ActionRole]:
    made = ActionRole(f"test-actor-{tmp_path.name}-{id(tmp_path)}", tmp_path / "lock", "keep")
    yield made
    made.release()


@pytest.fixture
def pool(role: ActionRole) -> FakePool:
    return FakePool(role)


@pytest.fixture
def actor(pool: FakePool, role: ActionRole) -> PoolActor:
    return PoolActor(pool, role)


async def test_the_role_is_free_between_a_plan_and_an_action(
    actor: PoolActor, pool: FakePool, role: ActionRole
) -> None:
    assert not role.try_acquire(), "nothing is wanted yet"
    number, _ = await actor.plan(Launch(2))
    assert not role.held
    assert actor.begin(Act(1, number)) == ""
    await wait_for_async(lambda: pool.applied, "the action has begun")
    assert role.held
    pool.release.set()
    await actor.finish()
    assert not role.held


async def test_a_plan_is_carried_out_once_and_with_what_was_agreed(actor: PoolActor, pool: FakePool) -> None:
    number, shown = await actor.plan(Launch(2))
    assert "hunter2" not in str(shown), "what is shown is masked"
    assert actor.begin(Act(1, "something else")) == OTHER_PLAN
    assert actor.begin(Act(2, number, hours=24.0, override="we know why", overridden=("memory",))) == ""
    pool.release.set()
    await actor.finish()
    (plan,) = pool.applied
    assert plan.commands == (("run", "--token=hunter2"),)
    assert plan.action == Launch(2, hours=24.0, override="we know why")
    assert plan.overridden == ("memory",)
    assert actor.begin(Act(3, number)) == OTHER_PLAN


async def test_a_plan_of_another_agent_is_none_of_this_one(pool: FakePool, role: ActionRole) -> None:
    first, second = PoolActor(pool, role), PoolActor(pool, role)
    number, _ = await first.plan(Launch(2))
    other, _ = await second.plan(Launch(2))
    assert other != number
    assert second.begin(Act(1, number)) == OTHER_PLAN


async def test_one_at_a_time(actor: PoolActor, pool: FakePool) -> None:
    number, _ = await actor.plan(Launch(2))
    assert actor.begin(Act(1, number)) == ""
    assert (await actor.plan(Stop()))[1].refusal == BUSY
    assert actor.begin(Act(2, number)) == BUSY
    await wait_for_async(lambda: actor.progress(3).operation, "a step is known")
    assert actor.progress(3).events is None
    pool.release.set()
    await actor.finish()
    done = actor.progress(4)
    assert done.operation is not None
    assert done.operation.message == "done"
    assert [event.kind for event in done.events or ()] == ["pool.launch"]


async def test_while_another_monitor_has_the_role_nothing_is_planned(
    actor: PoolActor, role: ActionRole, tmp_path: Path
) -> None:
    other = ControllerRole(role.name, tmp_path / "other.lock", "keep")
    assert other.try_acquire()
    try:
        number, plan = await actor.plan(Launch(2))
        assert (number, plan.mode) == ("", "refused")
        assert "another monitor" in plan.refusal
        assert other.held
    finally:
        other.release()


@pytest.mark.parametrize("mode", ["noop", "refused"])
async def test_nothing_to_do_has_no_id(actor: PoolActor, pool: FakePool, mode: str) -> None:
    pool.mode = mode
    assert (await actor.plan(Launch(2)))[0] == ""
    assert actor.begin(Act(1, "")) == OTHER_PLAN


async def test_a_bug_is_the_end_of_the_action_and_says_so(actor: PoolActor, pool: FakePool, role: ActionRole) -> None:
    pool.fails = True
    number, _ = await actor.plan(Launch(2))
    actor.begin(Act(1, number))
    pool.release.set()
    await actor.finish()
    done = actor.progress(2)
    assert done.events == ()
    assert done.operation is not None
    assert (done.operation.ok, done.operation.message) == (False, "failed: ValueError: a bug")
    assert not role.held


async def test_what_it_starts_inherits_no_limit_of_the_agent(pool: FakePool, role: ActionRole) -> None:
    lifted: list[bool] = []

    @contextmanager
    def without() -> Iterator[None]:
        lifted.append(True)
        yield
        lifted.append(False)

    actor = PoolActor(pool, role, without)
    number, _ = await actor.plan(Launch(2))
    assert lifted == [True, False], "an env file may need memory too"
    actor.begin(Act(1, number))
    await wait_for_async(lambda: pool.applied, "the action has begun")
    assert lifted[-1] is True
    pool.release.set()
    await actor.finish()
    assert lifted[-1] is False


async def test_a_restart_without_a_number_keeps_the_number_of_the_host(actor: PoolActor, pool: FakePool) -> None:
    pool.desired = 5
    assert (await actor.plan(Restart(0)))[1].action == Restart(5)
    assert (await actor.plan(Restart(3)))[1].action == Restart(3)
    pool.desired = None
    number, plan = await actor.plan(Restart(0))
    assert (number, plan.mode, plan.warnings) == ("", "noop", ("no process of this pool was found",))
