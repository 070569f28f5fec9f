"""Manages the folder of runs: lists them, finds one by name or workers, names a new one.

Does not: read a recording beyond its summary and meta.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from lzma import LZMAError
from pathlib import Path

from msgspec import MsgspecError

from metabonk_tui.adapters.files.kind import is_file, may_exist
from metabonk_tui.adapters.files.private import ForeignFile, make_private_directory, refuse_foreign
from metabonk_tui.adapters.store.errors import error_text
from metabonk_tui.adapters.store.run_identity import RunIdentity, is_demo, pool_of
from metabonk_tui.adapters.store.run_reader import Recording, Summary
from metabonk_tui.adapters.store.schema import TooNew
from metabonk_tui.core.text.clean import clean_text

SUFFIX = ".db"
UNREADABLE = (
    *(OSError, sqlite3.Error, LZMAError, TooNew, MsgspecError),
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError),
)
"""Errors of a failing disk or an overwritten file."""
UNSEEN_S = 3600.0
"""Seconds since the last write within which a run without visible processes continues."""
ONCE_UNSEEN_S = 30.0
"""The same where only one of two monitors sees processes: the writer may have ended before it read them."""
CLOCK_SLACK_S = 60.0
"""A last write further in the future shows that the wall clock was set back."""
DRAFT_S = 60.0
_DRAFT = re.compile(r"\..+\.db\.([0-9]+)\.draft(?:-wal|-shm|-journal)?")
MAX_RUNS_CHECKED = 20
"""Only this number of newest runs is checked for the run to continue."""


def runs_dir(state: Path) -> Path:
    """Return the folder of the recordings."""
    return state / "runs"


def make_folder(folder: Path) -> None:
    """Make the folder of the recordings. Raises OSError where others may write it or the state directory above."""
    make_private_directory(folder.parent)
    make_private_directory(folder)


def paths(folder: Path) -> list[Path]:
    """List the recordings, newest first; empty without a folder. Raises OSError when it is unreadable."""
    if not may_exist(folder):
        return []
    aged = [(written_t(path), path) for path in folder.iterdir() if path.suffix == SUFFIX and is_file(path)]
    return [path for _, path in sorted(aged, reverse=True)]


def old_drafts(folder: Path, now_t: float) -> list[Path]:
    """List the drafts of recordings that a killed monitor left: `.NAME.db.PID.draft`, with SQLite's side files."""
    found = []
    for path in folder.glob(".*.draft*"):
        named = _DRAFT.fullmatch(path.name)
        if named is None:
            continue
        with suppress(FileNotFoundError):
            age_s = now_t - path.lstat().st_mtime
            # A draft exists for some milliseconds. A process in another container is not visible here.
            if age_s > DRAFT_S or (age_s > 1.0 and not os.path.exists(f"/proc/{named[1]}")):
                found.append(path)
    return found


def written_t(path: Path) -> float:
    """Return the time of the last write, real Unix seconds; 0.0 for an empty recording."""
    return max((stat.st_mtime for stat in _stats(path) if stat.st_size), default=0.0)


def size_bytes(path: Path) -> int:
    """Return the bytes of a recording, with its write-ahead log."""
    return sum(stat.st_size for stat in _stats(path))


def _stats(path: Path) -> Iterator[os.stat_result]:
    """Yield the stats of a recording's files. A writer may delete its log at any moment."""
    for one in (path, wal_path(path)):
        with suppress(FileNotFoundError):
            yield one.stat()


def wal_path(path: Path) -> Path:
    """Return the path of the write-ahead log."""
    return path.with_name(path.name + "-wal")


def summaries(folder: Path, problems: list[str]) -> Iterator[Summary]:
    """Yield each recording's summary; errors go to `problems`."""
    for path in paths(folder):
        try:
            with Recording(path) as one:
                yield one.summary()
        except UNREADABLE as error:
            problems.append(f"{path}: {clean_text(error_text(error))}")


