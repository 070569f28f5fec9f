"""Defines the file of one run: its tables, its version, and the migrations. A hostile file runs nothing when opened.

Does not: know the content of the rows.
"""

from __future__ import annotations

import functools
import os
import sqlite3
import stat
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import MappingProxyType

from metabonk_tui.adapters.files.kind import may_exist
from metabonk_tui.adapters.files.private import FILE_MODE, ForeignFile, open_private, refuse_foreign
from metabonk_tui.core.text.clean import clean_text

SchemaObject = tuple[str, ...]
"""(type, name, table, SQL with single spaces)"""

NO_META: Mapping[str, str] = MappingProxyType({})
SCHEMA = 3
APPLICATION = 0x4D42544B
"""SQLite's application_id of a recording: "MBTK"."""
PAGE_BYTES = 1024
"""SQLite's page in a new file. Each table and index has one at least: at 4096 bytes, a tenth of a six minutes' run."""
LOG_BYTES = 4_096_000
"""The log is written back at this size, which is SQLite's usual one for its usual pages."""
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
    # Since version 2 a line may have its changes in groups (`places.of_groups`). The tables are the same.
    "",
    # Since version 3 a line may leave out its floating-point numbers, which follow it (`packed_lines`).
    "",
)
"""Entry i migrates version i to i + 1. Append only: old recordings must stay readable."""


MAX_VALUE_BYTES = 128_000_000
"""Bytes per value; SQLite refuses longer ones. 64 workers answer at most 16 MB in one tick."""
SIDE_FILES = ("-wal", "-shm", "-journal")
"""What SQLite adds to the name of a file for the files that belong to it."""


class TooNew(Exception):
    """The file's schema is newer than this program."""


class ForeignSchema(sqlite3.DatabaseError):
    """The file's tables are not those of a recording. Nothing of it was queried."""


def open_to_write(path: Path, meta: Mapping[str, str] = NO_META) -> sqlite3.Connection:
    """Open the file and migrate it, or create it with `meta`. Raises OSError, sqlite3.Error, TooNew."""
    if not may_exist(path):
        _create(path, meta)
    connection = _connect_to_own(path)
    try:
        version = _version(connection, path)
        if version == 0:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_BYTES // page_bytes}")
        connection.execute("PRAGMA journal_size_limit = 1000000")
        _migrate(connection, version)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path, meta: Mapping[str, str]) -> None:
    """Create a file under its name only when it is whole: other monitors may look at any moment."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    try:
        os.close(open_private(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL))
        with closing(_connect_to_own(draft)) as connection:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            _migrate(connection, 0, meta)
        try:
            os.link(draft, path)  # unlike a rename, a link replaces no file that another monitor made meanwhile
        except FileExistsError:
            raise
        except OSError:
            draft.rename(path)  # a file system without links
    finally:
        draft.unlink(missing_ok=True)


def open_to_add(path: Path) -> sqlite3.Connection:
    """Open a recording for a short change beside its writer. Raises OSError, sqlite3.Error, TooNew."""
    connection = _connect_to_own(path)
    try:
        if not _has_these_tables(_version(connection, path)):
            raise sqlite3.DatabaseError("not a recording of this program's version")
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the file for reading, also beside its writer. Raises sqlite3.Error, TooNew.

    A file with older tables is copied into memory and migrated there: reading never changes the file.
    """
    # In a read-only folder no writer exists, so the file is immutable.
    # SQLite needs write access to clean up after a killed writer.
    how = "mode=rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "immutable=1"
    connection = _connect(f"{path.absolute().as_uri()}?{how}")
    try:
        version = _version(connection, path)
        if version == 0:
            raise sqlite3.DatabaseError("not a recording")
        if _has_these_tables(version):
            connection.execute("PRAGMA query_only = 1")
            return connection
        copy = _connect(":memory:")
        connection.backup(copy)
        _migrate(copy, version)
        copy.execute("PRAGMA query_only = 1")
    except BaseException:
        connection.close()
        raise
    connection.close()
    return copy


