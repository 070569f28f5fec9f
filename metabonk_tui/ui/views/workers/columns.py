"""Places the columns of the workers' table: state, components, numbers at the right edge.

A metric with a head in `WORKER_METRICS` has a column; its place follows from its width. Does not: draw a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from metabonk_tui.core.model.worker import Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.worker import metrics
from metabonk_tui.core.worker.metrics import WorkerMetric
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, gap, mark, right, width

CELLS = 6
"""The most cells that a number takes."""
FIRST_NUMBER = 6
"""Cells that the first number must keep after the last component."""


def _nothing(worker: WorkerView, glyphs: Glyphs) -> Row:
    return ()


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """One column at the right edge of the table."""

    head: str
    widths: tuple[int, int, int]
    """Cells in a wide, a medium and a narrow table (see `SHAPES`), with the gap before; 0: left out."""
    draw: Callable[[WorkerView, Glyphs, int], Row]
    """Draws the cell of a worker that has this many lines."""
    below: Callable[[WorkerView, Glyphs], Row] = _nothing
    """Draws the cell of its second line."""


class PlacedColumn(NamedTuple):
    """A column with the cell behind its last one."""

    column: NumberColumn
    end: int


@dataclass(frozen=True, slots=True)
class TableShape:
    """Where state and components are placed."""

    state_at: int
    state_cells: int
    parts_at: int
    part_cells: int
    """From one component to the next; 2: only glyphs."""
    value_end: int
    """Behind the value, counted from the component's glyph."""
    change_end: int
    """Behind the change; 0: no change."""

    @property
    def last_end(self) -> int:
        """Behind the value of the last component: in a narrow table its column is narrower."""
        return 6 if self.part_cells == 10 else self.value_end

    @property
    def glyphs_only(self) -> bool:
        """Whether a component is a glyph without its value."""
        return self.part_cells == 2

    @property
    def size(self) -> int:
        """Which of a component's column heads fits: 0 short, 1 middle, 2 long."""
        return {10: 0, 17: 1}.get(self.part_cells, 2)

    def parts_end(self, parts: int) -> int:
        """Return the cell behind the last of this many components."""
        return self.parts_at + (parts - 1) * self.part_cells + max(self.last_end, self.change_end)


SHAPES: tuple[tuple[int, TableShape], ...] = (
    (160, TableShape(9, 12, 22, 28, 10, 25)),
    (110, TableShape(9, 9, 19, 17, 8, 15)),
    (76, TableShape(8, 9, 18, 10, 8, 0)),
)
"""Wide, medium and narrow: the width from which on each is tried."""


@dataclass(frozen=True, slots=True)
class TableColumns:
    """The columns of the table at one width."""

    shape: TableShape
    numbers: tuple[PlacedColumn, ...]

    def part_at(self, index: int) -> int:
        """Return the cell of a component's glyph."""
        return self.shape.parts_at + index * self.shape.part_cells


def place_row(cell: Row, room: int, ellipsis: str) -> Row:
    """Set a cell at the right end of `room` cells."""
    if len(cell) == 1:
        (span,) = cell
        return (right(span.text, room, span.token, span.bold, ellipsis, span.glyph),)
    return (gap(room - width(cell)), *cell) if cell else ()


def _step(metric: WorkerMetric, worker: WorkerView, glyphs: Glyphs, lines: int) -> Row:
    jumped = worker.step_rate_ratio is not None and not is_quiet(worker)
    step = Span(_text(metric, worker), "warn" if jumped else _token(worker), jumped)
    lead = (mark(glyphs.caution, "warn", True), gap(1)) if jumped and lines == 1 else (gap(0),)
    return (*lead, step)


