"""Draws memory around one death: what the process held, what was available, the floor, and the death on the axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import tzinfo
from itertools import pairwise

from metabonk_tui.core.model.obituary import DeathMemory, Obituary
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, gap, mark, right
from metabonk_tui.ui.views.layout.line_plot import ChartAxis, DotCanvas, axis
from metabonk_tui.ui.views.layout.section import muted

LEGEND = 14
"""Cells at the right of the plot."""
GAP_S, GAP_POINTS = 30.0, 2.5
"""No line is drawn between points farther apart, in seconds and in usual distances of two points."""
Series = list[tuple[float, float]]


def death_chart(page: Obituary, wide: int, high: int, glyphs: Glyphs, zone: tzinfo) -> list[Row]:
    """Draw `high` rows: the plot and the time axis; a sentence without data or room."""
    held = _series(page.memory, "held_bytes")
    free = _series(page.memory, "available_bytes")
    floor = page.floor_bytes / fmt.GB
    if not held and not free:
        return [(Span("memory was not observed", "unknown"),)]
    # Far above the floor the available memory is a number only: on this axis it would lie outside.
    near = not held or min([value for _, value in free], default=floor) <= 2 * floor
    highest = max([value for _, value in held] + [floor * 1.2] + [value for _, value in free if near])
    scale = axis(highest, high - 1)
    plot = wide - 4 - LEGEND
    if scale is None or plot < 16:
        return [(muted("no room for the chart"),)]
    from_t = min(points[0][0] for points in (held, free) if points)
    to_t = max(page.t, *(points[-1][0] for points in (held, free) if points))
    canvas = DotCanvas(plot, scale.rows, glyphs)
    span_s = max(to_t - from_t, 1.0)
    for x in range(0, 2 * plot):
        if x % 4 < 2:
            canvas.dot(x, scale.dot(floor), "warn", glyphs.floor_dash)
    last = 2 * plot - 1
    for points, token, thick in ((held, "text", 2), (free if near else [], "muted", 1)):
        _draw(canvas, [((t - from_t) / span_s * last, value) for t, value in points],
              _gap_s(page.memory) / span_s * last, scale, token, thick)  # fmt: skip
    legend = _legend(page, held, free, scale, floor)
    rows: list[Row] = [
        (right(scale.label(y, 3), 3, "muted"), gap(1), *canvas.row(y, -1, None), gap(2), legend.get(y, gap(0)))
        for y in range(scale.rows)
    ]
    return [*rows, (gap(4), *_axis(page, from_t, span_s, plot, glyphs, zone))]


def _gap_s(points: Sequence[DeathMemory]) -> float:
    """Return the time (seconds) without a point over which no line is drawn."""
    apart = sorted(after.t - before.t for before, after in pairwise(points))
    return max(GAP_S, GAP_POINTS * apart[len(apart) // 2]) if apart else GAP_S


def _series(points: Sequence[DeathMemory], name: str) -> Series:
    found = ((point.t, getattr(point, name)) for point in points)
    return [(t, size / fmt.GB) for t, size in found if size is not None]


def _draw(canvas: DotCanvas, points: Series, gap_dots: float, scale: ChartAxis, token: str, thick: int) -> None:
    """Draw a line through points in dots of the plot; a long time without a point stays empty."""
    before: tuple[float, float] | None = None
    for x, value in points:
        start = before if before is not None and x - before[0] <= gap_dots else (x, value)
        steps = max(1, math.ceil(x - start[0]))
        for i in range(steps + 1):
            share = i / steps
            y = scale.dot(start[1] + (value - start[1]) * share)
            for dot in range(y, y + thick):
                canvas.dot(round(start[0] + (x - start[0]) * share), dot, token, canvas.glyphs.history)
        before = (x, value)


def _legend(page: Obituary, held: Series, free: Series, scale: ChartAxis, floor: float) -> dict[int, Span]:
    """Name the lines at the right, each near its row; of two on one row the second moves down or up."""
    wanted: list[tuple[float, Span]] = []
    if held:
        wanted.append((held[-1][1], Span(f"{page.label} {fmt.number(held[-1][1], 2)}", "strong")))
    wanted.append((floor, Span(f"floor {fmt.number(floor, 1)}", "warn")))
    at_death = [value for t, value in free if t < page.t]
    if at_death:
        wanted.append((at_death[-1], muted(f"{fmt.number(at_death[-1], 2)} free")))
    placed: dict[int, Span] = {}
    for value, span in wanted:
        row = min(max(scale.dot(value) // 4, 0), scale.rows - 1)
        rows = sorted(range(scale.rows), key=lambda each: abs(each - row))
        place = next((each for each in rows if each not in placed), None)
        if place is not None:
            placed[place] = span
    return placed


def _axis(page: Obituary, from_t: float, span_s: float, plot: int, glyphs: Glyphs, zone: tzinfo) -> Row:
    """Draw the time axis with the death at its second."""
    begin = fmt.clock(from_t, zone, with_seconds=False)
    label = fmt.clock(page.t, zone)
    cross = min(plot - 1, round((page.t - from_t) / span_s * (plot - 1)))
    at = cross - len(label) - 1
    if at < len(begin) + 2:
        return (mark(glyphs.rule * cross, "line"), mark(glyphs.down, "crit", True),
                mark(glyphs.rule * (plot - 1 - cross), "line"))  # fmt: skip
    return (
        muted(begin),
        mark(glyphs.rule * (at - len(begin)), "line"),
        Span(label, "crit", True),
        gap(1),
        mark(glyphs.down, "crit", True),
        mark(glyphs.rule * (plot - 1 - cross), "line"),
    )
