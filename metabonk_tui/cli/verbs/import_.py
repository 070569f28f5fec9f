"""`import PATH...`: stores recordings made elsewhere as runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.adapters.store.importer import find_duplicate, import_runs
from metabonk_tui.adapters.store.retention import remove
from metabonk_tui.adapters.store.run_directory import UNREADABLE
from metabonk_tui.cli.exit_codes import DONE, UsageError
from metabonk_tui.cli.options import Parser, add_config_option
from metabonk_tui.cli.recordings.open import print_problems, sources, store
from metabonk_tui.cli.stepping import stepper
from metabonk_tui.core.run.replay import replay_pairs


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        metavar="PATH",
        help="a .jsonl, .jsonl.gz ('-': stdin), or a folder of worker_N_metrics.csv",
    )
    add_config_option(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Store the runs with their verdicts and print their names. Raises UsageError where that is impossible."""
    config = load_config(getattr(options, "config", None)).config
    problems: list[Problem] = []
    stored_paths: list[Path] = []
    for source in sources(options.files, problems):
        try:
            stored_paths += map(
                _without_duplicate, import_runs(store(), replay_pairs(source, stepper(config)), config)
            )
        except UNREADABLE as error:
            raise UsageError(f"cannot be stored: {error}") from None
    print_problems(problems)
    if not stored_paths:
        raise UsageError("nothing could be read: " + ", ".join(options.files))
    print("\n".join(path.stem for path in stored_paths))
    return DONE


def _without_duplicate(path: Path) -> Path:
    """Return the path of the new recording; if the run was stored before, remove it and return the older path."""
    known = find_duplicate(path)
    if known is None:
        return path
    remove(path)
    print(f"{known.stem}: already stored", file=sys.stderr)
    return known
