"""A line through a window that has moved on is the line through the same points, computed anew."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metabonk_tui.core.timeseries import theil_sen as module
from metabonk_tui.core.timeseries.theil_sen import Point, Trend, cannot_fall, theil_sen
from tests.support.examples import examples

steps = st.tuples(
    st.sampled_from([0.0, 4.0, 5.0, 5.0, 5.0]), st.one_of(st.floats(0, 1e11), st.sampled_from([0.0, 7.0]))
)


def anew(points: list[Point]) -> Trend | None:
    """Fit without what earlier windows left."""
    kept, module._lines[:] = module._lines[:], []
    try:
        return theil_sen(points)
    finally:
        module._lines[:] = kept


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(steps, min_size=30, max_size=60), st.lists(st.integers(0, 6), max_size=12), st.integers(20, 40))
def test_what_two_windows_share_changes_nothing(walk: list[Point], moves: list[int], size: int) -> None:
    points, t = [], 0.0
    for passed_s, value in walk:
        t += passed_s
        points.append((t, value))
    begin = 0
    for move in (0, *moves):
        begin += move
        window = points[begin : begin + size]
        assert repr(theil_sen(window)) == repr(anew(window))


def test_two_series_at_the_same_times_are_two() -> None:
    for begin in range(8):
        for factor in (1.0, -3.0):
            window = [(5.0 * i, factor * (i * i % 17)) for i in range(begin, begin + 30)]
            assert theil_sen(window) == anew(window)


def test_only_the_newest_lines_are_kept() -> None:
    for series in range(20):
        theil_sen([(5.0 * i, series + i % 7.0) for i in range(30)])
    assert len(module._lines) == module.KEPT_LINES


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_without_an_order_end_what_is_kept(value: float) -> None:
    points = [(5.0 * i, float(i)) for i in range(40)]
    points[20] = (100.0, value)
    for begin in range(4):
        window = points[begin : begin + 30]
        assert repr(theil_sen(window)) == repr(anew(window))


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(steps, min_size=0, max_size=40), st.floats(-1e10, 1e3))
def test_what_cannot_fall_never_does(walk: list[Point], per_point: float) -> None:
    points, t = [], 0.0
    for at, (passed_s, value) in enumerate(walk):
        t += passed_s
        points.append((t, value + at * per_point))
    trend = anew(points)
    if cannot_fall(points):
        assert trend is None or not trend.falls


def test_a_clear_fall_is_not_excluded_and_a_flat_line_is() -> None:
    falling = [(5.0 * i, -1e6 * i + 1e5 * (i % 3)) for i in range(30)]
    flat = [(5.0 * i, 1e5 * (i % 3)) for i in range(30)]
    assert not cannot_fall(falling)
    assert cannot_fall(flat)
