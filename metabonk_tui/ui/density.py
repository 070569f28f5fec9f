"""Chooses panels where each worker gets at least 38 x 8 cells, else the table, else the grid.

Uses sizes and counts only, so that a change of the verdict never moves the workers.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Density = Literal["automatic", "panels", "table", "grid"]
DENSITIES: tuple[Density, ...] = ("automatic", "panels", "table", "grid")
HEADER = 7
"""Five header rows with NEXT, a blank one, and the section's title."""
FOOTER = 1
BELOW = 8
"""Rows below the workers, above the footer."""
SHAPES = (16, 14, 9, 8)
"""Rows of a panel with five components, the tallest first."""
WIDEST = 66
PITCH = 40
SIDE_CELLS = 40
"""Below this width the screen is a tall side pane."""
SIDE_ROWS = 12
"""Below this height the screen is a short side pane."""


class WorkersLayout(Struct, frozen=True):
    """How the workers are drawn."""

    kind: Literal["panels", "table", "grid"]
    forced: bool
    per_row: int = 1
    rows: int = 1
    panel_cells: int = 0
    shape: int = 0
    """For panels: one of SHAPES."""
    lines: int = 1
    """For the table: lines per worker."""
    airy: bool = False


def shape_rows(shape: int, parts: int) -> int:
    """Return the rows of a panel of this shape with this many components."""
    return shape + (parts - 5) * (2 if shape >= 14 else 1)


def choose(workers: int, wide: int, high: int, wanted: Density = "automatic", parts: int = 5) -> WorkersLayout:
    """Choose how to draw this many workers at this size; a `wanted` density is used even if it does not fit."""
    forced = wanted != "automatic"
    if is_side_pane(wide, high):
        return WorkersLayout("grid", False)
    panels = panel_fit(workers, wide, high, parts)
    if wanted == "panels" or (not forced and panels):
        if panels:
            return WorkersLayout("panels", forced, *panels)
        per_row = max(1, wide // PITCH)
        rows = -(-max(1, workers) // per_row)
        return WorkersLayout("panels", forced, per_row, rows, min(WIDEST, max(1, wide // per_row - 2)), SHAPES[-1])
    room = high - FOOTER - HEADER
    lines, airy = lines_each(workers, wide, room - BELOW)
    if wanted == "table":
        return WorkersLayout("table", forced, lines=lines, airy=airy)
    many = workers >= 25 or max(0, room) * 2 < workers
    if wanted == "grid" or many:
        return WorkersLayout("grid", forced)
    return WorkersLayout("table", forced, lines=lines, airy=airy)


def is_side_pane(wide: int, high: int) -> bool:
    """Return whether the terminal is too narrow or too short for the dashboard, and gets a layout of its own."""
    return wide < SIDE_CELLS or high < SIDE_ROWS


def lines_each(workers: int, wide: int, room: int) -> tuple[int, bool]:
    """Return the lines per worker, and whether a blank one follows; `room` is the rows for all workers."""
    if wide < 110 or workers > 8:
        return 1, False
    airy = workers <= (5 if wide >= 160 else 3)
    if airy and workers * 3 - 1 <= room:
        return 2, True
    return (2, False) if workers * 2 <= room else (1, False)


def panel_fit(workers: int, wide: int, high: int, parts: int = 5) -> tuple[int, int, int, int] | None:
    """Return (panels per row, rows, cells per panel, shape); None when panels do not fit."""
    most = wide // PITCH
    if workers < 1 or most < 1:
        return None
    rows = -(-workers // most)
    per_row = -(-workers // rows)
    for shape in SHAPES:
        if HEADER + rows * shape_rows(shape, parts) + rows - 1 + BELOW <= high - FOOTER:
            return per_row, rows, min(WIDEST, wide // per_row - 2), shape
    return None
