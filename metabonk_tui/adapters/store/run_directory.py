"""Manages the folder of runs: lists them, finds one by name or workers, names a new one.

Does not: read a recording beyond its summary and meta.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path

from msgspec import MsgspecError

from metabonk_tui.adapters.files.private import ForeignFile, refuse_foreign
from metabonk_tui.adapters.store.errors import error_text
from metabonk_tui.adapters.store.run_reader import Recording, Summary
from metabonk_tui.adapters.store.schema import TooNew
from metabonk_tui.core.model.sample import ProcessReading
from metabonk_tui.core.text.clean import clean_text

SUFFIX = ".db"
UNREADABLE = (
    *(OSError, sqlite3.Error, LZMAError, TooNew, MsgspecError),
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError),
)
"""Errors of a failing disk or an overwritten file."""
SAME_START_S = 1.1
"""Seconds of tolerance: start times derive from a boot time in whole seconds, so they may differ by 1 s."""
MAX_RUNS_CHECKED = 20
"""Only this number of newest runs is checked for the run to continue."""

WorkerId = tuple[int, float]
"""(pid, start time), real Unix seconds."""


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """Identifies the pool, the boot and the workers that a recording must match."""

    pool: str
    boot_id: str
    workers: frozenset[WorkerId]


def runs_dir(state: Path) -> Path:
    """Return the folder of the recordings."""
    return state / "runs"


def paths(folder: Path) -> list[Path]:
    """List the recordings, newest first; empty without a folder. Raises OSError when it is unreadable."""
    if not folder.exists():
        return []
    aged = [(written_t(path), path) for path in folder.iterdir() if path.suffix == SUFFIX and path.is_file()]
    return [path for _, path in sorted(aged, reverse=True)]


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


def find(folder: Path, name: str) -> Path | None:
    """Find a recording by name, by a unique prefix, or as "last"."""
    known = paths(folder)
    if name == "last":
        return known[0] if known else None
    exact = [path for path in known if path.stem == name]
    near = [path for path in known if path.stem.startswith(name)]
    return exact[0] if exact else near[0] if len(near) == 1 else None


def free_name(folder: Path, run: str) -> Path:
    """Return an unused file name that derives from the run's name."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", run).strip("-.")[:80] or "run"
    path, number = folder / f"{stem}{SUFFIX}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{SUFFIX}"
    return path


def workers_of(processes: Iterable[ProcessReading]) -> frozenset[WorkerId]:
    """Return (pid, start time) of the workers; start times keep the clock of the readings."""
    return frozenset(
        (p.pid, p.started_at)
        for p in processes
        if p.role == "worker" and p.pid is not None and p.started_at is not None
    )


def open_own(path: Path) -> Recording:
    """Open a recording to continue or follow it. Raises ForeignFile where others own or may write it."""
    reason = refuse_foreign(path)
    if reason is not None:
        raise ForeignFile(reason)
    return Recording(path)


def find_run(
    folder: Path, identity: RunIdentity, fresh_after_t: float, broken: list[tuple[Path, Exception]]
) -> Path | None:
    """Find the newest run of the pool that has one of these workers.

    Without visible processes, now or then, return the pool's newest run if it is fresh. Fresh: its last write is not
    older than `fresh_after_t` (real Unix seconds). Counters will show whether its workers restarted. Errors go to
    `broken`.
    """
    for path in paths(folder)[:MAX_RUNS_CHECKED]:
        try:
            with open_own(path) as one:
                meta = one.meta
        except UNREADABLE as error:
            broken.append((path, error))
            continue
        if meta.get("pool") != identity.pool or meta.get("boot_id") != identity.boot_id or "clock" not in meta:
            continue
        known = meta.get("workers", [])
        if any(_same(worker, other) for worker in identity.workers for other in known):
            return path
        if not identity.workers and not known and written_t(path) >= fresh_after_t:
            return path
    return None


def _same(worker: WorkerId, other: Iterable[float]) -> bool:
    pid, started_at = other
    return worker[0] == pid and abs(worker[1] - started_at) <= SAME_START_S
