"""Samples from a file go the way that live ones go."""

from __future__ import annotations

from collections.abc import Iterator

from metabonk_tui.core.model.sample import Observation, RunHeader, Sample, WorkerStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.run.replay import by_run, ended_as, pairs_by_name, replay, replay_pairs
from metabonk_tui.core.step.pipeline import step, stepper
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


def two_runs(*, answered: bool = True) -> Iterator[Sample]:
    """Two runs of 5 and 3 samples; in the first one no worker answers unless `answered`."""
    for number in range(8):
        headers = {5: RunHeader("second", 1500.0, 1)} | ({0: RunHeader("first", 1000.0, 1)} if answered else {})
        header, seen = headers.get(number), answered or number >= 5
        workers = {w(0): Observation(status=WorkerStatus({"step": float(number)}) if seen else None)}
        yield Sample(t=(1000.0 if number < 5 else 1500.0) + number, workers=workers, run=header)


def test_a_recording_is_split_where_the_next_run_begins() -> None:
    found = [(walk, list(walk)) for walk in by_run(replay(two_runs(), stepper(CONFIG)))]
    (first, its), (second, later) = found
    assert [snapshot.t for snapshot in its] == [1000.0 + n for n in range(5)]
    assert [snapshot.t for snapshot in later] == [1500.0 + n for n in range(5, 8)]
    assert first.following is later[0]
    assert second.following is None
    last = ended_as(its[-1], later[0])
    assert last is not None
    assert (last.run.name, last.t) == ("first", 1004.0)


def test_a_run_in_which_nobody_answered_did_not_end() -> None:
    ends = []
    for walk in by_run(replay(two_runs(answered=False), stepper(CONFIG))):
        (*_, last) = walk
        ends.append(None if walk.following is None else ended_as(last, walk.following))
    assert ends == [None] * 6, "its start moves with every sample"


def test_by_name_the_wait_for_the_first_worker_is_part_of_its_run() -> None:
    pairs = list(replay_pairs(two_runs(answered=False), stepper(CONFIG)))
    assert [len(list(walk)) for walk in pairs_by_name(pairs)] == [5, 3]
    assert [pair for walk in pairs_by_name(pairs) for pair in walk] == pairs
    assert [sample.t for sample, _ in pairs] == [snapshot.t for _, snapshot in pairs]


def test_what_the_caller_leaves_of_a_run_is_skipped() -> None:
    assert [next(iter(walk)).run.name for walk in by_run(replay(two_runs(), stepper(CONFIG)))] == ["first", "second"]


def test_of_nothing_there_is_no_run() -> None:
    assert list(by_run(())) == []
