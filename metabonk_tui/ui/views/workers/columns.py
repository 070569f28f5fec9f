"""Places the columns of the workers' table: state, components, numbers at the right edge.

A metric with a head in `WORKER_METRICS` has a column; its place follows from its width. Does not: draw a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from msgspec import Struct

from metabonk_tui.core.model.worker import Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.worker import metrics
from metabonk_tui.core.worker.metrics import WorkerMetric
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, gap, mark, right, width

CELLS = 6
"""The most cells that a number takes."""
LEAST_AGE = 3
"""From this many cells on between components and numbers, the age of the last error stands there."""
LEAST_TEXT = 12
"""From this many on, its text."""
MOST_TEXT = 60


def _nothing(worker: WorkerView, glyphs: Glyphs) -> Row:
    return ()


class NumberColumn(Struct, frozen=True):
    """One column at the right edge of the table."""

    head: str
    widths: tuple[int, int, int]
    """Cells in a wide, a medium and a narrow table (see `SHAPES`), with the gap before; 0: left out."""
    draw: Callable[[WorkerView, Glyphs, int], Row]
    """Draws the cell of a worker that has this many lines."""
    below: Callable[[WorkerView, Glyphs], Row] = _nothing
    """Draws the cell of its second line."""
    sort: str = ""
    """The sort order by this column."""
    single: bool = False
    """Only for workers with one line: the second line has it elsewhere."""


class PlacedColumn(NamedTuple):
    """A column with the cell behind its last one."""

    column: NumberColumn
    end: int


class TableShape(Struct, frozen=True):
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
        return self.value_end if self.change_end else min(6, self.value_end)

    @property
    def glyphs_only(self) -> bool:
        """Whether a component is a glyph without its value."""
        return self.part_cells == 2

    @property
    def size(self) -> int:
        """Which of a component's column heads fits: 0 short, 1 middle, 2 long."""
        return 0 if self.part_cells < 14 else 1 if self.part_cells < 23 else 2

    def parts_end(self, parts: int) -> int:
        """Return the cell behind the last of this many components."""
        return self.parts_at + (parts - 1) * self.part_cells + max(self.last_end, self.change_end)


class _Candidate(NamedTuple):
    """One way to share the width: tried from the widest on, until one fits."""

    at_least: int
    """The narrowest terminal for it."""
    size: int
    """Which of the number widths: 0 wide, 1 medium, 2 narrow."""
    state_at: int
    state_cells: int
    part_cells: tuple[int, int]
    """The most and the fewest cells of a component."""
    value_end: int
    has_change: bool
    error_cells: tuple[int, int]
    """Cells that the last error must get, with one line a worker and with two."""
    lines: tuple[int, ...] = (1, 2)
    single: bool = True
    """With the numbers that only workers with one line have."""

    def shape(self, part_cells: int) -> TableShape:
        change = part_cells - (2 if part_cells > 16 else 1) if self.has_change else 0
        at = self.state_at + self.state_cells + 1
        return TableShape(self.state_at, self.state_cells, at, part_cells, self.value_end, change)


SHAPES: tuple[_Candidate, ...] = (
    _Candidate(160, 0, 9, 12, (28, 24), 10, True, (20, 14)),
    _Candidate(160, 0, 9, 12, (23, 16), 7, True, (20, 14)),
    _Candidate(110, 1, 9, 9, (17, 16), 7, True, (14, 2)),
    _Candidate(110, 1, 9, 9, (10, 10), 8, False, (14, 0), (1,)),
    _Candidate(110, 1, 9, 9, (17, 16), 7, True, (0, 0)),
    _Candidate(76, 2, 8, 9, (10, 9), 8, False, (0, 0)),
    _Candidate(75, 2, 8, 9, (10, 9), 8, False, (0, 0), single=False),
)


