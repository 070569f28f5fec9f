"""What of old recordings goes when: samples are thinned by age, whole runs go before the disk is full.

Refuses to know which runs matter to anybody; those that are being written are not touched but for their old samples.
"""

from __future__ import annotations

import lzma
import shutil
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from metabonk_tui.adapters.store import codec
from metabonk_tui.adapters.store.run_directory import UNREADABLE, beside, paths, size_bytes, written_t
from metabonk_tui.adapters.store.schema import PATIENCE_S, give_back, open_to_write
from metabonk_tui.core.config.schema import GB, Config
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import MAX_EVENTS
from metabonk_tui.core.step.merge import fold

AT_ONCE = 50
"""Chunks thinned in one transaction."""
QUIET_S = 3600.0
"""A run that was written to within this time may be under way, whoever writes it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be kept."""

    raw_s: float
    """Real seconds for which every sample stays."""
    max_bytes: int
    min_free_bytes: int
    gate_s: float
    """Of a run under way, what is younger is never thinned."""


def limits(config: Config) -> Limits:
    """Read the limits off the configuration."""
    store, clock = config.store, config.clock
    gate_s = clock.startup_grace_s + clock.validation_s
    return Limits(store.raw_hours * 3600, int(store.max_gb * GB), int(store.min_free_gb * GB), gate_s)


def tidy(folder: Path, limit: Limits, now_t: float, live: Collection[Path] = ()) -> list[str]:
    """Thin what is old, then remove the oldest runs while there is too little room; say what went.

    Raises OSError; a recording that cannot be read is left alone.
    """
    said = []
    for path in paths(folder):
        # On a run's own clock, which a demo's speed may carry far ahead, its newest sample is "now".
        if path not in live and now_t - written_t(path) < limit.raw_s:
            continue
        raw_s = max(limit.raw_s, limit.gate_s) if path in live else limit.raw_s
        try:
            count = _thin(path, raw_s, now_t if path not in live else None)
        except UNREADABLE:
            continue
        if count:
            said.append(f"{path.stem}: {count} chunks thinned")
    while (gone := _oldest_too_many(folder, limit, now_t, live)) is not None:
        remove(gone)
        said.append(f"{gone.stem}: removed, there was too little room")
    if not _is_room(folder, limit):
        said += [
            f"{path.stem}: {n} chunks thinned for room" for path in live if (n := _thin(path, limit.gate_s, None))
        ]
    return said


def remove(path: Path) -> None:
    """Remove one recording with all that lies beside it. Raises OSError."""
    for one in (path, beside(path), path.with_name(path.name + "-shm")):
        one.unlink(missing_ok=True)


def thin_to(path: Path, to_t: float) -> int:
    """Leave one sample of every chunk that ended before a time of the run's clock; return of how many."""
    base = open_to_write(path)
    try:
        return _thin_to(base, path, to_t)
    finally:
        base.close()


def _thin(path: Path, raw_s: float, now_t: float | None) -> int:
    base = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
    try:
        (newest_t,) = base.execute("SELECT max(to_t) FROM chunk").fetchone()
        if newest_t is None:
            return 0
        # Of a run that is over everything is older than its end is.
        passed_s = 0.0 if now_t is None else max(0.0, now_t - written_t(path))
        return _thin_to(base, path, newest_t - max(0.0, raw_s - passed_s))
    finally:
        base.close()


def _thin_to(base: sqlite3.Connection, path: Path, to_t: float) -> int:
    count = 0
    while True:
        rows = base.execute(
            "SELECT first_seq, lines FROM chunk WHERE NOT thin AND to_t < ? ORDER BY first_seq LIMIT ?",
            (to_t, AT_ONCE),
        ).fetchall()
        if not rows:
            break
        folded = [(_folded(lines, path.name), first) for first, lines in rows]
        base.execute("BEGIN IMMEDIATE")
        try:
            base.executemany("UPDATE chunk SET lines = ?, thin = 1 WHERE first_seq = ?", folded)
            base.execute("COMMIT")
        except BaseException:
            if base.in_transaction:
                base.execute("ROLLBACK")
            raise
        count += len(rows)
    if count:
        give_back(base)
    return count


def _folded(packed: bytes, name: str) -> bytes:
    """Make one line of a chunk: its last readings, and all that was told once within it."""
    whole: Sample | None = None
    for sample in codec.samples(lzma.decompress(packed).split(b"\n"), [], name):
        whole = fold(whole, sample, MAX_EVENTS)
    return packed if whole is None else lzma.compress(codec.Encoder().line(whole), preset=1)


def _oldest_too_many(folder: Path, limit: Limits, now_t: float, live: Collection[Path]) -> Path | None:
    if _is_room(folder, limit):
        return None
    over = [path for path in paths(folder) if path not in live and now_t - written_t(path) > QUIET_S]
    return over[-1] if over else None


def _is_room(folder: Path, limit: Limits) -> bool:
    known = paths(folder)
    total = sum(map(size_bytes, known))
    return total <= limit.max_bytes and (not known or shutil.disk_usage(folder).free >= limit.min_free_bytes)
