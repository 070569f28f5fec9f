"""Checks the documentation against the program: links, commands, keys, events, alerts, options, pictures."""

from __future__ import annotations

import re
import unicodedata
from argparse import SUPPRESS
from collections.abc import Iterator
from pathlib import Path

import pytest

from metabonk_tui.cli.options import Parser
from metabonk_tui.cli.registry import VERBS, parser_of, top_parser
from metabonk_tui.cli.verbs.demo import SCENARIOS
from metabonk_tui.core.alerts.rules import RULES
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.snapshot import VerdictKind
from metabonk_tui.ui.commands import COMMANDS, GROUPS, key_name
from tests.support.paths import ROOT
from tools import config_reference, verb_reference
from tools.pictures import FOLDER, MOST_BYTES, SHOTS, THEMES

DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
SHOWN_IN = {"gh-dark-mode-only", "gh-light-mode-only"}
"""What stands behind the address of a picture that one theme shows."""
FENCE = re.compile(r"^ *```\w*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|['$(]|&& |\|\| )\s*metabonk-tui((?: [^\n]*)?)$", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def headings(text: str) -> Iterator[str]:
    for line in FENCE.sub("", text).splitlines():
        if found := re.match(r"#+ (.+)", line):
            yield re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", found[1])


def on_github(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def on_the_site(heading: str) -> str:
    """Return the anchor that the site gives to a heading."""
    plain = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def broken_links(path: Path) -> list[str]:
    """List the links of a page that lead nowhere, also those that only the site or only GitHub would follow."""
    broken = []
    for found in LINK.finditer(without_code(text_of(path))):
        target = found[1] or found[2]
        if ELSEWHERE.match(target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists() or (DOCS in path.parents and DOCS not in file.parents):
            broken.append(target)
        elif anchor and anchor not in SHOWN_IN:
            known = list(headings(text_of(file)))
            if anchor not in map(on_github, known) or anchor not in map(on_the_site, known):
                broken.append(target)
    return broken


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    assert broken_links(path) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text("# One two\n[a](b.md) [c](#one-two) [d](#three) `[e](f)` ![g](h.svg#gh-dark-mode-only)\n")
    assert broken_links(page) == ["b.md", "#three", "h.svg#gh-dark-mode-only"]


TOP = set(top_parser().option_names())
PARSERS: dict[str, Parser] = {verb: parser_of(verb) for verb in VERBS}
DESCRIBED = [path for path in PAGES if "decisions" not in path.parts and path.name != "CHANGELOG.md"]


def wrong_commands(text: str) -> list[str]:
    """List the commands of a text that the parsers do not know."""
    wrong = []
    code = "\n".join([*FENCE.findall(text), *re.findall(r"`([^`\n]+)`", FENCE.sub("", text))])
    for found in COMMAND.finditer(code):
        line = re.split(r"  #| && | \| | > |;", found[1].replace("\\|", " "))[0]
        words = [word.strip("[],") for word in line.split()]
        verb = next((word for word in words if word in VERBS), "")
        # The first word is a verb, a value of an option before it, or a placeholder.
        if words and re.fullmatch(r"[a-z]+", words[0]) and words[0] not in VERBS:
            wrong.append(line.strip())
        known = TOP | (set(PARSERS[verb].option_names()) if verb else set())
        wrong += [f"{verb} {option}" for option in OPTION.findall(line) if option not in known]
    return wrong


@pytest.mark.parametrize("path", DESCRIBED, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_exists(path: Path) -> None:
    assert wrong_commands(text_of(path)) == []


def test_a_wrong_command_is_found() -> None:
    fenced = "```\nmetabonk-tui chek\nmetabonk-tui --read-only\n```"
    text = f"`metabonk-tui check --jsn` and metabonk-tui words\n{fenced}\n`metabonk-tui runs`"
    assert sorted(wrong_commands(text)) == ["check --jsn", "chek"]


SCRIPTING = text_of(DOCS / "scripting.md")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_line(verb: str) -> None:
    assert verb == "watch" or re.search(rf"`(metabonk-tui )?{verb}\b", SCRIPTING)


def test_the_reference_of_the_verbs_is_that_of_the_parsers() -> None:
    written = text_of(verb_reference.PAGE)
    assert written == verb_reference.page(), "a verb or an option changed: run `make reference`"
    for verb, parser in PARSERS.items():
        section = written.split(f"\n## {verb}\n")[1].split("\n## ")[0]
        hidden = {name for action in parser._actions if action.help == SUPPRESS for name in action.option_strings}
        assert set(parser.option_names()) - hidden - {"-h", "--help"} <= set(OPTION.findall(section))


def test_every_option_before_the_verb_is_described() -> None:
    assert {name for name in TOP if name.startswith("--")} - {"--help", "--version"} <= set(OPTION.findall(SCRIPTING))


@pytest.mark.parametrize("word", VerdictKind)
def test_every_word_of_the_verdict_stands_beside_its_exit_code(word: VerdictKind) -> None:
    (row,) = [line for line in SCRIPTING.splitlines() if line.startswith(f"| {word.exit_code} |")]
    assert word.value in row
    assert f"| `{word.value}` |" in text_of(DOCS / "verdict.md")


def test_the_table_of_keys_is_the_table_of_commands() -> None:
    rows = [
        f"| {' '.join(f'`{key_name(key)}`' for key in command.keys)} | {command.what} |"
        for group in GROUPS
        for command in COMMANDS
        if command.group == group
    ]
    assert "| key | does |\n|---|---|\n" + "\n".join(rows) + "\n" in text_of(DOCS / "keys.md")


def test_the_number_of_scenarios() -> None:
    assert len(SCENARIOS) == 23
    assert "twenty-three scenarios" in SCRIPTING


def test_every_kind_of_event_is_in_the_table() -> None:
    rows = [line.split("|")[1] for line in text_of(DOCS / "events.md").splitlines() if line.startswith("| `")]
    assert {kind for row in rows for kind in re.findall(r"`([a-z_.]+)`", row)} == set(EventKind)


def test_the_reference_of_the_configuration_is_that_of_the_declarations() -> None:
    assert text_of(config_reference.PAGE) == config_reference.page(text_of(ROOT / "config.toml")), (
        "run `make reference`"
    )


def test_every_alert_is_in_the_reference() -> None:
    table = text_of(config_reference.PAGE).split("\n## [alerts.rule]\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(RULES)


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"([\w-]+\.md)$", text_of(ROOT / "mkdocs.yml"), re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in DOCS.glob("*.md"))


def test_every_picture_is_made_and_small() -> None:
    made = {f"{name}-{theme}.svg" for name in SHOTS for theme in THEMES}
    made |= {f"{name}-{theme}.png" for name in SHOTS if SHOTS[name].png for theme in THEMES}
    made |= {f"report-{theme}.png" for theme in THEMES}
    there = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(there) == made
    assert [name for name, size in there.items() if size > MOST_BYTES] == []
