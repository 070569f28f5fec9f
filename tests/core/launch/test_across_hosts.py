"""One plan of several hosts: what it adds up to, who is left out, and that one refusal stops all."""

from __future__ import annotations

import pytest

from metabonk_tui.core.launch.across_hosts import hosts_of, join_plans, refused
from metabonk_tui.core.model.pool import Action, HostPlan, Launch, Plan, Resize, Stop, StopWorker, TargetProcess
from tests.support.refs import w

HOSTS = ("node1", "node2", "node3")


def part(host: str, mode: str, start: int = 0, hits: int = 0, **more: object) -> HostPlan:
    targets = tuple(TargetProcess("worker", 40 + slot, 1.0, w(slot, host)) for slot in range(hits))
    plan = Plan(Stop(), mode, ((host, "run"),), targets, start, None, **more)  # type: ignore[arg-type]
    return HostPlan(host, plan, "" if mode in ("noop", "refused") else f"id of {host}")


@pytest.mark.parametrize(
    ("action", "named", "why"),
    [
        (Launch(2), ("node1", "node2"), ""),
        (Launch(2, hosts=("node2",)), ("node2",), ""),
        (Stop(hosts=("node2", "node2")), ("node2",), ""),
        (Stop(hosts=("node3",)), ("node3",), ""),
        (StopWorker(w(1, "node2"), 7, 1.0), ("node2",), ""),
        (Resize(2, hosts=("node9",)), (), "no host is called node9; there are node1, node2, node3"),
        (StopWorker(w(1), 7, 1.0), (), "no host is called "),
        (Stop(adopt=(7,)), (), "a pid names a process on one host"),
        (Stop(adopt=(7,), hosts=("node1",)), ("node1",), ""),
    ],
)
def test_which_hosts_an_action_concerns(action: Action, named: tuple[str, ...], why: str) -> None:
    found, problem = hosts_of(action, HOSTS, {"node3"})
    assert found == named
    assert problem.startswith(why)
    assert bool(problem) == bool(why)


def test_without_a_host_that_acts_it_says_what_would_let_one() -> None:
    assert "read_only = false" in hosts_of(Launch(2), HOSTS, set(HOSTS))[1]


@pytest.mark.parametrize(
    ("modes", "joined"),
    [
        (("start", "start"), "start"),
        (("stop", "noop"), "stop"),
        (("noop", "noop"), "noop"),
        (("start", "restart_all"), "restart_all"),
        (("stop", "refused"), "refused"),
        (("noop", "refused"), "refused"),
    ],
)
def test_what_all_of_them_do_together(modes: tuple[str, str], joined: str) -> None:
    parts = [part(name, mode) for name, mode in zip(HOSTS, modes, strict=False)]
    assert join_plans(Stop(), parts, (), ()).mode == joined


def test_it_adds_up_what_starts_and_ends() -> None:
    plan = join_plans(
        Resize(2), [part("node1", "restart_all", 2, 3, seconds=4.0), part("node2", "start", 2, seconds=9.0)], (), ()
    )
    assert (plan.start, plan.seconds) == (4, 9.0)
    assert [hit.worker for hit in plan.hits] == [w(0, "node1"), w(1, "node1"), w(2, "node1")]
    assert plan.commands == (("node1", "run"), ("node2", "run"))


def test_one_that_refuses_stops_all_and_the_others_are_named() -> None:
    parts = [part("node1", "stop", hits=1), part("node2", "refused", refusal="lost"), part("node3", "noop")]
    plan = join_plans(Stop(), parts, (), ())
    assert (plan.mode, plan.refusal, plan.able) == ("refused", "node2: lost", ("node1",))
    assert (plan.hits, plan.commands, plan.start) == ((), (), 0)


@pytest.mark.parametrize(
    ("running", "begins"),
    [((), True), (("node1",), True), (("node1", "node2"), False), (("node2",), False)],
)
def test_a_start_begins_a_run_unless_workers_of_other_hosts_go_on(running: tuple[str, ...], begins: bool) -> None:
    assert join_plans(Launch(2), [part("node1", "start", 2)], (), running).begins_run is begins


def test_a_host_that_is_left_alone_while_it_runs_is_named() -> None:
    plan = join_plans(Stop(), [part("node1", "stop")], ("node2", "node3"), ("node1", "node3"))
    assert plan.warnings == ("left alone, read-only: node3",)


def test_a_refused_plan_does_nothing() -> None:
    plan = refused(Launch(2), "no")
    assert (plan.mode, plan.start, plan.refusal, plan.able) == ("refused", 0, "no", ())
