"""Asks for a place in a replay, in the last row. A text that is not understood stays, beside the accepted forms."""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.recordings.seek import ACCEPTED_FORMS, ACCEPTED_FORMS_SHORT, SeekTarget, find, parse
from metabonk_tui.ui.dialogs.base import Dialog, Reply, editor_field
from metabonk_tui.ui.dialogs.line_editor import FieldHistory, LineEditor, with_history
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, cut, fit, gap, mark, on_row, width
from metabonk_tui.ui.views.layout.section import muted

LONGEST = 30
HISTORY = "seek"
"""The name of the field in the history."""
UNKNOWN = "not valid; type"


class SeekDialog(Dialog):
    """Takes a time or an event. Enter goes there; Esc closes."""

    def __init__(self, go: Callable[[SeekTarget], object], history: FieldHistory = ()) -> None:
        self._go = go
        self._editor = LineEditor("", LONGEST, history)
        self._error = ""

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the input in place of the footer."""
        g = frame.glyphs
        entry = editor_field(self._editor, max(8, min(LONGEST, frame.width // 4)))
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
            left = room - width(help_row)
            forms = ACCEPTED_FORMS if len(ACCEPTED_FORMS) <= left else ACCEPTED_FORMS_SHORT
            while len(forms) > left and ", " in forms:
                forms = forms.rpartition(", ")[0]
            help_row = (*help_row, muted(forms))
        row = (*row, *cut(help_row, room, g.ellipsis))
        return (*rows[:-1], on_row(fit(row, frame.width, g.ellipsis), "surface"))

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        if key == "escape":
            return Reply(None)
        if key == "enter":
            return self._enter(frame)
        self._editor.press(key, character)
        self._error = ""
        return Reply(self)

    def paste(self, text: str, frame: Frame) -> Reply:
        """Insert the text."""
        self._editor.paste(text)
        self._error = ""
        return Reply(self)

    def _enter(self, frame: Frame) -> Reply:
        typed = self._editor.text
        if not typed.strip():
            return Reply(None)
        target = parse(typed)
        if target is None:
            self._error = UNKNOWN
            return Reply(self)
        found = find(target, frame.playback, frame.zone) if frame.playback is not None else None
        if isinstance(found, str):
            self._error = found
            return Reply(self)
        self._go(target)
        return Reply(None, state=with_history(frame.state, HISTORY, typed))
