"""Draws the memory gauge: used memory grows towards the tick of the floor, so the distance left is visible.

Does not: show percent or gradients.
"""

from __future__ import annotations

from metabonk_tui.core.model.level_names import MemoryLevel
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, mark


def level_mark(memory: MemoryView, glyphs: Glyphs) -> Span:
    """Draw the glyph of the memory level."""
    return mark(glyphs.level(memory.level), level_token(memory.level))


def gauge(total: float, available: float, floor: float, cells: int, level: MemoryLevel, glyphs: Glyphs) -> Row:
    """Draw `cells` cells: used, half a cell, free, and the tick of the floor at its exact place."""
    if cells < 2 or total <= 0:
        return ()
    token = level_token(level)
    filled = min(max((total - available) / total, 0.0), 1.0) * cells
    tick = min(max(int((total - floor) / total * cells), 0), cells - 1)
    whole = int(filled)
    line = ""
    for cell in range(cells):
        if cell < whole:
            line += glyphs.used
        elif cell == whole and filled - whole >= 0.5:
            line += glyphs.half
        else:
            line += glyphs.free
    used = whole + (filled - whole >= 0.5)
    row: list[Span] = []
    for start, end in ((0, tick), (tick + 1, cells)):
        if start == tick + 1:
            row.append(mark(glyphs.floor, "crit" if level == "crit" else "strong"))
        split = min(max(used, start), end)
        row += [mark(line[start:split], token), mark(line[split:end], "track")]
    return tuple(span for span in row if span.text)


def bar(share: float, cells: int, glyphs: Glyphs, token: str = "spark", rest: str = "") -> Row:
    """Draw a neutral bar of `share` (0 to 1) of `cells`; the remainder is blank, or a light line in token `rest`."""
    filled = min(max(share, 0.0), 1.0) * cells
    whole = int(filled)
    half = glyphs.half if filled - whole >= 0.5 else ""
    left = cells - whole - len(half)
    return (
        mark(glyphs.used * whole + half, token),
        mark(glyphs.free * left, rest) if rest else Span(" " * left),
    )