def _step_below(worker: WorkerView, glyphs: Glyphs) -> Row:
    if worker.step_rate_ratio is not None:
        ratio = f"{glyphs.times}{fmt.short(worker.step_rate_ratio, 0, 4)}"
        return (mark(glyphs.caution, "warn", True), gap(1), Span(ratio, "warn", True))
    if worker.epsilon is not None and worker.reach is Reach.UP:
        return (Span(f"eps {fmt.number(worker.epsilon, 2)}", "muted"),)
    return ()


def _growth_below(worker: WorkerView, glyphs: Glyphs) -> Row:
    growth = worker.rss_growth_bytes_per_min
    return () if growth is None else (Span(fmt.growth(growth), "muted"),)


def _environment(worker: WorkerView, glyphs: Glyphs, lines: int) -> Row:
    env = worker.env
    if not env:
        return ()
    bad = env.error is None and env.right < env.required
    return (Span(glyphs.text(env.error or fmt.share(env.right, env.required)), "crit" if bad else "text", bad),)


def is_quiet(worker: WorkerView) -> bool:
    """Return whether the worker's numbers are old."""
    return worker.reach in (Reach.DOWN, Reach.STALE)


def _token(worker: WorkerView) -> str:
    return "muted" if is_quiet(worker) else "strong"


def plain_cell(text: Callable[[WorkerView], str]) -> Callable[[WorkerView, Glyphs, int], Row]:
    """Make the `draw` of a column that shows this text, muted while the worker's numbers are old."""
    return lambda worker, glyphs, lines: (Span(text(worker), _token(worker)),)


def _text(metric: WorkerMetric, worker: WorkerView) -> str:
    value = metric.read(worker)
    return "" if value is None else metric.text(value, CELLS)


ENVIRONMENT = NumberColumn("ENV", (10, 0, 0), _environment)
MARKED: Mapping[str, Callable[[WorkerMetric, WorkerView, Glyphs, int], Row]] = {"step_rate": _step}
"""Numbers whose cell has more than the number, by the id of the metric."""
BELOW: Mapping[str, Callable[[WorkerView, Glyphs], Row]] = {"step_rate": _step_below, "rss": _growth_below}
"""The second line of a cell, by the id of the metric above it."""


def number_columns() -> tuple[NumberColumn, ...]:
    """List the columns from the left to the right edge: each metric with a head, then the environment."""
    return (*(_column(metric) for metric in metrics.WORKER_METRICS if metric.head), ENVIRONMENT)


def _column(metric: WorkerMetric) -> NumberColumn:
    marked = MARKED.get(metric.id)
    draw = partial(marked, metric) if marked else plain_cell(partial(_text, metric))
    return NumberColumn(metric.head, metric.widths, draw, BELOW.get(metric.id, _nothing))


def columns(wide: int, parts: int, numbers: Sequence[NumberColumn] | None = None) -> TableColumns:
    """Choose the widest shape whose components leave room for its numbers; else components are only glyphs."""
    numbers = number_columns() if numbers is None else numbers
    for size, (at_least, shape) in enumerate(SHAPES):
        if wide >= at_least:
            placed = _placed(numbers, size, wide - 1)
            first_end = placed[0].end if placed else wide
            if shape.parts_end(parts) + FIRST_NUMBER <= first_end:
                return TableColumns(shape, placed)
    state = 9 if wide >= 30 + 2 * parts else 0
    at = 9 + (state + 1 if state else 0)
    narrow = len(SHAPES) - 1
    needed = sum(column.widths[narrow] for column in numbers)
    placed = _placed(numbers, narrow, at + 2 * parts + needed)
    return TableColumns(TableShape(8, state, at, 2, 0, 0), tuple(one for one in placed if one.end < wide))


def _placed(numbers: Sequence[NumberColumn], size: int, end: int) -> tuple[PlacedColumn, ...]:
    """Place columns one after the other so that the last one ends at `end`."""
    placed: list[PlacedColumn] = []
    for column in reversed(numbers):
        if column.widths[size]:
            placed.append(PlacedColumn(column, end))
            end -= column.widths[size]
    return tuple(reversed(placed))
