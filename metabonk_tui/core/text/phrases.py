"""Puts names and counts into words: "a, b and 3 more", "1 worker"."""

from __future__ import annotations

from collections.abc import Sequence


def cut_list(items: Sequence[str], most: int = 2) -> str:
    """Join the first `most` items and count the others: "a, b and 3 more"."""
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest} more" if rest > 0 else "")


def plural(count: int, noun: str) -> str:
    """Return the noun in the form for this count: "worker" for 1, else "workers"; "process", "processes"."""
    return noun if count == 1 else f"{noun}es" if noun.endswith("ss") else f"{noun}s"


def count_of(count: int, noun: str) -> str:
    """Format a count with its noun: "1 worker", "2 workers"."""
    return f"{count} {plural(count, noun)}"
