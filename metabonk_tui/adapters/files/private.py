"""Writes files and folders that only their owner may read. Few imports: `status` loads it at every prompt."""

from __future__ import annotations

import json
import os


def make_private_directory(path: str | os.PathLike[str]) -> None:
    """Make a directory with mode 0700; missing parents get the default mode. Raises OSError."""
    os.makedirs(path, mode=0o700, exist_ok=True)


def write_private_json(path: str | os.PathLike[str], document: object) -> None:
    """Replace a file atomically: a reader finds the old or the new document. Raises OSError.

    Creates a missing folder. Does not call fsync: a machine crash may lose the write.
    """
    make_private_directory(os.path.dirname(path))
    draft = f"{os.fspath(path)}.{os.getpid()}.draft"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(document, file)
        os.replace(draft, path)
    except OSError:
        remove_quietly(draft)  # a full disk must not keep half a draft
        raise


def remove_quietly(path: str) -> None:
    """Remove a file and ignore every OSError."""
    try:
        os.unlink(path)
    except OSError:
        return