def _connect(target: str) -> sqlite3.Connection:
    """Connect to a path, URI or memory. The file may be made to do harm: its schema runs nothing, its sizes are bound.

    The only place that connects: a test looks for others.
    """
    connection = sqlite3.connect(
        target, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        for limit, most in (
            (sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES),
            (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
            (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 0),
        ):
            connection.setlimit(limit, most)
        if hasattr(connection, "enable_load_extension"):
            connection.enable_load_extension(False)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        # A mapped file that another process cuts short would end this one with SIGBUS.
        connection.execute("PRAGMA mmap_size = 0")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_to_own(path: Path) -> sqlite3.Connection:
    """Connect to an existing file for writing. Raises ForeignFile where it, or one of its side files, is not ours.

    SQLite gives a side file the mode of the file itself.
    """
    for each in (path, *(path.with_name(path.name + tail) for tail in SIDE_FILES)):
        reason = refuse_foreign(each)
        if reason is not None:
            raise ForeignFile(reason)
        with suppress(FileNotFoundError):  # the writer may delete its log at any moment
            mode = each.lstat().st_mode
            if not stat.S_ISREG(mode):
                raise ForeignFile(f"{each} is no regular file: remove it")
            if stat.S_IMODE(mode) != FILE_MODE:
                each.chmod(FILE_MODE)
    return _connect(f"{path.absolute().as_uri()}?mode=rw")


def release_pages(connection: sqlite3.Connection) -> None:
    """Return free pages to the file system."""
    # A plain `execute` returns only one page: the pragma's rows have no columns.
    connection.executescript("PRAGMA incremental_vacuum")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the schema; 0: an empty file. Raises ForeignSchema, TooNew, sqlite3.Error."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application not in (0, APPLICATION):
        raise sqlite3.DatabaseError("file is not a database of recordings")
    if application and version > SCHEMA:
        raise TooNew(f"{path.name} has schema {version}, this program knows {SCHEMA}")
    known = _known_objects(version) if application and version > 0 else frozenset()
    odd = sorted(_objects(connection) ^ known)
    if odd:
        kind, name, *_ = odd[0]
        what = "is not of this program" if odd[0] not in known else "is missing or changed"
        raise ForeignSchema(f"not a recording: {kind} {clean_text(name, 40)!r} {what}")
    return int(version) if known else 0


def _objects(connection: sqlite3.Connection) -> frozenset[SchemaObject]:
    """Return all tables, indexes, views and triggers with their SQL. Only reads text: nothing of it runs."""
    rows = connection.execute(
        "SELECT CAST(type AS BLOB), CAST(name AS BLOB), CAST(tbl_name AS BLOB), CAST(ifnull(sql, '') AS BLOB)"
        " FROM sqlite_schema LIMIT 1000"
    )
    return frozenset(
        tuple(" ".join(bytes(text or b"").decode(errors="replace").split()) for text in row) for row in rows
    )


@functools.cache
def _known_objects(version: int) -> frozenset[SchemaObject]:
    """Return the schema objects that the migrations up to `version` make."""
    connection = _connect(":memory:")
    try:
        for script in MIGRATIONS[:version]:
            connection.executescript(script)
        return _objects(connection)
    finally:
        connection.close()


def _has_these_tables(version: int) -> bool:
    """Return whether a file of a version has the tables of this one: then it differs only in its lines."""
    return _known_objects(version) == _known_objects(SCHEMA)


def _migrate(connection: sqlite3.Connection, version: int, meta: Mapping[str, str] = NO_META) -> None:
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        connection.executescript(
            f"BEGIN;{script};PRAGMA application_id = {APPLICATION};PRAGMA user_version = {number};"
        )
        if number == SCHEMA:
            connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        connection.execute("COMMIT")
