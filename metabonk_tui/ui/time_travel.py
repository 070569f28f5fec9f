"""Where in time one looks: at what is now, at a recording, or back into the past of the run that is watched.

Refuses to know keys and screens.
"""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.core.ports.recordings import Replay, ReplayControls, ReplayOpener
from metabonk_tui.core.recordings.playback import Playback
from metabonk_tui.ui.frame import ViewMode


class TimeTravel:
    """The present, and the one past that is open, if any."""

    def __init__(
        self, monitor: Monitor, replay_controls: ReplayControls | None, replay_opener: ReplayOpener | None
    ) -> None:
        """Begin now, or with a `replay_controls` in a recording that there is no way out of."""
        self._monitor = monitor
        self._replay_controls = replay_controls
        self._replay_opener = replay_opener
        self._replay: Replay | None = None
        self._was_calm = True
        self.wake: Callable[[], None] = lambda: None
        """Called from another thread when the past that is open stands otherwise."""
        self.playback: Playback | None = None
        """How the past stands; None: nothing is past, or nothing was read yet."""
        self.asked = False
        """A key asked for another moment of the past, and its picture has not come yet."""

    @property
    def mode(self) -> ViewMode:
        """Say where one looks."""
        return "past" if self._replay is not None else "live" if self._replay_controls is None else "replay"

    @property
    def has_past(self) -> bool:
        """Whether one can go back from now."""
        return self._replay_opener is not None

    @property
    def fault(self) -> str | None:
        """The bug because of which what is shown stands still."""
        return self._monitor.fault or (self._replay.fault if self._replay is not None else None)

    def newest(self, now: Snapshot | None) -> Snapshot | None:
        """Return what is to be shown when this is so `now`."""
        return now if self._replay is None else self._replay.latest()

    def go(self, move: Callable[[ReplayControls], None], run: str) -> str:
        """Walk; from now, into the past of this run. Return why not, "" when it goes."""
        if self._replay_controls is None:
            replay = (
                self._replay_opener.open(run) if self._replay_opener is not None else "there is no past to go into"
            )
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
        """Close the past that was opened from now; return whether there was one."""
        if self._replay is None:
            return False
        self._replay.stop()
        self._replay = self._replay_controls = self.playback = None
        self.asked = False
        return True

    def refresh(self) -> bool:
        """See how the past stands; return whether that is news."""
        if self._replay_controls is None:
            return False
        before, self.playback = self.playback, self._replay_controls.playback()
        if self.playback is before:
            return False
        self.asked = False
        return True

    def alarm_text(self) -> str:
        """Say what has turned critical behind one's back; "" for nothing."""
        now = self._monitor.latest() if self._replay is not None and self._was_calm else None
        if now is None or not _is_critical(now):
            return ""
        what = f"the verdict is {now.verdict.kind}" if now.verdict.kind.level == "stop" else "memory is critical"
        return f"meanwhile {what}: End goes back to now"


def _is_critical(snapshot: Snapshot | None) -> bool:
    return snapshot is not None and (snapshot.verdict.kind.level == "stop" or snapshot.memory.level == "crit")
