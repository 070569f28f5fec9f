"""Holds what decides which commands are valid now. Does not: decide it; `commands` does."""

from __future__ import annotations

from msgspec import Struct

from metabonk_tui.core.model.alert import Alert
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.ui.frame import EVENTS, ViewMode


class CommandContext(Struct, frozen=True):
    """The state that decides which commands are valid now."""

    snapshot: Snapshot | None
    screen: str
    worker: WorkerView | None = None
    read_only: bool = False
    mode: ViewMode = "live"
    alert: Alert | None = None
    playing: bool = False
    """In the past: the playback runs."""
    has_past: bool = False
    """The live run has a recorded past to open."""
    has_outcome: bool = False
    """The end of an action is still shown."""
    has_log_files: bool = False
    """On the log screen: files can be read."""
    is_searching: bool = False
    """On the log screen: a text is searched."""
    is_death: bool = False
    """Enter opens the page about the selected worker's death."""
    is_selected: bool = True
    """A key selected `worker`; else it is only the first one, which another may replace at any time."""
    is_viewer: bool = False
    """The monitor is shown in a browser: it changes nothing that another monitor sees."""
    clears: str = ""
    """On the dashboard: what Esc takes back: "zoom", "filter"; "": nothing."""
    has_ghost: bool = False
    """A recorded run was chosen and read."""
    no_pool: bool = False
    """No pool is configured and none was seen: the dashboard shows no worker."""
    zoom: str = ""
    """The pane of the dashboard that is shown alone; "": none, or another screen is in front."""
    is_last_run: bool = False
    """The dashboard is the page of the last run, of which this monitor never saw the pool."""

    @property
    def hidden(self) -> str:
        """Say that the workers are not in sight, so that no key arranges them unseen; "" where they are."""
        if self.is_last_run:
            return "the run is over; 1 shows its workers"
        return "" if self.zoom in ("", "workers") else "the workers are hidden; Esc shows them"

    @property
    def place(self) -> str:
        """Where keys may have a meaning of their own: the screen, or the list of events shown alone."""
        return EVENTS if self.zoom == EVENTS else self.screen
