"""Asks for the address of another pool, in the last row. Enter closes the monitor and opens it on that pool."""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.run.other_pool import FORMS, options_of, seen_port
from metabonk_tui.ui.dialogs.base import Dialog, Reply, editor_field
from metabonk_tui.ui.dialogs.line_editor import LineEditor
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, cut, fit, gap, mark, on_row, width
from metabonk_tui.ui.views.layout.section import muted, strong

LONGEST = 60
LABEL = "port or host"


class OtherPoolDialog(Dialog):
    """Takes a port, a host or both. It begins with the port of workers that were seen on another one."""

    def __init__(self, snapshot: Snapshot | None) -> None:
        self._editor = LineEditor(seen_port(snapshot) if snapshot is not None else "", LONGEST)
        self._is_wrong = False

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the input in place of the footer."""
        g = frame.glyphs
        name: Row = (muted(LABEL), gap(1)) if frame.width >= 60 else ()
        row: Row = (gap(1), *name, *editor_field(self._editor, max(8, min(24, frame.width // 4))), gap(2))
        keys: Row = (strong("Enter", True), muted(" watch  "), strong("Esc", True), muted(" cancel"))
        forms: Row = (gap(2), muted(FORMS))
        if self._is_wrong:
            keys, forms = (mark(g.caution, "warn"), gap(1), Span(f"not valid; type {FORMS}", "text")), ()
        room = frame.width - width(row) - 1
        shown = (*keys, *forms) if width((*keys, *forms)) <= room else keys
        return (*rows[:-1], on_row(fit((*row, *cut(shown, room, g.ellipsis)), frame.width, g.ellipsis), "surface"))

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        if key == "escape":
            return Reply(None)
        if key != "enter":
            self._editor.press(key, character)
            self._is_wrong = False
            return Reply(self)
        if not self._editor.text.strip():
            return Reply(None)
        words = options_of(self._editor.text)
        self._is_wrong = not words
        return Reply(None, run=words) if words else Reply(self)

    def paste(self, text: str, frame: Frame) -> Reply:
        """Insert the text."""
        self._editor.paste(text)
        self._is_wrong = False
        return Reply(self)
