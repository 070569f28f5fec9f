"""The run on screen beside another one."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.ui.frame import Frame, MonitorScreen, Page
from metabonk_tui.ui.style.spans import EMPTY
from metabonk_tui.ui.views.bars.footer import footer
from metabonk_tui.ui.views.bars.header import TINY_CELLS, header
from metabonk_tui.ui.views.bars.tiny import tiny_head
from metabonk_tui.ui.views.compare.screen import compare_head, compare_rows
from metabonk_tui.ui.views.verdict.screen import nothing_seen

HEAD_STAYS = 22
"""From this height on the two runs and what parts them stay while the metrics scroll."""


class CompareScreen(MonitorScreen):
    """Two runs at the same elapsed time, metric by metric, and the first thing in which they part."""

    name: ClassVar[str] = "compare"
    title: ClassVar[str] = "compare"

    def page(self, frame: Frame) -> Page:
        """Draw it."""
        if frame.snapshot is None:
            return Page(top=nothing_seen(frame), bottom=(footer(frame),))
        tiny = frame.width < TINY_CELLS
        top = tiny_head(frame, frame.snapshot) if tiny else header(frame, frame.snapshot)
        top = (*top, *((EMPTY,) if frame.height >= 14 else ()))
        head = compare_head(frame, frame.snapshot)
        if frame.height < HEAD_STAYS:
            return Page(top, (*head, *compare_rows(frame, 0)), (footer(frame),))
        top = (*top, *head)
        return Page(top, compare_rows(frame, frame.height - len(top) - 1), (footer(frame),))
