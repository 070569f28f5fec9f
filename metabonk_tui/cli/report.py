"""`report FILE...`: the same core over recordings.

Several files are several runs; the headline is the last one's.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable

from metabonk_tui.adapters.lenient import Problem
from metabonk_tui.adapters.settings import load_config
from metabonk_tui.cli.exits import UsageError
from metabonk_tui.cli.options import Parser, add_config_option
from metabonk_tui.cli.report_text import report_text
from metabonk_tui.cli.sources import narrate, sources
from metabonk_tui.core.config import Config
from metabonk_tui.core.report import Report, join, runs
from metabonk_tui.core.sample import Sample
from metabonk_tui.core.snapshot import Snapshot, Word
from metabonk_tui.core.step import step
from metabonk_tui.engine.replay import replay


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
