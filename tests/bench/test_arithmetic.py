import pytest

from bench.arithmetic import Judgement, Limit, Spread, judge, percentile, ratios, spread


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0, 1.0, 2.0], Spread(2.0, 1.0, 3.0, 3)),
        ([1.0, 4.0], Spread(2.5, 1.0, 4.0, 2)),
        ([None, 5.0, None], Spread(5.0, 5.0, 5.0, 1)),
        ([0.0], Spread(0.0, 0.0, 0.0, 1)),
        ([None], None),
        ([], None),
    ],
)
def test_a_spread_is_of_the_rounds_that_gave_a_value(values: list[float | None], expected: Spread | None) -> None:
    assert spread(values) == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([1.0, 2.0], [2.0, 8.0], [0.5, 0.25]),
        ([1.0, None, 3.0], [2.0, 2.0, None], [0.5, None, None]),
        ([1.0], [0.0], [None]),
        ([1.0, 1.0], [2.0], [0.5]),
        ([], [1.0], []),
    ],
    ids=["pairs", "a round without a value", "nothing to divide by", "fewer rounds", "not measured"],
)
def test_ratios_are_of_one_round(
    ours: list[float | None], theirs: list[float | None], expected: list[float | None]
) -> None:
    assert ratios(ours, theirs) == expected


def test_a_machine_that_halves_its_speed_between_rounds_changes_no_ratio() -> None:
    assert spread(ratios([1.0, 2.0, 1.0], [4.0, 8.0, 4.0])) == Spread(0.25, 0.25, 0.25, 3)


@pytest.mark.parametrize(
    ("median", "limit", "expected"),
    [
        (0.30, Limit(0.30), Judgement.MET),
        (0.31, Limit(0.30), Judgement.MISSED),
        (9_999.0, Limit(10_000, is_least=True), Judgement.MISSED),
        (10_000.0, Limit(10_000, is_least=True), Judgement.MET),
        (None, Limit(1.0), Judgement.SKIPPED),
        (None, Limit(1.0, is_least=True), Judgement.SKIPPED),
    ],
)
def test_the_median_is_judged_and_nothing_else(median: float | None, limit: Limit, expected: Judgement) -> None:
    measured = None if median is None else Spread(median, median / 10, median * 10, 3)
    assert judge(measured, limit) is expected


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        (list(range(1, 21)), 0.95, 19),
        (list(range(1, 21)), 0.5, 10),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([7.0], 0.95, 7.0),
        ([1.0, 2.0], 1.0, 2.0),
        ([], 0.95, None),
    ],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, expected: float | None) -> None:
    assert percentile(values, share) == expected
