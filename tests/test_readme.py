"""Checks the README against the code: keys, verbs, exit codes, event kinds, commands."""

import re
from pathlib import Path

import pytest

from metabonk_tui.cli.main import VERBS
from metabonk_tui.cli.verbs.demo import SCENARIOS
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.snapshot import VerdictKind
from metabonk_tui.ui.commands import COMMANDS, GROUPS, key_name

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


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
    assert len(SCENARIOS) == 23
    assert "twenty-three scenarios" in README


@pytest.mark.parametrize("word", VerdictKind)
def test_every_word_stands_beside_its_exit_code(word: VerdictKind) -> None:
    (row,) = [line for line in README.splitlines() if line.startswith(f"| {word.exit_code} |")]
    assert word.value in row


LITERAL_KIND = re.compile(
    r"[\"']((?:run|worker|component|memory|pool|env|contract|recorder|monitor|watch|alert)\.[a-z_]+)[\"']"
)


def test_every_kind_of_event_is_in_the_table() -> None:
    table = README.split("## Events")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {kind for row in rows for kind in re.findall(r"`([a-z_.]+)`", row)} == set(EventKind)


def test_a_kind_of_event_is_written_once() -> None:
    kinds = {kind.value for kind in EventKind}
    declared = ROOT / "metabonk_tui" / "core" / "model" / "event.py"
    literals = {
        f"{path.relative_to(ROOT)}: {kind}"
        for path in (ROOT / "metabonk_tui").rglob("*.py")
        if path != declared and "demo" not in path.parts
        for kind in LITERAL_KIND.findall(path.read_text(encoding="utf-8"))
        if kind in kinds
    }
    assert literals == set()


def test_the_first_thing_is_how_to_see_it() -> None:
    assert README.index("make demo") < README.index("make test") < 600
    assert re.search(r"^demo:", (ROOT / "Makefile").read_text(), re.MULTILINE)
