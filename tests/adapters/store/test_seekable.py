"""A run of the store can be read again from any place on, and a broken end is reported, not hidden."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from metabonk_tui.adapters.store.importer import import_runs
from metabonk_tui.adapters.store.seekable import StoredRecording
from tests.adapters.store.test_journal import CONFIG, T, judged, tick

COUNT = 199
SAMPLES = [tick(number) for number in range(COUNT)]


def stored(tmp_path: Path) -> StoredRecording:
    (path,) = import_runs(tmp_path / "runs", judged(SAMPLES), CONFIG)
    return StoredRecording(path)


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
