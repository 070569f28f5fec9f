"""Separates disk errors from damaged files, and renames a damaged file.

Does not: decide what to do after an error.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from metabonk_tui.adapters.files.kind import may_exist
from metabonk_tui.adapters.store.schema import TooNew

BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""SQLite codes of a file that is no recording, or lacks tables."""


def error_text(error: Exception) -> str:
    """Format an error for the operator."""
    if isinstance(error, sqlite3.Error | TooNew):
        return f"{error}"
    return (error.strerror or str(error)) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"


def is_broken(error: Exception) -> bool:
    """Return whether the file is damaged or no recording; False for a full disk."""
    return isinstance(error, sqlite3.DatabaseError) and (
        getattr(error, "sqlite_errorcode", 0) & 0xFF in BROKEN or "not a" in str(error)
    )


def is_disk_error(error: Exception) -> bool:
    """Return whether a later retry may succeed."""
    return isinstance(error, OSError | sqlite3.OperationalError)


def set_aside(path: Path) -> str:
    """Rename an unreadable file with its -wal and -shm, to free its name. Returns text for the operator."""
    aside = path.with_name(f"{path.name}.broken-{int(time.time())}")
    try:
        path.rename(aside)
        for tail in ("-wal", "-shm"):
            other = path.with_name(path.name + tail)
            if may_exist(other):
                other.rename(aside.with_name(aside.name + tail))
    except OSError as error:
        return f" ({path.name} cannot be set aside: {error.strerror})"
    return f" (the broken file is now {aside.name})"
