"""Lays out the dashboard: header, workers, and below them the panes that fit.

Pure: the same Frame gives the same Page. Does not: draw a pane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.sorting import in_order
from metabonk_tui.ui.style.spans import EMPTY, Row, fit, gap
from metabonk_tui.ui.views.bars import tiny
from metabonk_tui.ui.views.bars.footer import footer
from metabonk_tui.ui.views.bars.header import TINY_CELLS, header
from metabonk_tui.ui.views.dashboard import panes
from metabonk_tui.ui.views.layout.panes import Pane, columns
from metabonk_tui.ui.views.layout.section import block
from metabonk_tui.ui.views.workers import grid
from metabonk_tui.ui.views.workers.section import DrawnWorkers, draw_workers

TINY_ROWS = 8


def dashboard(frame: Frame, snapshot: Snapshot) -> Page:
    if frame.width < TINY_CELLS:
        return Page(body=tiny.tiny_rows(frame, snapshot))
    if frame.height < TINY_ROWS:
        return _flat(frame, snapshot)
    slot = panes.memory(frame, snapshot).draw if snapshot.memory.history else None
    drawn = draw_workers(frame, snapshot, slot)
    head = header(frame, snapshot)
    airy: tuple[Row, ...] = (EMPTY,) if frame.height >= 14 else ()
    room = frame.height - len(head) - len(airy) - 1
    used = len(drawn.heads) + len(drawn.rows)
    bottom = (footer(frame),)
    if used > room:
        return Page((*head, *airy, *drawn.heads), drawn.rows, bottom, drawn.show)
    # From 30 rows on a blank row separates the footer.
    below = room - used - 1 - (1 if frame.height >= 30 else 0)
    rows = (*drawn.heads, *drawn.rows)
    if below >= 2:
        rows = (*rows, EMPTY, *_below(frame, snapshot, drawn, below))
    fitted = tuple(fit(row, frame.width, frame.glyphs.ellipsis) for row in block(rows, frame.width, room))
    return Page((*head, *airy), fitted, bottom)


def _flat(frame: Frame, snapshot: Snapshot) -> Page:
    """Draw a wide screen of fewer than 8 rows: header, workers as cells, keys."""
    head = header(frame, snapshot)[: max(1, frame.height - 1)]
    bottom = (footer(frame),) if frame.height >= 5 else ()
    room = frame.height - len(head) - len(bottom)
    workers = in_order(snapshot, frame.state.filter, frame.state.sort, frame.state.inverted)
    rows = tuple(grid.cell_rows(frame, snapshot, workers, None)) if workers and room > 0 else ()
    return Page(head, rows, bottom)


def _below(frame: Frame, snapshot: Snapshot, drawn: DrawnWorkers, high: int) -> tuple[Row, ...]:
    """Draw the panes below the workers. They keep their places when the verdict changes."""
    wide = frame.width
    pane_set = _PaneSet(frame, snapshot)
    if drawn.layout.kind == "grid":
        return _below_grid(frame, snapshot, pane_set, high)
    if wide < 110:
        return _narrow(pane_set, wide, high)
    # Proofs are sentences, so they get the width before the chart does.
    has_sentences = pane_set.stop or bool(pane_set.causes)
    if drawn.layout.kind == "panels":
        cells, per_row = drawn.layout.panel_cells, drawn.layout.per_row
        half = (wide - 4) // 2
        if drawn.slot_taken and wide < 160:
            return columns(
                [((*pane_set.reasons, *pane_set.memory_panes), half), ((pane_set.events,), wide - 4 - half)],
                2,
                wide,
                high,
                pane_set.ellipsis,
            )
        if per_row >= 4 or wide >= 160:
            left = 2 * cells + 2 if per_row >= 4 else wide - 103
            return _three(pane_set, drawn.slot_taken, left, 2, wide, high)
        if drawn.layout.rows > 1:
            right: tuple[Pane, ...] = (*pane_set.reasons, pane_set.events, *pane_set.memory_panes)
            return columns(
                [((pane_set.memory(high),), half), (right, wide - 4 - half)], 2, wide, high, pane_set.ellipsis
            )
        left = half if has_sentences or per_row != 3 else 2 * cells + 2
        return _two(pane_set, left, 2, wide, high)
    if wide >= 160:
        return _three(pane_set, False, wide - 103, 4, wide, high)
    return _two(pane_set, wide - (64 if has_sentences else 54), 3, wide, high)


class _PaneSet:
    """The panes of one Snapshot."""

    def __init__(self, frame: Frame, snapshot: Snapshot) -> None:
        self.ellipsis = frame.glyphs.ellipsis
        self.stop = snapshot.verdict.level == "stop"
        brief = frame.width < 110
        self.why = panes.why(frame, snapshot, brief) if self.stop else panes.decision(frame, snapshot)
        cause_pane = None if self.stop else panes.causes(frame, snapshot)
        self.causes: tuple[Pane, ...] = () if cause_pane is None else (cause_pane,)
        self.reasons = (self.why, *self.causes)
        self.events = panes.events(frame, snapshot)
        self.owners = panes.owners(frame, snapshot)
        self.fits = panes.fits(frame, snapshot)
        self.memory_panes: tuple[Pane, ...] = (self.owners, *((self.fits,) if self.fits else ()))
        self._memory = panes.memory(frame, snapshot)

    def memory(self, high: int, share: float = 1.0) -> Pane:
        """Return the memory chart with at most this share of the rows."""
        return replace(self._memory, most=max(self._memory.least, int(high * share)))


def _two(pane_set: _PaneSet, left: int, between: int, wide: int, high: int) -> tuple[Row, ...]:
    right = wide - 2 - left - between
    return columns(
        [((pane_set.memory(high, 0.6), pane_set.events), left), ((*pane_set.reasons, *pane_set.memory_panes), right)],
        between,
        wide,
        high,
        pane_set.ellipsis,
    )


def _three(pane_set: _PaneSet, has_chart: bool, left: int, between: int, wide: int, high: int) -> tuple[Row, ...]:
    rest = wide - 2 - left - 2 * between
    middle = rest // 2
    first: Sequence[Pane] = (pane_set.events,) if has_chart else (pane_set.memory(high, 0.7 if high >= 24 else 1.0),)
    last: Sequence[Pane] = pane_set.reasons if has_chart else (*pane_set.reasons, pane_set.events)
    return columns(
        [(first, left), (pane_set.memory_panes, middle), (last, rest - middle)], between, wide, high, pane_set.ellipsis
    )


def _narrow(pane_set: _PaneSet, wide: int, high: int) -> tuple[Row, ...]:
    """Stack the panes; from 80 cells on the decision shares its rows with the memory owners."""
    inner = wide - 2
    if pane_set.stop or wide < 80:
        return columns([((*pane_set.reasons, pane_set.events), inner)], 0, wide, high, pane_set.ellipsis)
    below = (*pane_set.causes, pane_set.events)
    if pane_set.causes and high < 4 + 3:
        return columns([(below, inner)], 0, wide, high, pane_set.ellipsis)
    pair = (inner - 2) // 2
    top = min(4, high)
    rows = columns([((pane_set.why,), pair), ((pane_set.owners,), inner - 2 - pair)], 2, wide, top, pane_set.ellipsis)
    if high < top + 3:
        return rows
    return (*rows, EMPTY, *columns([(below, inner)], 0, wide, high - top - 1, pane_set.ellipsis))


def _below_grid(frame: Frame, snapshot: Snapshot, pane_set: _PaneSet, high: int) -> tuple[Row, ...]:
    wide = frame.width
    inner = wide - 2
    attention = panes.attention(frame, snapshot)
    held = grid.top_memory(snapshot, inner)
    rows: list[Row] = []
    if attention:
        most = min(attention.most, max(attention.least, high - 2))
        rows += columns([((attention,), inner)], 0, wide, min(most, high), pane_set.ellipsis)
    left = high - len(rows) - (1 if rows else 0)
    if left >= 9:
        rows += [EMPTY] if rows else []
        rest = left - 2
        below = (
            _narrow(pane_set, wide, rest)
            if wide < 110
            else _two(pane_set, wide - (64 if pane_set.stop or pane_set.causes else 54), 3, wide, rest)
        )
        rows += [*below, EMPTY, (gap(1), *held)]
    elif left >= 1 and held:
        rows += [*([EMPTY] * left if rows else []), (gap(1), *held)]
    return tuple(rows[:high])
