"""Computes medians, ratios and judgements from the readings of rounds. Does not: measure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from statistics import median

from msgspec import Struct


class Spread(Struct, frozen=True):
    """The median of the rounds, and the smallest and the largest value beside it."""

    median: float
    low: float
    high: float
    rounds: int


class Judgement(StrEnum):
    MET = "MET"
    MISSED = "MISSED"
    SKIPPED = "SKIPPED"


class Limit(Struct, frozen=True):
    """What a value must not exceed, or not fall below."""

    value: float
    is_least: bool = False


def spread(values: Sequence[float | None]) -> Spread | None:
    """Summarize the rounds that gave a value; None: no round did."""
    seen = [value for value in values if value is not None]
    return Spread(median(seen), min(seen), max(seen), len(seen)) if seen else None


def ratios(ours: Sequence[float | None], theirs: Sequence[float | None]) -> list[float | None]:
    """Divide round by round, so that a change of the machine between two rounds cancels out."""
    return [mine / other if mine is not None and other else None for mine, other in zip(ours, theirs, strict=False)]


def judge(measured: Spread | None, limit: Limit) -> Judgement:
    """Judge the median; without a value nothing is met and nothing is missed."""
    if measured is None:
        return Judgement.SKIPPED
    met = measured.median >= limit.value if limit.is_least else measured.median <= limit.value
    return Judgement.MET if met else Judgement.MISSED


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least this share of the values does not exceed; None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    # Exact for whole numbers: 0.95 * 20 is 19.0 and must not become the 20th value.
    place = -(-round(share * len(ordered) * 1e6) // 1_000_000)
    return ordered[max(0, place - 1)]
