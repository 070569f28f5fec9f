"""Draws available memory over time: history, floor, forecast, with labels exactly on their rows.

Uses Braille dots, or one ASCII character per cell. Nothing is clipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING

from metabonk_tui.core.memory.capacity import falls_soon
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, gap, mark, right
from metabonk_tui.ui.views.layout.line_plot import (
    ChartAxis,
    DotCanvas,
    PlotPoints,
    axis,
    axis_of_data,
    draw_curve,
    draw_dots,
)
from metabonk_tui.ui.views.layout.section import muted

if TYPE_CHECKING:
    from metabonk_tui.core.report.ghost import Ghost

HISTORY_S = 1800.0
"""Seconds of history shown where no key has chosen another span."""
LEAST_STEP_GB = 0.1
"""The finest step of an axis: below it lies noise."""
MINUTES_FROM = 180.0
"""Above 3 hours the points are minutes, or parts of a day: the span over this number is no gap yet."""
NEAR_FLOOR = 2.0
"""From this many times the floor on, the lowest value on the chart is far from it."""
GHOST_GAP_S = 150.0
"""A ghost has a point a minute."""


def memory_axis(snapshot: Snapshot, points: PlotPoints, rows: int) -> tuple[ChartAxis | None, str]:
    """Choose the axis of points in GB over `rows` rows, and a note that says why it begins where it does.

    It begins at 0 when the floor is near or a named forecast crosses it; else it holds the data only.
    """
    memory = snapshot.memory
    floor = memory.floor_bytes / fmt.GB
    values = [value for _, value in points]
    lowest, highest = min(values, default=0.0), max(values, default=0.0)
    is_near = lowest <= NEAR_FLOOR * floor
    if not is_near and not falls_soon(memory, snapshot.t):
        close = axis_of_data(lowest, highest, rows, LEAST_STEP_GB)
        if close is not None:
            return close, f"axis {close.bottom:g} to {close.top:g}: far from the floor"
    note = "from 0: the floor is near" if is_near else "from 0"
    return axis(max(highest, floor * 1.5), rows), note


def in_gigabytes(history: Sequence[tuple[float, float]], t: float, past_s: float) -> PlotPoints:
    """Return the points of the last `past_s` seconds before `t`, in GB."""
    return [(at, size / fmt.GB) for at, size in history if t - past_s <= at <= t]


def chart(
    snapshot: Snapshot,
    wide: int,
    high: int,
    glyphs: Glyphs,
    zone: tzinfo,
    past_s: float = HISTORY_S,
    history: PlotPoints | None = None,
    ghost: Ghost | None = None,
) -> list[Row]:
    """Draw `high` rows: the plot of the last `past_s` seconds and the time axis; a sentence without data or room.

    `history`: (t, available bytes) instead of the Snapshot's own history. `ghost`: a run of which the same minutes,
    and those after them, are dots.
    """
    memory = snapshot.memory
    points = in_gigabytes(memory.history if history is None else history, snapshot.t, past_s)
    if not points:
        return [(Span("not observed", "unknown"),)]
    scale, _ = memory_axis(snapshot, (*points, *ghost_points(ghost, snapshot, past_s)), high - 1)
    if scale is None or wide < 24:
        return [(muted("no room for the chart"),)] if high else []
    floor = memory.floor_bytes / fmt.GB
    label_cells = max(2, *(len(scale.label(row)) for row in range(scale.rows)))
    plot = wide - label_cells - 1
    has_floor = scale.bottom == 0
    floor_label = f"floor {fmt.gigabytes(memory.floor_bytes)}" if has_floor else ""
    after = plot // 2 if falls_soon(memory, snapshot.t) else len(floor_label) + 2
    now_cell = plot - after - 1
    canvas = DotCanvas(plot, scale.rows, glyphs)
    _draw_history(canvas, points, snapshot, scale, now_cell, past_s)
    per_dot_s = past_s / (2 * now_cell + 1)
    ends_t = snapshot.t + (2 * canvas.wide - 2 - 2 * now_cell) * per_dot_s
    beyond = ghost_points(ghost, snapshot, past_s, ends_t)
    draw_dots(canvas, beyond, scale, snapshot.t - past_s, ends_t, 2 * canvas.wide - 1, GHOST_GAP_S)
    _draw_forecast(canvas, points[-1], snapshot, scale, now_cell, past_s)
    label = _draw_floor(canvas, memory, scale.dot(floor), floor_label, glyphs) if has_floor else None
    rows: list[Row] = []
    for y in range(scale.rows):
        rows.append((right(scale.label(y), label_cells, "muted"), gap(1), *canvas.row(y, now_cell, label)))
    rows.append((gap(label_cells + 1), *time_axis(memory, snapshot, now_cell, plot, past_s, glyphs, zone)))
    return rows


def ghost_points(ghost: Ghost | None, snapshot: Snapshot, past_s: float, to_t: float | None = None) -> PlotPoints:
    """Return (t, available GB) of the ghost at the minutes of a chart; empty without a ghost."""
    if ghost is None:
        return ()
    ends_t = snapshot.t if to_t is None else to_t
    curve = ghost.available_curve(snapshot.run.started_at, snapshot.t - past_s, ends_t)
    return [(t, size / fmt.GB) for t, size in curve]


def _draw_floor(
    canvas: DotCanvas, memory: MemoryView, floor_y: int, floor_label: str, glyphs: Glyphs
) -> tuple[int, int, Span]:
    """Draw the floor as dashes; return its label with its row and cell."""
    calm = memory.level == "ok" and memory.below_floor_since_t is None
    token = "muted" if calm else "warn"
    at = canvas.wide - len(floor_label)
    for x in range(0, 2 * (at - 1)):
        if x % 4 < 2:
            canvas.dot(x, floor_y, token, glyphs.floor_dash)
    return floor_y // 4, at, Span(floor_label, token)


def _draw_history(
    canvas: DotCanvas,
    points: PlotPoints,
    snapshot: Snapshot,
    scale: ChartAxis,
    now_cell: int,
    past_s: float,
) -> None:
    """Draw the history two dots thick; time without samples stays empty."""
    gap_s = 2.5 * max(snapshot.memory_bucket_s, snapshot.run.interval_s, past_s / MINUTES_FROM)
    from_t = snapshot.t - past_s
    draw_curve(canvas, points, scale, from_t, snapshot.t, 2 * now_cell + 1, gap_s=gap_s, thick=2)


def _draw_forecast(
    canvas: DotCanvas, last: tuple[float, float], snapshot: Snapshot, scale: ChartAxis, now_cell: int, past_s: float
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
        if value < scale.bottom or value > scale.top:
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
    is_named = falls_soon(memory, snapshot.t) and not memory.oom_kills_in_run
    if is_named and forecast is not None and forecast.reaches_zero_t is not None:
        label = f"OOM {fmt.clock(forecast.reaches_zero_t, zone, with_seconds=False)}"
        if forecast.plus_minus_s is not None:
            label += f" {glyphs.plus_minus}{fmt.age(forecast.plus_minus_s)}"
        at = now_cell + round(now_cell * (forecast.reaches_zero_t - snapshot.t) / past_s) - len(label) // 2
        at = max(now_at + 5, at)
        # No label beyond the axis: the sentence below names a later time.
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
