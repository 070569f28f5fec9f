"""A trend of growth: one bar per bucket, a gap where nothing grew. Never the running total, which is always a ramp.

Refuses to know what grows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, mark

WINDOW_S = 1800.0
COUNTER_TOP = 3.0
"""A counter's scale reaches to 3 at least: one step stays small."""


def per_cell(cells: int, bucket_s: float) -> int:
    """Say how many buckets one cell takes, so that the line shows about the last half hour."""
    return max(1, round(WINDOW_S / max(bucket_s, 1e-9) / max(cells, 1)))


def shown_s(cells: int, bucket_s: float) -> float:
    """Say how much time a line of so many cells shows."""
    return cells * per_cell(cells, bucket_s) * bucket_s


def sparkline(trend: Sequence[float], cells: int, bucket_s: float, counter: bool, glyphs: Glyphs) -> Row:
    """Draw growth, oldest first, now at the right edge; the last cell is lifted.

    The top is one eighth below the full cell, so that lines under each other never fuse.
    """
    if cells < 1:
        return ()
    many = per_cell(cells, bucket_s)
    recent = list(trend[-cells * many :])
    groups = [sum(recent[max(0, end - many) : end]) for end in range(len(recent), 0, -many)]
    groups.reverse()
    top = max([*groups, COUNTER_TOP if counter else 0.0])
    steps = glyphs.sparks[:7]
    line = ""
    for grown in groups:
        if grown <= 0 or top <= 0 or not math.isfinite(grown):
            line += " "
        else:
            line += steps[min(len(steps), max(1, math.ceil(grown / top * len(steps)))) - 1]
    line = line.rjust(cells)
    return (mark(line[:-1], "spark"), mark(line[-1:], "muted"))
