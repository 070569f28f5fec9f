"""The difference between two clocks is held, so that no process seems to be another one."""

from __future__ import annotations

from metabonk_tui.adapters.agent.skew import ClockSkew


def test_clocks_within_two_seconds_are_one() -> None:
    skew = ClockSkew()
    assert {skew.observe(by) for by in (0.4, -1.9, 1.99, 0.0)} == {0.0}
    assert skew.text == ""


def test_a_difference_of_minutes_is_whole_seconds_and_stays() -> None:
    skew = ClockSkew()
    assert {skew.observe(by) for by in (300.4, 299.2, 301.9, 300.6)} == {300.0}
    assert skew.text == "clock 5m behind"


def test_a_clock_that_is_set_is_measured_anew() -> None:
    skew = ClockSkew()
    skew.observe(-90.3)
    assert skew.text == "clock 1m30s ahead"
    assert skew.observe(0.2) == 0.0
    assert skew.text == ""


def test_a_new_connection_measures_anew() -> None:
    skew = ClockSkew()
    skew.observe(10.4)
    skew.forget()
    assert skew.observe(11.6) == 12.0
