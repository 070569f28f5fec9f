"""`runs`: lists the recorded runs; `runs rm` removes named ones, `runs prune` those beyond the configured limits."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from datetime import datetime

from metabonk_tui.adapters.files.kind import may_exist
from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.adapters.store.retention import limits, remove, tidy
from metabonk_tui.adapters.store.run_directory import summaries, written_t
from metabonk_tui.adapters.store.run_reader import Summary
from metabonk_tui.cli.exit_codes import DONE, FAILED, NOT_DONE, UsageError
from metabonk_tui.cli.options import Parser, add_config_option
from metabonk_tui.cli.recordings.open import recording_path, store
from metabonk_tui.cli.recordings.samples import is_sample
from metabonk_tui.core.config.schema import PoolConfig
from metabonk_tui.core.text.numbers import elapsed

SCHEMA = 1
ENDED_WIDE = 60
"""Characters of the column that says how a run ended; `--json` has the whole sentence."""
INDENT = "    "
ACTIVE_S = 30.0
"""A recording that was written to within this time counts as being recorded now."""


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        choices=("list", "rm", "prune"),
        default="list",
        help="list recorded runs (default), remove some, or prune",
    )
    parser.add_argument("names", nargs="*", metavar="RUN", help="rm: the runs to remove; a prefix of a name is enough")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    add_config_option(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    if options.what == "rm":
        return _remove(options.names, load_config(getattr(options, "config", None)).config.pool)
    if options.names:
        raise UsageError(f"runs {options.what} takes no names; did you mean: metabonk-tui runs rm")
    if options.what == "prune":
        config = load_config(getattr(options, "config", None)).config
        removed = tidy(store(), limits(config), time.time()) if may_exist(store()) else []
        print("\n".join(removed) or "nothing to prune")
        return DONE
    problems: list[str] = []
    found = sorted(summaries(store(), problems), key=lambda summary: summary.started_at, reverse=True)
    print(
        json.dumps(document(found), indent=2)
        if options.json
        else table(found, shutil.get_terminal_size().columns if sys.stdout.isatty() else None)
    )
    for problem in problems:
        print(problem, file=sys.stderr)
    return DONE


def document(found: list[Summary]) -> dict[str, object]:
    """Return the JSON object of `runs --json`."""
    return {"schema": SCHEMA, "runs": [_public(summary) for summary in found]}


def _public(summary: Summary) -> dict[str, object]:
    return {
        "name": summary.name,
        "started_at": summary.started_at,
        "duration_s": summary.duration_s,
        "verdict": summary.verdict,
        "ended": summary.ended or None,
        "workers": summary.workers,
        "bytes": summary.bytes,
        "source": summary.source,
    }


def table(found: list[Summary], columns: int | None = None) -> str:
    """Return the runs as a table. Where it is wider than `columns`, how a run ended is whole on lines of its own."""
    if not found:
        return "no run was recorded yet; to see one: metabonk-tui replay sample, or metabonk-tui demo"
    rows = [("RUN", "BEGAN", "LENGTH", "VERDICT", "WORKERS", "MB", "SOURCE", "ENDED")]
    for summary in found:
        began = datetime.fromtimestamp(summary.started_at).strftime("%F %H:%M")
        workers = "" if summary.workers is None else str(summary.workers)
        size = f"{summary.bytes / 1e6:.1f}"
        length = elapsed(summary.duration_s)
        ended = summary.ended if len(summary.ended) <= ENDED_WIDE else f"{summary.ended[: ENDED_WIDE - 3]}..."
        rows.append((summary.name, began, length, summary.title, workers, size, summary.source, ended))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    if columns is not None and sum(widths) + 2 * (len(widths) - 1) > columns:
        return "\n".join(_on_two_lines(rows, widths[:-1], [summary.ended for summary in found], columns))
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()


def _on_two_lines(
    rows: Sequence[Sequence[str]], widths: Sequence[int], ended: Sequence[str], columns: int
) -> Iterator[str]:
    yield _line(rows[0][:-1], widths)
    for row, text in zip(rows[1:], ended, strict=True):
        yield _line(row[:-1], widths)
        yield from textwrap.wrap(text, max(20, columns), initial_indent=INDENT, subsequent_indent=INDENT)


def _remove(names: list[str], pool: PoolConfig) -> int:
    if not names:
        raise UsageError("runs rm needs the name of a run")
    if samples := [name for name in names if is_sample(name)]:
        raise UsageError(f"{samples[0]} is a part of the program: it cannot be removed")
    chosen = [recording_path(name, pool) for name in names]
    busy = [path.stem for path in chosen if time.time() - written_t(path) < ACTIVE_S]
    if busy:
        print(f"being recorded now, nothing was removed: {', '.join(busy)}", file=sys.stderr)
        return NOT_DONE
    code = DONE
    for path in chosen:
        try:
            remove(path)
            print(f"removed {path.stem}")
        except OSError as error:
            print(f"{path}: {error.strerror or error}", file=sys.stderr)
            code = FAILED
    return code
