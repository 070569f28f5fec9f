"""`completion bash|zsh|fish`: prints a completion script.

The scripts call `completion runs` for the names that they complete. No user types it, so the help does not list it.
"""

from __future__ import annotations

import argparse
import sys

from metabonk_tui.cli.exit_codes import DONE
from metabonk_tui.cli.options import Parser

RUNS = "runs"


class Shells(tuple[str, ...]):
    """The shells; accepts "runs" besides and does not list it: only the scripts type it."""

    __slots__ = ()

    def __contains__(self, word: object) -> bool:
        return word == RUNS or super().__contains__(word)


SHELLS = Shells(("bash", "zsh", "fish"))


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "what",
        metavar="SHELL",
        choices=SHELLS,
        help="the shell: bash, zsh or fish",
    )


def main(options: argparse.Namespace, verb: str) -> int:
    if options.what == RUNS:
        from metabonk_tui.adapters.store.run_directory import paths
        from metabonk_tui.cli.recordings.open import store

        print("".join(f"{path.stem}\n" for path in paths(store())), end="")
        return DONE
    from metabonk_tui.cli.shell.completion import completion_script

    sys.stdout.write(completion_script(options.what))
    return DONE
