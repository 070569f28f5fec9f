"""Opens the recordings that a person names, files and folders, and says what of them could not be read."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.recordings.metabonk_csv import FILE_NAME, read_folder
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.core.model.sample import Sample

PROBLEMS_SHOWN = 10


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


def print_problems(problems: Iterable[Problem]) -> None:
    """Say on stderr what could not be read."""
    found = list(problems)
    for problem in found[:PROBLEMS_SHOWN]:
        print(problem, file=sys.stderr)
    if len(found) > PROBLEMS_SHOWN:
        print(f"... and {len(found) - PROBLEMS_SHOWN} more that could not be read", file=sys.stderr)
