"""Asks for the text to search on the screen; the rows above follow every key."""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.ui.dialogs.base import Dialog, Reply, editor_field
from metabonk_tui.ui.dialogs.line_editor import LineEditor, history_of, with_history
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, fit, gap, on_row

LONGEST = 40
HISTORY = "find"
"""The name of the field in the history."""


class FindDialog(Dialog):
    """Takes the text to find. Enter keeps it; Esc restores the text before."""

    def __init__(self, frame: Frame) -> None:
        self._before = frame.state.find
        self._editor = LineEditor(self._before, LONGEST, history_of(frame.state, HISTORY))

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the input in place of the footer."""
        entry = editor_field(self._editor, max(8, min(LONGEST, frame.width - 40)))
        keys: Row = (Span("Enter", "strong", True), Span(" keep  ", "muted"))
        keys = (*keys, Span("Esc", "strong", True), Span(" cancel", "muted"))
        row: Row = (gap(1), Span("find", "muted"), gap(1), *entry, gap(2), *keys)
        return (*rows[:-1], on_row(fit(row, frame.width, frame.glyphs.ellipsis), "surface"))

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        text = self._editor.text
        if key == "escape":
            return Reply(None, state=replace(frame.state, find=self._before))
        if key == "enter":
            return Reply(None, state=replace(with_history(frame.state, HISTORY, text), find=text))
        self._editor.press(key, character)
        return Reply(self, state=replace(frame.state, find=self._editor.text))

    def paste(self, text: str, frame: Frame) -> Reply:
        """Search for the text."""
        self._editor.paste(text)
        return Reply(self, state=replace(frame.state, find=self._editor.text))
