"""Formats names and counts: "a, b and 3 more", "1 worker", "w0 w1 w2", "w0-w7"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NAMED_WORKERS = 8


def cut_list(items: Sequence[str], most: int = 2) -> str:
    """Join the first `most` items and count the others: "a, b and 3 more"."""
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest} more" if rest > 0 else "")


def plural(count: int, noun: str) -> str:
    """Return the noun in the form for this count: "worker" for 1, else "workers"."""
    return noun if count == 1 else f"{noun}s"


def count_of(count: int, noun: str) -> str:
    """Format a count with its noun: "1 worker", "2 workers"."""
    return f"{count} {plural(count, noun)}"


def worker_name(slot: int) -> str:
    """Format a slot as the name of its worker: "w3"."""
    return f"w{slot}"


def worker_names(slots: Sequence[int], most: int | None = NAMED_WORKERS) -> str:
    """Name the first `most` workers, "w0 w1 w2 ..."; None names all."""
    named = " ".join(map(worker_name, slots[:most]))
    return named if most is None or len(slots) <= most else f"{named} ..."


def worker_ranges(slots: Iterable[int]) -> str:
    """Name workers in ascending order; three or more neighbours become a range: "w0-w7 w9 w10"."""
    groups: list[list[int]] = []
    for slot in sorted(slots):
        if groups and slot == groups[-1][-1] + 1:
            groups[-1].append(slot)
        else:
            groups.append([slot])
    return " ".join(
        f"{worker_name(group[0])}-{worker_name(group[-1])}" if len(group) > 2 else worker_names(group, None)
        for group in groups
    )
