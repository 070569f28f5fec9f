"""Limits old recordings: thins samples by age, and removes whole runs before the disk is full.

Does not: rank runs by value. A run being written only loses old samples.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from metabonk_tui.adapters.store import codec
from metabonk_tui.adapters.store.packed_lines import pack_lines, unpack_lines
from metabonk_tui.adapters.store.run_directory import (
    UNREADABLE,
    is_of_demo,
    old_drafts,
    paths,
    size_bytes,
    wal_path,
    written_t,
)
from metabonk_tui.adapters.store.schema import open_to_add, release_pages
from metabonk_tui.core.config.schema import GB, Config
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import MAX_EVENTS
from metabonk_tui.core.step.merge import merge_samples

CHUNKS_PER_TRANSACTION = 50
"""Chunks per transaction: a short lock on the file."""
QUIET_S = 3600.0
"""Seconds since the last write during which a run may still have a writer."""


class Limits(Struct, frozen=True):
    """The retention limits."""

    raw_s: float
    """Real seconds during which every sample is retained."""
    max_bytes: int
    min_free_bytes: int
    gate_s: float
    """Seconds of a live run that are never thinned."""


def limits(config: Config) -> Limits:
    """Derive the limits from the configuration."""
    store, clock = config.store, config.clock
    gate_s = clock.startup_grace_s + clock.validation_s
    return Limits(store.raw_hours * 3600, int(store.max_gb * GB), int(store.min_free_gb * GB), gate_s)


def tidy(folder: Path, limit: Limits, now_t: float, live: Collection[Path] = ()) -> list[str]:
    """Thin old samples, then remove the oldest runs, demos first, while space is short. Returns a text per change.

    Raises OSError. An unreadable recording is left alone.
    """
    messages = []
    for draft in old_drafts(folder, now_t):
        draft.unlink(missing_ok=True)
        messages.append(f"{draft.name}: removed, its monitor ended while it created a recording")
    for path in paths(folder):
        # A demo's clock may run far ahead, so the newest sample of a live run is "now".
        if path not in live and now_t - written_t(path) < limit.raw_s:
            continue
        raw_s = max(limit.raw_s, limit.gate_s) if path in live else limit.raw_s
        try:
            count = _thin(path, raw_s, now_t if path not in live else None)
        except UNREADABLE:
            continue
        if count:
            messages.append(f"{path.stem}: {count} chunks thinned")
    while (oldest := _oldest_removable(folder, limit, now_t, live)) is not None:
        remove(oldest)
        messages.append(f"{oldest.stem}: removed, there was too little room")
    if not _is_room(folder, limit):
        messages += [
            f"{path.stem}: {n} chunks thinned for room" for path in live if (n := _thin(path, limit.gate_s, None))
        ]
    return messages


def remove(path: Path) -> None:
    """Remove a recording with its -wal and -shm files. Raises OSError."""
    for one in (path, wal_path(path), path.with_name(path.name + "-shm")):
        one.unlink(missing_ok=True)


def thin_to(path: Path, to_t: float) -> int:
    """Reduce each chunk that ended before `to_t` (run clock) to one sample. Returns the number of chunks."""
    with closing(open_to_add(path)) as connection:
        return _thin_to(connection, path, to_t)


def _thin(path: Path, raw_s: float, now_t: float | None) -> int:
    with closing(open_to_add(path)) as connection:
        (newest_t,) = connection.execute("SELECT max(to_t) FROM chunk").fetchone()
    if newest_t is None:
        return 0
    # Add the real time since the end of a finished run to the age of its samples.
    passed_s = 0.0 if now_t is None else max(0.0, now_t - written_t(path))
    return thin_to(path, newest_t - max(0.0, raw_s - passed_s))


def _thin_to(connection: sqlite3.Connection, path: Path, to_t: float) -> int:
    count = 0
    while True:
        rows = connection.execute(
            "SELECT first_seq, lines FROM chunk WHERE NOT thin AND to_t < ? ORDER BY first_seq LIMIT ?",
            (to_t, CHUNKS_PER_TRANSACTION),
        ).fetchall()
        if not rows:
            break
        folded = [(_folded(lines, path.name), first) for first, lines in rows]
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany("UPDATE chunk SET lines = ?, thin = 1 WHERE first_seq = ?", folded)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        count += len(rows)
    if count:
        release_pages(connection)
    return count


def _folded(packed: bytes, name: str) -> bytes:
    """Merge a chunk into one line: its last readings and all its events."""
    whole: Sample | None = None
    for sample in codec.samples(unpack_lines(packed), [], name):
        whole = merge_samples(whole, sample, MAX_EVENTS)
    return packed if whole is None else pack_lines([codec.Encoder().line(whole)])


def _oldest_removable(folder: Path, limit: Limits, now_t: float, live: Collection[Path]) -> Path | None:
    if _is_room(folder, limit):
        return None
    over = [path for path in paths(folder) if path not in live and now_t - written_t(path) > QUIET_S]
    demos = [path for path in over if is_of_demo(path)]
    return (demos or over)[-1] if over else None


def _is_room(folder: Path, limit: Limits) -> bool:
    known = paths(folder)
    total = sum(map(size_bytes, known))
    return total <= limit.max_bytes and (not known or shutil.disk_usage(folder).free >= limit.min_free_bytes)
