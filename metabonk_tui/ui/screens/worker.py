"""Shows everything that is known of one worker."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.screens.base import HeadedScreen
from metabonk_tui.ui.style.spans import gap
from metabonk_tui.ui.views.layout.section import muted
from metabonk_tui.ui.views.workers.detail import worker_rows


class WorkerScreen(HeadedScreen):
    """Shows the selected worker; left and right select its neighbours."""

    name: ClassVar[str] = "worker"

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        """Draw the worker, or that there is none."""
        if frame.worker is None:
            return Page(body=((gap(1), muted("no workers yet")),))
        return Page(body=worker_rows(frame, snapshot, frame.worker))
