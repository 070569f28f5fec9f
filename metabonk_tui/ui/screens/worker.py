"""Shows everything that is known of one worker."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.chart_span import zoomed
from metabonk_tui.ui.frame import Frame, Page, UiState
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

    def do(self, command: str, frame: Frame) -> UiState | None:
        """Zoom the charts, show the fields whole, or clear the search before the screen is left."""
        state = frame.state
        if command in ("worker_zoom_in", "worker_zoom_out") and frame.snapshot is not None:
            return replace(state, span=zoomed(state.span, command, frame.snapshot.run.elapsed_s))
        if command == "worker_whole":
            return replace(state, whole=not state.whole)
        return replace(state, find="") if command == "back" and state.find else None
