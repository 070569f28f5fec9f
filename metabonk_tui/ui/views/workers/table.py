"""Draws workers as rows and components as columns, so that equal things stand under each other.

Does not: place the columns (`columns` does) or choose how many lines a worker has (`density` does).
"""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, ComponentView, Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, cells, clip, fit, gap, left, mark, on_row, right, width
from metabonk_tui.ui.views.layout.highlight import freshen, worker_freshness
from metabonk_tui.ui.views.layout.section import muted, shown_label
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.layout.sparkline import sparkline
from metabonk_tui.ui.views.workers.columns import LEAST_TEXT, TableColumns, place_row
from metabonk_tui.ui.views.workers.component import (
    absent_since,
    change_text,
    column_head,
    fresh_value,
    state_mark,
    state_word,
    value_text,
    value_token,
    word_token,
)
from metabonk_tui.ui.views.workers.panel import fit_word, reach_mark, reach_word, state_since

S = ComponentState
LEAST_NAME = 8
"""Cells that the name of a worker always gets."""


def heads(frame: Frame, snapshot: Snapshot, cols: TableColumns, section: Row = ()) -> Row:
    """Draw the column heads, the sorted one marked; `section` is the section's title where both share the row."""
    g, shape = frame.glyphs, cols.shape
    row: list[Span] = list(section) if section else [gap(5), *((muted("WORKER"),) if shape.state_cells else ())]
    if shape.glyphs_only:
        row += [gap(max(1, shape.parts_at - width(row))), muted("STATES" if cols.numbers else "")]
    else:
        for i, part in enumerate(snapshot.workers[0].components if snapshot.workers else ()):
            at = cols.part_at(i)
            row += [gap(max(1, at - width(row)))]
            head = _head(frame, column_head(part, shape.size, frame), part.id)
            row.append(head._replace(text=clip(head.text, shape.part_cells - 1, g.ellipsis)))
            if shape.change_end:
                room = at + shape.change_end - width(row)
                row.append(right("/5m" if room > 3 else "", max(0, room), "muted"))
    if cols.error_head:
        row += [gap(max(1, cols.error_at - width(row))), muted(cols.error_head)]
    for column, end in cols.numbers:
        head = _head(frame, column.head, column.sort)
        row += [gap(end - width(row) - width((head,))), head]
    return fit(tuple(row), frame.width, g.ellipsis)


def _head(frame: Frame, head: str, sort: str) -> Span:
    """Draw the head of a column; the one that the workers are sorted by has an arrow."""
    if not sort or frame.sort != sort:
        return muted(head)
    arrow = frame.glyphs.up if frame.state.inverted else frame.glyphs.down_arrow
    return Span(f"{arrow}{head}", "strong", True)


def worker_lines(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, cols: TableColumns, lines: int, selected: bool
) -> tuple[Row, ...]:
    """Draw one worker in one or two lines."""
    rows = [_first(frame, snapshot, worker, cols, selected, lines)]
    if lines == 2:
        rows.append(_second(frame, snapshot, worker, cols, selected))
    fitted = [fit(row, frame.width, frame.glyphs.ellipsis) for row in rows]
    return tuple(on_row(row, "select") for row in fitted) if selected else tuple(fitted)


def _first(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, cols: TableColumns, selected: bool, lines: int
) -> Row:
    g = frame.glyphs
    identity = "selectid" if selected else ""
    cursor = mark(g.cursor, "accent") if selected else gap(1)
    name = shown_label(worker.ref, snapshot, g, max(LEAST_NAME, cols.shape.parts_at - 6))
    # A longer id starts further left, so that the state keeps its column.
    at = max(4, min(5, cols.shape.state_at - 1 - len(name)))
    row: list[Span] = [gap(1), cursor, gap(at - 4), reach_mark(worker, g), gap(1)]
    row += [
        Span(name, "strong", True, identity),
        Span(" " * max(1, cols.shape.state_at - at - len(name)), on=identity),
    ]
    if cols.shape.state_cells:
        word = reach_word(worker, snapshot)
        room = cols.shape.parts_at - 1 - width(row)
        word = fit_word(word, room, g)
        since_t = state_since(worker)
        how = worker_freshness(since_t, worker, snapshot, frame.motion) if since_t is not None else ""
        row.append(freshen(word._replace(on=identity), how, worker.reach is not Reach.STALE))
    for i, part in enumerate(worker.components):
        at = cols.part_at(i)
        row.append(gap(at - width(row)))
        end = cols.shape.last_end if i == len(worker.components) - 1 else cols.shape.value_end
        row += _cell(frame, snapshot, worker, part, cols, lines, end)
    row += _numbers(g, snapshot, worker, cols, width(row), lines)
    return tuple(row)


def _cell(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, part: ComponentView, cols: TableColumns, lines: int, end: int
) -> list[Span]:
    g = frame.glyphs
    glyph = state_mark(part, g)
    if cols.shape.glyphs_only:
        return [fresh_value(glyph, part, worker, snapshot, frame.motion)]
    if part.state is S.PENDING and not cols.shape.change_end:
        return [glyph]
    if part.state in (S.ABSENT, S.PENDING, S.UNOBSERVED) or (part.state is S.BAD and not part.bad):
        word = Span(state_word(part, snapshot), word_token(part), part.state in (S.ABSENT, S.BAD))
        word = word._replace(text=clip(word.text, cols.shape.part_cells - 3, g.ellipsis))
        return [glyph, gap(1), fresh_value(word, part, worker, snapshot, frame.motion)]
    if part.state in (S.DOWN, S.STALE) and not cols.shape.change_end:
        return [glyph]
    value = value_text(part, end - 2)
    shown = fresh_value(Span(value, value_token(part), part.state is S.BAD), part, worker, snapshot, frame.motion)
    row = [glyph, *_before_value(frame, snapshot, worker, part, end - 1 - len(value)), shown]
    if cols.shape.change_end:
        room = cols.shape.change_end - end
        change = Span(change_text(part, room - 1), "muted")
        if part.state is not S.ACTIVE:
            word_text = state_word(part, snapshot)
            fits = len(word_text) < room
            change = Span(word_text if fits else "" if lines == 2 else word_text.split()[0], word_token(part))
            change = change._replace(text=clip(change.text, room - 1, g.ellipsis))
        row += [gap(room - width((change,))), change]
    return row


