"""Shows the verdict with its evidence."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.screens.base import HeadedScreen
from metabonk_tui.ui.views.verdict.screen import verdict_rows


class VerdictScreen(HeadedScreen):
    """Explains why the verdict is what it is and what would change it."""

    name: ClassVar[str] = "verdict"

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        """Draw the chain of checks behind the verdict."""
        return Page(body=verdict_rows(frame, snapshot))
