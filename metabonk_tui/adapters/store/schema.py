"""The file of one run: its tables, its version, and how an older one becomes a newer one.

Refuses to know what stands in the rows.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

SCHEMA = 1
APPLICATION = 0x4D42544B
"""Says in the file itself whose it is: "MBTK"."""
BUSY_TIMEOUT_S = 2.0
"""How long a reader may hold up a writer, or the other way round, before it is an error."""

MIGRATIONS: Sequence[str] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE tail (seq INTEGER PRIMARY KEY, t REAL NOT NULL, line BLOB NOT NULL);
    CREATE TABLE chunk (first_seq INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, from_t REAL NOT NULL,
                        to_t REAL NOT NULL, thin INTEGER NOT NULL, lines BLOB NOT NULL);
    CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE minute (series INTEGER NOT NULL, slot INTEGER NOT NULL, minute INTEGER NOT NULL, n INTEGER NOT NULL,
                         least REAL NOT NULL, mean REAL NOT NULL, most REAL NOT NULL, increase REAL NOT NULL,
                         PRIMARY KEY (series, slot, minute)) WITHOUT ROWID;
    CREATE TABLE event (id INTEGER PRIMARY KEY, t REAL NOT NULL, kind TEXT NOT NULL, severity TEXT NOT NULL,
                        text TEXT NOT NULL, worker INTEGER, facts TEXT NOT NULL);
    CREATE TABLE inbox (id INTEGER PRIMARY KEY, documents BLOB NOT NULL);
    CREATE TABLE cache (name TEXT PRIMARY KEY, key TEXT NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
    """,
)
"""What makes version i + 1 of version i. Never changed, only added to: old recordings open for ever."""


class TooNew(Exception):
    """The file was written by a newer version of this program."""


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open or make the file, brought to our version. Raises OSError, sqlite3.Error, TooNew."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    os.close(descriptor)
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        version = _version(connection, path)
        if version == 0:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 1000000")
        _migrate(connection, version)
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the file as it is, also beside its writer. Raises sqlite3.Error, TooNew.

    An older file is read through a copy in memory that is brought to our version: reading changes nothing.
    """
    # Where nothing can be written beside it, nobody writes to it either.
    # Only who might write can also clear away what a killed writer left beside the file.
    how = "mode=rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "immutable=1"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        version = _version(connection, path)
        if version == 0:
            raise sqlite3.DatabaseError("not a recording")
        if version == SCHEMA:
            connection.execute("PRAGMA query_only = 1")
            return connection
        copy = sqlite3.connect(":memory:", isolation_level=None)
        connection.backup(copy)
        _migrate(copy, version)
    except BaseException:
        connection.close()
        raise
    connection.close()
    return copy


def release_pages(connection: sqlite3.Connection) -> None:
    """Give the pages back that nothing stands on any more."""
    # A plain `execute` of this gives back one page and no more: its rows have no columns.
    connection.executescript("PRAGMA incremental_vacuum")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application not in (0, APPLICATION):
        raise sqlite3.DatabaseError("file is not a database of recordings")
    if version > SCHEMA:
        raise TooNew(f"{path.name} has schema {version}, this program knows {SCHEMA}")
    return int(version)


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        connection.executescript(
            f"BEGIN;{script};PRAGMA application_id = {APPLICATION};PRAGMA user_version = {number};COMMIT;"
        )