def _before_value(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, part: ComponentView, room: int
) -> tuple[Span, ...]:
    """Draw the cells between glyph and value: blank, or how the value compares with the ghost's."""
    if frame.ghost is None or room < 1:
        return (gap(room),)
    from metabonk_tui.ui.views.workers.ghost_rows import sign  # most monitors compare with no run

    return (sign(frame, snapshot, worker, part), gap(room - 1))


def _second(frame: Frame, snapshot: Snapshot, worker: WorkerView, cols: TableColumns, selected: bool) -> Row:
    g = frame.glyphs
    port = f":{worker.port} " if worker.port is not None else ""
    port_span = Span(f"{port}", "muted", on="selectid" if selected else "")
    generation = Span(f"gen {worker.generation}", "text" if worker.generation > 1 else "muted")
    generation = generation._replace(on="selectid" if selected else "")
    row: list[Span] = [gap(5), port_span, generation]
    for i, part in enumerate(worker.components):
        at = cols.part_at(i)
        row.append(gap(at - width(row)))
        if part.state is S.ACTIVE:
            counter = part.decimals == 0
            row += sparkline(part.trend, cols.shape.change_end, snapshot.trend_bucket_s, counter, g)
            continue
        note = _remark(frame, snapshot, worker, part, cols)
        row += [gap(2), note._replace(text=clip(note.text, cols.shape.part_cells - 3, g.ellipsis))]
    return (*row, *_second_numbers(g, worker, cols, width(row)))


def _remark(frame: Frame, snapshot: Snapshot, worker: WorkerView, part: ComponentView, cols: TableColumns) -> Span:
    """Draw, below a component that is not active, why it has no trend."""
    if part.state is S.ABSENT:
        return muted(absent_since(part, frame.zone))
    if part.state is S.ZERO:
        early = part.due == "gameplay" and not worker.gameplay.corroborated
        return muted("not due yet" if early else "never grew")
    if part.state is S.UNPROVEN:
        return muted("proof absent" if part.proof else "flag only")
    word = state_word(part, snapshot)
    if part.state in (S.STALLED, S.BAD) and len(word) >= cols.shape.change_end - cols.shape.value_end:
        return Span(word, word_token(part))
    return muted("")


def _numbers(g: Glyphs, snapshot: Snapshot, worker: WorkerView, cols: TableColumns, at: int, lines: int) -> list[Span]:
    """Draw the last error and the numbers from cell `at` on.

    Without a column of its own, the error of a worker that does not answer stands in place of the first numbers.
    """
    row: list[Span] = []
    if cols.error_cells:
        row = [gap(cols.error_at - at), *_last_error(g, snapshot, worker, cols.error_cells)]
    for i, (column, end) in enumerate(cols.numbers):
        room = end - at - width(row)
        if lines == 1 and not cols.error_cells:
            if column.single and _is_unreached(worker) and i + 1 < len(cols.numbers):
                continue
            error = _error(g, worker, room - 1) if not row else ()
            if error:
                row += place_row(error, room, g.ellipsis)
                continue
        cell = column.draw(worker, g, lines)
        if column.single and lines == 1 and not cols.error_cells and worker.last_error and worker.reach is Reach.UP:
            cell = (*cell, mark(g.caution, "warn", True))
        row += place_row(cell, room, g.ellipsis)
    return row


def _last_error(g: Glyphs, snapshot: Snapshot, worker: WorkerView, room: int) -> Row:
    """Draw the last error in exactly `room` cells: its text and age, or only its age; "none" without one."""
    error = worker.last_error or (worker.error if worker.reach is not Reach.STARTING else None)
    if error is None:
        return (left("none" if room >= 4 else "no", room, "muted"),)
    age = "now" if worker.last_error_t is None else fmt.about(snapshot.t - worker.last_error_t)
    if room < LEAST_TEXT:
        return (left(age, room, "warn"),)
    known = g.text(error)
    ending = f", {age}" if worker.last_error_t is not None and worker.reach is Reach.UP else ""
    if cells(known) > room:
        # Every error of an answer begins so; the rest differs.
        known = known.removeprefix("/status: ")
    shown = f"{known}{ending}" if cells(known) + len(ending) <= room else clip(known, room, g.ellipsis)
    return (left(shown, room, "text"),)


def _is_unreached(worker: WorkerView) -> bool:
    return worker.reach in (Reach.DOWN, Reach.BROKEN, Reach.STRANGER) and bool(worker.last_error or worker.error)


def _error(g: Glyphs, worker: WorkerView, room: int) -> Row:
    """Draw the longest text of the error that fits."""
    if not _is_unreached(worker):
        return ()
    clause = (worker.last_error or "").split(",")[0]
    texts = [g.text(error) for error in (worker.last_error, clause, worker.error) if error]
    fitting = (error for error in texts if cells(error) <= max(0, room))
    return (text(next(fitting, None) or clip(texts[-1], room, g.ellipsis)),)


def _second_numbers(g: Glyphs, worker: WorkerView, cols: TableColumns, at: int) -> list[Span]:
    row: list[Span] = []
    for column, end in cols.numbers:
        row += place_row(column.below(worker, g), end - at - width(row), g.ellipsis)
    return row
