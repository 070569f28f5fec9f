"""The preflight goes side by side, tells as it goes, ends with the monitor; the door is closed where it is done."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial

from metabonk_tui.core.launch.checklist import ChecklistItem
from metabonk_tui.core.launch.preflight import TestResult
from metabonk_tui.core.model.pool import Launch, Resize
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.preflight_runner import Output, Preflight, PreflightCheck
from tests.support.readers import Memory, Scene
from tests.support.waiting import wait_for


class FakeChecks:
    """Two looks of which each waits for the other, one that breaks, one that waits to be broken off."""

    def __init__(self, waits: bool = False) -> None:
        self.both = threading.Barrier(2, timeout=10)
        self.waits = waits

    def checks(self, workers: int, snapshot: Snapshot | None) -> Sequence[PreflightCheck]:
        checks = [
            PreflightCheck("a", "a", self.meet),
            PreflightCheck("b", "b", partial(self.meet, of="b")),
            PreflightCheck("c", "c", self.breaks),
        ]
        return [*checks, PreflightCheck("d", "d", self.wait)] if self.waits else checks

    def read_results(self) -> tuple[tuple[TestResult, ...], str]:
        return (TestResult("t", ("x",), "passed", 50.0, 1.0),), ""

    def meet(self, report: Output, give_up: threading.Event, of: str = "a") -> ChecklistItem:
        report(("a line",))
        self.both.wait()
        return ChecklistItem(of, of, "PASS")

    def breaks(self, report: Output, give_up: threading.Event) -> ChecklistItem:
        raise ValueError("oh")

    def wait(self, report: Output, give_up: threading.Event) -> ChecklistItem:
        give_up.wait(20)
        return ChecklistItem("d", "d", "UNKNOWN")


def test_looks_go_side_by_side_and_a_bug_is_no_pass() -> None:
    woken = threading.Event()
    flight = Preflight(FakeChecks(), RunClock(), woken.set)
    assert flight.view().began_t is None
    assert [test.name for test in flight.view().tests] == ["t"]
    flight.start(3, None)
    wait_for(lambda: flight.view().ended_t is not None)
    assert [item.standing for item in flight.view().items] == ["PASS", "PASS", "UNKNOWN"]
    assert "ValueError" in flight.view().items[2].evidence[0]
    assert woken.is_set()
    flight.close()


def test_one_that_is_under_way_goes_on_and_ends_with_the_monitor() -> None:
    flight = Preflight(FakeChecks(waits=True), RunClock(), lambda: None)
    flight.start(3, None)
    flight.start(5, None)
    assert flight.view().workers == 3
    flight.close()
    assert not [thread for thread in flight._threads if thread.is_alive()]


def test_what_does_not_fit_is_refused_where_it_is_done_for_every_caller() -> None:
    scene = Scene(memory=Memory(available_bytes=5_000_000_000))
    with scene.running() as engine:
        # On a busy machine the first look may come before memory was read: then nothing says what fits.
        wait_for(lambda: scene.latest(engine).memory.budget is not None)
        for action in (Launch(2), Resize(2, by="memory watch"), Launch(2, override="just do")):
            before = len([e for e in (engine.latest() or scene.latest(engine)).events if e.kind == "pool.refused"])
            engine.submit(engine.plan(action))
            wait_for(
                lambda before=before: len([e for e in engine.latest().events if e.kind == "pool.refused"]) > before  # type: ignore[union-attr, misc]
            )
        assert scene.pool.applied == []
        refused = [e for e in scene.latest(engine).events if e.kind == "pool.refused"]
        assert "2 x 1.20 (assumed)" in refused[0].text
        engine.submit(engine.plan(Launch(2, override="we want to see it die")))
        wait_for(lambda: scene.pool.applied)
        (plan,) = scene.pool.applied
        assert "workers against memory FAIL" in plan.overridden[0]
        report = wait_for(lambda: [e for e in engine.latest().events if e.kind == "pool.override"])  # type: ignore[union-attr]
        assert report[0].facts["reason"] == "we want to see it die"
        assert report[0].facts["items"] == list(plan.overridden)


def test_a_long_launch_is_refused_until_all_is_proved() -> None:
    scene = Scene()
    with scene.running() as engine:
        scene.latest(engine)
        engine.submit(engine.plan(Launch(2, hours=24)))
        wait_for(lambda: [e for e in engine.latest().events if e.kind == "pool.refused"])  # type: ignore[union-attr]
        assert scene.pool.applied == []
