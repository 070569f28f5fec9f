"""Draws the workers of the dashboard as panels, table or grid, with the order of the cursor.

Does not: know the panes below, except the one that can fill a free slot of the panels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.density import WorkersLayout, choose, is_side_pane, shape_rows
from metabonk_tui.ui.drawn_once import LazyRows, once_a_snapshot
from metabonk_tui.ui.frame import Frame, is_moved
from metabonk_tui.ui.sorting import BY_ID, WORST, count_unknown, ill_workers, in_order
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, fit, gap, join, mark, width
from metabonk_tui.ui.views.layout.section import WIDE, bracket, key_now, muted, strong, title
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.layout.sparkline import shown_s
from metabonk_tui.ui.views.workers import grid, panel, table
from metabonk_tui.ui.views.workers.columns import columns
from metabonk_tui.ui.views.workers.component_rows import GLYPH, spark_cells
from metabonk_tui.ui.views.workers.grid_fit import LEAST_BELOW, WHOLE_BELOW
from metabonk_tui.ui.views.workers.legend import legend
from metabonk_tui.ui.views.workers.needs import anyone_needs
from metabonk_tui.ui.views.workers.summary import sum_row


class DrawnWorkers(Struct, frozen=True):
    """The drawn workers and where the cursor can go."""

    layout: WorkersLayout
    heads: tuple[Row, ...]
    """Rows that stay when the workers scroll: the section's title, the column heads."""
    rows: Sequence[Row]
    show: tuple[int, int] | None
    """Rows of the selected worker."""
    refs: tuple[WorkerRef, ...]
    per_row: int
    """Workers per row."""
    slot_taken: bool = False
    """A free slot of the panels was filled."""
    sight: int = 0
    """For the grid: its rows in sight; less than all where they scroll."""
    has_cells: bool = False
    """For the grid: it has a glyph per component."""


def selected(frame: Frame) -> WorkerRef | None:
    """Return the worker under the cursor; None while there is none."""
    return frame.selected.ref if frame.selected else None


def count_row(snapshot: Snapshot) -> Row:
    """Draw how many workers are up: "3 up", "4/6 up"."""
    up = sum(worker.reach is Reach.UP for worker in snapshot.workers)
    total = len(snapshot.workers)
    return (text(f"{up} up" if up == total else f"{fmt.share(up, total)} up"),)


def is_sorted(frame: Frame) -> bool:
    """Return whether the order is not by ascending id."""
    return frame.sort != BY_ID or frame.state.inverted


def sort_text(frame: Frame, snapshot: Snapshot) -> str:
    """Return the sort key and its direction in words, and whether the order is an earlier one."""
    by, inverted = frame.sort, frame.state.inverted
    held = ", held" if is_moved(frame) else ""
    if by == WORST:
        return f"worst last{held}" if inverted else f"worst first{held}"
    named = next((part.label for worker in snapshot.workers[:1] for part in worker.components if part.id == by), by)
    return f"by {named}, {'highest' if inverted == (by == BY_ID) else 'lowest'} first{held}"


def section(
    frame: Frame, snapshot: Snapshot, layout: WorkersLayout, shown: int, note: str = "", ruled: bool = True
) -> Row:
    """Draw the section's title: workers up, meaning of the columns, workers that need attention, keys."""
    order = sort_text(frame, snapshot) if is_sorted(frame) else ""
    return _section(frame, snapshot, (order, frame.state.filter), layout, shown, note, ruled)


