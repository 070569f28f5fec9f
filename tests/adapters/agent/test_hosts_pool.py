"""Several hosts act as one pool: one plan, each host its own part, and every end is reported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.agent import hosts_pool
from metabonk_tui.adapters.agent.hosts_pool import HostsPool
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.core.model.host import HostReading, ProcessReading
from metabonk_tui.core.model.pool import Action, HostPlan, Launch, Plan, Resize, Stop
from metabonk_tui.core.model.sample import Event, Operation, OperationStep, PoolReading, Sample
from metabonk_tui.core.ports.hosts import HostAnswer, HostProgress
from metabonk_tui.engine.clock import RunClock
from tests.support.refs import w

NOW = PoolReading()
RUNNING = Operation("launch", 1.0, (OperationStep("workers answer", "running", "1 of 2"),))
DONE = replace(RUNNING, ended_at=2.0, ok=True, message="2 workers answered")
FAILED = replace(RUNNING, ended_at=2.0, ok=False, message="no GPU")
LAUNCHED = Event(1.0, "pool.launch", "info", "launched")


class FakeLink:
    """Plans what it is asked, and reports what the test gives it."""

    def __init__(self, name: str, *reports: HostProgress, runs: bool = False) -> None:
        self.name, self.workers, self.read_only = name, 2, False
        self.mode, self.refusal, self.why_not = "start", "", ""
        self.reports = list(reports) or [HostProgress(RUNNING), HostProgress(DONE, (LAUNCHED,))]
        self.asked: list[Action] = []
        self.acted: list[tuple[HostPlan, Plan]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        process = ProcessReading("worker", 9, w(0, name), 41, 50.0)
        sample = Sample(1.0, hosts={name: HostReading(processes=(process,) if runs else ())})
        self.latest = HostAnswer(sample)

    async def read(self, fresh: bool = False) -> HostAnswer:
        return self.latest

    def resend_all(self) -> None:
        pass

    async def plan(self, action: Action) -> HostPlan:
        self.asked.append(action)
        await self.gate.wait()
        start = getattr(action, "workers", 0) if self.mode == "start" else 0
        plan = Plan(action, self.mode, ((self.name, "run"),), (), start, None, refusal=self.refusal)  # type: ignore[arg-type]
        return HostPlan(self.name, plan, "" if self.mode in ("noop", "refused") else f"id of {self.name}")

    async def act(self, part: HostPlan, shown: Plan) -> str:
        self.acted.append((part, shown))
        return self.why_not

    async def progress(self) -> HostProgress:
        return self.reports.pop(0) if len(self.reports) > 1 else self.reports[0]

    async def aclose(self) -> None:
        pass


class Cluster:
    """Two hosts with a pool over them."""

    def __init__(self, folder: Path, name: str = "") -> None:
        self.links = {name: FakeLink(name) for name in ("node1", "node2")}
        self.role = ControllerRole(name or f"test-hosts-{folder.name}-{id(folder)}", folder / "lock", "keep")
        self.pool = HostsPool(self.links, clock=RunClock(), role=self.role)
        self.seen: list[Operation] = []

    async def plan(self, action: Action) -> Plan:
        await self.pool.read()
        return await asyncio.to_thread(self.pool.plan, action, NOW)

    async def carry_out(self, action: Action) -> tuple[Event, ...]:
        return await self.pool.apply(await self.plan(action), self.seen.append)


@pytest.fixture
async def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    monkeypatch.setattr(hosts_pool, "PROGRESS_EVERY_S", 0.0)
    made = Cluster(tmp_path)
    yield made
    await made.pool.aclose()


async def test_before_the_first_look_nothing_is_planned(cluster: Cluster) -> None:
    assert cluster.pool.plan(Stop(), NOW).refusal == "the hosts have not been looked at yet"


async def test_every_host_is_asked_once_and_acts_on_its_own_plan(cluster: Cluster) -> None:
    events = await cluster.carry_out(Launch(2))
    for name, link in cluster.links.items():
        assert [action.workers for action in link.asked if isinstance(action, Launch)] == [2]
        ((part, shown),) = link.acted
        assert (part.host, part.id) == (name, f"id of {name}")
        assert shown.start == 4
    last = cluster.seen[-1]
    assert (last.ok, last.action) == (True, "launch 2 workers each on node1, node2")
    assert [(step.name, step.state, step.detail) for step in last.steps] == [
        ("node1", "done", "2 workers answered"),
        ("node2", "done", "2 workers answered"),
    ]
    assert [event.kind for event in events] == ["pool.launch", "pool.launch"]
    assert not any(event.t == 1.0 for event in events), "times are of this clock"


async def test_a_choice_of_hosts_leaves_the_others_alone(cluster: Cluster) -> None:
    await cluster.carry_out(Resize(2, hosts=("node2",)))
    assert cluster.links["node1"].asked == []
    assert len(cluster.links["node2"].acted) == 1


async def test_a_read_only_host_is_left_out_unless_it_is_named(cluster: Cluster) -> None:
    cluster.links["node1"].read_only = True
    plan = await cluster.plan(Stop())
    assert [part.host for part in plan.parts] == ["node2"]
    assert cluster.links["node1"].asked == []


async def test_one_host_that_refuses_stops_all_before_anything_is_done(cluster: Cluster) -> None:
    cluster.links["node2"].mode, cluster.links["node2"].refusal = "refused", "Connection refused"
    plan = await cluster.plan(Launch(2))
    assert (plan.refusal, plan.able) == ("node2: Connection refused", ("node1",))
    assert await cluster.pool.apply(plan, cluster.seen.append) == ()
    assert all(link.acted == [] for link in cluster.links.values())
    assert cluster.seen[-1].ok is False


async def test_a_host_that_hangs_is_named_and_its_answer_is_not_awaited(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts_pool, "PLAN_LIMIT_S", 0.2)
    cluster.links["node2"].gate.clear()
    plan = await cluster.plan(Stop())
    assert plan.refusal.startswith("node2: it did not answer within")
    assert plan.able == ("node1",)
    cluster.links["node2"].gate.set()


async def test_a_host_that_fails_is_named_and_the_other_one_goes_on(cluster: Cluster) -> None:
    cluster.links["node1"].reports = [HostProgress(FAILED, (Event(1.0, "pool.launch", "crit", "no GPU"),))]
    events = await cluster.carry_out(Launch(2))
    assert (cluster.seen[-1].ok, cluster.seen[-1].message) == (False, "node1: no GPU; done on node2")
    assert sorted(event.severity for event in events) == ["crit", "info"]


async def test_a_connection_that_ends_leaves_the_outcome_unknown(cluster: Cluster) -> None:
    cluster.links["node1"].reports = [HostProgress(RUNNING), HostProgress(error="Connection reset")]
    events = await cluster.carry_out(Launch(2))
    step = cluster.seen[-1].steps[0]
    assert step.state == "failed"
    assert step.detail.startswith("not known how it ended: Connection reset")
    (crit,) = [event for event in events if event.severity == "crit"]
    assert crit.facts["host"] == "node1"


async def test_a_plan_that_the_agent_no_longer_has_is_not_begun(cluster: Cluster) -> None:
    cluster.links["node1"].why_not = "this is not the plan that the agent made last: plan again"
    await cluster.carry_out(Launch(2))
    assert cluster.seen[-1].steps[0].detail.startswith("not begun: this is not the plan")


async def test_of_two_monitors_one_controls_all_hosts(cluster: Cluster, tmp_path: Path) -> None:
    await cluster.pool.read()
    other = Cluster(tmp_path, cluster.role.name)
    assert (await other.pool.read()).controller == "other"
    plan = await other.plan(Stop())
    assert plan.refusal.startswith("another monitor acts on this pool")
    assert other.links["node1"].asked == []


async def test_one_action_at_a_time(cluster: Cluster) -> None:
    plan = await cluster.plan(Launch(2))
    cluster.links["node1"].reports = [HostProgress(RUNNING)]
    acting = asyncio.create_task(cluster.pool.apply(plan, cluster.seen.append))
    await asyncio.sleep(0)
    assert (await cluster.plan(Stop())).refusal == "another action is under way"
    acting.cancel()
    await asyncio.gather(acting, return_exceptions=True)
    assert cluster.seen[-1].message.startswith("left in the middle")


@pytest.mark.parametrize(("runs", "begins"), [(False, True), (True, False)])
async def test_its_launcher_stands_for_the_run_only_after_a_launch_of_all(
    cluster: Cluster, runs: bool, begins: bool
) -> None:
    if runs:
        cluster.links["node2"].latest = FakeLink("node2", runs=True).latest
    plan = await cluster.plan(Launch(2, hosts=("node1",)))
    assert plan.begins_run is begins
    await cluster.pool.apply(plan, cluster.seen.append)
    seen = PoolReading(launcher_pid=7, launcher_started_at=cluster.pool._clock.now() + 1.0)
    cluster.links["node1"].latest = replace(cluster.links["node1"].latest, pool=seen)
    assert (await cluster.pool.read()).launcher_pid == (7 if begins else None)
