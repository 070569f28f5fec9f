"""Draws growth as a sparkline: one bar per bucket, a blank where nothing grew.

Does not: draw running totals, which would always be a ramp.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, mark

WINDOW_S = 1800.0
COUNTER_TOP = 3.0
"""The scale of a counter reaches at least to 3, so that a growth of 1 stays small."""


def per_cell(cells: int, bucket_s: float) -> int:
    """Return how many buckets one cell shows, so that the line covers about the last 30 min."""
    return max(1, round(WINDOW_S / max(bucket_s, 1e-9) / max(cells, 1)))


def shown_s(cells: int, bucket_s: float) -> float:
    """Return the seconds that a line of this many cells shows."""
    return cells * per_cell(cells, bucket_s) * bucket_s


def sparkline(trend: Sequence[float], cells: int, bucket_s: float, counter: bool, glyphs: Glyphs) -> Row:
    """Draw growth, oldest first, now at the right edge; the last cell has another colour.

    The highest bar is 7/8 of a cell, so that lines above each other never merge.
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
