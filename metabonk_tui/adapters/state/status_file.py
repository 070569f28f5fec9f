"""The small file that says how a pool stands, one a pool: replaced at each tick, read by `status`.

Refuses to know what it says. Imports little: `status` is asked at every prompt.
"""

from __future__ import annotations

import json
import os
import time

from metabonk_tui.adapters.files.private import remove_quietly

FOLDER = "status"
MAX_BYTES = 1 << 16
MAX_POOLS = 16
MAX_AGE_S = 7 * 86400.0
"""What nobody renewed for so long is removed."""


class UnreadableStatusFile(Exception):
    """A file that cannot be read; its text says why."""


def folder_of(state: str) -> str:
    """Say where the files lie, in the state directory."""
    return os.path.join(state, FOLDER)


def file_name(host: str, port: int) -> str:
    """Name the file of a pool."""
    return f"{_host_part(host)}-{port}.json"


def find(folder: str, host: str | None = None, port: int | None = None) -> list[str]:
    """Return the files of the pools that are meant, the newest first; raises UnreadableStatusFile."""
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
    """Return what a file says, whatever that is. Raises UnreadableStatusFile."""
    try:
        with open(path, "rb") as file:
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
    """Remove what nobody renewed for long: files of pools that are gone, and drafts of who was killed."""
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
