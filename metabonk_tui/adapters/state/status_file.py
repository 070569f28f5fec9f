"""Reads and cleans up the status files, one per pool. The monitor replaces its file at each tick.

Does not: interpret the content. Imports little: `status` runs at every prompt.
"""

from __future__ import annotations

import json
import os
import time

from metabonk_tui.adapters.files.private import open_private, remove_quietly

FOLDER = "status"
MAX_BYTES = 1 << 16
MAX_POOLS = 16
MAX_AGE_S = 7 * 86400.0
"""Seconds without an update after which a file is removed."""


class UnreadableStatusFile(Exception):
    """The file is unreadable; the text gives the reason."""


def folder_of(state: str) -> str:
    """Return the folder of the status files below the state directory."""
    return os.path.join(state, FOLDER)


def file_name(host: str, port: int) -> str:
    return f"{_host_part(host)}-{port}.json"


def find(folder: str, host: str | None = None, port: int | None = None) -> list[str]:
    """Return the paths of the matching pools, newest first, at most 16. Raises UnreadableStatusFile."""
    begin = "" if host is None else f"{_host_part(host)}-"
    end = ".json" if port is None else f"-{port}.json"
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(begin) and entry.name.endswith(end):
                    found.append((entry.stat().st_mtime, entry.path))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnreadableStatusFile(error.strerror or str(error)) from None
    return [path for _, path in sorted(found, reverse=True)[:MAX_POOLS]]


def read(path: str) -> object:
    """Return the decoded JSON, unchecked; at most 64 KiB. Raises UnreadableStatusFile."""
    try:
        with os.fdopen(open_private(path, os.O_RDONLY), "rb") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise UnreadableStatusFile("too large")
        found: object = json.loads(text)
    except OSError as error:
        raise UnreadableStatusFile(error.strerror or str(error)) from None
    except (ValueError, RecursionError):
        raise UnreadableStatusFile("not JSON") from None
    return found


def remove_old(folder: str, now: float | None = None) -> None:
    """Remove files without an update for 7 days: those of old pools, and drafts of killed monitors."""
    before = (time.time() if now is None else now) - MAX_AGE_S
    try:
        with os.scandir(folder) as entries:
            old = [entry.path for entry in entries if entry.stat().st_mtime < before]
    except OSError:
        return
    for path in old:
        remove_quietly(path)


def _host_part(host: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c == ".") else "_" for c in host)
