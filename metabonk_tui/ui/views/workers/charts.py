"""Draws one worker over time, a small chart for each component, the step rate and memory, side by side.

Does not: read plots. Without them it says why, and the rows of the components stand for themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, ComponentView, WorkerView
from metabonk_tui.core.ports.plots import PlottedPoint
from metabonk_tui.core.report.ghost import RSS, STEP_RATE
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.chart_span import span_name, span_s
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.plot_job import PARTS
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, gap, side_by_side, width
from metabonk_tui.ui.views.layout.line_plot import PlotPoints
from metabonk_tui.ui.views.layout.section import block, bracket, muted, paragraph, title
from metabonk_tui.ui.views.layout.small_chart import ExpectedBand, PlotSpan, small_chart, time_row
from metabonk_tui.ui.views.workers.component import (
    change_text,
    due_state,
    expectation,
    state_mark,
    state_word,
    value_text,
    value_token,
    word_token,
)

PLOT_ROWS = 5
LEAST_CELLS = 34
"""Cells below which there is one chart fewer beside the others."""
LEAST_STEP_GB = 0.01
BETWEEN = 3


class _ChartLine(Struct, frozen=True):
    """One number with its head."""

    head: Row
    points: PlotPoints
    expected: ExpectedBand = ExpectedBand()
    least_step: float = 0.0
    ghost: PlotPoints = ()
    """What the ghost had at the same minutes."""
    note: str = ""
    """What stands in the chart's place while it has no points."""


def chart_rows(frame: Frame, snapshot: Snapshot, worker: WorkerView, wide: int) -> tuple[Row, ...]:
    """Draw every chart, as many side by side as fit."""
    g = frame.glyphs
    shown_s = span_s(frame.state.span, snapshot.run.elapsed_s)
    view = frame.plots
    is_there = view.of(worker.ref, shown_s)
    why_not = view.why_not if is_there or view.query is None else ""
    note = span_name(frame.state.span)
    note += f" · dots: ghost {frame.ghost.name}" if frame.ghost is not None else ""
    note += " · reading the recording" if is_there and view.is_reading else ""
    head = title("CHARTS", wide, g, (muted(g.text(note)),), bracket(frame, "+ -"), focused=False)
    if why_not:
        return (head, *paragraph(g.text(why_not), wide, "muted"), EMPTY)
    series = view.series if is_there else {}
    span = PlotSpan(
        snapshot.t - shown_s,
        snapshot.t,
        max(150.0, 2.5 * shown_s / PARTS, 2.5 * snapshot.run.interval_s),
        tuple(generation.began_t for generation in worker.generations[1:]),
    )
    per_row = max(1, (wide + BETWEEN) // (LEAST_CELLS + BETWEEN))
    lines = _lines(frame, snapshot, worker, series)
    per_row = min(per_row, 4, len(lines))
    cells = (wide - BETWEEN * (per_row - 1)) // per_row
    rows: list[Row] = [head]
    for at in range(0, len(lines), per_row):
        charts = [
            (block(_one(frame, line, span, cells), cells, PLOT_ROWS + 2), cells) for line in lines[at : at + per_row]
        ]
        rows += [*side_by_side(charts, BETWEEN), EMPTY]
    return tuple(rows)


def _one(frame: Frame, line: _ChartLine, span: PlotSpan, wide: int) -> list[Row]:
    """Draw one chart: its head, the plot and the time axis; a sentence without points."""
    g = frame.glyphs
    head = line.head
    while width(head) > wide and len(head) > 6:
        # The expectation goes first, then the change: the value stays.
        head = head[:-2]
    plot = small_chart(line.points, span, line.expected, wide, PLOT_ROWS, g, line.least_step, line.ghost)
    if not plot:
        return [head, (gap(2), muted(g.text(line.note)))]
    return [head, *plot, time_row(span, wide, g, frame.zone)]


def _lines(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, found: Mapping[str, tuple[PlottedPoint, ...]]
) -> list[_ChartLine]:
    t = snapshot.t
    note = "no value in this time" if found else "reading the recording"
    lines = [_component(frame, snapshot, worker, part, found.get(part.field, ()), note) for part in worker.components]
    rate = [(point.t, point.increase_per_s) for point in found.get("step", ()) if point.t <= t]
    rate += [(t, worker.step_rate)] if worker.step_rate is not None and rate else []
    shown = "" if worker.step_rate is None else fmt.per_second(worker.step_rate)
    ghost = _ghost(frame, snapshot, worker, STEP_RATE)
    lines.append(_ChartLine(_head("steps per second", shown), rate, ghost=ghost, note=note))
    rss = [(point.t, point.mean / fmt.GB) for point in found.get("rss_bytes", ()) if point.t <= t]
    rss += [(t, worker.rss_bytes / fmt.GB)] if worker.rss_bytes is not None and rss else []
    held = "" if worker.rss_bytes is None else fmt.gigabytes(worker.rss_bytes, 2)
    growth = worker.rss_growth_bytes_per_min
    lines.append(
        _ChartLine(
            _head("memory GB", held, "" if growth is None else fmt.growth(growth)),
            rss,
            ExpectedBand(),
            LEAST_STEP_GB,
            [(at, size / fmt.GB) for at, size in _ghost(frame, snapshot, worker, RSS)],
            note,
        )
    )
    return lines


def _component(
    frame: Frame,
    snapshot: Snapshot,
    worker: WorkerView,
    part: ComponentView,
    plotted: Sequence[PlottedPoint],
    note: str,
) -> _ChartLine:
    g = frame.glyphs
    points = [(point.t, point.mean) for point in plotted if point.t <= snapshot.t]
    points += [(snapshot.t, part.value)] if part.value is not None and points else []
    word = state_word(part, snapshot)
    what, _ = expectation(part, due_state(part, worker, snapshot), 15)
    head: Row = (
        Span(g.text(part.title), "text", True), *((muted(" *"),) if part.derived else ()), gap(1), state_mark(part, g),
        *((gap(1), Span(word, word_token(part))) if word else ()),
        gap(2), Span(value_text(part, 9), value_token(part), True),
        gap(1), muted(change_text(part, 8)), *((gap(2), muted(what)) if what else ()),
    )  # fmt: skip
    missing = "never seen in /status" if part.samples_with_key == 0 and part.state is ComponentState.ABSENT else note
    missing = "computed here, not plotted" if part.derived else missing
    expected = ExpectedBand(part.expected_min, part.expected_max) if not part.derived else ExpectedBand()
    ghost = _ghost(frame, snapshot, worker, part.id)
    return _ChartLine(head, points, expected, ghost=ghost, note=missing)


def _ghost(frame: Frame, snapshot: Snapshot, worker: WorkerView, number: str) -> PlotPoints:
    """Return what the ghost had of a number at the minutes that the charts show; empty without a ghost."""
    if frame.ghost is None:
        return ()
    from_t = snapshot.t - span_s(frame.state.span, snapshot.run.elapsed_s)
    return frame.ghost.curve(worker.ref.label, number, snapshot.run.started_at, from_t, snapshot.t)


def _head(name: str, value: str, more: str = "") -> Row:
    shown = Span(value, "strong", True) if value else Span("not observed", "unknown")
    return (Span(name, "text", True), gap(2), shown, *((gap(1), muted(more)) if more else ()))
