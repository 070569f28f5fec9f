"""Shows memory: where it goes, which processes use it, and how many workers fit."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.screens.base import TinyHeadedScreen, is_tiny
from metabonk_tui.ui.views.memory.screen import memory_rows


class MemoryScreen(TinyHeadedScreen):
    """Shows available memory over time with its floor and forecast, and the sum behind every worker count."""

    name: ClassVar[str] = "memory"

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        """Draw the chart, the owners and the capacity; a tiny terminal has no room for the chart."""
        return Page(body=memory_rows(frame, snapshot, 0 if is_tiny(frame) else room))
