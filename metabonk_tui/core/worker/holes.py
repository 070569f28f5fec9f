"""Keeps the times in which a worker was not seen, so that their growth never counts as that of a shorter time."""

from __future__ import annotations

from collections.abc import Sequence

Hole = tuple[float, float]
"""(last answer before, first answer after)"""
LEAST_S = 60.0
"""A shorter time between two answers is an answer that came late."""
MOST_INTERVALS = 1.5
"""A time between answers of up to this many sampling intervals is the rhythm of the source."""
KEPT = 4


def with_hole(holes: tuple[Hole, ...], last_t: float | None, t: float, nominal_s: float) -> tuple[Hole, ...]:
    """Return the holes with the one that an answer at `t` ends; the same object when it ends none."""
    if last_t is None or t - last_t <= max(LEAST_S, MOST_INTERVALS * nominal_s):
        return holes
    return (*holes, (last_t, t))[-KEPT:]


def is_cut(holes: Sequence[Hole], from_t: float, slack_s: float) -> bool:
    """Return whether a window from `from_t` on has growth of before it: a hole began earlier and ended in it."""
    return any([begin_t < from_t - slack_s and end_t >= from_t for begin_t, end_t in holes])
