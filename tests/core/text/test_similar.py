"""The known word that a mistyped one is most like."""

from __future__ import annotations

import pytest

from metabonk_tui.core.text.similar import most_similar


@pytest.mark.parametrize(
    ("word", "known", "found"),
    [
        ("chek", ["check", "report"], "check"),
        ("check", ["check", "checks"], "check"),
        ("zzz", ["check", "report"], None),
        ("check", [], None),
        ("", ["check"], None),
    ],
)
def test_the_most_similar_word_or_none(word: str, known: list[str], found: str | None) -> None:
    assert most_similar(word, known) == found


def test_the_cutoff_is_a_ratio() -> None:
    assert most_similar("abcd", ["abxy"], 0.5) == "abxy"
    assert most_similar("abcd", ["abxy"], 0.51) is None
