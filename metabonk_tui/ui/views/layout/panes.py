"""Stacks panes and puts stacks side by side; each pane has the least and the most rows it can use.

Does not: know what a pane shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from metabonk_tui.ui.style.spans import EMPTY, Row, gap, side_by_side
from metabonk_tui.ui.views.layout.section import block

FEW = 5


class Pane(Struct, frozen=True):
    """A titled pane: `draw` gets cells and rows and returns at most that many rows, including the title."""

    draw: Callable[[int, int], Sequence[Row]]
    least: int
    most: int
    first: bool = False
    """It gets the rows it wants before the other panes get their least; only panes with `stays` keep theirs."""
    stays: bool = False
    grows: bool = False
    """It fills any height up to `most`, like a chart or a list of known length; others are drawn to find out."""

    def wants(self, wide: int) -> int:
        """Return how many rows it would fill at this width, at most `most`."""
        return self.most if self.grows else min(self.most, len(self.draw(wide, self.most)))


def stack(panes: Sequence[Pane], wide: int, high: int, ellipsis: str) -> tuple[Row, ...]:
    """Stack panes with a blank row between; without room the later ones are left out."""
    chosen: list[tuple[Pane, int]] = []
    room = high
    for i, pane in enumerate(panes):
        least = pane.least if chosen else min(pane.least, room)
        if pane.first:
            kept = sum(other.least + 1 for other in panes[i + 1 :] if other.stays)
            least = max(least, min(pane.wants(wide), room - kept - (1 if chosen else 0)))
        need = least + (1 if chosen else 0)
        if need <= room:
            chosen.append((pane, least))
            room -= need
    given = [least for _, least in chosen]
    wants = [pane.wants(wide) for pane, _ in chosen]
    # Panes with `stays` grow to `FEW` rows before any other pane grows.
    for most in (FEW, None):
        for i, (pane, _) in enumerate(chosen):
            if most is None or pane.stays:
                wanted = wants[i] if most is None else min(most, wants[i])
                extra = min(room, max(0, wanted - given[i]))
                given[i] += extra
                room -= extra
    rows: list[Row] = []
    for (pane, _), tall in zip(chosen, given, strict=True):
        if rows:
            rows.append(())
        rows += block(pane.draw(wide, tall), wide, tall, ellipsis)
    return (*rows[:high], *[EMPTY] * (high - len(rows)))


def columns(
    parts: Sequence[tuple[Sequence[Pane], int]], gap_cells: int, wide: int, high: int, ellipsis: str
) -> tuple[Row, ...]:
    """Put stacks of panes side by side, with the page's left margin, `wide` cells in all."""
    blocks = [(stack(panes, cells, high, ellipsis), cells) for panes, cells in parts]
    return tuple([(gap(1), *row) for row in side_by_side(blocks, gap_cells)])
