"""What would be done, and why not: where a thing cannot be done it is said, never replaced in silence."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from metabonk_tui.core.memory.watch_actions import choose, intended
from metabonk_tui.core.model.pool import Action, Plan, PlanSource, Resize, Stop, StopWorker
from metabonk_tui.core.model.sample import PoolReading
from metabonk_tui.core.model.snapshot import Snapshot
from tests.support.samples import CONFIG, last, script
from tests.support.several_hosts import roomy, with_memory
from tests.support.snapshots import hosts_of, memory_watch


def rules(on_critical: str, otherwise: str = "alarm") -> object:
    return msgspec.structs.replace(CONFIG.memory_watch, on_critical=on_critical, otherwise=otherwise)


def plan_of(action: Action, mode: str = "restart_all", **over: object) -> Plan:
    return Plan(action, mode, (("run",),), (), 0, PlanSource("/"), **over)  # type: ignore[arg-type]


def with_fits(fits: int | None, workers: int = 5) -> Snapshot:
    snapshot = memory_watch()
    assert snapshot.memory.budget is not None
    budget = None if fits is None else replace(snapshot.memory.budget, fits=fits)
    return replace(
        snapshot,
        hosts=hosts_of(replace(snapshot.memory, budget=budget)),
        pool=replace(snapshot.pool, desired=workers),
        workers=snapshot.workers[:workers],
    )


@pytest.mark.parametrize(
    ("fits", "workers", "does"),
    [
        (3, 5, Resize(3, "watch")),
        (5, 5, Resize(4, "watch")),
        (9, 5, Resize(4, "watch")),
        (1, 5, Resize(1, "watch")),
        (0, 5, "not one worker fits"),
        (1, 1, "there is one worker only"),
        (None, 5, "it is not known how many fit"),
    ],
)
def test_a_resize_is_to_what_fits_and_always_to_fewer(fits: int | None, workers: int, does: object) -> None:
    assert intended("resize", with_fits(fits, workers)) == does


def test_the_highest_slot_is_named_beyond_doubt() -> None:
    snapshot = with_fits(3)
    action = intended("stop-highest", snapshot)
    highest = snapshot.workers[-1]
    assert isinstance(action, StopWorker)
    assert (action.ref, action.pid, action.by) == (highest.ref, highest.pid, "watch")
    nobody = last(script(for_s=60.0, pool=lambda _t: PoolReading("x")), CONFIG)
    assert intended("stop-highest", nobody) == "no worker's process is known"


def test_a_worker_that_would_be_respawned_is_not_stopped_and_it_says_so() -> None:
    def plan(action: Action) -> Plan:
        return plan_of(action, "stop", respawns=isinstance(action, StopWorker))

    choice = choose(rules("stop-highest"), with_fits(3), plan)  # type: ignore[arg-type]
    assert choice.plan is None
    assert choice.why_not == ("stop the highest slot: the launcher would start it again at once",)
    choice = choose(rules("stop-highest", "resize"), with_fits(3), plan)  # type: ignore[arg-type]
    assert choice.title == "resize 5 → 3 workers"
    assert choice.why_not == ("stop the highest slot: the launcher would start it again at once",)


def test_a_backend_that_can_stop_a_slot_does() -> None:
    choice = choose(rules("stop-highest"), with_fits(3), lambda action: plan_of(action, "stop"))  # type: ignore[arg-type]
    assert (choice.title, choice.why_not) == ("stop worker 4", ())


@pytest.mark.parametrize(
    ("planned", "why"),
    [
        ({"mode": "refused", "refusal": "env file: gone"}, "stop the pool: env file: gone"),
        ({"mode": "noop", "warnings": ("nothing of this pool runs",)}, "stop the pool: nothing of this pool runs"),
        ({"mode": "noop"}, "stop the pool: there is nothing to do"),
    ],
)
def test_what_the_backend_cannot_is_said(planned: dict[str, object], why: str) -> None:
    choice = choose(rules("stop", "stop"), with_fits(3), lambda action: plan_of(action, **planned))  # type: ignore[arg-type]
    assert choice == replace(choice, plan=None, title="", why_not=(why,))


def test_an_alarm_plans_nothing() -> None:
    asked: list[Action] = []
    choice = choose(rules("alarm", "stop"), with_fits(3), lambda action: asked.append(action))  # type: ignore[arg-type, return-value, func-returns-value]
    assert (choice.plan, asked) == (None, [])
    assert isinstance(intended("stop", with_fits(3)), Stop)


class TestOnSeveralHosts:
    """Only the host whose memory is critical is acted on."""

    @pytest.mark.parametrize(
        ("response", "title", "does"),
        [
            ("stop", "stop the pool on node2", Stop("watch", hosts=("node2",))),
            ("resize", "resize 3 → 2 workers on node2", Resize(2, "watch", hosts=("node2",))),
        ],
    )
    def test_the_action_names_it(self, response: str, title: str, does: Action) -> None:
        choice = choose(rules(response), roomy(3), plan_of, "node2")  # type: ignore[arg-type]
        assert choice.plan is not None
        assert (choice.title, choice.plan.action) == (title, does)

    def test_the_highest_slot_is_one_of_it(self) -> None:
        choice = choose(rules("stop-highest"), roomy(3), lambda action: plan_of(action, "stop"), "node1")  # type: ignore[arg-type]
        assert choice.title == "stop worker node1/w2"

    def test_without_a_name_it_is_the_worst_one(self) -> None:
        worst = with_memory(roomy(3), {"node1": 1})
        choice = choose(rules("stop"), worst, plan_of)  # type: ignore[arg-type]
        assert choice.title == "stop the pool on node1"
