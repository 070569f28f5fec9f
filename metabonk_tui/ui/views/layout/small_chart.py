"""Draws a small chart of one number over time: labelled axis, expected band, restarts as vertical lines.

Does not: know what the number means, or where it comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from msgspec import Struct

from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, gap, mark, right
from metabonk_tui.ui.views.layout.line_plot import (
    ChartAxis,
    DotCanvas,
    PlotPoints,
    axis_from_zero,
    axis_of_data,
    draw_curve,
    draw_dots,
)
from metabonk_tui.ui.views.layout.section import muted

LABEL = 5
LEAST_CELLS = 16
GHOST_GAP_S = 150.0
"""A ghost has a point a minute; over a longer time without one nothing is drawn."""


class PlotSpan(Struct, frozen=True):
    """The time that a chart shows, and the vertical lines in it."""

    from_t: float
    to_t: float
    gap_s: float
    """No line is drawn over a longer time without a point."""
    restarts_t: tuple[float, ...] = ()


class ExpectedBand(Struct, frozen=True):
    """The band in which a value is expected; None: no bound."""

    low: float | None = None
    high: float | None = None


def small_chart(
    points: PlotPoints,
    span: PlotSpan,
    expected: ExpectedBand,
    wide: int,
    rows: int,
    glyphs: Glyphs,
    least_step: float = 0.0,
    ghost: PlotPoints = (),
) -> list[Row]:
    """Draw `rows` rows of plot; empty without a point or room.

    The axis begins at 0; with a `least_step` it holds the data only, in steps of that size or larger. `ghost`: what
    another run had at the same minutes.
    """
    values = [value for t, value in points if span.from_t <= t <= span.to_t]
    values += [value for _, value in ghost] if values else []
    plot = wide - LABEL - 1
    if not values or plot < LEAST_CELLS:
        return []
    scale = _axis(values, expected, rows, least_step)
    if scale is None:
        return []
    canvas = DotCanvas(plot, scale.rows, glyphs)
    canvas.verticals = frozenset(cell_of(t, span, plot) for t in span.restarts_t if span.from_t <= t <= span.to_t)
    draw_curve(canvas, points, scale, span.from_t, span.to_t, 2 * canvas.wide - 1, gap_s=span.gap_s)
    draw_dots(canvas, ghost, scale, span.from_t, span.to_t, 2 * canvas.wide - 1, max(span.gap_s, GHOST_GAP_S))
    for bound in (expected.low, expected.high):
        if bound is not None and scale.bottom < bound <= scale.top:
            for x in range(0, 2 * plot, 4):
                canvas.dot(x, scale.dot(bound), "muted", glyphs.floor_dash)
    drawn: list[Row] = []
    for y in range(scale.rows):
        value = scale.value(y)
        label = "" if value is None else fmt.short(value, _decimals(scale.step), LABEL)
        drawn.append((right(label, LABEL, "muted"), gap(1), *canvas.row(y, -1, None)))
    return [*drawn, *[()] * (rows - len(drawn))]


def time_row(span: PlotSpan, wide: int, glyphs: Glyphs, zone: tzinfo) -> Row:
    """Draw the time axis below a chart: its start and its end."""
    begin, end = (fmt.clock(t, zone, with_seconds=False) for t in (span.from_t, span.to_t))
    plot = wide - LABEL - 1
    rule = plot - len(begin) - len(end) - 2
    if rule < 1:
        return ()
    return (gap(LABEL + 1), muted(begin), gap(1), mark(glyphs.rule * rule, "line"), gap(1), muted(end))


def cell_of(t: float, span: PlotSpan, plot: int) -> int:
    """Return the cell of a time in a plot of this many cells."""
    return min(plot - 1, max(0, int((t - span.from_t) / max(span.to_t - span.from_t, 1e-9) * plot)))


def _axis(values: Sequence[float], expected: ExpectedBand, rows: int, least_step: float) -> ChartAxis | None:
    highest, lowest = max(values), min(values)
    if least_step:
        close = axis_of_data(lowest, highest, rows, least_step)
        if close is not None:
            return close
    if lowest < 0:
        return None
    return axis_from_zero(max(highest, expected.low or 0.0) or 1.0, rows)


def _decimals(step: float) -> int:
    return 0 if step >= 1 else 1 if step >= 0.1 else 2 if step >= 0.01 else 3
