"""What the table of a poll's cost says, and which of its numbers are failures."""

from __future__ import annotations

import pytest

from bench import poll_cost
from bench.poll_cost import Key


def test_the_table_has_medians_ranges_and_ratios_of_the_same_run() -> None:
    cpu_us: dict[Key, list[float]] = {(64, "ours"): [50.0, 60.0, 40.0], (64, "aiohttp"): [200.0], (5, "ours"): [139.0]}
    assert poll_cost.table(cpu_us, {(64, "ours"): [1.0]}).splitlines()[2:] == [
        "| 5 | ours | 139 (139-139) | - | - |",
        "| 64 | ours | 50 (40-60) | 0.25 | 1.00 |",
        "| 64 | aiohttp | 200 (200-200) | 1.00 | - |",
    ]


@pytest.mark.parametrize(
    ("workers", "ours_us", "share", "wrong"),
    [
        (64, 100.0, 1.0, 0),
        (64, 101.0, 1.0, 1),
        (5, 190.0, 1.0, 0),
        (1000, 50.0, 0.995, 0),
        (1000, 50.0, 0.99, 1),
        (2000, 50.0, 0.5, 0),
    ],
)
def test_a_dear_poll_and_polls_that_were_not_done_are_failures(
    workers: int, ours_us: float, share: float, wrong: int
) -> None:
    cpu_us = {(workers, "ours"): [ours_us], (workers, "aiohttp"): [200.0]}
    assert len(poll_cost.failures(cpu_us, {(workers, "ours"): [share]})) == wrong
