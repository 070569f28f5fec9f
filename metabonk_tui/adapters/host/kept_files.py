"""Keeps small kernel files open between readings: to open and close one costs more than to read it.

Does not: interpret a file. For one thread at a time.
"""

from __future__ import annotations

import contextlib
import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from metabonk_tui.adapters.process.proc import read_bytes

MOST_KEPT = 64
"""Open files; what does not fit is opened at each reading. A pool with a group for each worker has several hundred."""
MISSING_S = 5.0
"""Seconds for which a file that is not there is not looked for again."""
_PIECE_BYTES = 65536


class KeptFiles:
    """Reads kernel files whole, as `read_bytes` does; only files below /proc and /sys may be read with it.

    A kept file is that of the directory that was opened: when the kernel has removed it, it is opened anew.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._open: dict[str, int] = {}
        self._read: set[str] = set()
        self._missing: dict[str, float] = {}
        """Path → when it is looked for again."""
        weakref.finalize(self, _close_all, self._open)

    def read(self, path: str | Path) -> bytes | None:
        """Return the content; None: missing, not permitted, or removed.

        Raises OSError if the monitor has no descriptor left.
        """
        name = str(path)
        self._read.add(name)
        descriptor = self._open.get(name)
        if descriptor is not None:
            try:
                return _read_whole(descriptor)
            except OSError:
                # The group was removed; another one may have its name now.
                os.close(self._open.pop(name))
        if self._monotonic() < self._missing.get(name, 0.0):
            return None
        if len(self._open) >= MOST_KEPT:
            return read_bytes(name)
        return self._read_new(name)

    def close_unread(self) -> None:
        """Close the files that were not read since the last call: their groups have ended."""
        for name in self._open.keys() - self._read:
            os.close(self._open.pop(name))
        self._read.clear()

    def _read_new(self, name: str) -> bytes | None:
        content = read_bytes(name)
        if content is None:
            # A group that has ended may come back at any moment; one that lacks the file will hardly get it.
            if name.startswith("/sys/") and not os.path.isdir(os.path.dirname(name)):
                return None
            if len(self._missing) >= MOST_KEPT:
                self._missing.clear()
            self._missing[name] = self._monotonic() + MISSING_S
            return None
        self._missing.pop(name, None)
        # Without a free descriptor, or in a group that has just been removed, the next reading tries again.
        with contextlib.suppress(OSError):
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
            if _is_put_there(name, descriptor):
                os.close(descriptor)
            else:
                self._open[name] = descriptor
        return content


def _is_put_there(name: str, descriptor: int) -> bool:
    """Return whether a usual file was put in the place of a kernel's: replaced, the open one stays the old one.

    Files of /proc and of cgroups have no size.
    """
    return name.startswith(("/proc/", "/sys/")) and os.fstat(descriptor).st_size > 0


def _read_whole(descriptor: int) -> bytes:
    content = piece = os.pread(descriptor, _PIECE_BYTES, 0)
    while piece:
        piece = os.pread(descriptor, _PIECE_BYTES, len(content))
        content += piece
    return content


def _close_all(opened: dict[str, int]) -> None:
    for descriptor in opened.values():
        os.close(descriptor)
