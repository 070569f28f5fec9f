"""Locks a file for one monitor; the kernel releases the lock when the owner dies.

Does not: wait for the lock, or know what the owner does.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from pathlib import Path

from metabonk_tui.adapters.files.private import open_private, read_private
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.state.holder_text import holder_text, terminal
from metabonk_tui.core.model.refs import ProcessRef

MAX_BYTES = 4096


class PoolLock:
    """The exclusive right to what one file stands for."""

    def __init__(self, path: Path, proc: Proc | None = None) -> None:
        self.path = path
        self._proc = proc or Proc()
        self._fd: int | None = None
        self._mutex = threading.RLock()

    @property
    def held(self) -> bool:
        """Whether this monitor owns the lock."""
        return self._fd is not None

    def try_acquire(self) -> bool:
        """Acquire or keep the lock; False while another monitor owns it. Raises OSError if the file fails to open."""
        with self._mutex:
            return self._try_acquire()

    def holder(self) -> str:
        """Describe the owner: "pid 4711 on pts/3 since 14:02"; empty when that process is gone."""
        try:
            document = json.loads(read_private(self.path, MAX_BYTES))
            pid, started_at, since = int(document["pid"]), float(document["started_at"]), float(document["since"])
            tty = document["tty"]
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return ""
        stat = self._proc.stat(pid)
        if stat is None or not stat.ref.same_as(ProcessRef(pid, started_at), other_reader=True):
            return ""
        return holder_text(f"pid {pid}", tty, since)

    def release(self) -> None:
        """Release the lock. The file stays: after a removal two monitors could lock two files of one name."""
        with self._mutex:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None

    def _try_acquire(self) -> bool:
        if self._fd is not None and self._is_the_file():
            return True
        self.release()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = open_private(self.path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        if not self._is_the_file():
            # The owner removed the file between our open and our lock: another monitor may lock the new file.
            self.release()
            return False
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(self._describe_holder()).encode(), 0)
        return True

    def _is_the_file(self) -> bool:
        """Return whether the locked file is still at its path: a logout may clear the runtime directory."""
        if self._fd is None:
            return False
        ours = os.fstat(self._fd)
        try:
            there = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return False
        return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)

    def _describe_holder(self) -> dict[str, object]:
        stat = self._proc.stat(os.getpid())
        return {
            "pid": os.getpid(),
            "started_at": stat.started_at if stat else 0.0,
            "tty": terminal(),
            "since": time.time(),
        }
