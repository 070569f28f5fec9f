"""Asks for the filter in the last row; the workers above follow every key."""

from __future__ import annotations

from dataclasses import replace

from metabonk_tui.ui.dialogs.base import Dialog, Reply, field
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, fit, gap, on_row

LONGEST = 40


class FilterDialog(Dialog):
    """Takes a text that workers must contain. Enter keeps it; Esc restores the filter before."""

    def __init__(self, before: str) -> None:
        self._before = before
        self._typed = before

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the input in place of the footer."""
        entry = field(self._typed, max(8, min(LONGEST, frame.width - 40)), True)
        prompt: Row = (gap(2), Span("Enter", "strong", True), Span(" keep  ", "muted"))
        back: Row = (Span("Esc", "strong", True), Span(" cancel", "muted"))
        row: Row = (gap(1), Span("/", "accent", True), gap(1), *entry, *prompt, *back)
        return (*rows[:-1], on_row(fit(row, frame.width, frame.glyphs.ellipsis), "surface"))

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        if key in ("escape", "enter"):
            text = self._before if key == "escape" else self._typed
            return Reply(None, state=replace(frame.state, filter=text))
        if key == "backspace":
            self._typed = self._typed[:-1]
        elif character is not None and character.isprintable() and len(self._typed) < LONGEST:
            self._typed += character
        return Reply(self, state=replace(frame.state, filter=self._typed))
