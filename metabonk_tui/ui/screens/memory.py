"""Memory: where it goes, who holds it, and how many workers fit."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.ui.frame import Frame, MonitorScreen, Page
from metabonk_tui.ui.style.spans import EMPTY
from metabonk_tui.ui.views.bars.footer import footer
from metabonk_tui.ui.views.bars.header import TINY_CELLS, header
from metabonk_tui.ui.views.bars.tiny import tiny_head
from metabonk_tui.ui.views.memory.screen import memory_rows
from metabonk_tui.ui.views.verdict.screen import nothing_seen


class MemoryScreen(MonitorScreen):
    """Available memory over time with its floor and where it leads, and the sum behind every number of workers."""

    name: ClassVar[str] = "memory"
    title: ClassVar[str] = "memory"

    def page(self, frame: Frame) -> Page:
        """Draw it."""
        if frame.snapshot is None:
            return Page(top=nothing_seen(frame), bottom=(footer(frame),))
        if frame.width < TINY_CELLS:
            return Page(tiny_head(frame, frame.snapshot), memory_rows(frame, frame.snapshot, 0))
        top = (*header(frame, frame.snapshot), *((EMPTY,) if frame.height >= 14 else ()))
        room = frame.height - len(top) - 1
        return Page(top, memory_rows(frame, frame.snapshot, room), (footer(frame),))
