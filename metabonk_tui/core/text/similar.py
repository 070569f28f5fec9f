"""Finds the known word that a mistyped one is most like."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache


def most_similar(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the word of `known` that is most like `word`; None where none reaches `cutoff`, a ratio of 0 to 1."""
    return _most_similar(word, tuple(known), cutoff)


@lru_cache(maxsize=64)
def _most_similar(word: str, known: tuple[str, ...], cutoff: float) -> str | None:
    # Cached: while a key is missing, each step asks the same again for each worker, in 0.2 ms.
    import difflib  # imported late: 0.3 MB that only a mistake needs

    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=cutoff)), None)
