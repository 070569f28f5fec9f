"""The palette: every command and theme by name; what means nothing now says why."""

from __future__ import annotations

from typing import NamedTuple

from metabonk_tui.ui.commands import COMMANDS, CommandContext
from metabonk_tui.ui.dialogs.base import BLANK, NEEDED, Dialog, DialogLine, Reply, box, field, inner_width
from metabonk_tui.ui.frame import Frame, Hint
from metabonk_tui.ui.style.spans import Row, Span, gap, left, mark, on_row

ROWS = 12
THEME = "theme: "
"""How the command of a theme begins."""


class PaletteEntry(NamedTuple):
    """One line of the list."""

    command: str
    key: str
    what: str
    why_not: str = ""


class PaletteDialog(Dialog):
    """A list that shrinks while one types."""

    def __init__(self, context: CommandContext, themes: tuple[str, ...] = ()) -> None:
        table = [PaletteEntry(c.id, c.key, c.what, c.refusal(context)) for c in COMMANDS if c.id != "palette"]
        table += [PaletteEntry(f"{THEME}{name}", "", f"Theme {name}") for name in themes]
        # What can be done now stands first; otherwise the order is the table's, so that fingers learn it.
        self._entries = sorted(table, key=lambda entry: bool(entry.why_not))
        self._typed = ""
        self._at = 0

    def _found(self) -> list[PaletteEntry]:
        wanted = self._typed.lower().split()
        return [e for e in self._entries if all(w in f"{e.command} {e.key} {e.what}".lower() for w in wanted)]

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        """Type, move, run or close."""
        found = self._found()
        if key == "escape":
            return Reply(None)
        if key == "enter":
            return Reply(None, found[self._at].command) if found else Reply(self)
        steps = {"up": -1, "down": 1, "tab": 1, "shift+tab": -1, "pageup": -ROWS, "pagedown": ROWS}
        if key in steps:
            self._at = max(0, min(self._at + steps[key], len(found) - 1))
        elif key == "backspace":
            self._typed, self._at = self._typed[:-1], 0
        elif character is not None and character.isprintable():
            self._typed, self._at = (self._typed + character)[:40], 0
        return Reply(self)

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the input and the part of the list around the cursor."""
        found = self._found()
        room = max(1, min(ROWS, frame.height - 11))
        start = max(0, min(self._at - room // 2, len(found) - room))
        wide = inner_width(frame)
        lines = [
            DialogLine(
                (
                    mark(frame.glyphs.cursor, "accent"),
                    gap(1),
                    *field(self._typed, min(40, wide - 4), True),
                ),
                NEEDED,
            ),
            BLANK,
        ]
        for i, one in enumerate(found[start : start + room], start):
            lines.append(DialogLine(_entry(one, i == self._at, wide, frame), NEEDED if i == self._at else 5))
        if not found:
            lines.append(DialogLine((gap(2), Span("nothing is called that", "muted")), NEEDED))
        lines += [DialogLine((), 1)] * (room - len(found))
        hints = (Hint("Enter", "do it", keep=True), Hint("Esc", "close", keep=True))
        return box(rows, frame, (Span("COMMANDS", "accent", True),), lines, hints)


def _entry(entry: PaletteEntry, chosen: bool, wide: int, frame: Frame) -> Row:
    cursor = mark(frame.glyphs.cursor, "accent") if chosen else gap(1)
    if entry.why_not:
        row: Row = (left(entry.key, 8, "muted"), Span(entry.what, "muted"), gap(2), Span(entry.why_not, "muted"))
    else:
        row = (left(entry.key, 8, "strong", True), Span(entry.what, "strong" if chosen else "text"))
    row = (cursor, gap(1), *row)
    used = sum(len(span.text) for span in row)
    return on_row((*row, gap(wide - used)), "select") if chosen else row
