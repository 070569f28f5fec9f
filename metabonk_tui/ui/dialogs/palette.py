"""Lists every command and theme by name, with the reason where a command is not available.

Does not: carry out a command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from metabonk_tui.ui.command_context import CommandContext
from metabonk_tui.ui.commands import COMMANDS, THEME, Command, key_name
from metabonk_tui.ui.dialogs.base import Reply
from metabonk_tui.ui.dialogs.list_dialog import ListDialog
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, gap, left
from metabonk_tui.ui.views.layout.section import with_keys_now

NO_KEYS: Mapping[str, tuple[str, ...]] = {}


class PaletteEntry(NamedTuple):
    command: str
    key: str
    what: str
    why_not: str = ""


class PaletteDialog(ListDialog[PaletteEntry]):
    """Finds a command by its name and runs it."""

    title: ClassVar[str] = "COMMANDS"
    takes: ClassVar[str] = "run"

    def __init__(
        self, context: CommandContext, themes: tuple[str, ...] = (), own_keys: Mapping[str, tuple[str, ...]] = NO_KEYS
    ) -> None:
        super().__init__()
        table = [
            PaletteEntry(c.id, _key(c, own_keys), c.what, c.refusal(context)) for c in COMMANDS if c.id != "palette"
        ]
        table += [PaletteEntry(f"{THEME}{name}", "", f"Theme {name}") for name in themes]
        # Available commands stand first; otherwise the order is the table's, so that fingers learn it.
        self._entries = sorted(table, key=lambda entry: bool(entry.why_not))

    def entries(self, frame: Frame) -> Sequence[PaletteEntry]:
        """List the commands as they were when the palette was opened."""
        return self._entries

    def search_text(self, entry: PaletteEntry, frame: Frame) -> str:
        """Search id, key and description."""
        return f"{entry.command} {entry.key} {entry.what}"

    def entry_row(self, entry: PaletteEntry, chosen: bool, wide: int, frame: Frame) -> Row:
        """Draw key and description, and the reason where it is not available."""
        if entry.why_not:
            return (
                left(entry.key, 8, "muted"),
                Span(entry.what, "muted"),
                gap(2),
                Span(with_keys_now(frame, entry.why_not), "muted"),
            )
        return (left(entry.key, 8, "strong", True), Span(entry.what, "strong" if chosen else "text"))

    def take(self, entry: PaletteEntry) -> Reply:
        return Reply(None, entry.command)

    def empty_text(self) -> str:
        return "no command matches"


def _key(command: Command, own_keys: Mapping[str, tuple[str, ...]]) -> str:
    """Return the first key of a command, as the configuration has it."""
    return key_name(own_keys[command.id][0]) if command.id in own_keys else command.key
