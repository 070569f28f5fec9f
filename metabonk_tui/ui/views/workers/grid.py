"""Draws many workers as small cards, cells or single glyphs: quiet dots, so that unhealthy workers stand out.

Does not: know how many rows fit (`grid_fit` does).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from metabonk_tui.core.model.condition import WorkerCondition, needs_attention
from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.drawn_once import LazyRows, once_a_snapshot
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.sorting import conditions, level_counts
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, fit, gap, join, mark, on_row, width
from metabonk_tui.ui.views.layout.section import muted, shown_label, strong
from metabonk_tui.ui.views.workers.component import fresh_value, state_mark
from metabonk_tui.ui.views.workers.grid_fit import GROUP, GridFit, fit_grid, id_cells, id_text
from metabonk_tui.ui.views.workers.panel import attention_mark, fit_word, reach_mark, reach_word, worst

S = ComponentState


def grid_of(frame: Frame, snapshot: Snapshot, workers: Sequence[WorkerView]) -> GridFit:
    """Return how these workers are drawn in this frame."""
    parts = max([len(worker.components) for worker in workers[:1]], default=5)
    return fit_grid(len(workers), frame.width, frame.height, parts, id_cells(snapshot, frame.glyphs))


def grid_rows(frame: Frame, snapshot: Snapshot, workers: Sequence[WorkerView], chosen: WorkerRef | None) -> LazyRows:
    """Draw the workers in sight, in the density that fits."""
    placed = grid_of(frame, snapshot, workers)
    draw = {"cards": _cards, "cells": _cells, "glyphs": _glyphs}[placed.kind]
    rows = LazyRows()
    for start in range(0, len(workers), placed.per_row):
        line = tuple(workers[start : start + placed.per_row])
        rows.add(placed.lines, partial(draw, frame, snapshot, line, placed, chosen))
    return rows


def _cells(
    frame: Frame, snapshot: Snapshot, workers: Sequence[WorkerView], placed: GridFit, chosen: WorkerRef | None
) -> tuple[Row]:
    row: list[Span] = []
    for worker in workers:
        cell = worker_cell(frame, snapshot, worker, placed.id_cells, worker.ref == chosen)
        row += fit(cell, placed.pitch, frame.glyphs.ellipsis)
    return (fit(tuple(row), frame.width, frame.glyphs.ellipsis),)


def worker_cell(frame: Frame, snapshot: Snapshot, worker: WorkerView, ids: int, selected: bool) -> Row:
    """Draw cursor, id, and one glyph per component."""
    is_ill = needs_attention(conditions(snapshot)[worker.ref])
    g = frame.glyphs
    name = id_text(worker.ref, ids, snapshot, g)
    row: list[Span] = [
        mark(g.cursor, "accent") if selected else gap(1),
        Span(name, "strong" if is_ill or selected else "muted", is_ill, "selectid" * selected),
        _beside_id(frame, snapshot, worker),
    ]
    row += [
        fresh_value(state_mark(part, g, quiet=True), part, worker, snapshot, frame.motion)
        for part in worker.components
    ]
    return on_row(tuple(row), "select") if selected else tuple(row)


def _beside_id(frame: Frame, snapshot: Snapshot, worker: WorkerView) -> Span:
    """Draw the cell behind an id: blank, or how the worker compares with its ghost."""
    if frame.ghost is None:
        return gap(1)
    from metabonk_tui.ui.views.workers.ghost_rows import sign_of_worker  # most monitors compare with no run

    return sign_of_worker(frame, snapshot, worker)


def _glyphs(
    frame: Frame, snapshot: Snapshot, workers: Sequence[WorkerView], placed: GridFit, chosen: WorkerRef | None
) -> tuple[Row]:
    """Draw a row of single glyphs, in groups, behind the id of its first worker."""
    found = conditions(snapshot)
    first = workers[0]
    is_ill = needs_attention(found[first.ref])
    row: list[Span] = [
        gap(1),
        Span(id_text(first.ref, placed.id_cells, snapshot, frame.glyphs), "strong" if is_ill else "muted", is_ill),
    ]
    for i, worker in enumerate(workers):
        if i % GROUP == 0:
            row.append(gap(1))
        glyph = worker_glyph(worker, found[worker.ref], frame.glyphs)
        if worker.ref == chosen:
            glyph = glyph._replace(token="onaccent", bold=True, on="accent", glyph=False)
        row.append(glyph)
    return (fit(tuple(row), frame.width, frame.glyphs.ellipsis),)


_GLYPHS = {
    WorkerCondition.STARTING: ("pending", "muted"),
    WorkerCondition.IDLE: ("caution", "warn"),
    WorkerCondition.ERRATIC: ("caution", "warn"),
    WorkerCondition.STALLED: ("stalled", "warn"),
    WorkerCondition.ABSENT: ("absent", "crit"),
    WorkerCondition.BAD: ("bad", "crit"),
}


def worker_glyph(worker: WorkerView, found: WorkerCondition, glyphs: Glyphs) -> Span:
    """Draw one glyph for the whole worker: the one of its condition."""
    if found in (WorkerCondition.OK, WorkerCondition.DOWN):
        return reach_mark(worker, glyphs, quiet=True)
    if found is WorkerCondition.NOT_KNOWN:
        return reach_mark(worker, glyphs) if worker.reach is not Reach.UP else mark(glyphs.unproven, "unknown")
    name, token = _GLYPHS[found]
    return mark(str(getattr(glyphs, name)), token, token == "crit")


def _cards(
    frame: Frame, snapshot: Snapshot, workers: Sequence[WorkerView], placed: GridFit, chosen: WorkerRef | None
) -> tuple[Row, ...]:
    cards = [
        _card(frame, snapshot, worker, placed.pitch - 1, placed.lines - 1, worker.ref == chosen) for worker in workers
    ]
    rows = [tuple(span for card in cards for span in (*card[y], gap(1))) for y in range(placed.lines - 1)]
    return (*(fit(row, frame.width, frame.glyphs.ellipsis) for row in rows), EMPTY)


def _card(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, cells: int, lines: int, selected: bool
) -> tuple[Row, ...]:
    """Draw a worker in two or three lines: what it is doing; its components, pace and memory; the rest."""
    g = frame.glyphs
    is_ill = needs_attention(conditions(snapshot)[worker.ref])
    attention = worst(worker)
    end: Row = ()
    word = reach_word(worker, snapshot)
    if attention is not None and attention.mark.lower() not in word.text.lower():
        end = (gap(1), *attention_mark(attention, g))
    elif worker.generation > 1:
        end = (gap(1), Span(f"gen {worker.generation}", "text"))
    name = Span(
        shown_label(worker.ref, snapshot, g), "strong" if is_ill or selected else "text", is_ill, "selectid" * selected
    )
    lead = mark(g.cursor, "accent") if selected else gap(1)
    head: Row = (lead, name, _beside_id(frame, snapshot, worker), reach_mark(worker, g, quiet=True), gap(1))
    head = (*head, fit_word(word, cells - width(head) - width(end), g))
    states = tuple(
        fresh_value(state_mark(p, g, quiet=True), p, worker, snapshot, frame.motion) for p in worker.components
    )
    token = "muted" if worker.reach in (Reach.DOWN, Reach.STALE) else "text"
    rate = "?" if worker.step_rate is None else fmt.short(worker.step_rate, 2, 5)
    rss = "?" if worker.rss_bytes is None else fmt.short(worker.rss_bytes / fmt.GB, 2, 5)
    jumped = worker.step_rate_ratio is not None
    pace: Row = (Span(rate, "warn" if jumped else token, jumped), muted("/s  "), Span(rss, token), muted(" GB"))
    rows = [
        (*fit(head, cells - width(end), g.ellipsis), *end),
        (gap(2), *states, gap(cells - 2 - len(states) - width(pace)), *pace),
        fit((gap(2), *_last_line(worker, g)), cells, g.ellipsis),
    ]
    drawn = tuple(fit(row, cells, g.ellipsis) for row in rows[:lines])
    return tuple(on_row(row, "select") for row in drawn) if selected else drawn


def _last_line(worker: WorkerView, glyphs: Glyphs) -> Row:
    """Draw the last error, else episode and growth."""
    if worker.last_error or worker.error:
        return (muted("err "), Span(glyphs.text(worker.last_error or worker.error or ""), "text"))
    growth = worker.rss_growth_bytes_per_min
    return join([
        (muted("episode "), Span("?" if worker.episode is None else str(worker.episode), "text")),
        () if growth is None else (muted(fmt.growth(growth)),),
    ], 2)  # fmt: skip


_COUNTED: tuple[tuple[Level, str, str], ...] = (
    ("go", "ok", "ok"),
    ("stop", "crit", "crit"),
    ("caution", "warn", "warn"),
    ("unknown", "not known", ""),
)
"""Level, word, shorter word: in the order in which they are counted."""


@once_a_snapshot
def counts(frame: Frame, snapshot: Snapshot, cells: int) -> Row:
    """Count every worker once, by the worst that is wrong with it; in the longest words that fit."""
    counted = level_counts(snapshot)
    row: Row = ()
    for size in range(3):
        parts = []
        for level, *words in _COUNTED:
            word = words[size] if size < 2 else ""
            if counted[level]:
                what = (gap(1), muted(word)) if word else ()
                glyph = mark(frame.glyphs.level(level), level_token(level))
                parts.append((glyph, gap(1), strong(str(counted[level])), *what))
        row = join(parts, 2)
        if width(row) <= cells:
            break
    return row
