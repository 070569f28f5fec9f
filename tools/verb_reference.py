"""Writes the reference of the verbs from their parsers: what each does, its options, examples and exit codes.

Run by `python -m tools.verb_reference`; a test compares the page with the parsers. Does not: run a verb.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from metabonk_tui.cli.options import PROGRAM
from metabonk_tui.cli.registry import SHARED_EXIT_CODES, VERBS, codes_of, parser_of

PAGE = Path(__file__).resolve().parent.parent / "docs" / "verb-reference.md"
HEAD = f"""\
# Verb reference

Every verb with its options, examples and exit codes. `make reference` writes this page from the parsers;
`{PROGRAM} help VERB` prints the same. [Scripting](scripting.md) has recipes and the meaning of the verdict's codes.

Every verb may also end with {SHARED_EXIT_CODES.replace(" · ", ", ")}.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *("\n".join(_verb(name)) for name in VERBS)]).rstrip() + "\n"


def _verb(name: str) -> Iterator[str]:
    entry, parser = VERBS[name], parser_of(name)
    yield f"## {name}\n"
    yield f"{entry.what[0].upper()}{entry.what[1:]}.\n"
    rows = [
        f"| {_words(action)} | {_cell(action.help or '')} |"
        for action in parser._actions
        if action.help != argparse.SUPPRESS and action.dest != "help"
    ]
    if rows:
        yield "| argument | does |\n|---|---|"
        yield from rows
        yield ""
    if entry.examples:
        yield "\n".join(["```", *(f"{PROGRAM} {example}" for example in entry.examples), "```\n"])
    if codes := codes_of(name):
        yield f"Exit codes: {codes}.\n"


def _words(action: argparse.Action) -> str:
    """Return an option or an argument as a person writes it."""
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
    if not action.option_strings:
        return _code(str(value) or action.dest)
    takes = action.nargs != 0
    shown = f" {value or action.dest.upper()}" if takes else ""
    if action.nargs == "?":
        shown = f" [{shown.strip()}]"
    return ", ".join(_code(option + shown) for option in action.option_strings)


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    """Return prose for a cell of a table."""
    return text.replace("%(default)s", "").replace("|", "\\|")


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
