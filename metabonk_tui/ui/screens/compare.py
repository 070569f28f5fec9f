"""Shows the run on screen beside a recorded one."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.screens.base import HeadedScreen
from metabonk_tui.ui.views.compare.screen import compare_head, compare_rows

HEAD_STAYS = 22
"""From this height on the two runs and their first difference stay while the metrics scroll."""


class CompareScreen(HeadedScreen):
    """Compares two runs at the same elapsed time, metric by metric, and names their first difference."""

    name: ClassVar[str] = "compare"

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        """Draw the two runs and the metrics."""
        head = compare_head(frame, snapshot)
        if frame.height < HEAD_STAYS:
            return Page(body=(*head, *compare_rows(frame, 0)))
        return Page(top=head, body=compare_rows(frame, room - len(head)))
