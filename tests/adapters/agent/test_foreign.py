"""What an agent says of a plan and an action is cleaned, cut, and only of its own host."""

from __future__ import annotations

import pytest

from metabonk_tui.adapters.agent.foreign import MOST, events_of, for_agent, operation_of, plan_of
from metabonk_tui.core.model.pool import (
    Launch,
    Plan,
    PlanSource,
    Stop,
    StopWorker,
    StrangerProcess,
    TargetProcess,
)
from metabonk_tui.core.model.refs import MAX_WORKERS
from metabonk_tui.core.model.sample import Event, Operation, OperationStep
from tests.support.refs import w

EVIL = "a\x1b[2Jb http://u:hunter2@h/"


def test_the_agent_gets_the_action_of_its_only_host_on_its_own_clock() -> None:
    sent = for_agent(StopWorker(w(1, "node2"), 7, 700.0), lambda t: t - 600.0)
    assert sent == StopWorker(w(1), 7, 100.0)
    assert for_agent(Launch(2, hosts=("node1", "node2")), lambda t: t) == Launch(2)


def test_a_plan_is_cleaned_masked_and_placed() -> None:
    target = TargetProcess("worker", 7, 100.0, w(1), EVIL)
    plan = Plan(
        Launch(99),
        "restart_all",
        ((EVIL, EVIL),),
        (target,),
        10**9,
        PlanSource(EVIL, EVIL, 3),
        warnings=(EVIL,) * 1000,
        refusal=EVIL,
        strangers=(StrangerProcess(target, EVIL),),
        able=("node9",),
    )
    found = plan_of(plan, Stop(), "node2", lambda t: t + 600.0)
    assert "\x1b" not in str(found)
    assert "hunter2" not in str(found)
    assert found.action == Stop(), "the agent cannot change what was asked"
    assert found.start == MAX_WORKERS
    assert len(found.warnings) == MOST
    assert (found.hits[0].worker, found.hits[0].started_at) == (w(1, "node2"), 700.0)
    assert found.able == ()


def test_steps_are_cleaned_and_cut() -> None:
    operation = Operation(EVIL, 1.0, (OperationStep(EVIL, "running", EVIL),) * 500, (EVIL,) * 500, message=EVIL)
    found = operation_of(operation)
    assert "\x1b" not in str(found)
    assert "hunter2" not in str(found)
    assert (len(found.steps), len(found.output_tail)) == (MOST, MOST)


@pytest.mark.parametrize("kind", ["run.start", "verdict", "pool.override", "watch.act", "anything"])
def test_an_agent_reports_only_what_was_done_to_its_pool(kind: str) -> None:
    assert events_of([Event(1.0, kind, "crit", "x")], "node2", 5.0) == ()


def test_an_event_has_its_host_and_this_clock() -> None:
    facts = {"from": 2, "to": 3, "by": "key", "error": EVIL, "other": {"a": 1}, "host": "node1"}
    (found,) = events_of([Event(1.0, "pool.stop", "info", EVIL, w(1), facts)], "node2", 5.0)
    assert found.t == 5.0
    assert found.text.startswith("node2: a")
    assert found.worker == w(1, "node2")
    assert set(found.facts) == {"from", "to", "by", "error", "host"}
    assert found.facts["host"] == "node2"
    assert "hunter2" not in str(found)
