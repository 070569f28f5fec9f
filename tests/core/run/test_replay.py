"""Samples from a file go the way that live ones go."""

from __future__ import annotations

from collections.abc import Iterator

from metabonk_tui.core.model.sample import Observation, Sample, WorkerStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.run.replay import replay
from metabonk_tui.core.step.pipeline import step
from tests.support.readers import configured
from tests.support.refs import w

CONFIG = configured()


def judge(previous: Snapshot | None, sample: Sample) -> Snapshot:
    return step(previous, sample, CONFIG)


def samples(count: int) -> Iterator[Sample]:
    for n in range(count):
        yield Sample(t=1000.0 + n, workers={w(0): Observation(status=WorkerStatus({"step": float(n)}))})


def test_it_gives_what_stepping_by_hand_gives() -> None:
    snapshot: Snapshot | None = None
    by_hand = []
    for sample in samples(20):
        snapshot = judge(snapshot, sample)
        by_hand.append(snapshot)
    replayed = list(replay(samples(20), judge))
    assert [each.verdict for each in replayed] == [each.verdict for each in by_hand]
    assert [each.workers for each in replayed] == [each.workers for each in by_hand]
    assert [each.tick for each in replayed] == list(range(20))


def test_it_reads_no_further_than_it_is_asked_to() -> None:
    source = samples(1_000_000_000)
    snapshots = replay(source, judge)
    assert next(snapshots).tick == 0
    assert next(snapshots).tick == 1
    assert next(source).t == 1002.0
