"""Tells a disk that fails from a file that is damaged, and puts such a file aside.

Refuses to know what is to be done then.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from metabonk_tui.adapters.store.schema import TooNew

BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""Not a recording, or one with a hole in its tables."""


def error_text(error: Exception) -> str:
    """Say an error in words."""
    if isinstance(error, sqlite3.Error | TooNew):
        return f"{error}"
    return (error.strerror or str(error)) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"


def is_broken(error: Exception) -> bool:
    """Tell a file that is no recording from a disk that is full."""
    return isinstance(error, sqlite3.DatabaseError) and (
        getattr(error, "sqlite_errorcode", 0) & 0xFF in BROKEN or "not a" in str(error)
    )


def is_disk_error(error: Exception) -> bool:
    """Tell what may be over at the next try."""
    return isinstance(error, OSError | sqlite3.OperationalError)


def set_aside(path: Path) -> str:
    """Rename a file that cannot be read, with what lies beside it, so that a new one can take its place; say so."""
    aside = path.with_name(f"{path.name}.broken-{int(time.time())}")
    try:
        path.rename(aside)
        for tail in ("-wal", "-shm"):
            other = path.with_name(path.name + tail)
            if other.exists():
                other.rename(aside.with_name(aside.name + tail))
    except OSError as error:
        return f" ({path.name} cannot be set aside: {error.strerror})"
    return f" (the broken file is now {aside.name})"
