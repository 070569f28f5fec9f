"""Gives commands the keys that the configuration names, `[keys]`; a layout is a set of such keys.

A command keeps its usual keys beside the new one, unless another command takes them. Does not: read a file.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from metabonk_tui.core.config.load import ConfigError
from metabonk_tui.core.config.mistakes import Mistake
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.text.similar import most_similar
from metabonk_tui.ui.commands import COMMANDS, Command, key_name
from metabonk_tui.ui.hints import KeyTable

LAYOUT = "layout"
_REPLACED = ("back_cell", "on_cell", "back_mark", "on_mark", "death_before", "death_after")
"""The commands whose usual keys are `[ ] { }`."""
LAYOUTS: Mapping[str, Mapping[str, str]] = {
    "us": {},
    "de": dict(zip(_REPLACED, "öäÖÄöä", strict=True)),
    "nordic": dict(zip(_REPLACED, "åäÅÄåä", strict=True)),
    "letters": dict(zip(_REPLACED, "bfBFbf", strict=True)),
}
"""Keys for keyboards on which `[ ] { }` need two or three fingers. "letters" is on every keyboard."""
SYNONYMS = {
    "esc": "escape",
    "return": "enter",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "pgdown": "pagedown",
    "del": "delete",
    "ins": "insert",
    " ": "space",
}
NAMED = frozenset({
    "escape", "enter", "tab", "space", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown",
    "up", "down", "left", "right", *(f"f{number}" for number in range(1, 13)),
})  # fmt: skip
MODIFIERS = frozenset({"ctrl", "alt", "shift"})
ALWAYS_QUIT = frozenset({"ctrl+c", "ctrl+q"})


def key_table(chosen: Mapping[str, str | list[str]], name: str = "config.toml") -> KeyTable:
    """Return the commands with the keys of `[keys]`. Raises ConfigError with file and key."""
    layout = chosen.get(LAYOUT, "us")
    if not isinstance(layout, str) or layout not in LAYOUTS:
        raise ConfigError(f"{name}: keys.layout: expected one of {', '.join(LAYOUTS)}; found {layout!r}")
    own = {command: keys for command, keys in chosen.items() if command != LAYOUT}
    wanted: dict[str, tuple[str, ...]] = {command: (key,) for command, key in LAYOUTS[layout].items()}
    known = {command.id for command in COMMANDS}
    for command, keys in own.items():
        if command not in known:
            raise ConfigError(f"{name}: keys.{command}: no such command{_nearest(command, known)}")
        wanted[command] = tuple(_key(key, command, name) for key in ([keys] if isinstance(keys, str) else keys))
        if not wanted[command]:
            raise ConfigError(f"{name}: keys.{command}: expected a key, found an empty list")
    if not wanted:
        return KeyTable()
    taken = _taken(wanted, name)
    return KeyTable(_with_pairs(tuple(_remapped(command, wanted, taken, name) for command in COMMANDS)))


def _key(text: str, command: str, name: str) -> str:
    """Return a key as the terminal reports it: "Ctrl+B" is "ctrl+b"."""
    if len(text) == 1 and text != " ":
        if text.isprintable():
            return text
        raise ConfigError(f"{name}: keys.{command}: expected a key that a terminal sends, found {text!r}")
    *modifiers, last = SYNONYMS.get(text.lower(), text.lower()).split("+")
    last = SYNONYMS.get(last, last)
    key = "+".join((*modifiers, last))
    if key in ALWAYS_QUIT and command != "quit":
        raise ConfigError(
            f"{name}: keys.{command}: expected another key than {key_name(key)}, which always closes the monitor"
        )
    is_named = last in NAMED or (bool(modifiers) and len(last) == 1 and last.isprintable())
    if not is_named or not set(modifiers) <= MODIFIERS:
        hint = _nearest(last, NAMED)
        raise ConfigError(f"{name}: keys.{command}: expected a key like x, F5, Ctrl+B or PgUp, found {text!r}{hint}")
    return key


def _nearest(text: str, known: frozenset[str] | set[str]) -> str:
    near = most_similar(text, sorted(known))
    return f"; did you mean {near}?" if near else ""


def key_mistakes(config: Config) -> list[Mistake]:
    """List every mistake of `[keys]`: of each command alone, else of the commands together."""

    def mistakes(keys: Mapping[str, str | list[str]]) -> list[Mistake]:
        try:
            key_table(keys, "")
        except ConfigError as error:
            path, _, text = str(error).removeprefix(": ").partition(": ")
            return [Mistake(path, text)]
        return []

    alone = [mistake for command, value in config.keys.items() for mistake in mistakes({command: value})]
    return alone or mistakes(config.keys)


def _taken(wanted: Mapping[str, tuple[str, ...]], name: str) -> dict[tuple[str, str], str]:
    """Return the command that takes each key of each screen. Raises ConfigError where two want one."""
    screens = {command.id: command.screen for command in COMMANDS}
    taken: dict[tuple[str, str], str] = {}
    for command, keys in wanted.items():
        for key in keys:
            other = taken.setdefault((screens[command], key), command)
            if other != command:
                raise ConfigError(
                    f"{name}: keys: expected a key per command; {key_name(key)} is that of {other} and {command}"
                )
    return taken


def _remapped(
    command: Command, wanted: Mapping[str, tuple[str, ...]], taken: Mapping[tuple[str, str], str], name: str
) -> Command:
    new = wanted.get(command.id, ())
    kept = (key for key in command.keys if taken.get((command.screen, key), command.id) == command.id)
    keys = (*new, *(key for key in kept if key not in new))
    if not keys:
        by, key = taken[(command.screen, command.keys[0])], key_name(command.keys[0])
        raise ConfigError(f"{name}: keys.{by}: expected another key; {key} is the only one of {command.id}")
    return command if keys == command.keys else replace(command, keys=keys)


def _with_pairs(table: tuple[Command, ...]) -> tuple[Command, ...]:
    """Write the keys of two commands that share a hint as they are now: "ö ä"."""
    changed = list(table)
    for at, (usual, command) in enumerate(zip(COMMANDS, table, strict=True)):
        if usual.shown and (command, table[at + 1]) != (usual, COMMANDS[at + 1]):
            pair = f"{key_name(command.keys[0])} {key_name(table[at + 1].keys[0])}"
            changed[at] = replace(command, shown=pair)
    return tuple(changed)
