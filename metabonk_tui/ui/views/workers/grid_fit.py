"""Chooses how dense the grid is: small cards, cells with a glyph per component, or one glyph per worker.

Uses sizes and counts only. Does not: draw a worker.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.density import FOOTER, HEADER
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.views.layout.section import shown_id

LEAST_BELOW = 2
"""Rows below the workers that are never given to them: the title and one line of the attention list."""
WHOLE_BELOW = 6
"""The rows below them with nothing dropped: sum, title and three lines of the attention list, legend."""
CARD_SIZE = (200, 60)
"""The smallest terminal with cards."""
CARD_CELLS = 25
"""The narrowest card, with the gap after it."""
CARD_LINES = (3, 2)
GROUP = 10
"""Glyphs of workers that stand together."""
MOST_GAP = 6
"""The most spare cells that one cell gets."""


class GridFit(Struct, frozen=True):
    """How the grid is drawn."""

    kind: Literal["cards", "cells", "glyphs"]
    per_row: int
    pitch: int
    """From one worker to the next."""
    id_cells: int
    lines: int
    """Rows of the page per row of workers, with the blank one below a card."""


def id_cells(snapshot: Snapshot, glyphs: Glyphs) -> int:
    """Return the cells of the longest id, without its "w"."""
    return max([len(shown_id(worker.ref, snapshot, glyphs)) for worker in snapshot.workers], default=1)


def id_text(ref: WorkerRef, wide: int, snapshot: Snapshot, glyphs: Glyphs) -> str:
    """Return an id in this many cells: two cells are filled with a zero, more with blanks."""
    return f"{ref.slot:02d}" if wide == 2 else shown_id(ref, snapshot, glyphs).rjust(wide)


def fit_grid(workers: int, wide: int, high: int, parts: int, ids: int) -> GridFit:
    """Choose the densest drawing only where the more generous ones do not fit; `ids`: cells of the longest id."""
    room = max(1, high - HEADER - FOOTER - WHOLE_BELOW)
    most = max(1, high - HEADER - FOOTER - LEAST_BELOW)
    if wide >= CARD_SIZE[0] and high >= CARD_SIZE[1]:
        per_row = min(workers, wide // CARD_CELLS) or 1
        per_row = -(-workers // -(-workers // per_row)) or 1
        rows = -(-workers // per_row)
        for lines in CARD_LINES:
            if rows * (lines + 1) - 1 <= room:
                return GridFit("cards", per_row, wide // per_row, ids, lines + 1)
    pitch = cell_pitch(parts, ids)
    per_row = max(1, wide // pitch)
    rows = -(-workers // per_row)
    if rows <= most:
        spare = min(MOST_GAP, (wide - per_row * pitch) // per_row)
        return GridFit("cells", per_row, pitch + spare, ids, 1)
    beside = wide - 2 - ids - 1
    per_row = max(1, beside // (GROUP + 1) * GROUP or beside)
    return GridFit("glyphs", per_row, 1, ids, 1)


def cell_pitch(parts: int, ids: int) -> int:
    """Return the cells of a worker with a glyph per component: cursor, id, blank, glyphs, blank."""
    return 1 + ids + 1 + parts + 1
