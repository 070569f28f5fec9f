"""Shows every worker, memory, the verdict and the latest events on one page."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame, Page, UiState
from metabonk_tui.ui.screens.base import HeadedScreen
from metabonk_tui.ui.views.dashboard.dashboard import dashboard
from metabonk_tui.ui.views.workers.section import draw_workers

_MOVES = ("up", "down", "left", "right", "next", "previous", "home", "end")


class DashboardScreen(HeadedScreen):
    """The first screen. It lays out its own page, because header and panes share the rows."""

    name: ClassVar[str] = "dashboard"

    def draw(self, frame: Frame, snapshot: Snapshot) -> Page:
        """Draw the dashboard of this size."""
        return dashboard(frame, snapshot)

    def do(self, command: str, frame: Frame) -> UiState | None:
        """Move the cursor among the workers in the order of the screen."""
        if command not in _MOVES or frame.snapshot is None:
            return None
        drawn = draw_workers(frame, frame.snapshot)
        if not drawn.refs or frame.worker is None:
            return None
        last = len(drawn.refs) - 1
        at = drawn.refs.index(frame.worker.ref)
        if command in ("next", "previous"):
            at = (at + (1 if command == "next" else -1)) % (last + 1)
        elif command in ("home", "end"):
            at = 0 if command == "home" else last
        else:
            step = drawn.per_row if command in ("up", "down") else 1
            target = at + (step if command in ("down", "right") else -step)
            # Down from the last full row goes to the last worker; up from the first row stays.
            below = command == "down" and at // drawn.per_row < last // drawn.per_row
            at = target if 0 <= target <= last else last if below else at
        return replace(frame.state, ref=drawn.refs[at])
