"""Panes under and beside each other: each says the least and the most rows it can use.

Refuses to know what a pane shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from metabonk_tui.ui.style.spans import Row, fit, gap, side_by_side
from metabonk_tui.ui.views.layout.section import block

FEW = 5


@dataclass(frozen=True, slots=True)
class Pane:
    """A titled pane: `draw` gets cells and rows and returns at most that many rows, the title included."""

    draw: Callable[[int, int], Sequence[Row]]
    least: int
    most: int
    first: bool = False
    """It takes what it wants before the others get their least; only those that `stays` keep theirs."""
    stays: bool = False
    grows: bool = False
    """It fills any height, as a chart does; others take only the rows they have something for."""

    def wants(self, wide: int) -> int:
        """Say how many rows it would fill at this width, `most` at the most."""
        return self.most if self.grows else min(self.most, len(self.draw(wide, self.most)))


def stack(panes: Sequence[Pane], wide: int, high: int, ellipsis: str) -> tuple[Row, ...]:
    """Set panes under each other with a blank row between; the later ones go when there is no room."""
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
    # What stays in sight is worth a few rows before anything else grows.
    for most in (FEW, None):
        for i, (pane, _) in enumerate(chosen):
            if most is None or pane.stays:
                wanted = pane.wants(wide) if most is None else min(most, pane.wants(wide))
                extra = min(room, max(0, wanted - given[i]))
                given[i] += extra
                room -= extra
    rows: list[Row] = []
    for (pane, _), tall in zip(chosen, given, strict=True):
        if rows:
            rows.append(())
        rows += block(pane.draw(wide, tall), wide, tall, ellipsis)
    return block(rows, wide, high)


def columns(
    parts: Sequence[tuple[Sequence[Pane], int]], gap_cells: int, wide: int, high: int, ellipsis: str
) -> tuple[Row, ...]:
    """Set stacks of panes beside each other, with the page's left margin, `wide` cells in all."""
    blocks = [(stack(panes, cells, high, ellipsis), cells) for panes, cells in parts]
    return tuple(fit((gap(1), *row), wide, ellipsis) for row in side_by_side(blocks, gap_cells))
