"""`help [VERB]`: prints what `--help` prints."""

from __future__ import annotations

import argparse

from metabonk_tui.cli.exit_codes import DONE, UsageError
from metabonk_tui.cli.options import Parser, nearest
from metabonk_tui.cli.registry import VERBS, parser_of, top_parser


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument("topic", nargs="?", metavar="VERB", help="the verb; default: an overview of all verbs")


def main(options: argparse.Namespace, verb: str) -> int:
    """Print the help of a verb, or of the program. Raises UsageError, which names the nearest verb."""
    topic = options.topic
    if topic is not None and topic not in VERBS:
        raise UsageError(f"no such verb: {topic}{nearest(topic, list(VERBS))}\nverbs: {', '.join(VERBS)}")
    print((top_parser() if topic is None else parser_of(topic)).format_help(), end="")
    return DONE