def find(folder: Path, name: str, pool: str = "") -> Path | None:
    """Find a recording by name, by a unique prefix, or as "last": the newest of `pool`, else of all.

    A demo is "last" only where nothing else is recorded.
    """
    known = paths(folder)
    if name == "last":
        return _newest_of(known, pool) or _newest_training(known) or (known[0] if known else None)
    exact = [path for path in known if path.stem == name]
    near = [path for path in known if path.stem.startswith(name)]
    return exact[0] if exact else near[0] if len(near) == 1 else None


def _newest_of(known: list[Path], pool: str) -> Path | None:
    for path in known if pool else ():
        with suppress(*UNREADABLE), Recording(path) as one:
            if pool_of(one.meta) == pool:
                return path
    return None


def _newest_training(known: list[Path]) -> Path | None:
    return next((path for path in known if not is_of_demo(path)), None)


def is_of_demo(path: Path) -> bool:
    """Return whether a recording is of a demo pool; False where it cannot be read."""
    with suppress(*UNREADABLE), Recording(path) as one:
        return is_demo(one.meta)
    return False


def free_name(folder: Path, run: str) -> Path:
    """Return an unused file name that derives from the run's name."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", run).strip("-.")[:80] or "run"
    path, number = folder / f"{stem}{SUFFIX}", 1
    while may_exist(path):
        number += 1
        path = folder / f"{stem}-{number}{SUFFIX}"
    return path


def open_own(path: Path) -> Recording:
    """Open a recording to continue or follow it. Raises ForeignFile where others own or may write it."""
    reason = refuse_foreign(path)
    if reason is not None:
        raise ForeignFile(reason)
    return Recording(path)


def find_run(folder: Path, identity: RunIdentity, now_s: float, broken: list[tuple[Path, Exception]]) -> Path | None:
    """Find the newest run of the pool that has one of these workers.

    Without visible processes, now and then, return the pool's newest run if its last write is at most an hour old;
    with visible processes only now or only then, 30 s. Counters will show whether its workers restarted. `now_s`:
    seconds since boot. Errors go to `broken`.
    """
    for path in paths(folder)[:MAX_RUNS_CHECKED]:
        try:
            with open_own(path) as one:
                meta = one.meta
                known = identity.recorded_workers(meta)
                if not identity.is_of_pool(meta):
                    continue
                if identity.shares_worker(known):
                    return path
                if not identity.workers or not known:
                    most_s = ONCE_UNSEEN_S if identity.workers or known else UNSEEN_S
                    if _is_fresh(path, one, now_s, most_s):
                        return path
        except UNREADABLE as error:
            broken.append((path, error))
    return None


def find_last(folder: Path, pool: str) -> Path | None:
    """Find the newest recording of a pool with a sample, of any boot. Recordings that cannot be read are skipped."""
    for path in paths(folder)[:MAX_RUNS_CHECKED]:
        with suppress(*UNREADABLE), open_own(path) as one:
            if pool_of(one.meta) == pool and "clock" in one.meta and one.newest_seq:
                return path
    return None


def find_written(folder: Path, identity: RunIdentity, silent_s: float) -> Path | None:
    """Find the pool's newest recording, if it was written within `silent_s`. Raises the errors in `UNREADABLE`."""
    for path in paths(folder)[:3]:
        if refuse_foreign(path) is None:
            with Recording(path) as recording:
                is_of_pool = identity.is_of_pool(recording.meta)
            if is_of_pool:
                return path if time.time() - written_t(path) <= silent_s else None
    return None


def is_empty(path: Path) -> bool:
    """Return whether a recording has no sample. Raises the errors in `UNREADABLE`."""
    with Recording(path) as recording:
        return not recording.newest_seq


def _is_fresh(path: Path, recording: Recording, now_s: float, most_s: float) -> bool:
    """Return whether the last write is at most `most_s` old, by the file or by the clock of the run.

    The wall clock may be set meanwhile, and the run's clock counts no time of a monitor that slept; one is enough.
    """
    clock = recording.meta["clock"]
    written_s = clock["elapsed_s"] + (recording.span[1] - clock["t"]) / clock["speed"]
    ages_s = (time.time() - written_t(path), now_s - written_s)
    return any(-CLOCK_SLACK_S <= age_s <= most_s for age_s in ages_s)
