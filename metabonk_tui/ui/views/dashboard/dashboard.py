"""The dashboard: header, workers, and below them the panes that the rest of the space is good for.

Pure: the same Frame gives the same Page. Refuses to know how any one pane is drawn.
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
from metabonk_tui.ui.views.workers.section import Drawn, draw_workers

TINY_ROWS = 8


def dashboard(frame: Frame, snapshot: Snapshot) -> Page:
    """Draw the dashboard at any size."""
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
    # Where there is room to breathe, the footer stands apart.
    below = room - used - 1 - (1 if frame.height >= 30 else 0)
    rows = (*drawn.heads, *drawn.rows)
    if below >= 2:
        rows = (*rows, EMPTY, *_below(frame, snapshot, drawn, below))
    fitted = tuple(fit(row, frame.width, frame.glyphs.ellipsis) for row in block(rows, frame.width, room))
    return Page((*head, *airy), fitted, bottom)


def _flat(frame: Frame, snapshot: Snapshot) -> Page:
    """Draw a wide screen of less than eight rows: header, workers as cells, and the keys."""
    head = header(frame, snapshot)[: max(1, frame.height - 1)]
    bottom = (footer(frame),) if frame.height >= 5 else ()
    room = frame.height - len(head) - len(bottom)
    workers = in_order(snapshot, frame.state.filter, frame.state.sort, frame.state.inverted)
    rows = tuple(grid.cell_rows(frame, snapshot, workers, None)) if workers and room > 0 else ()
    return Page(head, rows, bottom)


def _below(frame: Frame, snapshot: Snapshot, drawn: Drawn, high: int) -> tuple[Row, ...]:
    """Draw the panes under the workers; they keep their places when the verdict changes."""
    wide = frame.width
    lay = _Panes(frame, snapshot)
    if drawn.fit.kind == "grid":
        return _below_grid(frame, snapshot, lay, high)
    if wide < 110:
        return _narrow(lay, wide, high)
    # Proofs are sentences: they need the width more than the chart does.
    wordy = lay.stop or bool(lay.causes)
    if drawn.fit.kind == "panels":
        cells, per_row = drawn.fit.panel_cells, drawn.fit.per_row
        half = (wide - 4) // 2
        if drawn.slot_taken and wide < 160:
            return columns(
                [((*lay.whys, *lay.calm), half), ((lay.events,), wide - 4 - half)], 2, wide, high, lay.ellipsis
            )
        if per_row >= 4 or wide >= 160:
            left = 2 * cells + 2 if per_row >= 4 else wide - 103
            return _three(lay, drawn.slot_taken, left, 2, wide, high)
        if drawn.fit.rows > 1:
            right: tuple[Pane, ...] = (*lay.whys, lay.events, *lay.calm)
            return columns([((lay.memory(high),), half), (right, wide - 4 - half)], 2, wide, high, lay.ellipsis)
        left = half if wordy or per_row != 3 else 2 * cells + 2
        return _two(lay, left, 2, wide, high)
    if wide >= 160:
        return _three(lay, False, wide - 103, 4, wide, high)
    return _two(lay, wide - (64 if wordy else 54), 3, wide, high)


class _Panes:
    """The panes of one Snapshot, each made where it is asked for."""

    def __init__(self, frame: Frame, snapshot: Snapshot) -> None:
        self.ellipsis = frame.glyphs.ellipsis
        self.stop = snapshot.verdict.word.level == "stop"
        brief = frame.width < 110
        self.why = panes.why(frame, snapshot, brief) if self.stop else panes.decision(frame, snapshot)
        accused = None if self.stop else panes.causes(frame, snapshot)
        self.causes: tuple[Pane, ...] = () if accused is None else (accused,)
        self.whys = (self.why, *self.causes)
        self.events = panes.events(frame, snapshot)
        self.owners = panes.owners(frame, snapshot)
        self.fits = panes.fits(frame, snapshot)
        self.calm: tuple[Pane, ...] = (self.owners, *((self.fits,) if self.fits else ()))
        self._memory = panes.memory(frame, snapshot)

    def memory(self, high: int, share: float = 1.0) -> Pane:
        """Give the chart at most this share of the rows."""
        return replace(self._memory, most=max(self._memory.least, int(high * share)))


def _two(lay: _Panes, left: int, between: int, wide: int, high: int) -> tuple[Row, ...]:
    right = wide - 2 - left - between
    return columns(
        [((lay.memory(high, 0.6), lay.events), left), ((*lay.whys, *lay.calm), right)],
        between,
        wide,
        high,
        lay.ellipsis,
    )


def _three(lay: _Panes, charted: bool, left: int, between: int, wide: int, high: int) -> tuple[Row, ...]:
    rest = wide - 2 - left - 2 * between
    middle = rest // 2
    first: Sequence[Pane] = (lay.events,) if charted else (lay.memory(high, 0.7 if high >= 24 else 1.0),)
    last: Sequence[Pane] = lay.whys if charted else (*lay.whys, lay.events)
    return columns([(first, left), (lay.calm, middle), (last, rest - middle)], between, wide, high, lay.ellipsis)


def _narrow(lay: _Panes, wide: int, high: int) -> tuple[Row, ...]:
    """Under each other; the decision shares its rows with the owners of memory where there are 78 cells."""
    inner = wide - 2
    if lay.stop or wide < 80:
        return columns([((*lay.whys, lay.events), inner)], 0, wide, high, lay.ellipsis)
    below = (*lay.causes, lay.events)
    if lay.causes and high < 4 + 3:
        return columns([(below, inner)], 0, wide, high, lay.ellipsis)
    pair = (inner - 2) // 2
    top = min(4, high)
    rows = columns([((lay.why,), pair), ((lay.owners,), inner - 2 - pair)], 2, wide, top, lay.ellipsis)
    if high < top + 3:
        return rows
    return (*rows, EMPTY, *columns([(below, inner)], 0, wide, high - top - 1, lay.ellipsis))


def _below_grid(frame: Frame, snapshot: Snapshot, lay: _Panes, high: int) -> tuple[Row, ...]:
    wide = frame.width
    inner = wide - 2
    attention = panes.attention(frame, snapshot)
    held = grid.top_memory(snapshot, inner)
    rows: list[Row] = []
    if attention:
        most = min(attention.most, max(attention.least, high - 2))
        rows += columns([((attention,), inner)], 0, wide, min(most, high), lay.ellipsis)
    left = high - len(rows) - (1 if rows else 0)
    if left >= 9:
        rows += [EMPTY] if rows else []
        rest = left - 2
        below = (
            _narrow(lay, wide, rest)
            if wide < 110
            else _two(lay, wide - (64 if lay.stop or lay.causes else 54), 3, wide, rest)
        )
        rows += [*below, EMPTY, (gap(1), *held)]
    elif left >= 1 and held:
        rows += [*([EMPTY] * left if rows else []), (gap(1), *held)]
    return tuple(rows[:high])
