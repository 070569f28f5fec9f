"""Asks for a place in a replay, in the last row. A text that is not understood stays, beside the accepted forms."""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.recordings.seek import ACCEPTED_FORMS, ACCEPTED_FORMS_SHORT, SeekTarget, find, parse
from metabonk_tui.ui.dialogs.base import Dialog, Reply, field
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, cut, fit, gap, mark, on_row, width
from metabonk_tui.ui.views.layout.section import muted

LONGEST = 30
UNKNOWN = "not valid; type"


class SeekDialog(Dialog):
    """Takes a time or an event. Enter goes there; Esc closes."""

    def __init__(self, go: Callable[[SeekTarget], object]) -> None:
        self._go = go
        self._typed = ""
        self._error = ""

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the input in place of the footer."""
        g = frame.glyphs
        entry = field(self._typed, max(8, min(LONGEST, frame.width // 4)), True)
        row: Row = (gap(1), Span("t", "accent", True), gap(1), *entry, gap(2))
        room = frame.width - width(row) - 1
        help_row: Row = (
            Span("Enter", "strong", True),
            muted(" go  "),
            Span("Esc", "strong", True),
            muted(" cancel  "),
        )
        if self._error:
            help_row = (mark(g.caution, "warn"), gap(1), Span(g.text(self._error), "text"), gap(2))
        if self._error in ("", UNKNOWN):
            whole = width(help_row) + len(ACCEPTED_FORMS) <= room
            help_row = (*help_row, muted(ACCEPTED_FORMS if whole else ACCEPTED_FORMS_SHORT))
        row = (*row, *cut(help_row, room, g.ellipsis))
        return (*rows[:-1], on_row(fit(row, frame.width, g.ellipsis), "surface"))

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        if key == "escape":
            return Reply(None)
        if key == "enter":
            return self._enter(frame)
        if key == "backspace":
            self._typed = self._typed[:-1]
        elif key == "ctrl+u":
            self._typed = ""
        elif character is not None and character.isprintable() and len(self._typed) < LONGEST:
            self._typed += character
        self._error = ""
        return Reply(self)

    def _enter(self, frame: Frame) -> Reply:
        if not self._typed.strip():
            return Reply(None)
        target = parse(self._typed)
        if target is None:
            self._error = UNKNOWN
            return Reply(self)
        found = find(target, frame.playback, frame.zone) if frame.playback is not None else None
        if isinstance(found, str):
            self._error = found
            return Reply(self)
        self._go(target)
        return Reply(None)
