"""Draws the workers of the dashboard as panels, table or grid, with the order of the cursor.

Does not: know the panes below, except the one that can fill a free slot of the panels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.sorting import BY_ID, WORST, in_order
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, fit, gap, join, mark, side_by_side, width
from metabonk_tui.ui.views.layout.section import bracket, muted, strong, title
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.layout.sparkline import shown_s
from metabonk_tui.ui.views.workers import grid, panel, table
from metabonk_tui.ui.views.workers.columns import columns
from metabonk_tui.ui.views.workers.density import WorkersLayout, choose, shape_rows
from metabonk_tui.ui.views.workers.legend import legend


@dataclass(frozen=True, slots=True)
class DrawnWorkers:
    """The drawn workers and where the cursor can go."""

    layout: WorkersLayout
    heads: tuple[Row, ...]
    """Rows that stay when the workers scroll: the section's title, the column heads."""
    rows: tuple[Row, ...]
    show: tuple[int, int] | None
    """Rows of the selected worker."""
    refs: tuple[WorkerRef, ...]
    per_row: int
    """Workers per row: the step of the up and down keys."""
    slot_taken: bool = False
    """A free slot of the panels was filled."""


def selected(frame: Frame) -> WorkerRef | None:
    """Return the worker under the cursor; None without workers."""
    return frame.worker.ref if frame.worker else None


def count_row(snapshot: Snapshot) -> Row:
    """Draw how many workers are up: "3 up", "4/6 up"."""
    up = sum(worker.reach is Reach.UP for worker in snapshot.workers)
    total = len(snapshot.workers)
    return (text(f"{up} up" if up == total else f"{fmt.share(up, total)} up"),)


def is_sorted(frame: Frame) -> bool:
    """Return whether the order is not by ascending id."""
    return frame.state.sort != BY_ID or frame.state.inverted


def sort_text(frame: Frame, snapshot: Snapshot) -> str:
    """Return the sort key and its direction in words."""
    by, inverted = frame.state.sort, frame.state.inverted
    if by == WORST:
        return "worst last" if inverted else "worst first"
    named = next((part.label for worker in snapshot.workers[:1] for part in worker.components if part.id == by), by)
    return f"by {named}, {'highest' if inverted == (by == BY_ID) else 'lowest'} first"


def section(
    frame: Frame, snapshot: Snapshot, layout: WorkersLayout, shown: int, note: str = "", ruled: bool = True
) -> Row:
    """Draw the section's title: workers up, meaning of the columns, workers that need attention, keys."""
    g = frame.glyphs
    parts: list[Row] = [count_row(snapshot)]
    if layout.forced:
        parts.append((strong(layout.kind),))
    if is_sorted(frame):
        parts.append((text(sort_text(frame, snapshot)),))
    if frame.state.filter:
        parts.append(
            (
                text(
                    f"{shown} match \u201c{frame.state.filter}\u201d"
                    if g.braille
                    else f'{shown} match "{frame.state.filter}"'
                ),
            )
        )
    unhealthy = sum(bool(worker.attention) for worker in snapshot.workers)
    end: Row = ()
    if layout.kind == "grid" and frame.width >= 60:
        end = grid.counts(snapshot.workers, g)
    elif unhealthy and frame.width >= 60:
        word = "needs" if unhealthy == 1 else "need"
        end = (mark(g.caution, "warn"), gap(1), Span(str(unhealthy), "warn", True), muted(f" {word} attention"))
        end = join([end, bracket(frame, "a")], 1)
    end = join([end, bracket(frame, "z")], 1)
    if note:
        room = frame.width - 2 - 8 - width(join(parts, 3)) - 4 - width(end)
        parts += [(muted(phrase),) for phrase in (note,) if len(phrase) <= room]
    row = title("WORKERS", frame.width - 2, g, join(parts, 3), end, focused=True, ruled=ruled)
    return fit((gap(1), *row), frame.width, g.ellipsis)


def draw_workers(
    frame: Frame, snapshot: Snapshot, free_slot: Callable[[int, int], Sequence[Row]] | None = None
) -> DrawnWorkers:
    """Draw the workers; `free_slot` (cells, rows) draws into a free slot of the panels."""
    workers = in_order(snapshot, frame.state.filter, frame.state.sort, frame.state.inverted)
    parts = max((len(worker.components) for worker in snapshot.workers), default=5)
    layout = choose(len(snapshot.workers), frame.width, frame.height, frame.state.density, parts)
    if not workers:
        heads = (section(frame, snapshot, layout, 0),)
        phrase = "no worker matches; / changes the filter" if snapshot.workers else "no workers yet"
        return DrawnWorkers(layout, heads, ((gap(1), muted(phrase)),), None, (), 1)
    if layout.kind == "panels":
        return _panels(frame, snapshot, layout, workers, parts, free_slot)
    if layout.kind == "table":
        return _table(frame, snapshot, layout, workers)
    return _grid(frame, snapshot, layout, workers)


