"""The load rows: what many runs and events are made of, and the table that is written into the document."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import load, recordings
from bench.load import LoadRow, many_runs, markdown, write_events
from metabonk_tui.adapters.store.run_reader import Recording
from tests.support.paths import ROOT

ROWS = [LoadRow("10 events", "0.1 s", "1 s", True), LoadRow("10 runs", "9 s", "1 s", False)]
SHORT = LoadRow("10 workers", "1 MB", "flat", None)


def test_many_runs_are_as_many_recordings(tmp_path: Path) -> None:
    many_runs(tmp_path, 3)
    found = sorted((tmp_path / "runs").glob("*.db"))
    assert len(found) == 3
    for path in found:
        with Recording(path) as one:
            assert one.newest_seq == int(load.SMALL_HOURS * 3600 / 5)


def test_every_event_is_written(tmp_path: Path) -> None:
    path = recordings.path_in(tmp_path)
    write_events(path, 100)
    with Recording(path) as one:
        assert len([event for event in one.events() if "of a bad day" in event.text]) == 100


def test_a_row_says_whether_its_limit_is_met() -> None:
    assert markdown([SHORT]).endswith("| not judged |")
    assert markdown(ROWS).splitlines()[-2:] == [
        "| 10 events | 0.1 s | 1 s | MET |",
        "| 10 runs | 9 s | 1 s | MISSED |",
    ]


def test_only_the_part_between_the_marks_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "reliability.md"
    document.write_text(f"before\n{load.BEGIN}\nold\n{load.END}\nafter\n")
    monkeypatch.setattr(load, "DOCUMENT", document)
    load.write(ROWS)
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "MISSED" in text


def test_the_document_has_the_marks() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text()
    assert text.index(load.BEGIN) < text.index(load.END)
