"""Renews the status file that `status` reads; marks it as ended when the monitor stops."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from metabonk_tui.adapters.files.private import remove_quietly, write_private_json
from metabonk_tui.adapters.state import status_file as state_file
from metabonk_tui.core.config.schema import PoolConfig
from metabonk_tui.core.export.status_line import STALE_S
from metabonk_tui.core.export.status_summary import content_of, summarize
from metabonk_tui.core.model.snapshot import Snapshot

LOG = logging.getLogger(__name__)
RENEW_S = STALE_S / 2
"""A status in which only times and the amount of memory move is written this often: half the age at which `status`
calls it stale. To replace a file costs as much as to draw a panel, and more where the disk is busy."""


class StatusFileWriter:
    """The status file of one pool, while this monitor is its writer."""

    part = "the status file"

    def __init__(
        self, state: Path, pool: PoolConfig, speed: float, is_ours: Callable[[], bool], is_passing: bool = False
    ) -> None:
        """Prepare the path; `publish` writes the file. `is_ours()` is False while another monitor writes it.

        `is_passing`: the file goes when the monitor stops, because its pool goes.
        """
        self._is_ours = is_ours
        self._is_passing = is_passing
        self._folder = state_file.folder_of(str(state))
        self._pool = (pool.host, pool.base_port)
        self._path = os.path.join(self._folder, state_file.file_name(*self._pool))
        self._speed = speed
        self._lock = threading.Lock()
        self._last_snapshot: Snapshot | None = None
        self._newest: dict[str, object] | None = None
        self._written_at = 0.0
        self._content: dict[str, object] | None = None

    def start(self) -> None:
        """Open nothing: the file is written with the first Snapshot."""

    def publish(self, snapshot: Snapshot) -> None:
        """Write what changed, and renew the rest every `RENEW_S`; nothing where another monitor is the writer.

        Raises OSError.

        Thread-safe: the engine and the preflight call it from different threads.
        """
        with self._lock:
            if not self._is_ours():
                self._content = None
                return
            if snapshot is self._last_snapshot:
                return
            self._last_snapshot = snapshot
            if self._newest is None:
                state_file.remove_old(self._folder)
            now = time.time()
            summary = summarize(snapshot, speed=self._speed, pool=self._pool, written_at=now, pid=os.getpid())
            content = content_of(summary)
            self._newest = summary
            if content == self._content and 0 <= now - self._written_at < RENEW_S:
                return
            self._content = None  # a write that fails is tried again
            write_private_json(self._path, summary)
            self._written_at, self._content = now, content

    def close(self) -> None:
        """Mark the file as ended, unless another monitor has written it since."""
        with self._lock:
            if self._newest is None:
                return
            try:
                found = state_file.read(self._path)
                if not isinstance(found, dict) or found.get("pid") != os.getpid():
                    pass
                elif self._is_passing:
                    remove_quietly(self._path)
                else:
                    write_private_json(self._path, self._newest | {"ended": True, "written_at": time.time()})
            except (OSError, state_file.UnreadableStatusFile) as error:
                LOG.warning("the status file could not be closed: %s: %s", self._path, error)
            self._newest = self._content = None
