"""Renews the status file that `status` reads; marks it as ended when the monitor stops."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from metabonk_tui.adapters.files.private import write_private_json
from metabonk_tui.adapters.state import status_file as state_file
from metabonk_tui.core.config.schema import PoolConfig
from metabonk_tui.core.export.status_summary import summarize
from metabonk_tui.core.model.snapshot import Snapshot

LOG = logging.getLogger(__name__)


class StatusFileWriter:
    """The status file of one pool, while this monitor is its writer."""

    part = "the status file"

    def __init__(self, state: Path, pool: PoolConfig, speed: float, is_ours: Callable[[], bool]) -> None:
        """Prepare the path; `publish` writes the file. `is_ours()` is False while another monitor writes it."""
        self._is_ours = is_ours
        self._folder = state_file.folder_of(str(state))
        self._pool = (pool.host, pool.base_port)
        self._path = os.path.join(self._folder, state_file.file_name(*self._pool))
        self._speed = speed
        self._lock = threading.Lock()
        self._last_snapshot: Snapshot | None = None
        self._written: dict[str, object] | None = None

    def start(self) -> None:
        """Open nothing: the file is written with the first Snapshot."""

    def publish(self, snapshot: Snapshot) -> None:
        """Write each Snapshot once; nothing where another monitor is the writer. Raises OSError.

        Thread-safe: the engine and the preflight call it from different threads.
        """
        with self._lock:
            if snapshot is self._last_snapshot or not self._is_ours():
                return
            self._last_snapshot = snapshot
            if self._written is None:
                state_file.remove_old(self._folder)
            summary = summarize(snapshot, speed=self._speed, pool=self._pool, written_at=time.time(), pid=os.getpid())
            write_private_json(self._path, summary)
            self._written = summary

    def close(self) -> None:
        """Mark the file as ended, unless another monitor has written it since."""
        with self._lock:
            if self._written is None:
                return
            try:
                found = state_file.read(self._path)
                if isinstance(found, dict) and found.get("pid") == os.getpid():
                    write_private_json(self._path, self._written | {"ended": True, "written_at": time.time()})
            except (OSError, state_file.UnreadableStatusFile) as error:
                LOG.warning("the status file could not be closed: %s: %s", self._path, error)
            self._written = None
