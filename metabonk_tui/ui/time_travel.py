"""Selects the time on screen: live, a recording, or the past of the live run; measures how late the present is.

Does not: know keys and screens.
"""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.core.ports.recordings import Replay, ReplayControls, ReplayOpener
from metabonk_tui.core.recordings.playback import Playback
from metabonk_tui.ui.frame import ViewMode


class TimeTravel:
    """The live monitor, and at most one open past."""

    def __init__(
        self, monitor: Monitor, replay_controls: ReplayControls | None, replay_opener: ReplayOpener | None
    ) -> None:
        """Start live; with `replay_controls`, in a recording that cannot be left."""
        self._monitor = monitor
        self._replay_controls = replay_controls
        self._replay_opener = replay_opener
        self._replay: Replay | None = None
        self._was_calm = True
        self.wake: Callable[[], None] = lambda: None
        """Called from another thread when the open past has changed."""
        self.playback: Playback | None = None
        """The state of the playback; None when live, or before anything was read."""
        self.asked = False
        """A key requested another moment, and its Snapshot has not arrived yet."""

    @property
    def mode(self) -> ViewMode:
        return "past" if self._replay is not None else "live" if self._replay_controls is None else "replay"

    @property
    def has_past(self) -> bool:
        """Whether the live run has a past to open."""
        return self._replay_opener is not None

    @property
    def fault(self) -> str | None:
        """The error of a thread that stopped the screen from changing; None when all run."""
        return self._monitor.fault or (self._replay.fault if self._replay is not None else None)

    def newest(self, now: Snapshot | None) -> Snapshot | None:
        """Return the Snapshot to show when the live one is `now`."""
        return now if self._replay is None else self._replay.latest()

    def go(self, move: Callable[[ReplayControls], None], run: str) -> str:
        """Move in the past, opening the past of this run first when live. Return why not; "" on success."""
        if self._replay_controls is None:
            replay = self._replay_opener.open(run) if self._replay_opener is not None else "no recorded past to open"
            if isinstance(replay, str):
                return replay
            self._replay = self._replay_controls = replay
            self._was_calm = not _is_critical(self._monitor.latest())
            replay.subscribe(self.wake)
            replay.start()
        self.asked = True
        move(self._replay_controls)
        return ""

    def back_to_now(self) -> bool:
        """Close the past that was opened from the live run; return whether one was open."""
        if self._replay is None:
            return False
        self._replay.stop()
        self._replay = self._replay_controls = self.playback = None
        self.asked = False
        return True

    def refresh(self) -> bool:
        """Update the playback; return whether it changed."""
        if self._replay_controls is None:
            return False
        before, self.playback = self.playback, self._replay_controls.playback()
        if self.playback is before:
            return False
        self.asked = False
        return True

    def alarm_text(self) -> str:
        """Return what has turned critical in the live run meanwhile; "" for nothing."""
        now = self._monitor.latest() if self._replay is not None and self._was_calm else None
        if now is None or not _is_critical(now):
            return ""
        what = f"the verdict is {now.verdict.kind}" if now.verdict.level == "stop" else "memory is critical"
        return f"live now: {what}; End returns to live"


def _is_critical(snapshot: Snapshot | None) -> bool:
    return snapshot is not None and (snapshot.verdict.level == "stop" or snapshot.memory.level == "crit")
