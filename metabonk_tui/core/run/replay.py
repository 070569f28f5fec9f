"""Samples from a file or a test → Snapshots, by the same step as live. It has no hands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot


def replay(samples: Iterable[Sample], step: Callable[[Snapshot | None, Sample], Snapshot]) -> Iterator[Snapshot]:
    """Yield the Snapshot of every sample."""
    snapshot: Snapshot | None = None
    for sample in samples:
        snapshot = step(snapshot, sample)
        yield snapshot
