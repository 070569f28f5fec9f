"""Names and counts in words."""

from __future__ import annotations

import pytest

from metabonk_tui.core.text.phrases import count_of, cut_list, plural


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
