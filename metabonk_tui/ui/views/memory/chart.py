"""Draws available memory over time: history, floor, forecast, with labels exactly on their rows.

Uses Braille dots, or one ASCII character per cell. Nothing is clipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import pairwise

from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, gap, mark, right
from metabonk_tui.ui.views.layout.section import muted

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of a braille cell by column and row."""
HISTORY_S = 1800.0
"""Seconds of history shown. Fixed, so that the time axis never rescales on screen."""
CENTRE = 1.5
"""Dot row of a cell's middle, which a label points at."""
STEPS = (0.1, 0.2, 0.5, 1, 2, 4, 5, 10, 20, 40, 50, 100, 200, 400, 500, 1000, 2000, 5000)


@dataclass(frozen=True, slots=True)
class ChartAxis:
    """The vertical axis in GB: `parts` equal steps over `rows` rows, zero at the bottom."""

    rows: int
    parts: int
    step: float

    @property
    def top(self) -> float:
        """The value at the middle of row 0."""
        return self.parts * self.step

    def dot(self, value: float) -> int:
        """Return the dot row of a value, counted from the top."""
        share = min(max(value / self.top, 0.0), 1.0)
        return round((1 - share) * 4 * (self.rows - 1) + CENTRE)

    def label(self, row: int) -> str:
        """Return the label of a row; "" where it has none."""
        every = (self.rows - 1) // self.parts
        if row % every:
            return ""
        value = (self.parts - row // every) * self.step
        return f"{value:g}"


def axis(highest: float, rows: int) -> ChartAxis | None:
    """Choose the axis: labels exactly on rows, the highest value inside, little waste. None below 2 rows."""
    best: tuple[float, ChartAxis] | None = None
    for used in range(rows, max(1, rows - 3), -1):
        for parts in range(1, 7):
            if used < 2 or (used - 1) % parts or (used - 1) // parts < min(2, used - 1):
                continue
            step = next((step for step in STEPS if step * parts >= highest), highest / parts or 1)
            waste = 1 - highest / (step * parts) + 0.08 * (rows - used) + (0.6 if parts < 2 else 0.0)
            if best is None or waste < best[0] - 1e-9:
                best = (waste, ChartAxis(used, parts, step))
    return best[1] if best else None


class _DotCanvas:
    """Dots in cells; each cell keeps the token of the first dot drawn in it."""

    def __init__(self, wide: int, rows: int, glyphs: Glyphs) -> None:
        self.wide, self.rows, self.glyphs = wide, rows, glyphs
        self.bits = [[0] * wide for _ in range(rows)]
        self.tokens = [[""] * wide for _ in range(rows)]
        self.plain = [[" "] * wide for _ in range(rows)]

    def dot(self, x: int, y: int, token: str, plain: str) -> None:
        cell, row = x // 2, y // 4
        if 0 <= cell < self.wide and 0 <= row < self.rows and x >= 0 and y >= 0:
            self.bits[row][cell] |= _DOTS[x % 2][y % 4]
            self.tokens[row][cell] = self.tokens[row][cell] or token
            if self.plain[row][cell] == " ":
                self.plain[row][cell] = plain

    def row(self, y: int, now_cell: int, floor: tuple[int, int, Span] | None) -> Row:
        spans: list[Span] = []
        x = 0
        while x < self.wide:
            if floor and floor[0] == y and x == floor[1]:
                spans.append(floor[2])
                x += len(floor[2].text)
                continue
            token = self.tokens[y][x]
            if token:
                text = chr(0x2800 + self.bits[y][x]) if self.glyphs.braille else self.plain[y][x]
                spans.append(mark(text, token))
            elif x == now_cell:
                spans.append(mark(self.glyphs.vertical, "line"))
            else:
                spans.append(gap(1))
            x += 1
        return merged(spans)


def merged(spans: Sequence[Span]) -> Row:
    """Join neighbouring spans of the same style."""
    row: list[Span] = []
    for span in spans:
        if row and row[-1][1:] == span[1:]:
            row[-1] = row[-1]._replace(text=row[-1].text + span.text)
        else:
            row.append(span)
    return tuple(row)


def chart(snapshot: Snapshot, wide: int, high: int, glyphs: Glyphs, zone: tzinfo) -> list[Row]:
    """Draw `high` rows: the plot and the time axis; a sentence without data or room."""
    memory = snapshot.memory
    points = [(t, size / fmt.GB) for t, size in memory.history]
    if not points:
        return [(Span("not observed", "unknown"),)]
    past_s = HISTORY_S
    floor = memory.floor_bytes / fmt.GB
    scale = axis(max([size for _, size in points] + [floor * 1.5]), high - 1)
    if scale is None or wide < 24:
        return [(muted("no room for the chart"),)] if high else []
    label_cells = max(2, *(len(scale.label(row)) for row in range(scale.rows)))
    plot = wide - label_cells - 1
    floor_label = f"floor {fmt.gigabytes(memory.floor_bytes)}"
    future_s = past_s if memory.forecast and memory.forecast.reaches_zero_t else 0.0
    after = plot // 2 if future_s else len(floor_label) + 2
    now_cell = plot - after - 1
    canvas = _DotCanvas(plot, scale.rows, glyphs)
    _draw_history(canvas, points, snapshot, scale, now_cell, past_s)
    _draw_forecast(canvas, points[-1], snapshot, scale, now_cell, past_s)
    calm = memory.level == "ok" and memory.below_floor_since_t is None
    floor_token = "muted" if calm else "warn"
    floor_y = scale.dot(floor)
    floor_at = plot - len(floor_label)
    for x in range(0, 2 * (floor_at - 1)):
        if x % 4 < 2:
            canvas.dot(x, floor_y, floor_token, glyphs.floor_dash)
    label = (floor_y // 4, floor_at, Span(floor_label, floor_token))
    rows: list[Row] = []
    for y in range(scale.rows):
        rows.append((right(scale.label(y), label_cells, "muted"), gap(1), *canvas.row(y, now_cell, label)))
    rows.append((gap(label_cells + 1), *time_axis(memory, snapshot, now_cell, plot, past_s, glyphs, zone)))
    return rows


def _draw_history(
    canvas: _DotCanvas,
    points: Sequence[tuple[float, float]],
    snapshot: Snapshot,
    scale: ChartAxis,
    now_cell: int,
    past_s: float,
) -> None:
    """Draw the history two dots thick; time without samples stays empty."""
    width = 2 * now_cell + 1
    gap_s = 2.5 * max(snapshot.memory_bucket_s, snapshot.run.interval_s)
    token = "text"
    before: int | None = None
    for x in range(width + 1):
        t = snapshot.t - past_s * (1 - x / width)
        value = _at(points, t, gap_s)
        if value is None:
            before = None
            continue
        y = scale.dot(value)
        first = y if before is None or before >= y else before + 1
        last = y if before is None or before <= y else before - 1
        for dot in range(first, last + 2):
            canvas.dot(x, dot, token, canvas.glyphs.history)
        before = y


def _at(points: Sequence[tuple[float, float]], t: float, gap_s: float) -> float | None:
    """Interpolate the value at a time; None across a gap and before the first point."""
    for (t0, v0), (t1, v1) in pairwise(points):
        if t0 <= t <= t1:
            return v0 + (v1 - v0) * (t - t0) / (t1 - t0) if 0 < t1 - t0 <= gap_s else None
    last_t, last = points[-1]
    return last if last_t <= t <= last_t + gap_s else None


def _draw_forecast(
    canvas: _DotCanvas, last: tuple[float, float], snapshot: Snapshot, scale: ChartAxis, now_cell: int, past_s: float
) -> None:
    """Draw the forecast as a dotted line in the colour of the level. Nothing after an OOM kill."""
    forecast = snapshot.memory.forecast
    if forecast is None or not forecast.known or snapshot.memory.oom_kills_in_run:
        return
    crosses = forecast.reaches_zero_t is not None
    token = level_token(snapshot.memory.level) if crosses else "muted"
    per_dot_s = past_s / (2 * now_cell + 1)
    for i, x in enumerate(range(2 * now_cell + 2, 2 * canvas.wide)):
        value = last[1] + forecast.slope_bytes_per_min / fmt.GB * (i + 1) * per_dot_s / 60
        if value < 0:
            return
        if i % (2 if crosses else 3) == 0:
            canvas.dot(x, scale.dot(value), token, canvas.glyphs.forecast)


def time_axis(
    memory: MemoryView, snapshot: Snapshot, now_cell: int, plot: int, past_s: float, glyphs: Glyphs, zone: tzinfo
) -> Row:
    """Draw the time axis: its start, now, and an OOM kill or forecast at its minute."""
    texts: list[tuple[int, Span]] = []
    begin = muted(fmt.clock(snapshot.t - past_s, zone, with_seconds=False))
    texts.append((0, begin))
    now = Span("now", "text")
    now_at = max(0, min(now_cell - 1, plot - 3))
    special: list[tuple[int, Span]] = [(now_at, now)]
    if memory.oom_since_t is not None and memory.oom_since_t >= snapshot.t - past_s:
        label = f"OOM {fmt.clock(memory.oom_since_t, zone, with_seconds=False)}"
        at = round(now_cell * (1 - (snapshot.t - memory.oom_since_t) / past_s)) - len(label) // 2
        special.insert(0, (max(0, min(at, now_at - len(label) - 2)), Span(label, "crit", True)))
    forecast = memory.forecast
    if forecast and forecast.reaches_zero_t is not None and not memory.oom_kills_in_run:
        label = f"OOM {fmt.clock(forecast.reaches_zero_t, zone, with_seconds=False)}"
        if forecast.plus_minus_s is not None:
            label += f" {glyphs.plus_minus}{fmt.age(forecast.plus_minus_s)}"
        at = now_cell + round(now_cell * (forecast.reaches_zero_t - snapshot.t) / past_s) - len(label) // 2
        at = max(now_at + 5, min(at, plot - len(label)))
        if at + len(label) <= plot:
            special.append((at, Span(label, level_token(memory.level), True)))
    ending = next((span for _, span in special if span.text.startswith("OOM")), None)
    band = _band(memory, snapshot, now_cell, past_s, len(ending.text) if ending else 0)
    token = level_token(memory.level)
    row: list[Span] = []
    at = 0
    for start, span in sorted([*texts, *special], key=lambda pair: pair[0]):
        if start < at + (2 if row else 0):
            if span is begin or start + len(span.text) <= at:
                continue
            start = at + 2
        if start + len(span.text) > plot:
            continue
        if start > at:
            row += [gap(1), *_ruled(at + 1, start - 1, band, token, glyphs), gap(1)]
        row.append(span)
        at = start + len(span.text)
    if plot - at > 2:
        row += [gap(1), *_ruled(at + 1, plot, band, token, glyphs)]
    return tuple(row)


def _band(memory: MemoryView, snapshot: Snapshot, now_cell: int, past_s: float, label_cells: int) -> tuple[int, int]:
    """Return the cells (first, last + 1) of the time axis where memory may run out; (0, 0) without a forecast."""
    forecast = memory.forecast
    if forecast is None or forecast.zero_lo_t is None or forecast.zero_hi_t is None or memory.oom_kills_in_run:
        return 0, 0
    ends = (forecast.zero_lo_t, forecast.zero_hi_t)
    first, last = (now_cell + round(now_cell * (t - snapshot.t) / past_s) for t in ends)
    # A band hardly longer than its label shows no more than the label's own plus-minus.
    return (first, last + 1) if last + 1 - first >= label_cells + 2 else (0, 0)


def _ruled(start: int, end: int, band: tuple[int, int], token: str, glyphs: Glyphs) -> Row:
    """Draw the axis between two labels, heavy where memory may run out."""
    cuts = [start, *(min(max(cell, start), end) for cell in band), max(start, end)]
    light, heavy = (glyphs.rule, "line"), (glyphs.heavy, token)
    return tuple(
        mark(glyph * (b - a), text_token)
        for (a, b), (glyph, text_token) in zip(pairwise(cuts), (light, heavy, light), strict=True)
        if b > a
    )
