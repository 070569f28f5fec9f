"""Draws workers as rows and components as columns, so that equal things stand under each other.

Does not: place the columns (`columns` does) or choose how many lines a worker has (`density` does).
"""

from __future__ import annotations

import re

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, ComponentView, Reach, WorkerView
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, cells, clip, fit, gap, mark, on_row, right, width
from metabonk_tui.ui.views.layout.highlight import freshen, worker_freshness
from metabonk_tui.ui.views.layout.section import muted
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.layout.sparkline import sparkline
from metabonk_tui.ui.views.workers.columns import TableColumns, place_row
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
from metabonk_tui.ui.views.workers.panel import reach_mark, reach_word, state_since

S = ComponentState


def lines_each(workers: int, wide: int, room: int) -> tuple[int, bool]:
    """Return the lines per worker, and whether a blank one follows; `room` is the rows for all workers."""
    if wide < 110 or workers > 8:
        return 1, False
    airy = workers <= (5 if wide >= 160 else 3)
    if airy and workers * 3 - 1 <= room:
        return 2, True
    return (2, False) if workers * 2 <= room else (1, False)


def heads(frame: Frame, snapshot: Snapshot, cols: TableColumns, section: Row = ()) -> Row:
    """Draw the column heads; `section` is the section's own title where heads and title share the row."""
    g, shape = frame.glyphs, cols.shape
    row: list[Span] = list(section) if section else [gap(5), *((muted("WORKER"),) if shape.state_cells else ())]
    if shape.glyphs_only:
        row += [gap(max(1, shape.parts_at - width(row))), muted("STATES" if cols.numbers else "")]
    else:
        for i, part in enumerate(snapshot.workers[0].components if snapshot.workers else ()):
            at = cols.part_at(i)
            row += [gap(max(1, at - width(row)))]
            row.append(muted(clip(column_head(part, shape.size, frame), shape.part_cells - 1, g.ellipsis)))
            if shape.change_end:
                row.append(right("/5m", max(0, at + shape.change_end - width(row)), "muted"))
    for column, end in cols.numbers:
        row.append(right(column.head, max(0, end - width(row)), "muted"))
    return fit(tuple(row), frame.width, g.ellipsis)


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
    name = worker.ref.label
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
        if width((word,)) > room:
            word = word._replace(text=re.sub(r"(\d+[smhd])\d+[smhd]$", r"\1", word.text))
        cell_text = clip(g.text(word.text), room, g.ellipsis)
        since_t = state_since(worker)
        how = worker_freshness(since_t, worker, snapshot) if since_t is not None else ""
        row.append(freshen(word._replace(text=cell_text, on=identity), how, worker.reach is not Reach.STALE))
    for i, part in enumerate(worker.components):
        at = cols.part_at(i)
        row.append(gap(at - width(row)))
        end = cols.shape.last_end if i == len(worker.components) - 1 else cols.shape.value_end
        row += _cell(frame, snapshot, worker, part, cols, lines, end)
    row += _numbers(g, worker, cols, width(row), lines)
    return tuple(row)


def _cell(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, part: ComponentView, cols: TableColumns, lines: int, end: int
) -> list[Span]:
    g = frame.glyphs
    glyph = state_mark(part, g)
    if cols.shape.glyphs_only:
        return [fresh_value(glyph, part, worker, snapshot)]
    if part.state is S.PENDING and not cols.shape.change_end:
        return [glyph]
    if part.state in (S.ABSENT, S.PENDING, S.UNOBSERVED) or (part.state is S.BAD and not part.bad):
        word = Span(state_word(part, snapshot), word_token(part), part.state in (S.ABSENT, S.BAD))
        word = word._replace(text=clip(word.text, cols.shape.part_cells - 3, g.ellipsis))
        return [glyph, gap(1), fresh_value(word, part, worker, snapshot)]
    if part.state in (S.DOWN, S.STALE) and not cols.shape.change_end:
        return [glyph]
    value = value_text(part, end - 2)
    shown = fresh_value(Span(value, value_token(part), part.state is S.BAD), part, worker, snapshot)
    row = [glyph, gap(end - 1 - len(value)), shown]
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
        return muted(absent_since(part, snapshot, frame.zone))
    if part.state is S.ZERO:
        early = part.due == "gameplay" and not worker.gameplay.corroborated
        return muted("not due yet" if early else "never grew")
    if part.state is S.UNPROVEN:
        return muted("proof absent")
    word = state_word(part, snapshot)
    if part.state in (S.STALLED, S.BAD) and len(word) >= cols.shape.change_end - cols.shape.value_end:
        return Span(word, word_token(part))
    return muted("")


def _numbers(g: Glyphs, worker: WorkerView, cols: TableColumns, at: int, lines: int) -> list[Span]:
    """Draw the numbers from cell `at` on; the error of a worker that does not answer replaces the first one."""
    row: list[Span] = []
    for i, (column, end) in enumerate(cols.numbers):
        room = end - at - width(row)
        error = _error(g, worker, room - 1) if i == 0 and lines == 1 else ()
        row += place_row(error or column.draw(worker, g, lines), room, g.ellipsis)
    return row


def _error(g: Glyphs, worker: WorkerView, room: int) -> Row:
    """Draw the longest text of the error that fits."""
    if worker.reach not in (Reach.DOWN, Reach.BROKEN, Reach.STRANGER) or not (worker.last_error or worker.error):
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
