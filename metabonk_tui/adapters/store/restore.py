"""Restores a run's history cheaply: from a checkpoint and later samples, from all samples, or from some."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from metabonk_tui.adapters.store import checkpoint
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.restore import RecordedPast

LOG = logging.getLogger(__name__)
WHOLE = 600
"""The most samples that are stepped through in full; a longer run is sampled."""
FRAMES = 300
NEAR = 60
"""Intervals before the end in which every sample is used."""


def load_past(path: Path, to_seq: int, key: str, interval_s: float) -> RecordedPast:
    """Load a recording up to sample `to_seq`. Raises the errors in `UNREADABLE`, also during iteration.

    `key` is `checkpoint.key`; `interval_s` is the fallback when the recording has no interval.
    """
    with Recording(path) as recording:
        checkpointed = _checkpointed(recording, key, to_seq)
        if checkpointed is not None:
            seq, snapshot = checkpointed
            return RecordedPast(snapshot, _read(path, seq, to_seq))
        if to_seq <= WHOLE and recording.thinned_to_t is None:
            return RecordedPast(None, _read(path, 0, to_seq))
        return _load_sampled(recording, interval_s)


def _checkpointed(recording: Recording, key: str, to_seq: int) -> tuple[int, Snapshot] | None:
    """Return the stored (seq, Snapshot). None: there is none, or it is unusable, which is logged."""
    packed = recording.cached(checkpoint.NAME, key)
    if packed is None:
        return None
    found = checkpoint.unpack(packed)
    if isinstance(found, tuple) and not 0 < found[0] <= to_seq:
        found = checkpoint.UnusableCheckpoint(f"of sample {found[0]}, and the recording has {to_seq}")
    if isinstance(found, checkpoint.UnusableCheckpoint):
        LOG.warning("%s: rebuilt from its samples; its checkpoint is unusable: %s", recording.path.name, found.reason)
        return None
    return found


def _load_sampled(recording: Recording, interval_s: float) -> RecordedPast:
    first_t, last_t = recording.span
    near_t = max(first_t, last_t - NEAR * interval_s)
    frames = list(recording.frames(FRAMES, near_t))
    rhythm_s = recording.rhythm_s or interval_s
    if not frames or frames[0].run is None:
        return RecordedPast(None, _read(recording.path, 0, recording.newest_seq), recording.events(), rhythm_s)
    header = frames[0].run
    spacing_s = max((near_t - first_t) / len(frames), rhythm_s)
    frames[0] = replace(frames[0], run=replace(header, interval_s=spacing_s))
    return RecordedPast(None, [*frames, *recording.samples(from_t=near_t)], recording.events(), rhythm_s)


def _read(path: Path, after: int, to_seq: int) -> Iterator[Sample]:
    """Yield samples one by one, because a long past would fill the memory."""
    with Recording(path) as recording:
        for seq, sample in recording.numbered(after=after):
            if seq > to_seq:
                return
            yield sample
