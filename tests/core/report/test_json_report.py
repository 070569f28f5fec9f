"""Times of a report count from the start of its run."""

from __future__ import annotations

from typing import Any

import pytest

from metabonk_tui.core.report.json_report import relative_times, report
from tests.support.samples import healthy, last, script, with_fields


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
