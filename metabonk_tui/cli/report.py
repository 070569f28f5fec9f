"""`report FILE...`: the same core over recordings.

Several files are several runs; the headline is the last one's.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from metabonk_tui.adapters.interchange import read_jsonl
from metabonk_tui.adapters.lenient import Problem
from metabonk_tui.adapters.metabonk_csv import FILE_NAME, read_folder
from metabonk_tui.adapters.settings import load_config
from metabonk_tui.cli.exits import UsageError
from metabonk_tui.cli.options import Parser, add_config_option
from metabonk_tui.cli.report_text import report_text
from metabonk_tui.core.config import Config
from metabonk_tui.core.report import Report, join, runs
from metabonk_tui.core.sample import Sample
from metabonk_tui.core.snapshot import Snapshot, Word
from metabonk_tui.core.step import step
from metabonk_tui.engine.replay import replay

PROBLEMS_SHOWN = 10


def add_options(parser: Parser, verb: str) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a .jsonl or .jsonl.gz ('-': stdin), a folder of worker_N_metrics.csv, or such files themselves",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    add_config_option(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Read, step, print; exit with the code of the last run's verdict."""
    config = load_config(getattr(options, "config", None)).config
    problems: list[Problem] = []
    found: list[tuple[Report, Snapshot]] = []
    for source in sources(options.files, problems):
        last = last_of(source, config)
        if last is not None:
            found += runs(last)
    narrate(problems)
    if not found:
        raise UsageError("nothing could be read: " + ", ".join(options.files))
    found.sort(key=lambda pair: pair[0]["run"]["started_at"])
    whole = join([one for one, _ in found])
    print(json.dumps(whole, indent=2) if options.json else report_text(found))
    return Word(whole["verdict"]["word"]).exit_code


def last_of(samples: Iterable[Sample], config: Config) -> Snapshot | None:
    """Step through a recording and return its last Snapshot; None: there was nothing in it."""
    last: Snapshot | None = None
    for last in replay(samples, lambda previous, sample: step(previous, sample, config)):  # noqa: B007 - the last counts
        pass
    return last


def sources(names: list[str], problems: list[Problem]) -> Iterator[Iterator[Sample]]:
    """Open each recording: a folder, the CSV files that share a folder, or a file of its own."""
    folders: dict[Path, list[Path]] = {}
    for name in names:
        path = Path(name)
        if name != "-" and not path.exists():
            raise UsageError(f"no such file: {name}")
        if path.is_dir():
            files = [file for file in path.iterdir() if FILE_NAME.fullmatch(file.name)]
            if not files:
                raise UsageError(f"no worker_N_metrics.csv in {name}")
            folders.setdefault(path.resolve(), []).extend(files)
        elif path.suffix == ".csv":
            if not FILE_NAME.fullmatch(path.name):
                raise UsageError(f"not named worker_N_metrics.csv, so its worker is unknown: {name}")
            folders.setdefault(path.resolve().parent, []).append(path)
        else:
            yield _readable(name, read_jsonl(name, problems))
    for files in folders.values():
        yield _readable(str(files[0].parent), read_folder(files, problems))


def _readable(name: str, samples: Iterator[Sample]) -> Iterator[Sample]:
    try:
        yield from samples
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror or error}") from None


def narrate(problems: list[Problem]) -> None:
    """Tell what could not be read, within reason."""
    for problem in problems[:PROBLEMS_SHOWN]:
        print(problem, file=sys.stderr)
    if len(problems) > PROBLEMS_SHOWN:
        print(f"... and {len(problems) - PROBLEMS_SHOWN} more that could not be read", file=sys.stderr)
