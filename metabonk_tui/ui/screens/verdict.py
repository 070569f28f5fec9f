"""The verdict with all it stands on."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.ui.footer import footer
from metabonk_tui.ui.screens.base import Frame, MonitorScreen, Page
from metabonk_tui.ui.spans import EMPTY
from metabonk_tui.ui.views.header import header
from metabonk_tui.ui.views.verdict import nothing_seen, verdict_rows


class VerdictScreen(MonitorScreen):
    """Why the word is what it is, and what would change it."""

    name: ClassVar[str] = "verdict"
    title: ClassVar[str] = "verdict"

    def page(self, frame: Frame) -> Page:
        """Draw it."""
        if frame.snapshot is None:
            return Page(top=nothing_seen(frame), bottom=(footer(frame),))
        top = (*header(frame, frame.snapshot), *((EMPTY,) if frame.height >= 14 else ()))
        return Page(top, verdict_rows(frame, frame.snapshot), (footer(frame),))
