"""Times of a report count from the start of its run."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.report.json_report import relative_times, report
from tests.support.samples import down, healthy, last, script, silent, with_fields
from tests.support.several_hosts import one_lost, some_wait


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"at_t": 1012.3456}, {"at_s": 12.346}),
        ({"since_t": None}, {"since_s": None}),
        ({"band_t": [1001.0, None]}, {"band_s": [1.0, None]}),
        ({"resets_at_t": []}, {"resets_at_s": []}),
        ({"rows": [{"from_t": 999.0}], "deep": {"to_t": 1000.0}}, {"rows": [{"from_s": -1.0}], "deep": {"to_s": 0.0}}),
        # Seconds and absolute times stay, and so does a component whose id ends like a time.
        ({"lead_s": 5.0, "started_at": 1000.0}, {"lead_s": 5.0, "started_at": 1000.0}),
        ({"components": {"reward_t": "ACTIVE"}}, {"components": {"reward_t": "ACTIVE"}}),
    ],
)
def test_times_become_seconds_since_the_start(tree: Any, expected: Any) -> None:
    assert relative_times(tree, 1000.0) == expected
    assert list(relative_times(tree, 1000.0)) == list(expected)


ASKED = {2500.0: (Event(2500.0, EventKind.GATE_AGAIN, "info", "again"),)}


@pytest.mark.parametrize(
    ("how", "gate"),
    [
        ({"for_s": 120}, {"kind": "first", "began_s": 0.0, "passed": 0}),
        ({"for_s": 2400}, {"kind": "first", "began_s": 0.0, "passed": 6}),
        ({"from_s": 7200, "for_s": 400}, {"kind": "late", "began_s": 7200.0, "passed": 1}),
        ({"for_s": 2600, "fields": silent, "events": ASKED}, {"kind": "again", "began_s": 2500.0, "passed": 0}),
        ({"for_s": 60, "fields": down}, {"kind": "first", "began_s": None, "passed": 0}),
    ],
    ids=["begun", "over", "late", "again", "start-up"],
)
def test_it_carries_which_gate_the_checks_are_of(how: dict[str, Any], gate: dict[str, Any]) -> None:
    assert report(last(script(**how)))["gate"] == gate


def test_each_worker_carries_its_values() -> None:
    found = report(last(script(with_fields(healthy, intrinsic_reward_total=float("nan")), for_s=120)))
    worker = found["workers"][0]
    assert worker["metrics"]["step"] == 120
    assert worker["metrics"]["rss"] is None, "not observed is not zero"
    assert worker["values"]["ui_exploration"]["value"] > 0
    assert worker["values"]["intrinsic_reward"]["value"] is None
    assert worker["values"]["intrinsic_reward"]["bad"] == "nan"
    assert worker["gameplay"] == {"started": False, "corroborated": False, "reached_s": None}
    assert worker["last_good_s"] == 120


def test_each_host_of_several_is_there_and_none_where_there_is_one() -> None:
    found = report(one_lost())["hosts"]
    assert [(host["name"], host["state"], host["since_s"]) for host in found] == [
        *(("node1", "UP", 0.0), ("node2", "LOST", 570.0)),
    ]
    assert found[1]["available_bytes"] is None
    assert found[1]["min_available_bytes"] == 8_000_000_000, "what was seen stays"
    assert "hosts" not in report(last(script(for_s=60)))


def test_the_workers_that_wait_have_the_engines_state_and_reason() -> None:
    seen = some_wait()
    waits = {"slot": 2, "job": "12_2", "state": "PENDING", "reason": "Resources", "since_s": 10.0}
    assert report(seen)["waiting"] == [waits]
    assert report(replace(seen, pool=replace(seen.pool, waiting=())))["waiting"] == []
    silent_engine = replace(seen, pool=replace(seen.pool, engine_error="squeue: down"))
    assert report(silent_engine)["waiting"] is None, "what it said before is not what waits now"
    assert "waiting" not in report(one_lost()), "no engine places these workers"
