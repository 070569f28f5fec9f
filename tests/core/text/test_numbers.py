"""Numbers for people: the table of formats, and what must hold for every number."""

from __future__ import annotations

import math
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabonk_tui.core.text import numbers as fmt


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (34.9, "34s"),
        (60, "1m"),
        (130, "2m10s"),
        (599, "9m59s"),
        (720, "12m"),
        (3599, "59m"),
        (8400, "2h20m"),
        (7200, "2h"),
        (86400 * 3 + 4 * 3600, "3d4h"),
        (-5, "0s"),
    ],
)
def test_ages_have_one_or_two_units(seconds: float, text: str) -> None:
    assert fmt.age(seconds) == text


def test_a_rough_age_has_one_unit() -> None:
    assert [fmt.about(s) for s in (0, 59, 372, 8400, 90_000)] == ["0s", "59s", "6m", "2h", "1d"]


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(0.34, 2, "0.34"), (208, 0, "208"), (-0.001, 2, "0.00"), (13.9, 2, "13.90"), (math.nan, 2, "NaN")],
)
def test_numbers_keep_their_decimals(value: float, decimals: int, text: str) -> None:
    assert fmt.number(value, decimals) == text


@pytest.mark.parametrize(
    ("value", "decimals", "text"), [(9, 0, "+9"), (0.04, 2, "+0.04"), (0, 0, "+0"), (-0.2, 0, "+0"), (-53, 0, "-53")]
)
def test_changes_always_have_a_sign(value: float, decimals: int, text: str) -> None:
    assert fmt.signed(value, decimals) == text


def test_memory_is_written_in_gb_and_growth_in_mb_per_minute() -> None:
    assert fmt.gigabytes(4_210_000_000) == "4.2"
    assert fmt.gigabytes(1_020_000_000, 2) == "1.02"
    assert fmt.growth(2_100_000) == "+2 M/m"
    assert fmt.growth(-53_000_000) == "-53 M/m"


@pytest.mark.parametrize(
    ("seconds", "text"), [(3304, "00:55:04"), (0, "00:00:00"), (360_000, "100:00:00"), (-1, "00:00:00")]
)
def test_elapsed_is_hours_minutes_seconds(seconds: float, text: str) -> None:
    assert fmt.elapsed(seconds) == text


def test_estimates_carry_their_uncertainty() -> None:
    assert fmt.estimate(1140, 360) == "~19m ±6m"
    assert fmt.estimate(8400) == "~2h20m"
    assert fmt.estimate(90_000, 360) == "> 24h"
    assert fmt.estimate(1140, 360, "+-") == "~19m +-6m"


def test_the_clock_is_on_the_wall_of_the_zone_it_is_given() -> None:
    assert fmt.clock(1767309258) == "23:14:18"
    assert fmt.clock(1767309258, timezone(timedelta(hours=1))) == "00:14:18"
    assert fmt.clock(1767309258, UTC, with_seconds=False) == "23:14"
    assert fmt.clock(1e300) == "--:--:--"


@pytest.mark.parametrize(
    ("low", "high", "text", "tight"),
    [
        (5, 20, "5-20", "5-20"),
        (0.05, 0.5, "0.05-0.5", ".05-.5"),
        (1, None, "1 or more", "1+"),
        (None, 3, "at most 3", "<3"),
        (None, None, "", ""),
        (10, 100, "10-100", "10-100"),
    ],
)
def test_what_is_expected(low: float | None, high: float | None, text: str, tight: str) -> None:
    assert fmt.expected_range(low, high) == text
    assert fmt.expected_range(low, high, tight=True) == tight


@pytest.mark.parametrize(
    ("value", "decimals", "cells", "text"),
    [
        (113, 0, 5, "113"),
        (1234.56, 2, 5, "1235"),
        (12.34, 2, 5, "12.34"),
        (123_456, 0, 5, "123k"),
        (1_234_567, 0, 5, "1.2M"),
    ],
)
def test_a_number_that_is_too_long_loses_decimals_before_it_loses_digits(
    value: float, decimals: int, cells: int, text: str
) -> None:
    assert fmt.short(value, decimals, cells) == text


@given(st.floats(min_value=-1e17, max_value=1e17), st.integers(0, 6))
def test_a_short_number_fits(value: float, decimals: int) -> None:
    assert len(fmt.short(value, decimals, 6)) <= 6


@given(st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 6))
def test_every_number_can_be_written_and_none_is_minus_zero(value: float, decimals: int) -> None:
    text = fmt.number(value, decimals)
    assert text.strip("-0.") or not text.startswith("-")
    assert fmt.signed(value, decimals)[0] in "+-"


@given(st.floats(min_value=0, max_value=1e9))
def test_an_age_is_never_longer_than_two_units(seconds: float) -> None:
    assert sum(c.isalpha() for c in fmt.age(seconds)) <= 2
