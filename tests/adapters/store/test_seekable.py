"""A recording can be read again from any place on, whatever it lies in, and a broken end is told, not hidden."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.store.importer import import_runs
from metabonk_tui.adapters.store.seekable import SAMPLES_PER_PACK, SpooledRecording, StoredRecording
from metabonk_tui.core.model.sample import Sample
from tests.adapters.store.test_journal import CONFIG, T, judged, tick

COUNT = 3 * SAMPLES_PER_PACK + 7
SAMPLES = [tick(number) for number in range(COUNT)]


def stored(tmp_path: Path) -> StoredRecording:
    (path,) = import_runs(tmp_path / "runs", judged(SAMPLES), CONFIG)
    return StoredRecording(path)


@settings(max_examples=30, deadline=None)
@given(afters=st.lists(st.tuples(st.integers(0, COUNT + 5), st.integers(0, 150)), max_size=6))
def test_a_file_is_read_once_and_found_again_from_any_place_on(afters: list[tuple[int, int]]) -> None:
    pulled = 0

    def source() -> Iterator[Sample]:
        nonlocal pulled
        for sample in SAMPLES:
            pulled += 1
            yield sample

    with closing(SpooledRecording(source(), [])) as reel:
        _read(reel, afters)
    assert pulled <= COUNT


def _read(reel: SpooledRecording, afters: list[tuple[int, int]]) -> None:
    open_ones = []
    for after, most in afters:
        ahead = reel.samples(after)
        open_ones.append(ahead)
        got = [found for _, found in zip(range(most), ahead, strict=False)]
        wanted = list(enumerate(SAMPLES, 1))[after : after + most]
        assert [(number, sample) for number, sample in got] == wanted
    for ahead in open_ones:
        next(ahead, None)


def test_two_readers_of_a_file_do_not_disturb_each_other() -> None:
    with closing(SpooledRecording(iter(SAMPLES), [])) as reel:
        one, other = reel.samples(), reel.samples()
        got = [(next(one), next(other)) for _ in range(COUNT)]
        assert [a for a, _ in got] == [b for _, b in got] == list(enumerate(SAMPLES, 1))
        assert next(one, None) is None


def test_a_run_of_the_store_reports_its_end_and_its_events_before_it_is_read(tmp_path: Path) -> None:
    reel = stored(tmp_path)
    assert reel.ends_t == T + COUNT - 1
    assert "run.start" in [event.kind for event in reel.known_events]
    whole = list(reel.samples())
    assert [sample.t for _, sample in whole] == [sample.t for sample in SAMPLES]
    for after in (0, 1, 59, 60, 61, 130, COUNT - 1, COUNT):
        again = list(reel.samples(after=whole[after - 1][0] if after else 0))
        assert [sample.t for _, sample in again] == [sample.t for sample in SAMPLES[after:]]
        assert [number for number, _ in again] == [number for number, _ in whole[after:]]
    assert reel.unread == 0
    reel.close()


def test_a_recording_that_breaks_off_is_reported(tmp_path: Path) -> None:
    reel = stored(tmp_path)
    path = reel._path
    reel.close()
    base = sqlite3.connect(path)
    base.execute("UPDATE chunk SET lines = x'00' WHERE first_seq = (SELECT max(first_seq) FROM chunk)")
    base.commit()
    base.close()
    reel = StoredRecording(path)
    read = list(reel.samples())
    assert 0 < len(read) < COUNT
    list(reel.samples())
    assert reel.unread == 1
    assert "damaged" in str(reel.problems[0])
    reel.close()


def test_what_a_file_does_not_contain_is_not_known() -> None:
    problems = [Problem("x", 3, "no JSON")]
    reel = SpooledRecording(iter(SAMPLES[:2]), problems)
    assert reel.ends_t is None
    assert reel.known_events == ()
    assert reel.unread == 1
    reel.close()
    with pytest.raises(ValueError, match="closed"):
        reel._spool.read()
