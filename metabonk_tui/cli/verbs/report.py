"""`report RUN|FILE...`: reports on recorded runs as text, JSON, Markdown or HTML.

The headline and the exit code are those of the last run.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.options import Parser, add_pool_address, overrides
from metabonk_tui.cli.recordings.open import print_problems
from metabonk_tui.cli.recordings.walk import follow_all_runs
from metabonk_tui.cli.report.text import report_text
from metabonk_tui.core.report.json_report import report_histories

STDOUT = "-"
PAGE_SUFFIXES = (".html", ".htm")


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "names",
        nargs="*",
        metavar="RUN|FILE",
        help="recorded runs (default: the newest), 'sample' or 'sample:rescued', or recordings: .jsonl, .jsonl.gz"
        " ('-': stdin), a folder of worker_N_metrics.csv, or such files",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    how.add_argument("--markdown", action="store_true", help="print Markdown, for an issue or a pull request")
    how.add_argument(
        "--html",
        nargs="?",
        const=STDOUT,
        metavar="FILE",
        help="write one self-contained page with charts; default: stdout",
    )
    add_pool_address(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Print or write the report; return the exit code of the last run's verdict. Raises UsageError."""
    if options.html not in (None, STDOUT) and not options.html.endswith(PAGE_SUFFIXES):
        raise UsageError(f"--html FILE must end in .html, found {options.html}; name the run before it")
    config = load_config(getattr(options, "config", None), overrides(options)).config
    problems: list[Problem] = []
    histories = follow_all_runs(options.names, config, problems)
    print_problems(problems)
    if not histories:
        raise UsageError("nothing could be read: " + ", ".join(options.names or ("last",)))
    if options.json:
        print(json.dumps(report_histories(histories), indent=2))
    elif options.markdown:
        from metabonk_tui.cli.report.markdown import report_markdown

        print(report_markdown(histories))
    elif options.html is not None:
        from metabonk_tui.cli.report.html import report_html

        _write(options.html, report_html(histories))
    else:
        print(report_text(histories))
    return histories[-1].last.verdict.reported_exit_code


def _write(target: str, page: str) -> None:
    if target == STDOUT:
        sys.stdout.write(page)
        return
    try:
        Path(target).write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror or error}") from None
    print(target)
