"""Shows every worker, memory, the verdict and the latest events on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import EVENTS, Frame, Page, UiState, with_selected
from metabonk_tui.ui.screens.base import HeadedScreen
from metabonk_tui.ui.views.dashboard.dashboard import SHOWN_AS_USUAL, dashboard, strip_scale_of
from metabonk_tui.ui.views.workers.section import workers_per_row

if TYPE_CHECKING:
    from metabonk_tui.core.run.run_strip import StripScale

_MOVES = ("up", "down", "left", "right", "next", "previous", "home", "end")


class DashboardScreen(HeadedScreen):
    """The first screen. It lays out its own page, because header and panes share the rows."""

    name: ClassVar[str] = "dashboard"

    def draw(self, frame: Frame, snapshot: Snapshot) -> Page:
        """Draw the dashboard of this size."""
        return dashboard(frame, snapshot)

    def strip_scale(self, frame: Frame) -> StripScale | None:
        """Return how the strip of the run divides time, where there is room for one."""
        return strip_scale_of(frame, frame.snapshot) if frame.snapshot is not None else None

    def do(self, command: str, frame: Frame) -> UiState | None:
        """Move the cursor among the workers in the order of the screen."""
        if frame.state.zoom == EVENTS and frame.snapshot is not None:
            from metabonk_tui.ui.event_cursor import moved  # most monitors show every pane

            return moved(frame, command)
        if command not in _MOVES or frame.snapshot is None or frame.state.zoom not in SHOWN_AS_USUAL:
            return None
        if frame.no_pool or frame.is_last_run:
            return None
        refs = [worker.ref for worker in frame.workers]
        if not refs:
            return None
        chosen, last = frame.selected, len(refs) - 1
        if chosen is None:
            # Nothing is selected yet: the first key puts the cursor on the first worker, or on the last.
            return with_selected(frame, refs[last if command in ("previous", "end") else 0])
        at = refs.index(chosen.ref)
        if command in ("next", "previous"):
            at = (at + (1 if command == "next" else -1)) % (last + 1)
        elif command in ("home", "end"):
            at = 0 if command == "home" else last
        else:
            per_row = workers_per_row(frame, frame.snapshot)
            step = per_row if command in ("up", "down") else 1
            target = at + (step if command in ("down", "right") else -step)
            # Down from the last full row goes to the last worker; up from the first row stays.
            below = command == "down" and at // per_row < last // per_row
            at = target if 0 <= target <= last else last if below else at
        return with_selected(frame, refs[at])
