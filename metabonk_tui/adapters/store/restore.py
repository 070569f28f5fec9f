"""The cheapest way to know what was: a kept Snapshot and what came after it, all samples, or some of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from metabonk_tui.adapters.store import checkpoint as kept_snapshot
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.recordings.restore import Past

WHOLE = 600
"""Up to so many samples are stepped through again; of more, some."""
FRAMES = 300
NEAR = 60
"""Intervals before the end of which every sample is looked at."""


def past_of(path: Path, to_seq: int, key: str, interval_s: float) -> Past:
    """Know a recording up to the sample with this number. Raises what `UNREADABLE` names, also while it is read.

    `key` is that of `kept_snapshot`; `interval_s` the time between samples where the recording does not tell it.
    """
    with Recording(path) as one:
        packed = one.cached(kept_snapshot.NAME, key)
        kept = kept_snapshot.unpack(packed) if packed is not None else None
        if kept is not None:
            seq, snapshot = kept
            return Past(snapshot, _read(path, seq, to_seq))
        if to_seq <= WHOLE and one.thinned_to_t is None:
            return Past(None, _read(path, 0, to_seq))
        return _some(one, interval_s)


def _some(one: Recording, interval_s: float) -> Past:
    first_t, last_t = one.span
    near_t = max(first_t, last_t - NEAR * interval_s)
    frames = list(one.frames(FRAMES, near_t))
    rhythm_s = one.rhythm_s or interval_s
    if not frames or frames[0].run is None:
        return Past(None, _read(one.path, 0, one.newest_seq), one.events(), rhythm_s)
    header = frames[0].run
    spacing_s = max((near_t - first_t) / len(frames), rhythm_s)
    frames[0] = replace(frames[0], run=replace(header, interval_s=spacing_s))
    return Past(None, [*frames, *one.samples(from_t=near_t)], one.events(), rhythm_s)


def _read(path: Path, after: int, to_seq: int) -> Iterator[Sample]:
    """Read one by one: a long past must not stand in memory."""
    with Recording(path) as one:
        for seq, sample in one.numbered(after=after):
            if seq > to_seq:
                return
            yield sample
