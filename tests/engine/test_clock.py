"""The run's clock and the rhythm of ticks."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.schedule import TickSchedule, interval_s
from tests.support.readers import configured


class Times:
    """Real time and elapsed time, as the test says."""

    def __init__(self) -> None:
        self.real = 1_700_000_000.0
        self.elapsed = 50.0

    def clock(self, speed: float = 1.0) -> RunClock:
        return RunClock(speed, lambda: self.real, lambda: self.elapsed)


@pytest.mark.parametrize("speed", [1.0, 60.0, 0.5])
def test_it_starts_at_real_time_and_goes_at_its_speed(speed: float) -> None:
    times = Times()
    clock = times.clock(speed)
    assert clock.now() == times.real
    times.elapsed += 10
    assert clock.now() == pytest.approx(1_700_000_000 + 10 * speed)
    assert clock.at(1_700_000_010.0) == pytest.approx(1_700_000_000 + 10 * speed)
    assert clock.at(1_700_000_000.0 - 4) == pytest.approx(1_700_000_000 - 4 * speed)


def test_a_step_of_the_wall_clock_does_not_move_it() -> None:
    times = Times()
    clock = times.clock()
    times.elapsed += 1
    before = clock.now()
    times.real -= 3600
    times.elapsed += 1
    assert clock.now() == before + 1


def test_the_real_one_goes_forward() -> None:
    clock = RunClock()
    assert abs(clock.now() - time.time()) < 5
    readings = [clock.now() for _ in range(1000)]
    assert readings == sorted(readings)


@given(st.floats(1, 10_000), st.floats(-1e6, 1e6))
def test_there_and_back_is_the_same_time(speed: float, ago_s: float) -> None:
    clock = Times().clock(speed)
    real_t = 1_700_000_000.0 + ago_s
    assert clock.real(clock.at(real_t)) == pytest.approx(real_t, abs=1e-4)


@pytest.mark.parametrize(
    ("configured_s", "workers", "speed", "expected_s"),
    [
        (0.0, 1, 1.0, 1.0),
        (0.0, 5, 1.0, 1.0),
        (0.0, 6, 1.0, 2.0),
        (0.0, 16, 1.0, 2.0),
        (0.0, 17, 1.0, 5.0),
        (3.0, 64, 1.0, 3.0),
        (0.0, 3, 0.5, 1.0),
        (0.0, 3, 1.5, 1 / 1.5),
        (0.0, 3, 60.0, 0.5),
        (0.0, 20, 60.0, 0.5),
        (0.1, 3, 60.0, 0.1),
    ],
)
def test_how_often_to_look(configured_s: float, workers: int, speed: float, expected_s: float) -> None:
    config = configured(interval_s=configured_s)
    assert interval_s(config, workers, speed) == pytest.approx(expected_s)


class TestGrid:
    def test_lateness_never_moves_it(self) -> None:
        grid = TickSchedule(100.0)
        assert grid.begin(100.0, 1.0) == 0.0
        assert grid.wait_s(100.25) == 0.75
        assert grid.begin(101.25, 1.0) == 0.25
        assert grid.wait_s(101.5) == 0.5

    def test_what_was_missed_is_not_made_up_for(self) -> None:
        grid = TickSchedule(100.0)
        grid.begin(100.0, 1.0)
        assert grid.begin(107.5, 1.0) == 6.5
        assert grid.wait_s(107.5) == 0.5
        assert grid.begin(108.0, 1.0) == 0.0

    def test_who_is_late_does_not_wait(self) -> None:
        grid = TickSchedule(100.0)
        grid.begin(100.0, 1.0)
        assert grid.wait_s(101.5) == 0.0

    def test_a_tick_that_was_asked_for_is_followed_by_one_an_interval_later(self) -> None:
        grid = TickSchedule(100.0)
        grid.begin(100.0, 1.0)
        assert grid.begin(100.9, 1.0) == 0.0
        assert grid.wait_s(100.9) == 1.0

    def test_the_operators_interval_counts_from_the_next_tick_and_is_known_at_the_one_after(self) -> None:
        grid = TickSchedule(100.0)
        waited = []
        for now_s, chosen_s in ((100.0, 0.0), (100.5, 10.0), (110.5, 10.0), (112.0, 1.0), (113.0, 0.0), (114.0, 0.0)):
            grid.begin(now_s, 1.0, chosen_s)
            waited.append((grid.waited_s, grid.wait_s(now_s)))
        assert waited == [(None, 1.0), (None, 10.0), (10.0, 10.0), (10.0, 1.0), (1.0, 1.0), (None, 1.0)]

    def test_an_armed_memory_watch_is_not_slowed(self) -> None:
        grid = TickSchedule(100.0)
        grid.begin(100.0, 1.0, 10.0, is_watched=True)
        assert grid.wait_s(100.0) == 1.0
        grid.begin(101.0, 5.0, 1.0, is_watched=True)
        assert grid.wait_s(101.0) == 1.0

    @given(st.lists(st.tuples(st.floats(0, 30), st.floats(0.05, 5)), max_size=50))
    def test_the_next_tick_is_ahead_and_at_most_an_interval_away(self, ticks: list[tuple[float, float]]) -> None:
        now_s = 1000.0
        grid = TickSchedule(now_s)
        for passed_s, every_s in ticks:
            now_s += passed_s
            assert grid.begin(now_s, every_s) >= 0
            assert 0 <= grid.wait_s(now_s) <= every_s + 1e-9
