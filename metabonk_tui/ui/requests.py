"""Passes what keys ask of the engine on, and shows what another monitor asks of this one.

Does not: carry out a request; the engine does, and Snapshots show the result. While its memory watch is armed, it
ignores a slower pace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.ui.commands import unacknowledged
from metabonk_tui.ui.dialogs.base import Dialog
from metabonk_tui.ui.frame import Frame

STEPS_S = (1.0, 2.0, 5.0, 10.0)
"""Real seconds between two polls."""


class Pace:
    """How often this monitor polls."""

    def __init__(self, monitor: Monitor, every_s: float = 0.0) -> None:
        """Begin with the kept seconds between two polls; 0: as configured."""
        self._monitor = monitor
        self.every_s = every_s
        if every_s:
            monitor.poll_every(every_s)

    def change(self, step: int, frame: Frame) -> str:
        """Poll less often (1) or more often (-1); return what is said about it."""
        now_s = self.every_s
        if not now_s and frame.snapshot is not None:
            now_s = frame.snapshot.run.interval_s / frame.speed
        further = [each for each in STEPS_S if (each > now_s + 0.01 if step > 0 else each < now_s - 0.01)]
        if not further:
            return f"polls every {now_s:g} s: the {'longest' if step > 0 else 'shortest'} interval"
        self.every_s = further[0] if step > 0 else further[-1]
        self._monitor.poll_every(self.every_s)
        slower, faster = (frame.key_names.get(key, key) for key in (",", "."))
        return f"polls every {self.every_s:g} s; {slower} slower, {faster} faster"


class Requests:
    """The requests in both directions."""

    def __init__(self, monitor: Monitor, pace: Pace) -> None:
        self._monitor = monitor
        self._shown_number = 0
        """The number of the newest request for control that was shown."""
        self.by_command: Mapping[str, Callable[[Frame], str]] = {
            "acknowledge": lambda frame: self._acknowledge((frame.alert.id,) if frame.alert else ()),
            "acknowledge_all": lambda frame: self._acknowledge(unacknowledged(frame.snapshot)),
            "gate_again": lambda _: self._ask_gate_again(),
            "poll": lambda _: self._poll(),
            "slower": lambda frame: pace.change(1, frame),
            "faster": lambda frame: pace.change(-1, frame),
        }
        """By command: asks the engine and returns the notice."""

    def _acknowledge(self, ids: tuple[str, ...]) -> str:
        self._monitor.acknowledge(ids, "key")
        return f"seen: {', '.join(ids)}"

    def _ask_gate_again(self) -> str:
        self._monitor.ask_gate_again("key")
        return "the gate is taken again: six checks from now"

    def _poll(self) -> str:
        self._monitor.poll_now()
        return "polling the workers now"

    def new_request(self, dialog: Dialog | None) -> tuple[Dialog | None, str] | None:
        """Return the dialog of a new request for control, or a notice while another is open; None: none is new."""
        request = self._monitor.role_request()
        if request is None or request.number == self._shown_number:
            return None
        if dialog is not None:
            return dialog, f"{request.by} asks for control to {request.want}: close this dialog to answer"
        from metabonk_tui.ui.dialogs.control import ControlDialog

        self._shown_number = request.number
        return ControlDialog(request, self._monitor), ""