@once_a_snapshot
def _section(
    frame: Frame,
    snapshot: Snapshot,
    chosen: tuple[str, str],
    layout: WorkersLayout,
    shown: int,
    note: str,
    ruled: bool,
) -> Row:
    """Draw the title for an order in words and a filter, the ones of the frame."""
    g = frame.glyphs
    order, wanted = chosen
    parts: list[Row] = [count_row(snapshot)]
    if layout.forced:
        parts.append((strong(layout.kind),))
    if order:
        parts.append((text(order),))
    if wanted:
        parts.append((text(match_text(frame, shown)),))
    unhealthy = len(ill_workers(snapshot))
    end: Row = ()
    if unhealthy and frame.width >= 60:
        word = "ill" if frame.width < WIDE else "needs attention" if unhealthy == 1 else "need attention"
        end = (mark(g.caution, "warn"), gap(1), Span(str(unhealthy), "warn", True), muted(f" {word}"))
        end = join([end, bracket(frame, "a")], 1)
    end = join([end, bracket(frame, "z")], 1)
    if note:
        room = frame.width - 2 - len("WORKERS") - 2 - width(join(parts, 3)) - 3 - width(end) - 3
        parts += [(muted(phrase),) for phrase in (note,) if len(phrase) <= room]
    row = title("WORKERS", frame.width - 2, g, join(parts, 3), end, focused=True, ruled=ruled)
    return fit((gap(1), *row), frame.width, g.ellipsis)


def match_text(frame: Frame, shown: int) -> str:
    """Say how many workers the filter leaves."""
    wanted = frame.state.filter
    return f"{shown} match \u201c{wanted}\u201d" if frame.glyphs.braille else f'{shown} match "{wanted}"'


