"""A run keeps Snapshots within it, a bounded number, and another key, thinning or damage makes them unused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from metabonk_tui.adapters.store import checkpoint, checkpoint_stream, seek_points
from metabonk_tui.adapters.store.checkpoint import UnusableCheckpoint
from metabonk_tui.adapters.store.importer import import_runs
from metabonk_tui.adapters.store.retention import thin_to
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.run_writer import RunWriter
from metabonk_tui.adapters.store.seek_points import SeekPoint, SeekPoints
from metabonk_tui.adapters.store.seekable import StoredRecording
from metabonk_tui.core.run.replay import Stepped
from tests.adapters.store.test_journal import CONFIG, T, judged, tick

COUNT = 1000
KEY = checkpoint.key(CONFIG)


@pytest.fixture(scope="module")
def pairs() -> list[Stepped]:
    return list(judged(map(tick, range(COUNT))))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, pairs: list[Stepped]) -> Path:
    (found,) = import_runs(tmp_path_factory.mktemp("runs"), iter(pairs), CONFIG)
    return found


def copied(path: Path, folder: Path) -> Path:
    other = folder / path.name
    other.write_bytes(path.read_bytes())
    other.chmod(0o600)
    return other


def test_the_snapshot_before_a_time_is_that_of_its_sample(path: Path, pairs: list[Stepped]) -> None:
    reel = StoredRecording(path, KEY)
    cases = {T + 50: None, T + 119: None, T + 179: 120, T + 650: 600, T + COUNT: 960, T + 10 * COUNT: 960}
    for t, number in cases.items():
        assert reel.kept_before(t) == number, t
    for number in (120, 600, 960):
        kept, expected = reel.kept(number), pairs[number - 1][1]
        assert kept is not None
        assert (kept.t, kept.workers, kept.verdict, kept.events) == (
            expected.t,
            expected.workers,
            expected.verdict,
            expected.events,
        )
    assert reel.kept(601) is None
    reel.close()


def test_of_another_configuration_or_program_there_is_none(path: Path) -> None:
    reel = StoredRecording(path, "another")
    assert reel.kept_before(T + COUNT) is None
    reel.close()


def test_of_a_time_that_is_thinned_there_is_none(path: Path, tmp_path: Path) -> None:
    thinned = copied(path, tmp_path)
    assert thin_to(thinned, T + 700) > 0
    reel = StoredRecording(thinned, KEY)
    assert reel.kept_before(T + 650) is None
    assert reel.kept_before(T + 950) == 840
    assert reel.kept(840) is not None
    reel.close()


@pytest.mark.parametrize("value", [b"", b"MBC1", b"MBC3", b"x" * 100])
@pytest.mark.parametrize("name", ["seek 120", "seek 120 480", "seek 120 600"])
def test_a_damaged_one_is_none(path: Path, tmp_path: Path, name: str, value: bytes) -> None:
    damaged = copied(path, tmp_path)
    with closing(sqlite3.connect(damaged)) as base, base:
        base.execute("UPDATE cache SET value = ? WHERE name = ?", (value, name))
        base.execute("INSERT INTO cache SELECT 'seek 700', key, value FROM cache WHERE name = 'seek 120 720'")
    base.close()
    reel = StoredRecording(damaged, KEY)
    assert reel.kept(600) is None
    assert reel.kept(700) is None
    assert reel.kept_before(T + 650) == 480, "the next one before it"
    reel.close()


def test_each_changed_byte_of_a_part_is_noticed(path: Path) -> None:
    with Recording(path) as recording:
        parts = [recording.cached(name, KEY) for name in ("seek 120", "seek 120 240")]
    assert isinstance(checkpoint_stream.unpack(parts), tuple)
    last = parts[-1]
    assert last is not None
    for place in range(0, len(last), 97):
        changed = last[:place] + bytes([last[place] ^ 1]) + last[place + 1 :]
        found = checkpoint_stream.unpack([parts[0], changed])
        # What makes sure that the end is written is not read.
        assert isinstance(found, UnusableCheckpoint) or place > len(last) - 100, place


def test_without_a_part_before_it_it_is_none(path: Path, tmp_path: Path) -> None:
    damaged = copied(path, tmp_path)
    with closing(sqlite3.connect(damaged)) as base, base:
        base.execute("DELETE FROM cache WHERE name = 'seek 120 360'")
    base.close()
    reel = StoredRecording(damaged, KEY)
    assert reel.kept(240) is not None
    assert reel.kept(600) is None
    reel.close()


def names(points: SeekPoints) -> list[str]:
    return [point.name for point in points.points]


def test_of_too_many_the_oldest_become_fewer_and_the_first_of_each_stream_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seek_points, "MOST", 30)
    points = SeekPoints()
    points.points = [SeekPoint(120 * (1 + place - place % 12), 120 * (1 + place)) for place in range(31)]
    gone = points.dropped()
    assert [point.number // 120 for point in gone] == list(range(2, 13))
    assert names(points)[:3] == ["seek 120", "seek 1560", "seek 1560 1680"]
    assert points.dropped() == []
    assert SeekPoints.of([*names(points), "snapshot", "seek x", "seek 1 2 3"]) == points
    points.points = [SeekPoint(number, number) for number in range(1, 32)]
    assert [point.number for point in points.dropped()] == list(range(2, 31, 2))


def test_what_is_dropped_leaves_the_file(
    tmp_path: Path, pairs: list[Stepped], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seek_points, "MOST", 3)
    monkeypatch.setattr(checkpoint_stream, "MAX_PARTS", 2)
    writer = RunWriter(tmp_path / "run.db", CONFIG)
    for sample, snapshot in pairs[:601]:
        writer.add(sample, snapshot, {})
    assert sorted(writer.file.cached()) == ["seek 120", "seek 360", "seek 600"]
    writer.finish()


def test_a_failed_write_begins_another_stream(tmp_path: Path, pairs: list[Stepped]) -> None:
    """What follows would be packed as a difference to a Snapshot that is not in the file."""
    writer = RunWriter(tmp_path / "run.db", CONFIG)
    for number, (sample, snapshot) in enumerate(pairs[:481], start=1):
        if number == 240:
            with pytest.raises(sqlite3.Error):
                writer.add(sample, snapshot, {}, cache=("name", "key"))  # type: ignore[arg-type]
        writer.add(sample, snapshot, {})
    assert sorted(writer.file.cached()) == ["seek 120", "seek 240", "seek 240 360", "seek 240 480"]
    writer.finish()
    reel = StoredRecording(tmp_path / "run.db", KEY)
    assert all(reel.kept(number) is not None for number in (120, 240, 360, 480))
    reel.close()


def test_a_large_snapshot_is_packed_by_itself_and_more_seldom(
    tmp_path: Path, pairs: list[Stepped], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seek_points, "LARGE_BYTES", 100)
    (path,) = import_runs(tmp_path, iter(pairs[:800]), CONFIG)
    reel = StoredRecording(path, KEY)
    assert [number for t in (T + 400, T + 799) if (number := reel.kept_before(t)) is not None] == [360, 720]
    assert reel.kept(720) is not None
    reel.close()
