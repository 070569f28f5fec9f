"""Places what a healthy run is about below the workers: its episodes, in the place of memory and decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabonk_tui.ui.style.spans import Row
from metabonk_tui.ui.views.dashboard import panes
from metabonk_tui.ui.views.layout.panes import Pane, columns

if TYPE_CHECKING:
    from metabonk_tui.ui.views.dashboard.pane_set import PaneSet

EVENTS_ROWS = 14
"""Below this many rows the episodes have the place of the events, too."""


def two_panes(pane_set: PaneSet, left: int, wide: int, high: int) -> tuple[Row, ...]:
    """Draw the curve beside the shares and the longest plays."""
    events = (pane_set.events,) if high >= EVENTS_ROWS else ()
    right = (*_shares(pane_set), *events)
    return columns([(pane_set.learning, left), (right, wide - 4 - left)], 2, wide, high, pane_set.ellipsis)


def three_panes(pane_set: PaneSet, left: int, wide: int, high: int) -> tuple[Row, ...]:
    """Draw the curve, the shares, and memory with the events."""
    rest = wide - 2 - left - 4
    middle = rest // 2
    parts = [
        ((*pane_set.learning, *pane_set.log), left),
        (_shares(pane_set), middle),
        ((pane_set.memory(high, 0.5), pane_set.events), rest - middle),
    ]
    return columns(parts, 2, wide, high, pane_set.ellipsis)


def _shares(pane_set: PaneSet) -> tuple[Pane, ...]:
    longest = panes.longest(pane_set.frame, pane_set.snapshot)
    return (panes.gameplay(pane_set.frame, pane_set.snapshot), *([longest] if longest is not None else []))
