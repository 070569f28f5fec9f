"""`export RUN`: writes a run of the store as .jsonl, or as CSV tables."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterable
from pathlib import Path

from metabonk_tui.adapters.recordings.csv_export import write_tables
from metabonk_tui.adapters.recordings.jsonl_writer import sample_lines, write_jsonl
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.exit_codes import DONE, UsageError
from metabonk_tui.cli.options import Parser, add_pool_address, overrides
from metabonk_tui.cli.recordings.open import opened, print_problems, recording_path
from metabonk_tui.core.model.sample import Sample


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument("run", metavar="RUN", help="its name, a prefix of it, or 'last'; see: metabonk-tui runs")
    to = parser.add_mutually_exclusive_group()
    to.add_argument("--jsonl", metavar="FILE", help="write this .jsonl file; default: RUN.jsonl here; '-': stdout")
    to.add_argument("--csv", metavar="DIR", help="write worker_N_metrics.csv, as MetaBonk's recorder does")
    add_pool_address(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Write the run, by default to RUN.jsonl in the current folder. Raises UsageError where that is impossible."""
    config = load_config(getattr(options, "config", None), overrides(options)).config
    path = recording_path(options.run, config.pool)
    target = options.csv or options.jsonl or f"{path.stem}.jsonl"
    problems: list[Problem] = []
    with opened(path) as one:
        try:
            if options.csv:
                write_tables(Path(target), one.samples())
            elif target == "-":
                _print(one.samples())
            else:
                write_jsonl(target, one.samples())
        except OSError as error:
            if target == "-":
                raise  # as for every other output
            raise UsageError(f"{target}: cannot be written: {error.strerror or error}") from None
        problems += one.problems
    print_problems(problems)
    if target != "-":
        print(target)
    return DONE


def _print(samples: Iterable[Sample]) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The format is UTF-8 in every locale; a "?" for a character would be another value.
        sys.stdout.reconfigure(encoding="utf-8")
    for sample in samples:
        sys.stdout.writelines(line + "\n" for line in sample_lines(sample))
