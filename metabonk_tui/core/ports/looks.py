"""When to look whether what was asked has ended, where waking up at each end would cost more. Does not: wait.

A thread that sleeps takes 0.15 ms of CPU to wake up and find its caches again. What a tick asks ends within some ms,
at ten different times: one look finds most of it.
"""

from __future__ import annotations

import math

GRID_S = 0.005
"""Looks fall on a grid of the loop's clock, so that all that waits is looked at in one wake-up."""
WAITS_S = (0.0025, 0.005, 0.01, 0.02, 0.04)
"""The least seconds between asking and the first look, and between two looks; after the last one, an end wakes."""


def look_at_s(now_s: float, looks: int) -> float | None:
    """Return when to look next, after this many looks; None: there were enough."""
    if looks >= len(WAITS_S):
        return None
    return (math.floor((now_s + WAITS_S[looks]) / GRID_S) + 1) * GRID_S
