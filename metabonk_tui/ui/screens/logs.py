"""Logs: what the workers' logs say that may tell a cause."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from metabonk_tui.ui.frame import Frame, MonitorScreen, Page, UiState
from metabonk_tui.ui.screens.base import headed
from metabonk_tui.ui.views.run.logs import chosen, log_rows

STEPS = {"next": 1, "right": 1, "previous": -1, "left": -1}


class LogsScreen(MonitorScreen):
    """The telling lines of all workers, or of one after the other."""

    name: ClassVar[str] = "logs"
    title: ClassVar[str] = "logs"

    def page(self, frame: Frame) -> Page:
        """Draw it."""
        return headed(frame, log_rows)

    def do(self, command: str, frame: Frame) -> UiState | None:
        """Go from all workers to the first one, to the next, and back to all."""
        if command not in STEPS or frame.snapshot is None:
            return None
        pane = (frame.state.pane + STEPS[command]) % (len(frame.snapshot.workers) + 1)
        state = replace(frame.state, pane=pane)
        (first, *others) = chosen(replace(frame, state=state), frame.snapshot) or (None,)
        return replace(state, ref=first.ref) if first is not None and not others else state
