"""Polls begin together where they are few, and in bursts where so many would hold up the screen."""

from __future__ import annotations

import pytest

from metabonk_tui.engine.schedule import BURST, BURST_EVERY_S, SPREAD_SHARE, bursts, spread_s


@pytest.mark.parametrize(
    ("workers", "within_s", "sizes"),
    [
        (0, 0.3, []),
        (1, 0.3, [1]),
        (BURST, 0.3, [BURST]),
        (BURST + 1, 0.3, [BURST, 1]),
        (256, 0.3, [64, 64, 64, 64]),
        (1000, 0.3, [67] * 14 + [62]),
        (1000, 1.5, [64] * 15 + [40]),
        # No time is left for more than one burst.
        (1000, 0.03, [1000]),
        (1000, 0.0, [1000]),
    ],
)
def test_the_polls_of_a_tick_begin_in_bursts(workers: int, within_s: float, sizes: list[int]) -> None:
    due = list(range(workers))
    found = bursts(due, within_s)
    assert [len(burst) for burst in found] == sizes
    assert [slot for burst in found for slot in burst] == due
    assert max(0, len(found) - 1) * BURST_EVERY_S <= within_s


@pytest.mark.parametrize(
    ("every_s", "left_s", "expected"),
    [
        (1.0, 0.8, SPREAD_SHARE),
        (5.0, 4.0, 5 * SPREAD_SHARE),
        # The search for workers took its time: half of what is left is for the answers.
        (1.0, 0.4, 0.2),
        (1.0, -0.1, 0.0),
    ],
)
def test_polls_leave_time_for_their_answers(every_s: float, left_s: float, expected: float) -> None:
    assert spread_s(every_s, left_s) == pytest.approx(expected)
