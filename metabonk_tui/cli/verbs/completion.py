"""`completion bash|zsh|fish`: prints a completion script; `completion runs` prints the names that it completes."""

from __future__ import annotations

import argparse
import sys

from metabonk_tui.cli.exit_codes import DONE
from metabonk_tui.cli.options import Parser

SHELLS = ("bash", "zsh", "fish")
RUNS = "runs"


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "what",
        metavar="SHELL",
        choices=(*SHELLS, RUNS),
        help="the shell · runs: print the names of the recorded runs, one a line",
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
