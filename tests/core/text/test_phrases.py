"""Names and counts in words."""

from __future__ import annotations

import pytest

from metabonk_tui.core.text.phrases import count_of, cut_list, plural, worker_name, worker_names, worker_ranges


@pytest.mark.parametrize(
    ("items", "most", "expected"),
    [
        ([], 2, ""),
        (["a"], 2, "a"),
        (["a", "b"], 2, "a, b"),
        (["a", "b", "c"], 2, "a, b and 1 more"),
        (["a", "b", "c", "d"], 1, "a and 3 more"),
    ],
)
def test_a_list_is_cut_after_so_many(items: list[str], most: int, expected: str) -> None:
    assert cut_list(items, most) == expected


@pytest.mark.parametrize(("count", "expected"), [(0, "0 workers"), (1, "1 worker"), (2, "2 workers")])
def test_a_count_has_the_plural_of_its_noun(count: int, expected: str) -> None:
    assert count_of(count, "worker") == expected
    assert f"{count} {plural(count, 'worker')}" == expected


@pytest.mark.parametrize(
    ("slots", "most", "expected"),
    [
        ([], 8, ""),
        ([3], 8, "w3"),
        ([0, 1, 2], 2, "w0 w1 ..."),
        ([0, 1], 2, "w0 w1"),
        ([5, 1, 2], None, "w5 w1 w2"),
        (list(range(9)), 8, "w0 w1 w2 w3 w4 w5 w6 w7 ..."),
    ],
)
def test_workers_are_named_up_to_a_number(slots: list[int], most: int | None, expected: str) -> None:
    assert worker_names(slots, most) == expected


@pytest.mark.parametrize(
    ("slots", "expected"),
    [
        ([], ""),
        ([4], "w4"),
        ([0, 1], "w0 w1"),
        ([0, 1, 2], "w0-w2"),
        ([9, 2, 0, 1, 7, 8], "w0-w2 w7-w9"),
        ([0, 1, 2, 5, 9, 10], "w0-w2 w5 w9 w10"),
    ],
)
def test_neighbours_are_written_as_a_range(slots: list[int], expected: str) -> None:
    assert worker_ranges(slots) == expected


def test_a_worker_is_named_by_its_slot() -> None:
    assert worker_name(12) == "w12"
