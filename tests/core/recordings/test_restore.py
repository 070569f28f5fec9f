"""A recording is rebuilt, whatever the facts of its events are."""

from typing import Any

import pytest

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import BadValue, Event
from metabonk_tui.core.model.snapshot import Gap
from metabonk_tui.core.recordings.playback import gaps_of
from metabonk_tui.core.recordings.restore import RecordedPast, rebuild, recorded_gap
from metabonk_tui.core.step.pipeline import stepper
from metabonk_tui.core.step.state import with_true_rhythm
from tests.support.samples import CONFIG, script


@pytest.mark.parametrize(
    ("facts", "gap"),
    [
        ({"from": 3, "to": 5.0}, Gap(3.0, 5.0)),
        ({"from": 3.0}, None),
        ({"from": "3", "to": "5"}, None),
        ({"from": None, "to": 5.0}, None),
        ({"from": True, "to": 5.0}, None),
        ({"from": 5.0, "to": 3.0}, None),
        ({"from": -1.0, "to": 3.0}, None),
        ({"from": 3.0, "to": float("inf")}, None),
        ({"from": float("nan"), "to": 5.0}, None),
        ({"from": [1], "to": {"a": 1}}, None),
        ({"from": BadValue("nan", "NaN"), "to": 5.0}, None),
    ],
)
def test_a_gap_has_two_times_in_order(facts: dict[str, Any], gap: Gap | None) -> None:
    event = Event(6.0, EventKind.RECORDER_GAP, "warn", "a gap", facts=facts)
    assert recorded_gap(event) == gap
    assert gaps_of([event]) == (() if gap is None else (gap,))
    past = RecordedPast(None, script(for_s=60), (event,), 10.0)
    rebuilt = rebuild(past, stepper(CONFIG), with_true_rhythm)
    assert rebuilt is not None
    assert rebuilt.run.gaps == (() if gap is None else (gap,))
