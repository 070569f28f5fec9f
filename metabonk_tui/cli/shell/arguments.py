"""Reads from the parsers what can be typed after each verb. Completion and the man page are made from it."""

from __future__ import annotations

import argparse

from msgspec import Struct

from metabonk_tui.cli.options import Parser
from metabonk_tui.cli.registry import VERBS, parser_of, top_parser

FILE_METAVARS = ("FILE", "DIR")


class TypedArgument(Struct, frozen=True):
    """One option or positional argument of a verb."""

    names: tuple[str, ...]
    """The spellings of an option; empty: a positional argument."""
    metavar: str
    """The name of its value in the help; "" for an option without a value."""
    help: str
    choices: tuple[str, ...] = ()
    names_run: bool = False
    """Its value may be the name of a recorded run."""
    names_file: bool = False

    @property
    def takes_value(self) -> bool:
        return bool(self.metavar)


def arguments_of(verb: str) -> tuple[TypedArgument, ...]:
    """List the arguments of a verb, in the order of its help; "" for the options before the verb."""
    parser: Parser = parser_of(verb) if verb else top_parser()
    return tuple(_typed(action, verb) for action in parser._actions if action.help != argparse.SUPPRESS)


def _typed(action: argparse.Action, verb: str) -> TypedArgument:
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    has_value = action.nargs != 0
    choices = tuple(str(choice) for choice in action.choices or ())
    if verb == "help" and not action.option_strings:
        choices = tuple(VERBS)
    words = set(metavar.split("|"))
    runs = "RUN" in words or (verb == "compare" and not action.option_strings)
    return TypedArgument(
        tuple(action.option_strings),
        metavar if has_value else "",
        " ".join((action.help or "").replace("%%", "%").split()),
        choices,
        runs,
        bool(words & set(FILE_METAVARS)) or (runs and verb != "runs"),
    )
