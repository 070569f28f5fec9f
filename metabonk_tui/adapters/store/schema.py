"""Defines the file of one run: its tables, its version, and the migrations.

Does not: know the content of the rows.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

SCHEMA = 1
APPLICATION = 0x4D42544B
"""SQLite's application_id of a recording: "MBTK"."""
BUSY_TIMEOUT_S = 2.0
"""Seconds that a reader may block a writer, or a writer a reader, before an error."""

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
"""Entry i migrates version i to i + 1. Append only: old recordings must stay readable."""


class TooNew(Exception):
    """The file's schema is newer than this program."""


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open or create the file and migrate it. Raises OSError, sqlite3.Error, TooNew."""
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
    """Open the file for reading, also beside its writer. Raises sqlite3.Error, TooNew.

    An older file is copied into memory and migrated there: reading never changes the file.
    """
    # In a read-only folder no writer exists, so the file is immutable.
    # SQLite needs write access to clean up after a killed writer.
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
    """Return free pages to the file system."""
    # A plain `execute` returns only one page: the pragma's rows have no columns.
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
