"""Amounts over time: growth in buckets, observed time in spans, points for rates, the rhythm of the samples."""

import pytest

from metabonk_tui.core.timeseries.window import Buckets, Points, Spacing, Spans


def test_growth_lies_in_its_bucket_and_old_buckets_go() -> None:
    growth = Buckets(30.0, 3).add(0.0, 1.0).add(29.9, 1.0).add(30.0, 5.0)
    assert growth.amounts == (2.0, 5.0)
    assert growth.add(150.0, 1.0).amounts == (0.0, 0.0, 1.0)
    assert growth.add(1e9, 1.0).amounts == (0.0, 0.0, 1.0)
    assert growth.newest_sum(1) == 5.0
    assert growth.newest_sum(10) == 7.0


def test_growth_that_is_reported_late_counts_into_the_newest_bucket() -> None:
    assert Buckets(30.0, 3).add(90.0, 1.0).add(10.0, 2.0).amounts == (3.0,)


def test_spans_that_touch_are_one_and_nothing_counts_twice() -> None:
    spans = Spans(100.0).add(0.0, 10.0).add(10.0, 20.0).add(5.0, 12.0).add(15.0, 25.0)
    assert spans.items == ((0.0, 25.0),)
    assert spans.seconds_between(0.0, 100.0) == 25.0


@pytest.mark.parametrize(
    ("from_t", "to_t", "seconds"),
    [(0, 10, 5), (0, 5, 5), (5, 10, 0), (4, 21, 2), (20, 30, 10), (7, 7, 0), (30, 20, 0), (-5, 100, 15)],
)
def test_spans_are_exact_at_their_edges(from_t: float, to_t: float, seconds: float) -> None:
    spans = Spans(100.0).add(0.0, 5.0).add(20.0, 30.0)
    assert spans.seconds_between(from_t, to_t) == seconds


def test_spans_reach_back_as_far_as_they_must() -> None:
    spans = Spans(50.0)
    for t in range(0, 10_000, 2):
        spans = spans.add(t, t + 1)
    assert spans.seconds_between(9_999 - 50, 9_999) == 25
    assert len(spans.items) <= 26


def test_a_rate_reaches_back_over_its_span_and_one_point_further() -> None:
    points = Points(every_s=5.0, span_s=60.0)
    for t in range(0, 200):
        points = points.add(float(t), t * 2.0)
    assert points.rate() == 2.0
    assert points.items[0][0] <= 199 - 60
    assert len(points.items) <= 60 / 5 + 3
    sparse = Points(5.0, 60.0).add(0.0, 0.0).add(300.0, 600.0)
    assert sparse.rate() == 2.0


def test_a_rate_of_one_point_or_of_too_short_a_time_is_none() -> None:
    assert Points(5.0, 60.0).rate() is None
    assert Points(5.0, 60.0).add(0.0, 1.0).rate() is None
    assert Points(5.0, 60.0).add(0.0, 1.0).add(0.0, 2.0).rate() is None
    assert Points(5.0, 60.0).add(0.0, 1.0).add(30.0, 2.0).rate(min_span_s=60.0) is None


def test_the_declared_rhythm_counts_until_the_source_is_seen_to_be_slower() -> None:
    spacing = Spacing(1.0)
    assert spacing.nominal_s == 1.0
    for _ in range(4):
        spacing = spacing.add(2.5)
    assert spacing.nominal_s == 1.0
    assert spacing.add(2.5).nominal_s == 2.5
    for _ in range(20):
        spacing = spacing.add(0.2)
    assert spacing.nominal_s == 1.0


def test_the_rhythm_cannot_creep_away_from_what_was_declared() -> None:
    spacing = Spacing(1.0)
    for seen in (2.9, 8.0, 24.0, 70.0):
        for _ in range(20):
            spacing = spacing.add(seen)
    assert spacing.nominal_s == 3.0


def test_without_a_declared_rhythm_the_median_spacing_counts() -> None:
    assert Spacing(None).nominal_s == 1.0
    assert Spacing(None).add(300.0).nominal_s == 300.0
    assert Spacing(None).add(300.0).add(0.0).nominal_s == 300.0


@pytest.mark.parametrize(
    ("times", "kept"),
    [
        ([0, 1, 2], [0, 2]),  # the newest is replaced until it is 15 s after the one before
        ([0, 15, 16, 29, 30], [0, 15, 30]),
        ([0, 15, 30, 315, 316], [15, 30, 315, 316]),  # one at or before the start of the window stays
        ([0, 15, 30, 900], [30, 900]),
        ([0, 5, 900], [0, 900]),  # 5 s is replaced, and 0 s is the only one before the window
    ],
)
def test_points_keep_their_distance_and_reach_back_over_the_window(times: list[float], kept: list[float]) -> None:
    points = Points(15.0, 300.0)
    for t in times:
        points = points.add(t, 2.0 * t)
    assert points.items == tuple((t, 2.0 * t) for t in kept)
