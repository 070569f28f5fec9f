"""A run by the minute: the worst of each, nothing where no monitor watched, and bounded however long it lasts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabonk_tui.core.model.condition import WorkerCondition as Condition
from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.model.minutes import MIB, NO_INTERVAL, RunInterval, RunMinutes
from metabonk_tui.core.run.minutes import MOST_INTERVALS, is_due, observe

Seen = tuple[float, Level, Condition | None, int | None, bool]


def history(*seen: Seen) -> RunMinutes:
    minutes = RunMinutes()
    for run_s, level, worst, mib, after_gap in seen:
        available = None if mib is None else mib * MIB
        minutes = observe(minutes, 1000.0 + run_s, run_s, level, worst, available, after_gap=after_gap)
    return minutes


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param([], [NO_INTERVAL], id="nothing seen"),
        pytest.param(
            [
                (0, "go", Condition.OK, 900, True),
                (59, "stop", Condition.DOWN, 100, False),
                (60, "go", None, 800, False),
            ],
            [RunInterval("stop", Condition.DOWN, 100 * MIB), RunInterval("go", None, 800 * MIB)],
            id="the worst of a minute stays, though its end was good",
        ),
        pytest.param(
            [(0, "unknown", Condition.OK, 5, True), (1, "go", Condition.OK, 6, False)],
            [RunInterval("unknown", Condition.OK, 5 * MIB)],
            id="not known is worse than go",
        ),
        pytest.param(
            [(130, "go", Condition.OK, 5, True)],
            [NO_INTERVAL, NO_INTERVAL, RunInterval("go", Condition.OK, 5 * MIB)],
            id="watching began late",
        ),
        pytest.param(
            [(0, "go", Condition.OK, 5, True), (130, "go", Condition.OK, 7, True)],
            [RunInterval("go", Condition.OK, 5 * MIB), NO_INTERVAL, RunInterval("go", Condition.OK, 7 * MIB)],
            id="a gap is not watched",
        ),
        pytest.param(
            [(0, "go", Condition.OK, 5, True), (130, "go", Condition.OK, 7, False)],
            [RunInterval("go", Condition.OK, 5 * MIB)] * 2 + [RunInterval("go", Condition.OK, 7 * MIB)],
            id="sparse samples are no gap",
        ),
        pytest.param(
            [(0, "go", Condition.OK, None, True)], [RunInterval("go", Condition.OK, None)], id="memory was not read"
        ),
    ],
)
def test_each_minute_has_its_worst(seen: list[Seen], expected: list[RunInterval]) -> None:
    minutes = history(*seen)

    assert [minutes.between(i, i + 1) for i in range(minutes.ended + 1)] == expected


@given(st.lists(st.tuples(st.floats(0.0, 9e5), st.sampled_from(["go", "stop"])), min_size=1, max_size=30))
def test_it_is_bounded_and_loses_no_stop(seen: list[tuple[float, Level]]) -> None:
    minutes = history(*[(run_s, level, Condition.OK, 1, i == 0) for i, (run_s, level) in enumerate(sorted(seen))])

    assert minutes.ended < MOST_INTERVALS
    assert len(minutes.verdicts) == len(minutes.worst) == len(minutes.lowest_mib)
    whole = minutes.between(0, minutes.ended + 1)
    assert whole.level == ("stop" if any(level == "stop" for _, level in seen) else "go")


def test_workers_are_looked_at_when_an_event_says_so_and_every_10_s() -> None:
    minutes = history((0, "go", Condition.OK, 1, True))

    assert not is_due(minutes, 1009.0, has_events=False)
    assert is_due(minutes, 1009.0, has_events=True)
    assert is_due(minutes, 1010.0, has_events=False)
    assert is_due(minutes, 990.0, has_events=False), "the clock went back"
