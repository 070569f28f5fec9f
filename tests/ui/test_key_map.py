"""Keys of the configuration: what they become, what the screen shows of them, and every mistake by its message."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.core.config.load import ConfigError
from metabonk_tui.core.text.mask import mask_text
from metabonk_tui.ui.command_context import CommandContext
from metabonk_tui.ui.commands import COMMANDS, key_name
from metabonk_tui.ui.hints import USUAL_KEYS, KeyTable, hints
from metabonk_tui.ui.key_map import LAYOUTS, key_mistakes, key_table
from metabonk_tui.ui.views.layout.section import with_keys_now
from tests.support import snapshots as scenes
from tests.support.draw import defaults, frame_of
from tests.support.paths import ROOT


def found(table: KeyTable, key: str, screen: str = "") -> str | None:
    command = table.find(key, key if len(key) == 1 else None, screen)
    return command.id if command else None


def test_a_command_gets_a_key_and_keeps_its_usual_ones() -> None:
    table = key_table({"layout": "us", "verdict": "D", "launch": ["F5", "Ctrl+B"]})
    assert [found(table, key) for key in ("D", "v", "f5", "ctrl+b", "L")] == [
        "verdict",
        "verdict",
        "launch",
        "launch",
        "launch",
    ]
    assert table.names == {"v": "D", "L": "F5"}
    shown = {hint.label: hint.key for hint in hints(CommandContext(scenes.stop(), "dashboard"), table)}
    assert shown["why"] == "D"
    assert shown["launch"] == "F5"


def test_a_key_that_another_command_takes_is_its_alone() -> None:
    table = key_table({"logs": "v", "verdict": "l"})
    assert (found(table, "v"), found(table, "l")) == ("logs", "verdict")


def test_a_key_of_one_screen_is_remapped_there() -> None:
    table = key_table({"log_errors": "x"})
    assert (found(table, "x", "logs"), found(table, "x"), found(table, "E", "logs")) == (
        "log_errors",
        "acknowledge",
        "log_errors",
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_complete_and_names_pairs_as_they_are(layout: str) -> None:
    table = key_table({"layout": layout})
    screens = {command.id: command.screen for command in COMMANDS}
    for command, key in LAYOUTS[layout].items():
        assert found(table, key, screens[command]) == command
    assert found(table, "[") == "back_cell"
    step = next(command for command in table.commands if command.id == "back_cell")
    assert step.key == {"us": "[ ]", "de": "ö ä", "nordic": "å ä", "letters": "b f"}[layout]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"verdct": "x"}, "f: keys.verdct: no such command; did you mean verdict?"),
        ({"layout": "dvorak"}, "f: keys.layout: expected one of us, de, nordic, letters; found 'dvorak'"),
        (
            {"verdict": "D", "memory": ["D"]},
            "f: keys: expected a key per command; D is that of verdict and memory",
        ),
        (
            {"verdict": "pgdwn"},
            "f: keys.verdict: expected a key like x, F5, Ctrl+B or PgUp, found 'pgdwn'; did you mean pagedown?",
        ),
        ({"verdict": "Super+x"}, "f: keys.verdict: expected a key like x, F5, Ctrl+B or PgUp, found 'Super+x'"),
        ({"verdict": "Ctrl+C"}, "f: keys.verdict: expected another key than Ctrl+C, which always closes the monitor"),
        ({"verdict": []}, "f: keys.verdict: expected a key, found an empty list"),
        ({"verdict": "m"}, "f: keys.verdict: expected another key; m is the only one of memory"),
        ({"verdict": "\x1b"}, "f: keys.verdict: expected a key that a terminal sends, found '\\x1b'"),
    ],
)
def test_a_mistake_is_named(chosen: dict[str, str | list[str]], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        key_table(chosen, "f")
    assert str(raised.value) == message
    assert mask_text(message) == message, "the mask for secrets hides no part of a mistake"


def test_a_key_that_does_nothing_says_so() -> None:
    assert USUAL_KEYS.unknown("h", "h") == "h does nothing here; ? lists keys"
    assert USUAL_KEYS.unknown("f7", None) == "F7 does nothing here; ? lists keys"
    assert USUAL_KEYS.unknown("n", "n") == "n does nothing here, only on the logs screen (l); ? lists keys"
    assert key_table({"help": "H"}).unknown("h", "h") == "h does nothing here; H lists keys"


def test_a_sentence_names_the_key_as_it_is_now() -> None:
    frame = frame_of(scenes.stop(), 120, 40, key_names={"p": "F9", "L": "F5"})
    assert with_keys_now(frame, "paused: not live; p resumes") == "paused: not live; F9 resumes"
    assert with_keys_now(frame, "no pool; L launches one") == "no pool; F5 launches one"
    assert with_keys_now(frame, "a p in a text; X stops it") == "a p in a text; X stops it"


def test_the_manual_names_every_command() -> None:
    text = Path(ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
    rows = [f"| `{c.id}` | {' '.join(f'`{key_name(key)}`' for key in c.keys)} |" for c in COMMANDS]
    assert "\n".join(rows) in text


def test_every_mistake_is_listed_at_once() -> None:
    config = replace(defaults(), keys={"layout": "us", "quitt": "x", "help": "zz zz", "memory": []})
    assert [mistake.path for mistake in key_mistakes(config)] == ["keys.quitt", "keys.help", "keys.memory"]
    together = replace(defaults(), keys={"layout": "us", "help": "ö", "memory": "ö"})
    assert [mistake.path for mistake in key_mistakes(together)] == ["keys"]
    assert key_mistakes(defaults()) == []
