"""Looks at what is at a path, whatever the path is. pathlib raises for a name that is too long or may not be seen."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_NO_NAME = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
"""Errors by which nothing can be at a path."""


def is_file(path: Path) -> bool:
    """Return whether a regular file is there and may be looked at."""
    return os.path.isfile(path)


def is_dir(path: Path) -> bool:
    """Return whether a directory is there and may be looked at."""
    return os.path.isdir(path)


def may_exist(path: Path) -> bool:
    """Return whether something is there; True also where that may not be looked at: opening it then says why."""
    try:
        os.stat(path)
    except OSError as error:
        return error.errno not in _NO_NAME
    except ValueError:
        return False  # a NUL is in no name
    return True


def why_no_file(path: Path) -> str:
    """Return why no file is there, like "does not exist" or "cannot be read: Permission denied"; "": one is there."""
    try:
        os.stat(path)
    except OSError as error:
        absent = error.errno in (errno.ENOENT, errno.ENOTDIR)
        return "does not exist" if absent else f"cannot be read: {error.strerror or error}"
    except ValueError as error:
        return f"cannot be read: {error}"
    return "" if is_file(path) else "is no file"
