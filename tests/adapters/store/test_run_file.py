"""The chunks of a run's file: how many ticks each has, and that it is the same however it was compressed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.store import run_file
from metabonk_tui.adapters.store.packed_lines import unpack_lines
from metabonk_tui.adapters.store.run_file import TICKS, RunFile
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.core.model.sample import Observation, Sample, WorkerStatus
from tests.adapters.store.test_journal import tick
from tests.support.refs import w


def large_tick(number: int, size: int = 20_000) -> Sample:
    """A tick with a long text that stays and a number that changes."""
    status = WorkerStatus({"step": float(number), "text": "x" * size})
    return replace(tick(number), workers={w(0): Observation(status=status)})


def chunks(path: Path) -> list[tuple[int, int, bytes]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute("SELECT first_seq, last_seq, lines FROM chunk ORDER BY first_seq").fetchall()


def written(path: Path, samples: list[Sample]) -> list[tuple[int, int, bytes]]:
    file = RunFile(path)
    for sample in samples:
        file.write(sample, meta={})
    file.finish()
    return chunks(path)


def test_a_chunk_has_the_same_lines_compressed_line_by_line_or_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [large_tick(number) for number in range(2 * TICKS + 5)]
    at_once = written(tmp_path / "a.db", samples)
    monkeypatch.setattr(run_file, "LARGE_LINE", 10_000)
    line_by_line = written(tmp_path / "b.db", samples)
    assert [(first, last) for first, last, _ in line_by_line] == [(1, 60), (61, 120), (121, 125)]
    lines = [[unpack_lines(packed) for _, _, packed in chunks] for chunks in (line_by_line, at_once)]
    assert lines[0] == lines[1]


def test_a_whole_line_as_large_as_a_chunk_does_not_close_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of 1000 workers has 6.5 MB: at 4 MB a chunk, each second tick wrote a whole line and a checkpoint."""
    monkeypatch.setattr(run_file, "BYTES", 10_000)
    found = written(tmp_path / "run.db", [large_tick(number) for number in range(TICKS + 2)])
    assert [last for _, last, _ in found] == [TICKS, TICKS + 2]


def test_changes_as_large_as_whole_lines_close_a_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_file, "BYTES", 10_000)
    found = written(tmp_path / "run.db", [large_tick(number, 20_000 + number) for number in range(12)])
    assert [last for _, last, _ in found] == [6, 12]
    monkeypatch.setattr(run_file, "MOST_BYTES", 10_000)
    found = written(tmp_path / "most.db", [large_tick(number, 20_000 + number) for number in range(4)])
    assert [last for _, last, _ in found] == [2, 4]


def test_a_failed_tick_leaves_a_chunk_of_what_is_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_file, "LARGE_LINE", 10_000)
    path = tmp_path / "run.db"
    file = RunFile(path)
    for number in range(5):
        file.write(large_tick(number), meta={})
    with pytest.raises(sqlite3.Error):
        file.write(large_tick(5), meta={}, caches=[("name", "key")])  # type: ignore[list-item]
    for number in range(6, 9):
        file.write(large_tick(number), meta={})
    file.finish()
    with Recording(path) as recording:
        read = [sample.workers[w(0)].status for sample in recording.samples()]
    assert [status.fields["step"] for status in read if status is not None] == [0, 1, 2, 3, 4, 6, 7, 8]
