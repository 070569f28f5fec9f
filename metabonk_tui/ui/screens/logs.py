"""Shows lines of the workers' logs that may point at a cause."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame, Page, UiState
from metabonk_tui.ui.screens.base import HeadedScreen
from metabonk_tui.ui.views.run.logs import chosen, log_rows

STEPS = {"next": 1, "right": 1, "previous": -1, "left": -1}


class LogsScreen(HeadedScreen):
    """Shows the marked lines of all workers, or of one worker at a time."""

    name: ClassVar[str] = "logs"

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        """Draw the lines of the chosen workers."""
        return Page(body=log_rows(frame, snapshot))

    def do(self, command: str, frame: Frame) -> UiState | None:
        """Select the next choice: all workers, then each worker in turn."""
        if command not in STEPS or frame.snapshot is None:
            return None
        pane = (frame.state.pane + STEPS[command]) % (len(frame.snapshot.workers) + 1)
        state = replace(frame.state, pane=pane)
        (first, *others) = chosen(replace(frame, state=state), frame.snapshot) or (None,)
        return replace(state, ref=first.ref) if first is not None and not others else state
