"""The folder of all runs: lists them, finds one by name or by its workers, names a new one.

Refuses to know what stands in a recording beyond its summary.
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
"""What a disk that fails, and a file that was written over, may raise."""
SAME_START_S = 1.1
"""Start times are counted from a boot time that is a whole second and may be read one off."""
MAX_RUNS_CHECKED = 20
"""So many of the newest runs may be the one that goes on."""

WorkerId = tuple[int, float]
"""(pid, start time), real Unix seconds."""


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What tells whether a recording is of the workers that are there."""

    pool: str
    boot_id: str
    workers: frozenset[WorkerId]


def runs_dir(state: Path) -> Path:
    """Say where the recordings lie."""
    return state / "runs"


def paths(folder: Path) -> list[Path]:
    """List the recordings, the newest first; none where there is no folder. Raises OSError where it is shut."""
    if not folder.exists():
        return []
    aged = [(written_t(path), path) for path in folder.iterdir() if path.suffix == SUFFIX and path.is_file()]
    return [path for _, path in sorted(aged, reverse=True)]


def written_t(path: Path) -> float:
    """Say when a recording was last written to, real Unix seconds."""
    return max((stat.st_mtime for stat in _stats(path) if stat.st_size), default=0.0)


def size_bytes(path: Path) -> int:
    """Say how much room a recording takes, with what is not yet in its place."""
    return sum(stat.st_size for stat in _stats(path))


def _stats(path: Path) -> Iterator[os.stat_result]:
    """Look at a recording's files: whoever ends takes his log away with him, at any moment."""
    for one in (path, wal_path(path)):
        with suppress(FileNotFoundError):
            yield one.stat()


def wal_path(path: Path) -> Path:
    """Name the file in which what was written last stands until it is put in its place."""
    return path.with_name(path.name + "-wal")


def summaries(folder: Path, problems: list[str]) -> Iterator[Summary]:
    """Yield what every recording is; what cannot be read is added to `problems`."""
    for path in paths(folder):
        try:
            with Recording(path) as one:
                yield one.summary()
        except UNREADABLE as error:
            problems.append(f"{path}: {clean_text(error_text(error))}")


def find(folder: Path, name: str) -> Path | None:
    """Find a recording by its name, by the beginning of its name where that is enough, or as the "last" one."""
    known = paths(folder)
    if name == "last":
        return known[0] if known else None
    exact = [path for path in known if path.stem == name]
    near = [path for path in known if path.stem.startswith(name)]
    return exact[0] if exact else near[0] if len(near) == 1 else None


def free_name(folder: Path, run: str) -> Path:
    """Name the file of a new run after it, unlike every other."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", run).strip("-.")[:80] or "run"
    path, number = folder / f"{stem}{SUFFIX}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{SUFFIX}"
    return path


def workers_of(processes: Iterable[ProcessReading]) -> frozenset[WorkerId]:
    """Name the workers among processes; their start times as they are there."""
    return frozenset(
        (p.pid, p.started_at)
        for p in processes
        if p.role == "worker" and p.pid is not None and p.started_at is not None
    )


def find_run(
    folder: Path, identity: RunIdentity, fresh_after_t: float, broken: list[tuple[Path, Exception]]
) -> Path | None:
    """Find the newest run of the pool that has one of these workers.

    Where processes cannot be seen, neither now nor then, it is the pool's newest run, if its last sample is newer
    than `fresh_after_t` (real Unix seconds): whether its workers began anew in between, their counters will tell.
    What cannot be read is added to `broken`.
    """
    for path in paths(folder)[:MAX_RUNS_CHECKED]:
        try:
            with Recording(path) as one:
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
