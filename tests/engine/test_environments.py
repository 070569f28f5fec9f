"""Which environments are due: those of new processes at once, the others when their last reading is old."""

from __future__ import annotations

import pytest

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.refs import ProcessRef
from metabonk_tui.core.model.sample import EnvReading
from metabonk_tui.engine.environments import Due, EnvironmentWatch
from tests.support.refs import w

NOW = 1000.0
READ = EnvReading({"A": "1"})


@pytest.mark.parametrize(
    ("pid", "started_at", "is_due"),
    [(42, 900.0, False), (42, 900.01, False), (42, 901.0, True), (42, 900.5, True), (43, 900.0, True)],
)
def test_another_process_is_due_at_once(pid: int, started_at: float, is_due: bool) -> None:
    watch = EnvironmentWatch()
    watch.update([(Due(w(0), ProcessRef(42, 900.0)), READ)], NOW)
    due = watch.due([ProcessReading("worker", 1, w(0), pid, started_at)], NOW + 1)
    assert [each.ref for each in due] == ([w(0)] if is_due else [])
    changed = watch.update([(Due(w(0), ProcessRef(pid, started_at)), READ)], NOW + 1)
    assert list(changed) == ([w(0)] if is_due else [])


def test_a_reading_is_sent_a_second_time_and_no_third() -> None:
    # The first may have met a step that did not know the process yet, and then forgot its environment.
    watch, due = EnvironmentWatch(), Due(w(0), ProcessRef(42, 900.0))
    sent = [bool(watch.update([(due, READ)], NOW + after_s)) for after_s in (0, 2, 29, 30, 60, 90)]
    assert sent == [True, False, False, True, False, False]


def test_one_slot_of_two_hosts_is_two_workers() -> None:
    watch = EnvironmentWatch()
    watch.update([(Due(w(0), ProcessRef(42, 900.0)), READ)], NOW)
    elsewhere = ProcessReading("worker", 1, w(0, "node2"), 42, 900.0)
    assert [each.ref for each in watch.due([elsewhere], NOW + 1)] == [w(0, "node2")]
