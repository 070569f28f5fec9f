"""Draws the rows of a panel with the ghost's number and a word in place of sparkline and expectation.

In table and grid one sign stands for it.

Columns from the panel's left edge: value right at 16, change right at 22, ghost right at 29, word at the right edge.
"""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, ComponentView, WorkerView
from metabonk_tui.core.report.ghost import RSS, STEP_RATE, Ghost, GhostValue, GhostWord, beside, component_beside
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, cropped, fit, gap, right, width
from metabonk_tui.ui.views.layout.section import muted
from metabonk_tui.ui.views.workers.component_rows import CHANGE_END, GLYPH, VALUE_END

GHOST_END = 30
LEAST_CELLS = 36
"""A panel below this width has no room for a ghost."""
_TOKENS = {GhostWord.AHEAD: "text", GhostWord.BEHIND: "text"}
_SHOWN = (ComponentState.ACTIVE, ComponentState.ZERO)
"""In another state the row has words that matter more than the ghost."""


def of_component(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, part: ComponentView, rows: tuple[Row, ...], wide: int
) -> tuple[Row, ...]:
    """Put the ghost into the rows of one component; without room, or in a state with more to say, leave them."""
    if frame.ghost is None or wide < LEAST_CELLS or part.state not in _SHOWN or not rows:
        return rows
    found = beside(frame.ghost, worker, part.id, part.value, snapshot.t - snapshot.run.started_at)
    if found is None:
        return rows
    first = _with_columns(rows[0], CHANGE_END, found, part.decimals, wide)
    if len(rows) == 1:
        return (first,)
    # The newest part of the sparkline.
    start = (gap(GLYPH), *cropped(rows[1], wide - (CHANGE_END - GLYPH), wide)) if width(rows[1]) else ()
    note = _there(found)
    room = wide - CHANGE_END
    return (first, (*fit(start, CHANGE_END), right(note, room, "muted")))


SIGNS = {GhostWord.AHEAD: "+", GhostWord.BEHIND: "-", GhostWord.LEVEL: "="}


def sign(frame: Frame, snapshot: Snapshot, worker: WorkerView, part: ComponentView) -> Span:
    """Return one cell: whether a component is ahead of the ghost, behind it or level; blank where neither is known."""
    if frame.ghost is None or part.state not in _SHOWN:
        return gap(1)
    found = beside(frame.ghost, worker, part.id, part.value, snapshot.t - snapshot.run.started_at)
    return _sign(found.word if found is not None else GhostWord.NOT_RECORDED)


def sign_of_worker(frame: Frame, snapshot: Snapshot, worker: WorkerView) -> Span:
    """Return one cell: whether more of a worker's components are ahead of the ghost or behind it."""
    if frame.ghost is None:
        return gap(1)
    words = [each.word for each in component_beside(frame.ghost, snapshot, worker).values()]
    ahead, behind = words.count(GhostWord.AHEAD), words.count(GhostWord.BEHIND)
    if all(word is GhostWord.NOT_RECORDED for word in words):
        return gap(1)
    return _sign(GhostWord.AHEAD if ahead > behind else GhostWord.BEHIND if behind > ahead else GhostWord.LEVEL)


def _sign(word: GhostWord) -> Span:
    return Span(SIGNS[word], _TOKENS.get(word, "muted"), word is GhostWord.AHEAD) if word in SIGNS else gap(1)


def of_numbers(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, rows: tuple[Row, Row], wide: int
) -> tuple[Row, Row]:
    """Put the ghost into the rows of the step rate and of the memory."""
    step, memory = rows
    ghost = frame.ghost
    if ghost is None:
        return rows
    return (
        _number_with_ghost(ghost, snapshot, worker, STEP_RATE, step, wide),
        _number_with_ghost(ghost, snapshot, worker, RSS, memory, wide),
    )


def _number_with_ghost(ghost: Ghost, snapshot: Snapshot, worker: WorkerView, number: str, row: Row, wide: int) -> Row:
    run_s = snapshot.t - snapshot.run.started_at
    value = worker.step_rate if number == STEP_RATE else worker.held_bytes
    found = beside(ghost, worker, number, value, run_s)
    if wide < LEAST_CELLS or found is None:
        return row
    if number == STEP_RATE:
        return _with_columns(row, VALUE_END, found, 2, wide)
    there = None if found.ghost is None else found.ghost / fmt.GB
    scaled = GhostValue(found.value / fmt.GB, there, found.word)
    name = "tree GB" if worker.tree_bytes is not None else "rss GB"
    head: Row = (right(fmt.short(scaled.value, 2, 6), VALUE_END - GLYPH),)
    return _with_columns((muted(name.ljust(GLYPH)), *head), VALUE_END, scaled, 2, wide)


def _with_columns(row: Row, start: int, found: GhostValue, decimals: int, wide: int) -> Row:
    ghost = "" if found.ghost is None else fmt.short(found.ghost, decimals, GHOST_END - CHANGE_END - 1)
    word = str(found.word)
    token = _TOKENS.get(found.word, "muted")
    if found.word is GhostWord.NOT_RECORDED:
        note: Row = (right(word, wide - start, "muted"),)
        return (*fit(cropped(row, 0, start), start), *note)
    columns: Row = (
        gap(CHANGE_END - start),
        right(ghost, GHOST_END - CHANGE_END, "muted"),
        right(word, wide - GHOST_END, token, found.word is GhostWord.AHEAD),
    )
    return (*fit(cropped(row, 0, start), start), *columns)


def _there(found: GhostValue) -> str:
    if found.word is GhostWord.NOT_RECORDED:
        return ""
    if found.never:
        return "never there"
    if found.there_s is None:
        return ""
    return f"{'there' if found.value > 0 else 'first'} at {fmt.elapsed(found.there_s)[:5]}"
