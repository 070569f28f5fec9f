"""Opens the recordings that a user names: files, folders, and runs of the store.

Imports the store only for a run of the store, because a recording file does not need it.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from metabonk_tui.adapters.files.kind import is_dir, may_exist
from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.recordings.metabonk_csv import FILE_NAME, read_folder
from metabonk_tui.adapters.state.config_files import state_dir
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.options import nearest
from metabonk_tui.cli.recordings.samples import is_sample, sample_path
from metabonk_tui.core.config.schema import PoolConfig
from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.phrases import cut_list

if TYPE_CHECKING:
    from metabonk_tui.adapters.store.run_reader import Recording

PROBLEMS_SHOWN = 10
"""Problems printed of each file, and files whose problems are printed."""


def sources(names: list[str], problems: list[Problem]) -> Iterator[Iterator[Sample]]:
    """Yield the samples of each recording: a folder, the CSV files of one folder, or a file. Raises UsageError."""
    folders: dict[Path, list[Path]] = {}
    for name in names:
        path = Path(name)
        if name != "-" and not may_exist(path):
            raise UsageError(f"no such file: {name}")
        if is_dir(path):
            files = [file for file in path.iterdir() if FILE_NAME.fullmatch(file.name)]
            if not files:
                raise UsageError(f"no worker_N_metrics.csv in {name}")
            folders.setdefault(path.resolve(), []).extend(files)
        elif path.suffix == ".csv":
            if not FILE_NAME.fullmatch(path.name):
                raise UsageError(f"not named worker_N_metrics.csv, so its worker is unknown: {name}")
            folders.setdefault(path.resolve().parent, []).append(path)
        elif path.suffix == ".db":
            raise UsageError(f"{name} is a file of the store; name its run instead: {path.stem}")
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
    """Print the first 10 problems of each file to stderr, and the count of its others."""
    by_file: dict[str, list[Problem]] = {}
    for problem in problems:
        by_file.setdefault(problem.file, []).append(problem)
    files = list(by_file.items())
    for file, found in files[:PROBLEMS_SHOWN]:
        for problem in found[:PROBLEMS_SHOWN]:
            print(problem, file=sys.stderr)
        others = sum(problem.count for problem in found[PROBLEMS_SHOWN:])
        if others:
            print(f"... and {others} more in {file}", file=sys.stderr)
    if len(files) > PROBLEMS_SHOWN:
        others = sum(problem.count for _, found in files[PROBLEMS_SHOWN:] for problem in found)
        print(f"... and {others} more in {len(files) - PROBLEMS_SHOWN} other files", file=sys.stderr)


def store() -> Path:
    """Return the folder of the user's recordings."""
    from metabonk_tui.adapters.store.run_directory import runs_dir

    return runs_dir(state_dir())


def found_path(name: str, pool: PoolConfig) -> Path | None:
    """Return the path of a run in the store, or None; "last" is the newest of `pool`, else of any, which is said.

    `sample` and `sample:...` are the samples of the package. Raises UsageError where the store cannot be read.
    """
    if is_sample(name):
        return sample_path(name)
    from metabonk_tui.adapters.store.run_directory import find
    from metabonk_tui.adapters.store.run_identity import is_demo, pool_name, pool_of

    wanted = pool_name(pool.host, pool.base_port)
    try:
        path = find(store(), name, wanted)
    except OSError as error:
        raise UsageError(f"{store()}: cannot be read: {error.strerror or error}") from None
    if path is not None and name == "last":
        with opened(path) as recording:
            found, of_demo = pool_of(recording.meta), is_demo(recording.meta)
        if found != wanted:
            whose = "of a demo" if of_demo else f"of {found}" if found else "and was imported"
            print(f"no run of {wanted} is recorded: {path.stem} is the newest run, {whose}", file=sys.stderr)
    return path


def recording_path(name: str, pool: PoolConfig) -> Path:
    """Return the path of a run in the store. Raises UsageError, which names the nearest run."""
    path = found_path(name, pool)
    if path is None:
        raise UsageError(no_such_run(name))
    return path


def no_such_run(name: str, what: str = "run") -> str:
    """Return why a name is no `what`, "run" or "file or run": it has no run, or nothing was recorded yet."""
    from metabonk_tui.adapters.store.run_directory import paths

    if name == "last" or not paths(store()):
        nothing = "no run was recorded yet; name a file, try 'sample', or record one: metabonk-tui record"
        return nothing if name == "last" else f"no such {what}: {name}; {nothing}"
    return f"no such {what}: {name}{nearest_run(name)}\nto list the runs: metabonk-tui runs"


def nearest_run(name: str) -> str:
    """Return a hint that names the most similar run of the store, else the newest ones; "" where there is none."""
    from metabonk_tui.adapters.store.run_directory import paths

    runs = [path.stem for path in paths(store())]
    return nearest(name, runs) or (f"; the newest: {cut_list(runs, 3)}" if runs else "")


@contextmanager
def opened(path: Path) -> Iterator[Recording]:
    """Open a run of the store while the block runs. Raises UsageError where it cannot be read.

    A pipe that closed and a full disk are no faults of the reading: the block printed to them.
    """
    from metabonk_tui.adapters.store.errors import error_text
    from metabonk_tui.adapters.store.run_directory import UNREADABLE
    from metabonk_tui.adapters.store.run_reader import Recording

    try:
        with Recording(path) as recording:
            yield recording
    except UNREADABLE as error:
        if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ENOSPC):
            raise
        raise UsageError(f"{path}: cannot be read: {clean_text(error_text(error))}") from None


def events_of(run: str, started_at: float) -> tuple[Event, ...] | None:
    """Return all events of a recent run in the store; None: it was not recorded, or cannot be read."""
    from metabonk_tui.adapters.store.run_directory import MAX_RUNS_CHECKED, UNREADABLE, paths
    from metabonk_tui.adapters.store.run_identity import SAME_START_S
    from metabonk_tui.adapters.store.run_reader import Recording

    try:
        newest = paths(store())[:MAX_RUNS_CHECKED]
    except OSError:
        return None
    for path in newest:
        try:
            with Recording(path) as recording:
                summary = recording.summary()
                if summary.run == run and abs(summary.started_at - started_at) < SAME_START_S:
                    return recording.events()
        except UNREADABLE:
            continue
    return None
