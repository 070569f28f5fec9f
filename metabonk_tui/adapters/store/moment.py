"""Reads what shows one moment of a run: the minutes around it whole, the time before in steps.

Without the time before, a replay would judge the moment as the start of a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.core.model.sample import Sample

AROUND_S = 300.0
"""Seconds before and after the moment in which every sample is read."""
WHOLE = 900
"""A run of at most this many samples is read whole."""
STEPS = 300
"""The most samples of the time before. A reader of a file measures its rhythm on the first 100."""
SCANNED = 9000
"""Up to this many samples all are looked at to choose the steps; of a longer run, the first of each chunk."""


def moment_samples(path: Path, t: float) -> Iterator[Sample]:
    """Yield the samples that show the moment `t`. Raises the errors in `UNREADABLE`, also during iteration."""
    with Recording(path) as recording:
        first_t, _ = recording.span
        from_t, to_t = t - AROUND_S, t + AROUND_S
        steps: list[Sample] = []
        if recording.newest_seq > WHOLE and from_t > first_t:
            steps = _steps(recording, from_t)
        if not steps or steps[0].run is None:
            yield from recording.samples(to_t=to_t)
            return
        # The steps are the declared rhythm: with the true one, each would end a gap.
        spacing_s = max((from_t - first_t) / len(steps), recording.rhythm_s or 1.0)
        yield replace(steps[0], run=replace(steps[0].run, interval_s=spacing_s))
        yield from steps[1:]
        yield from recording.samples(from_t=max(from_t, steps[-1].t + 1e-3), to_t=to_t)


def _steps(recording: Recording, to_t: float) -> list[Sample]:
    """Choose samples of the time before, evenly spread, and those with events of their own."""
    if recording.newest_seq > SCANNED:
        return list(recording.frames(STEPS, to_t))
    every = -(-recording.newest_seq // STEPS)
    return [
        sample
        for number, sample in recording.numbered(to_t=to_t)
        if (number - 1) % every == 0 or sample.events or sample.run
    ]
