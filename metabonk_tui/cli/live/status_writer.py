"""Renews the status file that `status` reads; marks it as ended when the monitor stops."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

from metabonk_tui.adapters.state import status_file as state_file
from metabonk_tui.core.config.schema import PoolConfig
from metabonk_tui.core.export.status_summary import summarize
from metabonk_tui.core.model.snapshot import Snapshot

LOG = logging.getLogger(__name__)


class StatusFileWriter:
    """The status file of one pool, while this monitor is its writer."""

    def __init__(self, state: Path, pool: PoolConfig, speed: float) -> None:
        """Prepare the path; the first `renew` writes the file."""
        self._folder = state_file.folder_of(str(state))
        self._pool = (pool.host, pool.base_port)
        self._path = os.path.join(self._folder, state_file.file_name(*self._pool))
        self._speed = speed
        self._lock = threading.Lock()
        self._last_snapshot: Snapshot | None = None
        self._written: dict[str, object] | None = None

    def renew(self, snapshot: Snapshot | None, *, mine: bool) -> None:
        """Write each Snapshot once; nothing where another monitor is the writer. Raises OSError.

        Thread-safe: the engine and the preflight call it from different threads.
        """
        with self._lock:
            if snapshot is None or snapshot is self._last_snapshot or not mine:
                return
            self._last_snapshot = snapshot
            if self._written is None:
                state_file.remove_old(self._folder)
            summary = summarize(snapshot, speed=self._speed, pool=self._pool, written_at=time.time(), pid=os.getpid())
            state_file.write(self._path, summary)
            self._written = summary

    def close(self) -> None:
        """Mark the file as ended, unless another monitor has written it since."""
        with self._lock:
            if self._written is None:
                return
            try:
                found = state_file.read(self._path)
                if isinstance(found, dict) and found.get("pid") == os.getpid():
                    state_file.write(self._path, self._written | {"ended": True, "written_at": time.time()})
            except (OSError, state_file.UnreadableStatusFile) as error:
                LOG.warning("the status file could not be closed: %s: %s", self._path, error)
            self._written = None