class TableColumns(Struct, frozen=True):
    """The columns of the table at one width."""

    shape: TableShape
    numbers: tuple[PlacedColumn, ...]
    error_at: int = 0
    error_cells: int = 0
    """Cells for the last error, between components and numbers: its text, or its age; 0: neither."""

    @property
    def error_head(self) -> str:
        """The head of the error's column."""
        return "" if not self.error_cells else "ERROR" if self.error_cells >= LEAST_TEXT else "ERR"

    def part_at(self, index: int) -> int:
        """Return the cell of a component's glyph."""
        return self.shape.parts_at + index * self.shape.part_cells


def place_row(cell: Row, room: int, ellipsis: str) -> Row:
    """Set a cell at the right end of `room` cells."""
    if len(cell) == 1:
        (span,) = cell
        return (right(span.text, room, span.token, span.bold, ellipsis, span.glyph),)
    return (gap(room - width(cell)), *cell) if cell else ()


def unknown_cell(worker: WorkerView, glyphs: Glyphs) -> Row:
    """Draw what stands for a number that is not known: no cell is empty because something is missing."""
    if worker.reach is Reach.STARTING:
        return (Span(glyphs.pending, "muted"),)
    return (Span("gone", "muted") if worker.is_gone else Span(glyphs.unobserved, "unknown"),)


def _step(metric: WorkerMetric, worker: WorkerView, glyphs: Glyphs, lines: int) -> Row:
    if worker.step_rate is None or is_quiet(worker):
        # The last rate of a worker that does not answer is no rate of now, and colour alone would say so.
        return unknown_cell(worker, glyphs)
    jumped = worker.step_rate_ratio is not None
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
    if env is None:
        return unknown_cell(worker, glyphs)
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
    draw = partial(marked, metric) if marked else partial(_plain, metric)
    below = BELOW.get(metric.id, _nothing)
    return NumberColumn(metric.head, metric.widths, draw, below, metric.sort, metric.id == "generation")


def _plain(metric: WorkerMetric, worker: WorkerView, glyphs: Glyphs, lines: int) -> Row:
    text = _text(metric, worker)
    return (Span(text, _token(worker)),) if text else unknown_cell(worker, glyphs)


def columns(wide: int, parts: int, lines: int = 1, numbers: Sequence[NumberColumn] | None = None) -> TableColumns:
    """Choose the first shape whose components leave room for its numbers and the last error; else only glyphs."""
    numbers = number_columns() if numbers is None else numbers
    for tried in SHAPES:
        if wide < tried.at_least or lines not in tried.lines:
            continue
        has_single = tried.single and lines == 1
        placed = _placed([column for column in numbers if has_single or not column.single], tried.size, wide - 1)
        first_at = placed[0].end - placed[0].column.widths[tried.size] if placed else wide
        error = tried.error_cells[lines - 1]
        most, fewest = tried.part_cells
        for part_cells in range(most, fewest - 1, -1):
            shape = tried.shape(part_cells)
            end = shape.parts_end(parts)
            if end + (error + 2 if error else 0) <= first_at:
                return TableColumns(shape, placed, *_error_place(end, first_at))
    state = 9 if wide >= 30 + 2 * parts else 0
    at = 9 + (state + 1 if state else 0)
    narrow = 2
    needed = sum(column.widths[narrow] for column in numbers)
    placed = _placed(numbers, narrow, at + 2 * parts + needed)
    return TableColumns(TableShape(8, state, at, 2, 0, 0), tuple(one for one in placed if one.end < wide))


def _error_place(parts_end: int, numbers_at: int) -> tuple[int, int]:
    """Return where the last error stands between components and numbers, and its cells."""
    if numbers_at - parts_end - 2 >= LEAST_TEXT:
        return parts_end + 2, min(MOST_TEXT, numbers_at - parts_end - 2)
    return (parts_end + 1, numbers_at - parts_end - 1) if numbers_at - parts_end - 1 >= LEAST_AGE else (0, 0)


def _placed(numbers: Sequence[NumberColumn], size: int, end: int) -> tuple[PlacedColumn, ...]:
    """Place columns one after the other so that the last one ends at `end`."""
    placed: list[PlacedColumn] = []
    for column in reversed(numbers):
        if column.widths[size]:
            placed.append(PlacedColumn(column, end))
            end -= column.widths[size]
    return tuple(reversed(placed))