def _expected_by(snapshot: Snapshot) -> str:
    times = [
        part.expected_by_s for worker in snapshot.workers for part in worker.components if part.due == "validation"
    ]
    return fmt.elapsed(min(times))[:5] if times else ""


def _panels(
    frame: Frame,
    snapshot: Snapshot,
    layout: WorkersLayout,
    workers: Sequence[WorkerView],
    parts: int,
    free_slot: Callable[[int, int], Sequence[Row]] | None,
) -> DrawnWorkers:
    g, cells = frame.glyphs, layout.panel_cells
    spark = cells - panel.GLYPH if layout.shape >= 14 else panel.spark_cells(cells)
    span = fmt.age(shown_s(spark, snapshot.trend_bucket_s)).replace("m", " min") if spark else ""
    by = _expected_by(snapshot)
    roomy = frame.width >= 110
    note = ", ".join(
        phrase
        for phrase in (
            "per row: value" if roomy else "value",
            "change in 5 min",
            (f"growth in {span}" if roomy else "growth") if span else "",
            f"expected by {by}" if by else "",
        )
        if phrase
    )
    heads = (section(frame, snapshot, layout, len(workers), note, ruled=False),)
    chosen = selected(frame)
    rows: list[Row] = []
    show: tuple[int, int] | None = None
    high = shape_rows(layout.shape, parts)
    per_row = min(layout.per_row, len(workers))
    taken = False
    for start in range(0, len(workers), per_row):
        if rows:
            rows.append(EMPTY)
        line = workers[start : start + per_row]
        if any(worker.ref == chosen for worker in line):
            show = (len(rows), len(rows) + high)
        blocks = [
            (panel.panel(frame, snapshot, worker, cells, layout.shape, worker.ref == chosen), cells + 2)
            for worker in line
        ]
        free = per_row - len(line)
        if free and free_slot is not None and start:
            room = free * (cells + 2) - 2
            blocks.append((tuple((gap(1), *row) for row in free_slot(room, high)), room + 2))
            taken = True
        rows += [fit(row, frame.width, g.ellipsis) for row in side_by_side(blocks, 0)]
    legend_row = legend(workers, frame.width - 2, g)
    if legend_row:
        rows.append((gap(1), *legend_row))
    return DrawnWorkers(layout, heads, tuple(rows), show, tuple(w.ref for w in workers), per_row, taken)


def _table(frame: Frame, snapshot: Snapshot, layout: WorkersLayout, workers: Sequence[WorkerView]) -> DrawnWorkers:
    g = frame.glyphs
    parts = len(workers[0].components)
    cols = columns(frame.width, parts)
    named = layout.forced or frame.state.filter or is_sorted(frame)
    if frame.width >= 110 or named:
        heads: tuple[Row, ...] = (
            section(frame, snapshot, layout, len(workers)),
            table.heads(frame, snapshot, cols),
        )
    else:
        own: Row = (gap(1), Span("WORKERS", "accent", True))
        heads = (table.heads(frame, snapshot, cols, own),)
    chosen = selected(frame)
    rows: list[Row] = []
    show: tuple[int, int] | None = None
    for worker in workers:
        if rows and layout.airy:
            rows.append(EMPTY)
        lines = table.worker_lines(frame, snapshot, worker, cols, layout.lines, worker.ref == chosen)
        if worker.ref == chosen:
            show = (len(rows), len(rows) + len(lines))
        rows += lines
    legend_row = legend(workers, frame.width - 6, g, numbers=frame.width >= 110)
    if legend_row and frame.width >= 60:
        rows.append((gap(5 if frame.width >= 110 else 3), *legend_row))
    return DrawnWorkers(layout, heads, tuple(rows), show, tuple(w.ref for w in workers), 1)


def _grid(frame: Frame, snapshot: Snapshot, layout: WorkersLayout, workers: Sequence[WorkerView]) -> DrawnWorkers:
    chosen = selected(frame)
    heads = (section(frame, snapshot, layout, len(workers)),)
    rows = grid.cell_rows(frame, snapshot, workers, chosen)
    per_row = grid.grid_columns(frame.width, len(workers[0].components))[0]
    at = next((i for i, worker in enumerate(workers) if worker.ref == chosen), 0) // per_row
    legend_row = grid.grid_legend(frame, workers)
    rows += [legend_row] if legend_row else []
    return DrawnWorkers(layout, heads, tuple(rows), (at, at + 1), tuple(w.ref for w in workers), per_row)
