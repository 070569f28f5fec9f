"""The README says what is so: keys, verbs, exit codes, event kinds, commands."""

import re
from pathlib import Path

import pytest

from metabonk_tui.cli.main import VERBS
from metabonk_tui.cli.verbs.demo import SCENARIOS
from metabonk_tui.core.model.snapshot import VerdictKind
from metabonk_tui.ui.commands import COMMANDS, GROUPS, key_name

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
KIND = re.compile(r"\"((?:run|worker|component|memory|pool|env|contract|recorder|monitor|watch|alert)\.[a-z_]+)\"")


def test_the_table_of_keys_is_the_table_of_commands() -> None:
    rows = [
        f"| {' '.join(f'`{key_name(key)}`' for key in command.keys)} | {command.what} |"
        for group in GROUPS
        for command in COMMANDS
        if command.group == group
    ]
    assert "| key | does |\n|---|---|\n" + "\n".join(rows) + "\n" in README


def test_every_verb_is_there() -> None:
    for verb in VERBS:
        assert verb == "watch" or re.search(rf"`(metabonk-tui )?{verb}\b", README), verb


def test_the_number_of_scenarios() -> None:
    assert len(SCENARIOS) == 22
    assert "twenty-two scenarios" in README


@pytest.mark.parametrize("word", VerdictKind)
def test_every_word_stands_beside_its_exit_code(word: VerdictKind) -> None:
    (row,) = [line for line in README.splitlines() if line.startswith(f"| {word.exit_code} |")]
    assert word.value in row


def test_every_kind_of_event_is_documented() -> None:
    layers = ("core", "engine", "adapters/pools")
    emitted = {
        kind
        for layer in layers
        for path in (ROOT / "metabonk_tui" / layer).rglob("*.py")
        for kind in KIND.findall(path.read_text(encoding="utf-8"))
    }
    assert "worker.up" in emitted
    documented = set(re.findall(r"`([a-z]+(?:\.[a-z_]+)?)`", README.split("## Events")[1]))
    assert emitted | {"check", "verdict"} <= documented


def test_the_first_thing_is_how_to_see_it() -> None:
    assert README.index("make demo") < README.index("make test") < 600
    assert re.search(r"^demo:", (ROOT / "Makefile").read_text(), re.MULTILINE)
