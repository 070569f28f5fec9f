"""Keeps the log screen supplied while it is open, and stops reading when it is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.logs import LogFileReader
from metabonk_tui.ui.frame import UiState, ViewMode
from metabonk_tui.ui.log_view import LogView

if TYPE_CHECKING:
    from metabonk_tui.ui.log_job import LogJob

SCREEN = "logs"
CLOSED = LogView()
NOT_HERE = LogView(why_not="the log files are on another machine; these lines were recorded")
PAST = LogView(why_not="log files can only be read live; these lines were recorded")


class LogViewer:
    """The log screen's reader. Call every method from the UI thread; each returns at once."""

    def __init__(self, open_reader: Callable[[], LogFileReader] | None, wake: Callable[[], None]) -> None:
        """Prepare; None: no log file can be read here. `wake` is called in the background."""
        self._open_reader = open_reader
        self._wake = wake
        self._job: LogJob | None = None
        self._at_s = 0.0
        self._arguments: tuple[UiState, Snapshot | None] | None = None
        """What the screen shows; None: it is not open, or shows the past."""
        self.view = CLOSED

    def sync(self, state: UiState, snapshot: Snapshot | None, mode: ViewMode, screens: Sequence[str]) -> None:
        """Take what the operator chose, and the open screens, the front one last.

        Nothing is read behind another screen; what was read is kept until the log screen is left.
        """
        screen = screens[-1]
        is_open = screen == SCREEN and mode == "live" and self._open_reader is not None
        self._arguments = (state, snapshot) if is_open else None
        if is_open:
            self._update()
            return
        if SCREEN not in screens:
            self._job = None
        self.view = CLOSED if screen != SCREEN else NOT_HERE if mode == "live" else PAST

    @property
    def is_awaited(self) -> bool:
        """Whether a key waits for what is being read."""
        return self._job is not None and self._job.is_awaited

    def tick(self, at_s: float) -> None:
        """Look at the files again when that is due, at a time (seconds, monotonic)."""
        self._at_s = at_s
        self._update()

    def has_news(self) -> bool:
        """Take what was read; return whether there is something to draw."""
        before = self.view
        self._update()
        return self.view is not before

    def _update(self) -> None:
        if self._arguments is None or self._open_reader is None:
            return
        if self._job is None:
            # Imported late: most monitors never show a log.
            from metabonk_tui.ui.log_job import LogJob

            self._job = LogJob(self._open_reader, self._wake)
        state, snapshot = self._arguments
        self._job.sync(state.log, snapshot, state.ref, self._at_s)
        self.view = self._job.view