def grid_section(frame: Frame, snapshot: Snapshot, layout: WorkersLayout, shown: int, workers: int) -> Row:
    """Draw the grid's title: how many are in sight, the order, the selected worker, and all counted by condition."""
    g = frame.glyphs
    share = f"{shown} of {workers}"
    in_sight = share if shown == workers else f"showing {share}"
    parts: list[Row] = [(muted(f"{in_sight}, {sort_text(frame, snapshot)}"),)]
    if layout.forced:
        parts.append((strong(layout.kind),))
    if frame.state.filter:
        parts.append((text(match_text(frame, workers)),))
    chosen = frame.selected
    if chosen is not None and frame.width >= 60:
        parts.append((mark(g.cursor, "accent"), gap(1), strong(chosen.ref.label, True)))
    key = bracket(frame, "a")
    note = join(parts, 2)
    room = frame.width - 2 - len("WORKERS") - 2 - 3 - (width(key) + 1 if key else 0)
    end = grid.counts(frame, snapshot, max(room - width(note), room // 2))
    row = title("WORKERS", frame.width - 2, g, note, join([end, key], 1), focused=True)
    return fit((gap(1), *row), frame.width, g.ellipsis)


def draw_workers(
    frame: Frame, snapshot: Snapshot, room: int, free_slot: Callable[[int, int], Sequence[Row]] | None = None
) -> DrawnWorkers:
    """Draw the workers in `room` rows; `free_slot` (cells, rows) draws into a free slot of the panels."""
    workers = frame.workers
    parts = max((len(worker.components) for worker in snapshot.workers), default=5)
    layout = choose(len(snapshot.workers), frame.width, frame.height, frame.state.density, parts)
    if not workers:
        heads = (section(frame, snapshot, layout, 0),)
        phrase = _none_match(frame, snapshot) if snapshot.workers else "no workers yet"
        return DrawnWorkers(layout, heads, ((gap(1), muted(phrase)),), None, (), 1)
    if layout.kind == "panels":
        return _panels(frame, snapshot, layout, workers, parts, free_slot)
    if layout.kind == "table":
        return _table(frame, snapshot, layout, workers, room)
    return _grid(frame, snapshot, layout, workers, room)


def workers_per_row(frame: Frame, snapshot: Snapshot) -> int:
    """Return how many workers stand side by side: the step of the up and down keys."""
    workers = frame.workers
    parts = max((len(worker.components) for worker in snapshot.workers), default=5)
    layout = choose(len(snapshot.workers), frame.width, frame.height, frame.state.density, parts)
    if is_side_pane(frame.width, frame.height) or layout.kind == "table":
        return 1
    if layout.kind == "panels":
        return max(1, min(layout.per_row, len(workers)))
    return grid.grid_of(frame, snapshot, workers).per_row


def _none_match(frame: Frame, snapshot: Snapshot) -> str:
    """Say that the filter leaves no worker, and how to clear it."""
    wanted = frame.state.filter
    unknown = count_unknown(snapshot, wanted)
    doubt = f" ({unknown} not known)" if unknown else ""
    return frame.glyphs.text(
        f"no worker matches {wanted}{doubt}; {key_now(frame, '/')} changes the filter, Esc clears it"
    )


def _expected_by(snapshot: Snapshot) -> str:
    times = [
        part.expected_by_s for worker in snapshot.workers for part in worker.components if part.due == "validation"
    ]
    return fmt.elapsed(min(times))[:5] if times else ""


@once_a_snapshot
def _row_note(frame: Frame, snapshot: Snapshot, spark: int) -> str:
    """Say what stands in the rows of a panel, whose sparkline has this many cells."""
    span = fmt.age(shown_s(spark, snapshot.trend_bucket_s)).replace("m", " min") if spark else ""
    by = _expected_by(snapshot)
    roomy = frame.width >= 110
    if frame.ghost is not None:
        return "now, change in 5 min, ghost at the same minute, when it was there" if roomy else "now, change, ghost"
    return ", ".join(
        phrase
        for phrase in (
            "per row: value" if roomy else "value",
            "change in 5 min" if roomy else "change in 5m",
            (f"growth in {span}" if roomy else "growth") if span else "",
            "what it needs" if anyone_needs(snapshot, frame.config) else f"expected by {by}" if by else "",
        )
        if phrase
    )


@once_a_snapshot
def _legend(frame: Frame, snapshot: Snapshot, wanted: str, wide: int, numbers: bool, signs: bool) -> Row:
    """Draw the legend of the workers that match a filter; with `signs`, how they compare with a ghost."""
    return legend(in_order(snapshot, wanted), wide, frame.glyphs, numbers, signs and frame.ghost is not None)


@once_a_snapshot
def _panel(frame: Frame, snapshot: Snapshot, at: int, cells: int, shape: int, is_selected: bool) -> tuple[Row, ...]:
    """Draw the panel of the worker at this place of the Snapshot."""
    return panel.panel(frame, snapshot, snapshot.workers[at], cells, shape, is_selected)


def _panel_line(
    frame: Frame,
    snapshot: Snapshot,
    places: Sequence[int],
    layout: WorkersLayout,
    chosen: WorkerRef | None,
    slot: tuple[int, Callable[[], Sequence[Row]]] | None,
) -> tuple[Row, ...]:
    """Draw the panels that stand side by side, and at their right what fills a free slot of so many cells."""
    blocks: list[Sequence[Row]] = [
        _panel(frame, snapshot, at, layout.panel_cells, layout.shape, snapshot.workers[at].ref == chosen)
        for at in places
    ]
    # Every row of a panel has these cells; in the slot at the right nothing follows that would have to be in line.
    blank: Row = (gap(layout.panel_cells + 2),)
    if slot is not None:
        blocks.append([(gap(1), *row) for row in slot[1]()])
    high = max(map(len, blocks))
    return tuple([sum([rows[y] if y < len(rows) else blank for rows in blocks], EMPTY) for y in range(high)])


def _panels(
    frame: Frame,
    snapshot: Snapshot,
    layout: WorkersLayout,
    workers: Sequence[WorkerView],
    parts: int,
    free_slot: Callable[[int, int], Sequence[Row]] | None,
) -> DrawnWorkers:
    cells = layout.panel_cells
    note = _row_note(frame, snapshot, cells - GLYPH if layout.shape >= 14 else spark_cells(cells))
    heads = (section(frame, snapshot, layout, len(workers), note, ruled=False),)
    chosen = selected(frame)
    rows = LazyRows()
    show: tuple[int, int] | None = None
    high = shape_rows(layout.shape, parts)
    per_row = min(layout.per_row, len(workers))
    taken = False
    place_of = {worker.ref: at for at, worker in enumerate(snapshot.workers)}
    for start in range(0, len(workers), per_row):
        if rows:
            rows.add(1, _blank)
        line = workers[start : start + per_row]
        if any(worker.ref == chosen for worker in line):
            show = (len(rows), len(rows) + high)
        tall = max(shape_rows(layout.shape, len(worker.components)) for worker in line)
        free = per_row - len(line)
        slot = None
        if free and free_slot is not None and start:
            slot = (free * (cells + 2), partial(free_slot, free * (cells + 2) - 2, high))
            taken = True
        places = [place_of[worker.ref] for worker in line]
        rows.add(tall, partial(_panel_line, frame, snapshot, places, layout, chosen, slot))
    legend_row = _legend(frame, snapshot, frame.state.filter, frame.width - 2, True, False)
    if legend_row:
        rows.add(1, lambda: ((gap(1), *legend_row),))
    return DrawnWorkers(layout, heads, rows, show, tuple(w.ref for w in workers), per_row, taken)


def _blank() -> tuple[Row]:
    return (EMPTY,)


def _table(
    frame: Frame, snapshot: Snapshot, layout: WorkersLayout, workers: Sequence[WorkerView], room: int
) -> DrawnWorkers:
    parts = len(workers[0].components)
    cols = columns(frame.width, parts, layout.lines)
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
    rows = LazyRows()
    show: tuple[int, int] | None = None
    place_of = {worker.ref: at for at, worker in enumerate(snapshot.workers)}
    for worker in workers:
        if rows and layout.airy:
            rows.add(1, _blank)
        if worker.ref == chosen:
            show = (len(rows), len(rows) + layout.lines)
        at = place_of[worker.ref]
        rows.add(layout.lines, partial(_lines, frame, snapshot, at, parts, layout.lines, worker.ref == chosen))
    legend_row = _legend(frame, snapshot, frame.state.filter, frame.width - 6, frame.width >= 110, True)
    has_legend = bool(legend_row) and frame.width >= 60
    # In a low terminal the causes need the row.
    has_room = len(heads) + len(rows) + 1 + has_legend <= room and not (frame.height < 30 and snapshot.causes)
    total = sum_row(frame, snapshot) if has_room else ()
    if total:
        rows.add(1, lambda: (total,))
    if has_legend:
        rows.add(1, lambda: ((gap(5 if frame.width >= 110 else 3), *legend_row),))
    return DrawnWorkers(layout, heads, rows, show, tuple(w.ref for w in workers), 1)


@once_a_snapshot
def _lines(frame: Frame, snapshot: Snapshot, at: int, parts: int, lines: int, is_selected: bool) -> tuple[Row, ...]:
    """Draw the lines of the worker at this place of the Snapshot, in a table with so many components."""
    cols = columns(frame.width, parts, lines)
    return table.worker_lines(frame, snapshot, snapshot.workers[at], cols, lines, is_selected)


def _grid(
    frame: Frame, snapshot: Snapshot, layout: WorkersLayout, workers: Sequence[WorkerView], room: int
) -> DrawnWorkers:
    """Draw the grid. Where not all workers fit, it leaves the rows of the sum and the attention list."""
    chosen = selected(frame)
    placed = grid.grid_of(frame, snapshot, workers)
    rows = grid.grid_rows(frame, snapshot, workers, chosen)
    sight = len(rows) if len(rows) + 1 + LEAST_BELOW <= room else max(1, room - 1 - WHOLE_BELOW)
    in_sight = min(len(workers), sight // placed.lines * placed.per_row)
    heads = (grid_section(frame, snapshot, layout, in_sight, len(workers)),)
    at = next((i for i, worker in enumerate(workers) if worker.ref == chosen), 0) // placed.per_row * placed.lines
    refs = tuple(worker.ref for worker in workers)
    return DrawnWorkers(
        layout, heads, rows, (at, at + placed.lines), refs, placed.per_row, False, sight, placed.kind != "glyphs"
    )
