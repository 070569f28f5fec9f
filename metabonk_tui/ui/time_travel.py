"""Where in time one looks: at what is now, at a recording, or back into the past of the run that is watched.

Refuses to know keys and screens.
"""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.core.ports.recordings import Tape, Tapes, Transport
from metabonk_tui.core.recordings.playback import Playback
from metabonk_tui.ui.frame import Mode


class Walk:
    """The present, and the one past that is open, if any."""

    def __init__(self, monitor: Monitor, transport: Transport | None, tapes: Tapes | None) -> None:
        """Begin now, or with a `transport` in a recording that there is no way out of."""
        self._monitor = monitor
        self._transport = transport
        self._tapes = tapes
        self._tape: Tape | None = None
        self._calm = True
        self.wake: Callable[[], None] = lambda: None
        """Called from another thread when the past that is open stands otherwise."""
        self.playback: Playback | None = None
        """How the past stands; None: nothing is past, or nothing was read yet."""
        self.asked = False
        """A key asked for another moment of the past, and its picture has not come yet."""

    @property
    def mode(self) -> Mode:
        """Say where one looks."""
        return "past" if self._tape is not None else "live" if self._transport is None else "replay"

    @property
    def has_past(self) -> bool:
        """Whether one can go back from now."""
        return self._tapes is not None

    @property
    def fault(self) -> str | None:
        """The bug because of which what is shown stands still."""
        return self._monitor.fault or (self._tape.fault if self._tape is not None else None)

    def newest(self, now: Snapshot | None) -> Snapshot | None:
        """Return what is to be shown when this is so `now`."""
        return now if self._tape is None else self._tape.latest()

    def go(self, how: Callable[[Transport], None], run: str) -> str:
        """Walk; from now, into the past of this run. Return why not, "" when it goes."""
        if self._transport is None:
            tape = self._tapes.open(run) if self._tapes is not None else "there is no past to go into"
            if isinstance(tape, str):
                return tape
            self._tape = self._transport = tape
            self._calm = not _critical(self._monitor.latest())
            tape.subscribe(self.wake)
            tape.start()
        self.asked = True
        how(self._transport)
        return ""

    def back_to_now(self) -> bool:
        """Close the past that was opened from now; return whether there was one."""
        if self._tape is None:
            return False
        self._tape.stop()
        self._tape = self._transport = self.playback = None
        self.asked = False
        return True

    def look(self) -> bool:
        """See how the past stands; return whether that is news."""
        if self._transport is None:
            return False
        before, self.playback = self.playback, self._transport.playback()
        if self.playback is before:
            return False
        self.asked = False
        return True

    def calls(self) -> str:
        """Say what has turned critical behind one's back; "" for nothing."""
        now = self._monitor.latest() if self._tape is not None and self._calm else None
        if now is None or not _critical(now):
            return ""
        what = f"the verdict is {now.verdict.word}" if now.verdict.word.level == "stop" else "memory is critical"
        return f"meanwhile {what}: End goes back to now"


def _critical(snapshot: Snapshot | None) -> bool:
    return snapshot is not None and (snapshot.verdict.word.level == "stop" or snapshot.memory.level == "crit")
