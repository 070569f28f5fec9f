"""Stores the memory peaks of earlier runs on this machine, per pool, in one small file.

Reads leniently and replaces atomically. Does not: use the numbers. The file has no secrets: paths, profiles, run
names, sizes, times.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import asdict, replace

from metabonk_tui.adapters.files.private import make_private_directory, open_private, write_private_json
from metabonk_tui.adapters.host.local import canonical_host
from metabonk_tui.adapters.recordings.lenient import record
from metabonk_tui.core.config.schema import PoolConfig
from metabonk_tui.core.model.host import RunPeaks
from metabonk_tui.core.model.sample import BadStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.status.decode import decode_json
from metabonk_tui.core.text.clean import clean_text

LOG = logging.getLogger(__name__)
NAME = "peaks.json"
MAX_BYTES = 1 << 18
MAX_POOLS = 32
MAX_RUNS = 5
"""Per pool: an old run's need may no longer be true."""
SAVE_EVERY_S = 60.0

Pools = dict[str, dict[str, RunPeaks]]
"""Pool key → run name → its peaks."""


def pool_key(pool: PoolConfig) -> str:
    """Return a key from what decides worker size: profile and checkout, else host and port."""
    directory = str(Path(pool.launcher.directory).expanduser().absolute()) if pool.can_launch else ""
    return clean_text(
        " ".join(filter(None, (pool.profile, directory or f"{canonical_host(pool.host)}:{pool.base_port}")))
    )


class PeaksFile:
    """The memory peaks of one pool's last runs."""

    def __init__(self, state: Path, key: str) -> None:
        """Set the path; reads nothing yet."""
        self.path = state / NAME
        self._key = key
        self.problem = ""
        """Why the last read or write failed, as text for the operator."""

    def read(self) -> tuple[RunPeaks, ...]:
        """Return the peaks of this pool; invalid entries are left out."""
        self.problem = ""
        try:
            pools = self._pools()
        except OSError as error:
            pools = {}
            self.problem = f"what earlier runs held cannot be read ({self.path}): {error.strerror or error}"
        if self.problem:
            LOG.warning("%s", self.problem)
        return tuple(pools.get(self._key, {}).values())

    def save(self, run: str, peaks: RunPeaks) -> bool:
        """Add a run's peaks to the file. Returns False on an error, which sets `problem`."""
        try:
            make_private_directory(self.path.parent)
            with self._locked():
                # Read under the lock, so that a write of another monitor is not lost.
                self._write(_with(self._pools(), self._key, run, peaks))
        except OSError as error:
            problem = f"what this run holds cannot be kept ({self.path}): {error.strerror or error}"
            if problem != self.problem:
                LOG.warning("%s", problem)
            self.problem = problem
            return False
        self.problem = ""
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock the file. Raises BlockingIOError instead of waiting for a stalled monitor."""
        descriptor = open_private(self.path.with_name(f"{NAME}.lock"), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        finally:
            os.close(descriptor)

    def _pools(self) -> Pools:
        try:
            with os.fdopen(open_private(self.path, os.O_RDONLY), "rb") as file:
                text = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return {}
        found = BadStatus("too large") if len(text) > MAX_BYTES else decode_json(text)
        pools = found.get("pools") if isinstance(found, dict) else None
        if not isinstance(pools, dict):
            self.problem = f"what earlier runs held cannot be read ({self.path}): not a file of ours"
            return {}
        return {key: _runs(runs) for key, runs in pools.items() if isinstance(runs, dict)}

    def _write(self, pools: Pools) -> None:
        tree = {key: {name: asdict(peaks) for name, peaks in runs.items()} for key, runs in pools.items()}
        write_private_json(self.path, {"version": 1, "pools": tree})


class PeakKeeper:
    """Saves a run's peaks: at most once a minute, when the run ends, and on close."""

    def __init__(
        self, file: PeaksFile, real: Callable[[float], float], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Set the clocks; `real` converts a time of the run to real Unix seconds."""
        self._file = file
        self._real = real
        self._monotonic = monotonic
        self._saved_s = float("-inf")
        self._unsaved: tuple[str, RunPeaks] | None = None
        self._kept: dict[str, RunPeaks] = {}

    def note(self, snapshot: Snapshot) -> None:
        """Process a Snapshot. Saves new peaks at most once a minute, and at once when a run has ended."""
        name, peaks_to_keep = snapshot.run.name, snapshot.memory.peaks_to_keep
        if self._unsaved is not None and self._unsaved[0] != name:
            self._save()
        if peaks_to_keep is None or self._kept.get(name) == replace(peaks_to_keep, t=0.0):
            return
        self._unsaved = (name, peaks_to_keep)
        if self._monotonic() - self._saved_s >= SAVE_EVERY_S:
            self._save()

    def close(self) -> None:
        """Save the pending peaks."""
        self._save()

    def _save(self) -> None:
        if self._unsaved is None:
            return
        name, peaks_to_keep = self._unsaved
        self._saved_s = self._monotonic()
        if self._file.save(name, replace(peaks_to_keep, t=self._real(peaks_to_keep.t))):
            self._kept = {name: replace(peaks_to_keep, t=0.0)}
            self._unsaved = None


def _with(pools: Pools, key: str, run: str, peaks: RunPeaks) -> Pools:
    """Add a run's peaks; drop the oldest runs of the pool, then the longest unused pools."""
    runs = dict(pools.get(key, {}))
    runs[run] = _highest(runs[run], peaks) if run in runs else peaks
    kept = dict(sorted(runs.items(), key=lambda item: item[1].t)[-MAX_RUNS:])
    by_use = sorted({**pools, key: kept}.items(), key=lambda item: (item[0] == key, _last_used(item[1])))
    return dict(by_use[-MAX_POOLS:])


def _highest(before: RunPeaks, now: RunPeaks) -> RunPeaks:
    """Merge two views of one run: a monitor that started late missed the earlier peak."""

    def highest(*sizes: int | None) -> int | None:
        return max((size for size in sizes if size is not None), default=None)

    return RunPeaks(
        max(before.t, now.t),
        highest(before.worker_bytes, now.worker_bytes),
        highest(before.ollama_bytes, now.ollama_bytes),
        highest(before.shared_bytes, now.shared_bytes),
    )


def _last_used(runs: Mapping[str, RunPeaks]) -> float:
    return max((peaks.t for peaks in runs.values()), default=0.0)


def _runs(found: Mapping[str, Any]) -> dict[str, RunPeaks]:
    """Decode one pool's runs; invalid entries are left out."""
    read = {name: record(RunPeaks, one, _ignore) for name, one in found.items() if isinstance(one, dict)}
    return {name: peaks for name, peaks in read.items() if peaks is not None}


def _ignore(_what: str) -> None:
    """Drop the problem: without a bad number the next best source applies."""
