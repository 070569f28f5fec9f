"""The verdict with all it stands on."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.ui.frame import Frame, MonitorScreen, Page
from metabonk_tui.ui.screens.base import headed
from metabonk_tui.ui.views.verdict.screen import verdict_rows


class VerdictScreen(MonitorScreen):
    """Why the word is what it is, and what would change it."""

    name: ClassVar[str] = "verdict"
    title: ClassVar[str] = "verdict"

    def page(self, frame: Frame) -> Page:
        """Draw it."""
        return headed(frame, verdict_rows)
