"""Writes one run's SQLite file: one row per tick, packed every 60 ticks.

Each tick is one transaction, so a kill loses at most one tick. Does not: know why a run begins, or catch disk errors.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from metabonk_tui.adapters.store.codec import Encoder
from metabonk_tui.adapters.store.packed_lines import LinePacker, pack_lines
from metabonk_tui.adapters.store.rollup import Minute
from metabonk_tui.adapters.store.schema import open_to_write, release_pages
from metabonk_tui.core.model.sample import Event, Sample

NO_META: Mapping[str, Any] = MappingProxyType({})

TICKS = 60
"""Rows per chunk: enough to compress well, few enough to unpack for one look into the past."""
BYTES = 4_000_000
"""Bytes per chunk before compression, for large ticks."""
WHOLE_LINES, MOST_BYTES = 4, 48_000_000
"""A chunk may also have the size of four whole lines: one of 1000 workers has 6.5 MB, and a chunk that closes after
two ticks costs a whole line, its compression and a checkpoint every 2 s."""
LARGE_LINE = 1_000_000
"""Bytes of a whole line from which a chunk is compressed line by line."""
MAX_SEQ = 10**12
"""An upper limit of valid sample numbers."""

Cache = tuple[str, str, bytes]
"""(name, key, value) of data that can be computed again"""


class RunFile:
    """The open file of the run being written."""

    def __init__(self, path: Path, meta: Mapping[str, Any] = NO_META) -> None:
        """Open the file, or create it with `meta`. Raises OSError, sqlite3.Error; ValueError, TypeError on damage."""
        self.path = path
        self._connection = open_to_write(path, {key: json.dumps(value) for key, value in meta.items()})
        self._encoder = Encoder()
        self._ticks = self._bytes = self._whole_bytes = 0
        self._meta_values: Mapping[str, Any] = NO_META
        """The entries of the last tick. They are in the file."""
        self._packer: LinePacker | None = None
        """What compresses the open chunk; None: its lines are read from the file when it is full."""
        try:
            with self._transaction():
                self._pack()
            self._seq = int(self._connection.execute("SELECT ifnull(max(last_seq), 0) FROM chunk").fetchone()[0])
            if not 0 <= self._seq < MAX_SEQ:
                raise ValueError("its numbers are damaged")
            self._series = {name: number for number, name in self._connection.execute("SELECT id, name FROM series")}
            self._meta = dict(self._connection.execute("SELECT key, value FROM meta").fetchall())
        except BaseException:
            self._connection.close()
            raise

    @property
    def seq(self) -> int:
        """The number of the newest sample; 0 before the first."""
        return self._seq

    def write(
        self,
        sample: Sample,
        *,
        meta: Mapping[str, Any],
        minutes: Iterable[Minute] = (),
        events: Iterable[Event] = (),
        caches: Iterable[Cache] = (),
        uncached: Iterable[str] = (),
        inbox_to: int = 0,
    ) -> None:
        """Write a tick in one transaction: all of it, or nothing and an error. `uncached`: cached names to delete."""
        line = self._encoder.line(sample)
        changed_meta = self._changed_meta(meta)
        if not self._ticks:
            self._whole_bytes = len(line)
            self._packer = LinePacker() if len(line) >= LARGE_LINE else None
        if self._packer is not None:
            self._packer.add(line)
        try:
            with self._transaction():
                execute = self._connection.execute
                execute("INSERT INTO tail VALUES (?, ?, ?)", (self._seq + 1, sample.t, line))
                self._write_meta(changed_meta)
                self._write_minutes(minutes)
                self._write_events(events)
                for cache in caches:
                    execute("INSERT OR REPLACE INTO cache VALUES (?, ?, ?)", cache)
                for name in uncached:
                    execute("DELETE FROM cache WHERE name = ?", (name,))
                if inbox_to:
                    execute("DELETE FROM inbox WHERE id <= ?", (inbox_to,))
                if self.is_full:
                    self._pack()
        except BaseException:
            # The line may or may not be in the file: write the next one whole.
            self._encoder.forget()
            self._packer = None
            raise
        self._seq += 1
        self._meta |= changed_meta
        self._meta_values = meta
        if self.is_full:
            self._encoder.forget()
            self._ticks = self._bytes = 0
            self._packer = None
        else:
            self._ticks, self._bytes = self._ticks + 1, self._bytes + len(line)

    @property
    def is_full(self) -> bool:
        """Whether the next tick completes a chunk."""
        most_bytes = max(BYTES, min(WHOLE_LINES * self._whole_bytes, MOST_BYTES))
        return self._ticks + 1 >= TICKS or self._bytes >= most_bytes

    def cached(self) -> list[str]:
        """Return the names of what is cached."""
        return [name for (name,) in self._connection.execute("SELECT name FROM cache")]

    def inbox(self) -> list[tuple[int, bytes]]:
        """Return (id, documents) that other monitors submitted, oldest first."""
        return self._connection.execute("SELECT id, documents FROM inbox ORDER BY id").fetchall()

    def forget_minutes_from(self, minute: int) -> None:
        """Delete the rows from this minute on; the caller rolls them up again."""
        self._connection.execute("DELETE FROM minute WHERE minute >= ?", (minute,))

    def finish(
        self, minutes: Iterable[Minute] = (), *, meta: Mapping[str, Any] = NO_META, events: Iterable[Event] = ()
    ) -> None:
        """Write the open data, pack the tail, and leave one file without a log."""
        try:
            with self._transaction():
                self._write_minutes(minutes)
                self._write_meta(self._changed_meta(meta))
                self._write_events(events)
                self._pack()
            release_pages(self._connection)
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._connection.close()

    def close(self) -> None:
        """Close the file without packing it."""
        self._connection.close()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection)

    def _pack(self) -> None:
        rows = self._connection.execute("SELECT seq, t FROM tail ORDER BY seq").fetchall()
        if rows:
            packer, self._packer = self._packer, None
            if packer is not None and packer.count == len(rows):
                packed = packer.finish()
            else:
                packed = pack_lines(line for (line,) in self._connection.execute("SELECT line FROM tail ORDER BY seq"))
            chunk = (rows[0][0], rows[-1][0], rows[0][1], rows[-1][1], 0, packed)
            self._connection.execute("INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?)", chunk)
            self._connection.execute("DELETE FROM tail")

    def _write_minutes(self, minutes: Iterable[Minute]) -> None:
        for minute in minutes:
            number = self._series.get(minute.series)
            if number is None:
                self._connection.execute("INSERT OR IGNORE INTO series (name) VALUES (?)", (minute.series,))
                found = self._connection.execute("SELECT id FROM series WHERE name = ?", (minute.series,)).fetchone()
                number = self._series[minute.series] = found[0]
            self._connection.execute(
                "INSERT OR REPLACE INTO minute VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (number, *minute[1:])
            )

    def _changed_meta(self, meta: Mapping[str, Any]) -> dict[str, str]:
        """Return the changed entries, JSON-encoded."""
        found = {}
        for key, value in meta.items():
            # Most entries are equal to those of the last tick. To encode them costs ten times as much.
            if key not in self._meta_values or value != self._meta_values[key]:
                text = json.dumps(value)
                if text != self._meta.get(key):
                    found[key] = text
        return found

    def _write_meta(self, changed_meta: Mapping[str, str]) -> None:
        if changed_meta:
            self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", changed_meta.items())

    def _write_events(self, events: Iterable[Event]) -> None:
        self._connection.executemany(
            "INSERT INTO event (t, kind, severity, text, worker, facts) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    e.t,
                    e.kind,
                    e.severity,
                    e.text,
                    None if e.worker is None else e.worker.written,
                    json.dumps(dict(e.facts), default=str),
                )
                for e in events
            ],
        )


class _Transaction:
    """A transaction. A failed rollback (the disk lost the journal, too) does not hide the first error."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            try:
                self._connection.execute("COMMIT")
                return
            except BaseException:
                self._roll_back()
                raise
        self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
