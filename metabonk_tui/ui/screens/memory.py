"""Shows memory: where it goes, which processes use it, and how many workers fit."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.chart_span import zoomed
from metabonk_tui.ui.density import is_side_pane
from metabonk_tui.ui.frame import Frame, Page, UiState
from metabonk_tui.ui.screens.base import HeadedScreen
from metabonk_tui.ui.views.memory.screen import memory_rows


class MemoryScreen(HeadedScreen):
    """Shows available memory over time with its floor and forecast, and the sum behind every worker count."""

    name: ClassVar[str] = "memory"

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        """Draw the chart, the owners and the capacity; a side pane has no room for the chart."""
        return Page(body=memory_rows(frame, snapshot, 0 if is_side_pane(frame.width, frame.height) else room))

    def do(self, command: str, frame: Frame) -> UiState | None:
        """Show a shorter or a longer time on the chart."""
        if command not in ("memory_zoom_in", "memory_zoom_out") or frame.snapshot is None:
            return None
        return replace(frame.state, span=zoomed(frame.state.span, command, frame.snapshot.run.elapsed_s))
