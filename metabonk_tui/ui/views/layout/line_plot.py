"""Draws lines of dots over time: the axis with its labels, the canvas, the value between two points.

Uses Braille dots, or one ASCII character per cell. Does not: know what is measured.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct

from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, gap, mark

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of a braille cell by column and row."""
CENTRE = 1.5
"""Dot row of a cell's middle, which a label points at."""
STEPS = (0.1, 0.2, 0.5, 1, 2, 4, 5, 10, 20, 40, 50, 100, 200, 400, 500, 1000, 2000, 5000)
"""Steps of an axis from 0 of gigabytes."""
MOST_PARTS = 6
PlotPoints = Sequence[tuple[float, float]]


class ChartAxis(Struct, frozen=True):
    """The vertical axis: `parts` equal steps over `rows` rows, `bottom` at the lowest row."""

    rows: int
    parts: int
    step: float
    bottom: float = 0.0

    @property
    def top(self) -> float:
        """The value at the middle of row 0."""
        return self.bottom + self.parts * self.step

    def dot(self, value: float) -> int:
        """Return the dot row of a value, counted from the top; a value beyond the axis is at its end."""
        share = min(max((value - self.bottom) / (self.top - self.bottom), 0.0), 1.0)
        return round((1 - share) * 4 * (self.rows - 1) + CENTRE)

    def value(self, row: int) -> float | None:
        """Return the value that a row's label names; None where it has none."""
        every = (self.rows - 1) // self.parts
        return None if row % every else self.bottom + (self.parts - row // every) * self.step

    def label(self, row: int, most: int = 9) -> str:
        """Return the label of a row; "" where it has none. All have the same decimals if `most` cells hold them."""
        value = self.value(row)
        if value is None:
            return ""
        shown = [f"{self.bottom + part * self.step:g}" for part in range(self.parts + 1)]
        if any(not text.replace(".", "").isdecimal() for text in shown):
            return f"{value:g}"
        decimals = max([len(text.partition(".")[2]) for text in shown])
        longest = f"{self.bottom + self.parts * self.step:.{decimals}f}"
        return f"{value:.{decimals}f}" if len(longest) <= most else f"{value:g}"


def axis(highest: float, rows: int, steps: Sequence[float] = STEPS) -> ChartAxis | None:
    """Choose the axis from 0: labels exactly on rows, the highest value inside, little waste. None below 2 rows."""
    best: tuple[float, ChartAxis] | None = None
    for used in range(rows, max(1, rows - 3), -1):
        for parts in range(1, MOST_PARTS + 1):
            if used < 2 or (used - 1) % parts or (used - 1) // parts < min(2, used - 1):
                continue
            step = next((step for step in steps if step * parts >= highest), highest / parts or 1)
            waste = 1 - highest / (step * parts) + 0.08 * (rows - used) + (0.6 if parts < 2 else 0.0)
            if best is None or waste < best[0] - 1e-9:
                best = (waste, ChartAxis(used, parts, step))
    return best[1] if best else None


def axis_from_zero(highest: float, rows: int) -> ChartAxis | None:
    """Choose an axis from 0 for any unit; steps are 1, 2 or 5 times a power of ten."""
    return axis(highest, rows, [m * unit for unit in _units(highest) for m in (1, 2, 5)]) if highest > 0 else None


def axis_of_data(lowest: float, highest: float, rows: int, least_step: float) -> ChartAxis | None:
    """Choose an axis that holds the data only: steps 1, 2 or 5 times a power of ten, at least 3 labels.

    None where the rows are too few, or where it would reach below 0.
    """
    best: tuple[float, ChartAxis] | None = None
    for step in (m * unit for unit in _units(max(highest - lowest, least_step)) for m in (1, 2, 5)):
        bottom = math.floor(lowest / step + 1e-9) * step
        least = max(2, math.ceil((highest - bottom) / step - 1e-9))
        if step < least_step * 0.999 or bottom < 0 or least > MOST_PARTS:
            continue
        for parts in range(least, MOST_PARTS + 1):
            for used in range(rows, max(1, rows - 3), -1):
                if (used - 1) % parts == 0 and used - 1 >= parts:
                    # A step too many shows the change smaller; an unused row leaves it less room.
                    waste = 1 - (highest - lowest) / (parts * step) + 0.1 * (rows - used)
                    if best is None or waste < best[0] - 1e-9:
                        best = (waste, ChartAxis(used, parts, step, bottom))
    return best[1] if best else None


def _units(size: float) -> list[float]:
    """Return powers of ten around a size, ascending."""
    first = math.floor(math.log10(size)) - 1 if size > 0 and math.isfinite(size) else 0
    return [10.0**power for power in range(first, first + 4)]


class DotCanvas:
    """Dots in cells; each cell keeps the token of the first dot drawn in it."""

    def __init__(self, wide: int, rows: int, glyphs: Glyphs) -> None:
        self.wide, self.rows, self.glyphs = wide, rows, glyphs
        self.bits = [[0] * wide for _ in range(rows)]
        self.tokens = [[""] * wide for _ in range(rows)]
        self.plain = [[" "] * wide for _ in range(rows)]
        self.verticals: frozenset[int] = frozenset()
        """Cells of vertical lines, behind the dots."""

    def dot(self, x: int, y: int, token: str, plain: str) -> None:
        cell, row = x // 2, y // 4
        if 0 <= cell < self.wide and 0 <= row < self.rows and x >= 0 and y >= 0:
            self.bits[row][cell] |= _DOTS[x % 2][y % 4]
            tokens = self.tokens[row]
            if not tokens[cell]:
                tokens[cell] = token
            if self.plain[row][cell] == " ":
                self.plain[row][cell] = plain

    def row(self, y: int, now_cell: int, floor: tuple[int, int, Span] | None) -> Row:
        tokens = self.tokens[y]
        if not any(tokens) and not (floor and floor[0] == y) and 0 < now_cell < self.wide - 1 and not self.verticals:
            return (gap(now_cell), mark(self.glyphs.vertical, "line"), gap(self.wide - now_cell - 1))
        texts = [chr(0x2800 + bits) for bits in self.bits[y]] if self.glyphs.braille else self.plain[y]
        spans: list[Span] = []
        x = 0
        while x < self.wide:
            if floor and floor[0] == y and x == floor[1]:
                spans.append(floor[2])
                x += len(floor[2].text)
                continue
            token, start = tokens[x], x
            if not token and (x == now_cell or x in self.verticals):
                spans.append(mark(self.glyphs.vertical, "line"))
                x += 1
                continue
            # A run of cells in one style is one span.
            x += 1
            while x < self.wide and tokens[x] == token and not (floor and floor[0] == y and x == floor[1]):
                if not token and (x == now_cell or x in self.verticals):
                    break
                x += 1
            spans.append(mark("".join(texts[start:x]), token) if token else gap(x - start))
        return tuple(spans)


def merged(spans: Sequence[Span]) -> Row:
    """Join neighbouring spans of the same style."""
    row: list[Span] = []
    for span in spans:
        if row and row[-1][1:] == span[1:]:
            row[-1] = row[-1]._replace(text=row[-1].text + span.text)
        else:
            row.append(span)
    return tuple(row)


def value_at(points: PlotPoints, times: Sequence[float], t: float, gap_s: float) -> float | None:
    """Interpolate the value at a time; None across a gap and before the first point. `times` are those of `points`."""
    last_t, last = points[-1]
    if t > last_t or len(points) == 1:
        return last if last_t <= t <= last_t + gap_s else None
    if t < times[0]:
        return None
    place = max(1, bisect_left(times, t))
    (t0, v0), (t1, v1) = points[place - 1], points[place]
    return v0 + (v1 - v0) * (t - t0) / (t1 - t0) if 0 < t1 - t0 <= gap_s else None


def draw_dots(
    canvas: DotCanvas, points: PlotPoints, scale: ChartAxis, from_t: float, to_t: float, last_x: int, gap_s: float
) -> None:
    """Draw points as a muted row of single dots, every second one: what another run had at the same minute."""
    if not points:
        return
    times = [t for t, _ in points]
    for x in range(0, last_x + 1, 2):
        value = value_at(points, times, from_t + (to_t - from_t) * x / last_x, gap_s)
        if value is not None and scale.bottom <= value <= scale.top:
            canvas.dot(x, scale.dot(value), "muted", canvas.glyphs.forecast)


def draw_curve(
    canvas: DotCanvas,
    points: PlotPoints,
    scale: ChartAxis,
    from_t: float,
    to_t: float,
    last_x: int,
    *,
    gap_s: float,
    thick: int = 1,
) -> None:
    """Draw points from dot 0 to `last_x`, `thick` dots high; more than `gap_s` without a point stays empty."""
    times = [t for t, _ in points]
    before: int | None = None
    for x in range(last_x + 1):
        value = value_at(points, times, from_t + (to_t - from_t) * x / last_x, gap_s)
        if value is None:
            before = None
            continue
        y = scale.dot(value)
        first = y if before is None or before >= y else before + 1
        last = y if before is None or before <= y else before - 1
        for dot in range(first, last + thick):
            canvas.dot(x, dot, "text", canvas.glyphs.history)
        before = y
