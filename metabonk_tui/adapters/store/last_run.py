"""Finds the pool's last run, and decides what of a run that is over is still recorded. Does not: write."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.adapters.store.restore import load_past
from metabonk_tui.adapters.store.run_directory import UNREADABLE, find_last
from metabonk_tui.adapters.store.run_identity import is_cut_by_restart
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.restore import RecordedPast

LOG = logging.getLogger(__name__)
SETTLED_S = 60.0
"""Seconds after the end of a run for which it is still recorded: evidence of the end comes up to 30 s late."""
SETTLED_INTERVALS = 15
"""Sampling intervals besides: where samples lie 30 s apart, the end is found after three, its cause after ten."""
LAUNCHED = "launched by us"
"""The `how` of a run that starts before any of its workers is visible."""


class LastRun(Struct, frozen=True):
    """The newest recording of a pool."""

    path: Path
    meta: Mapping[str, Any]
    past: RecordedPast


def load_last(folder: Path, pool: str, key: str, interval_s: float) -> LastRun | None:
    """Load the newest recording of a pool, of any boot; None: there is none, or it cannot be read, which is logged."""
    try:
        path = find_last(folder, pool)
        if path is None:
            return None
        with Recording(path) as recording:
            meta, seq = recording.meta, recording.newest_seq
        past = load_past(path, seq, key, interval_s)
        return LastRun(path, meta, replace(past, cut_by_restart=is_cut_by_restart(meta)))
    except UNREADABLE as error:
        LOG.warning("the last run cannot be read: %s", error)
        return None


def begins_recording(sample: Sample, snapshot: Snapshot) -> bool:
    """Return whether a recording begins: a worker is visible, or the pool was launched and is not over."""
    has_workers = any(seen.status is not None or seen.pid is not None for seen in sample.workers.values())
    return has_workers or (snapshot.run.how == LAUNCHED and snapshot.verdict.ended is None)


def is_settled(sample: Sample, snapshot: Snapshot | None) -> bool:
    """Return whether a run is over for so long that nothing more of it is recorded."""
    end = snapshot.verdict.ended if snapshot is not None else None
    if end is None or snapshot is None:
        return False
    return sample.t - end.t > SETTLED_S + SETTLED_INTERVALS * snapshot.run.interval_s
