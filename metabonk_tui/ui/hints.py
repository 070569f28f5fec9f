"""Finds the command of a key, says what a key without one does, and lists the keys of the footer.

Does not: draw them, or read the configuration; `key_map` does.
"""

from __future__ import annotations

from collections.abc import Mapping

from metabonk_tui.ui.arrangement import clears
from metabonk_tui.ui.command_context import CommandContext
from metabonk_tui.ui.commands import BY_KEY, COMMANDS, Command, key_name
from metabonk_tui.ui.frame import PAST, Frame, Hint
from metabonk_tui.ui.screen_stack import HOME

SILENT_KEYS = frozenset({"ignore", "caps_lock", "num_lock", "scroll_lock", "print_screen", "ctrl+@"})
"""Keys that a terminal sends and that need no answer: locks, and what terminals add."""


class KeyTable:
    """The commands with the keys that they have: the usual ones, or those of the configuration."""

    def __init__(self, table: tuple[Command, ...] = COMMANDS) -> None:
        self.commands = table
        self._by_key = {key: command for command in table if not command.screen for key in command.keys}
        self._on_screen = {
            (command.screen, key): command for command in table if command.screen for key in command.keys
        }
        usual = {command.id: command.keys for command in COMMANDS}
        changed = [command for command in table if command.keys != usual.get(command.id, command.keys)]
        self.names: Mapping[str, str] = {
            key_name(usual[command.id][0]): key_name(command.keys[0])
            for command in changed
            if not command.screen and command.keys[0] != usual[command.id][0]
        }
        """The key as it is now, by the usual one, where they differ."""
        self.own_keys: Mapping[str, tuple[str, ...]] = {command.id: command.keys for command in changed}

    def find(self, key: str, character: str | None, screen: str = "") -> Command | None:
        """Find the command of a key press on a screen; a printable character counts before the key's name."""
        own = self._on_screen.get((screen, character or "")) or self._on_screen.get((screen, key))
        if own is not None:
            return own
        if character is not None and character in self._by_key and character != " ":
            return self._by_key[character]
        return self._by_key.get(key)

    def shown(self, command_id: str) -> str:
        """Return the key of a command as people write it."""
        return next(command.key for command in self.commands if command.id == command_id)

    def is_taken(self, screen: str, key: str) -> bool:
        """Return whether a key means something else on this screen."""
        return (screen, key) in self._on_screen

    def unknown(self, key: str, character: str | None) -> str:
        """Say that a key does nothing on this screen, and where it does something."""
        name = key_name(character if character is not None and character.isprintable() and character != " " else key)
        helper = self.shown("help")
        for (screen, own), _ in self._on_screen.items():
            if own in (key, character):
                opener = next((command.key for command in self.commands if command.id == screen), "")
                return f"{name} does nothing here, only on the {screen} screen ({opener}); {helper} lists keys"
        return f"{name} does nothing here; {helper} lists keys"


USUAL_KEYS = KeyTable()


def context_of(frame: Frame, screen: str, has_past: bool, is_viewer: bool) -> CommandContext:
    """Build what decides which commands are available on a screen."""
    return CommandContext(
        frame.snapshot,
        screen,
        frame.worker,
        frame.read_only,
        frame.mode,
        frame.alert,
        frame.playback is not None and frame.playback.playing,
        has_past,
        frame.outcome is not None,
        frame.logs.available,
        bool(frame.state.log.wanted),
        frame.death_of_worker is not None,
        frame.selected is not None,
        is_viewer,
        clears(frame.state) if screen == HOME else "",
        frame.comparing.ghost is not None,
        frame.no_pool,
        frame.state.zoom if screen == HOME else "",
        screen == HOME and frame.is_last_run,
    )


def recommended(context: CommandContext) -> str:
    """Return the id of the first command in the NEXT row, when it is valid now; else ""."""
    steps = context.snapshot.verdict.next_steps if context.snapshot else ()
    first = next((step.key for step in steps if step.key), None)
    command = BY_KEY.get(first) if first else None
    return command.id if command and not command.refusal(context) else ""


REPLAY_COMMANDS = ("back_cell", "back_mark", "seek", "pause")
"""Commands that always stay in the footer of a replay."""


def hints(context: CommandContext, keys: KeyTable = USUAL_KEYS) -> tuple[Hint, ...]:
    """List the footer's keys in the table's order: only those valid now."""
    first = recommended(context)
    shown: list[Hint] = []
    for command in keys.commands:
        if not command.screen and keys.is_taken(context.place, command.keys[0]):
            continue
        why = command.refusal(context)
        if command.id == "end" and context.mode == "past":
            shown.append(Hint(command.key, "live", keep=True))
        elif command.id in REPLAY_COMMANDS and context.mode not in PAST and command.id != "pause":
            # Live, only `[` opens the past; the other keys appear there.
            shown += [Hint(key_name(command.keys[0]), "past")] if command.id == "back_cell" and not why else []
        elif (command.footer or command.id == first) and not why:
            acts = command.group == "act"
            best = first in (command.id, "shrink" if command.id == "grow" else command.id)
            # A cursor hides nothing, so its Esc is dropped from a short row; a filter hides workers.
            keep = command.keep and (command.id != "back" or context.clears != "cursor")
            keep = keep or (context.mode in PAST and command.id in REPLAY_COMMANDS)
            if command.id != "shrink":
                shown.append(Hint(command.key, _label(command, context), acts, best, keep))
    return tuple(shown)


def _label(command: Command, context: CommandContext) -> str:
    if command.id == "back" and context.clears:
        return f"clear {context.clears}"
    if command.id == "worker" and context.is_death:
        return "death"
    if command.id == "pause" and context.mode in PAST:
        return "pause" if context.playing else "play"
    return "resume" if command.id == "pause" and context.mode == "paused" else command.label
