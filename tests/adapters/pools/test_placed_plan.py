"""What a plan of an engine's pool begins, and when it no longer fits."""

from __future__ import annotations

import pytest

from metabonk_tui.adapters.pools.placed_plan import placed_plan, refused, slots_to_start, why_stale
from metabonk_tui.core.model.pool import Action, Launch, Resize, Restart, Stop, StopWorker, TargetProcess
from tests.support.refs import w


@pytest.mark.parametrize(
    ("action", "kept", "mode", "begins_run"),
    [
        (Launch(2), 0, "start", True),
        (Resize(2), 1, "incremental", False),
        # Nothing lives that could go on in its run: this is a launch.
        (Resize(2), 0, "incremental", True),
        (Restart(2), 0, "restart_all", True),
        (Stop(), 0, "stop", True),
        (StopWorker(w(1), 7, 1.0), 1, "stop", True),
    ],
)
def test_only_a_resize_goes_on_in_the_run_of_the_workers_that_it_keeps(
    action: Action, kept: int, mode: str, begins_run: bool
) -> None:
    plan = placed_plan(action, [("scancel", "7")], (), 2, None, (), kept)
    assert (plan.mode, plan.begins_run, plan.start) == (mode, begins_run, 2)


@pytest.mark.parametrize(
    ("action", "living", "labels", "why"),
    [
        (Launch(2), {}, (), ""),
        (Launch(2), {0: "7_0"}, (), "jobs of it run or wait now"),
        (Stop(), {0: "7_0"}, ("7_0",), ""),
        (Stop(), {0: "7_0", 1: "8_1"}, ("7_0",), "8_1 came"),
        (Resize(1), {0: "7_0", 1: "7_1"}, ("7_1",), ""),
        (Resize(1), {0: "7_0", 1: "8_1"}, ("7_1",), "it has other jobs now"),
        (Resize(3), {0: "7_0"}, (), ""),
    ],
)
def test_a_plan_that_no_longer_fits_says_what_changed(
    action: Action, living: dict[int, str], labels: tuple[str, ...], why: str
) -> None:
    hits = tuple(TargetProcess("worker", 0, 0.0, None, f"job {label} on n1") for label in labels)
    found = why_stale(placed_plan(action, [], hits, 1, None, ()), living, "job")
    assert found.endswith(why) if why else found == ""


def test_only_slots_without_a_living_worker_are_started() -> None:
    assert slots_to_start(placed_plan(Resize(4), [], (), 2, None, ()), {1, 2}) == [0, 3]
    assert slots_to_start(placed_plan(Stop(), [], (), 0, None, ()), ()) == []
    assert slots_to_start(refused(Resize(4), "why"), ()) == []
