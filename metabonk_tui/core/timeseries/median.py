"""Computes the median. Importing `statistics` for it would take 1 ms at every start.

Does not: know what the numbers measure.
"""

from __future__ import annotations

from collections.abc import Iterable


def median(numbers: Iterable[float]) -> float:
    """Return the middle number, or the mean of the two in the middle. Raises ValueError without numbers."""
    ordered = sorted(numbers)
    if not ordered:
        raise ValueError("no median of no numbers")
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
