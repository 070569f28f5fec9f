"""A dialog that lists entries: typing narrows the list, arrows move the cursor, Enter takes the entry under it.

Does not: know what the entries are; a subclass supplies, draws and takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from metabonk_tui.ui.dialogs.base import (
    ASKED,
    BLANK,
    NEEDED,
    Dialog,
    DialogLine,
    Reply,
    box,
    editor_field,
    flat_room,
    inner_width,
    is_flat,
)
from metabonk_tui.ui.dialogs.line_editor import LineEditor
from metabonk_tui.ui.frame import Frame, Hint
from metabonk_tui.ui.style.spans import Row, Span, gap, mark, on_row, width

ROWS = 12
"""Visible entries where there is room; also the step of a page."""
TITLE = 8
"""The rank of the title: the input and the entry under the cursor matter more."""
BESIDE_ROWS = 11
"""Rows of the screen that the list leaves to its frame, the input, and the rows above and below the box."""
MAX_TYPED = 40
BESIDE_CELLS = 7
"""Cells beside the input and the entry in one row: margin, cursor, gaps."""
FLAT_TYPED = 16
"""Cells of the input where a dialog has no frame."""
STEPS = {"up": -1, "down": 1, "tab": 1, "shift+tab": -1, "pageup": -ROWS, "pagedown": ROWS}
Entry = TypeVar("Entry")


class ListDialog(Dialog, Generic[Entry]):
    """Lists entries; typed words narrow the list."""

    title: ClassVar[str]
    takes: ClassVar[str]
    """What Enter does, for the footer."""

    def __init__(self) -> None:
        self._editor = LineEditor("", MAX_TYPED)
        self._at = 0

    @property
    def typed(self) -> str:
        """The text that narrows the list."""
        return self._editor.text

    def entries(self, frame: Frame) -> Sequence[Entry]:
        """List every entry that may be taken now."""
        raise NotImplementedError

    def search_text(self, entry: Entry, frame: Frame) -> str:
        """Return the text in which each typed word must occur."""
        raise NotImplementedError

    def entry_row(self, entry: Entry, chosen: bool, wide: int, frame: Frame) -> Row:
        """Draw an entry, without the cursor, in the `wide` cells right of it."""
        raise NotImplementedError

    def take(self, entry: Entry) -> Reply:
        """Return the reply to Enter on an entry."""
        raise NotImplementedError

    def cancel(self) -> Reply:
        """Return the reply to Esc."""
        return Reply(None)

    def heads(self, wide: int) -> tuple[Row, ...]:
        """Draw rows that stay above the entries."""
        return ()

    def empty_text(self) -> str:
        """Return the line shown while no entry matches."""
        raise NotImplementedError

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        found = self._found(frame)
        if key == "escape":
            return self.cancel()
        if key == "enter":
            return self.take(found[min(self._at, len(found) - 1)]) if found else Reply(self)
        if key in STEPS:
            self._at = max(0, min(self._at + STEPS[key], len(found) - 1))
            return Reply(self)
        before = self.typed
        self._editor.press(key, character)
        self._at = self._at if self.typed == before else 0
        return Reply(self)

    def paste(self, text: str, frame: Frame) -> Reply:
        """Narrow the list by the text."""
        self._editor.paste(text)
        self._at = 0
        return Reply(self)

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the input and the entries around the cursor."""
        found, wide, cursor = self._found(frame), inner_width(frame), mark(frame.glyphs.cursor, "accent")
        flat = is_flat(frame)
        if flat and frame.height <= 3:
            # In the only row the entry under the cursor stands beside the input.
            wide = max(8, min(wide, frame.width - FLAT_TYPED - BESIDE_CELLS))
        heads = self.heads(wide)
        # The list may have become shorter since the cursor was moved.
        at = min(self._at, max(0, len(found) - 1))
        room = max(1, min(ROWS, frame.height - BESIDE_ROWS - len(heads)))
        room = min(ROWS, flat_room(frame)) if flat else room
        start = max(0, min(at - room // 2, len(found) - room))
        entry = editor_field(self._editor, FLAT_TYPED if flat else min(MAX_TYPED, wide - 4))
        lines = [DialogLine((cursor, gap(1), *entry), NEEDED), BLANK, *(DialogLine(head, 6) for head in heads)]
        for place, item in enumerate(found[start : start + room], start):
            chosen = place == at
            row: Row = (cursor if chosen else gap(1), gap(1), *self.entry_row(item, chosen, wide - 2, frame))
            row = on_row((*row, gap(wide - width(row))), "select") if chosen else row
            lines.append(DialogLine(row, ASKED if chosen else 5))
        if not found:
            lines.append(DialogLine((gap(2), Span(self.empty_text(), "muted")), NEEDED))
        # Blank rows keep the box at its height while the list gets shorter.
        lines += [DialogLine((), 1)] * (room - max(1, len(found)))
        enter = (Hint("Enter", self.takes, keep=True),) if found else ()
        hints = (*enter, Hint("Esc", "close", keep=True))
        # Without the numbers nothing says that the list goes on below.
        shown = f"{start + 1}-{start + room} of {len(found)}" if len(found) > room else str(len(found) or "")
        title: Row = (Span(self.title, "accent", True), *((gap(2), Span(shown, "muted")) if shown else ()))
        return box(rows, frame, title, lines, hints, title_rank=TITLE)

    def _found(self, frame: Frame) -> list[Entry]:
        wanted = self.typed.lower().split()
        return [
            entry
            for entry in self.entries(frame)
            if all(word in self.search_text(entry, frame).lower() for word in wanted)
        ]
