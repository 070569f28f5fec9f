"""CSV tables: no cell is a formula, numbers stay numbers, and our own reader gets the text back."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from metabonk_tui.adapters.recordings.csv_export import write_tables
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.recordings.metabonk_csv import plain_cell, read_folder, text_of_cell
from metabonk_tui.core.model.sample import BadValue, Observation, RunHeader, Sample, WorkerStatus
from tests.support.refs import w


def exported(folder: Path, foreign: tuple[str, ...] = (), **fields: object) -> dict[str, str]:
    run = RunHeader("run-1000", 1000.0, desired=1, foreign_fields=foreign)
    seen = Observation(status=WorkerStatus({"step": 1, **fields}))
    write_tables(folder, [Sample(t=1000.0, workers={w(0): seen}, run=run)])
    with next(folder.glob("*.csv")).open(newline="") as file:
        return next(iter(csv.DictReader(file)))


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_a_text_is_no_formula(tmp_path: Path, begin: str) -> None:
    text = f'{begin}HYPERLINK("http://evil";"x")'
    row = exported(tmp_path, (text,), dynamic_ui_state_type=text, gameplay_started=text)
    assert row["dynamic_state"] == f"'{text}"
    assert f"'{text}" in row
    assert text_of_cell(row["dynamic_state"]) == text


@pytest.mark.parametrize(
    ("value", "cell"), [(-1.5, "-1.5"), (BadValue("infinite", "-inf"), "-inf"), (BadValue("wrong type", "-x"), "'-x")]
)
def test_a_number_stays_a_number(tmp_path: Path, value: object, cell: str) -> None:
    assert exported(tmp_path, intrinsic_reward_total=value)["intrinsic_reward_total"] == cell


@pytest.mark.parametrize("text", ["menu", "'quoted", "''", "", "a=b"])
def test_other_texts_are_as_they_are(text: str) -> None:
    assert plain_cell(text) == text
    assert text_of_cell(text) == text


def test_the_text_comes_back(tmp_path: Path) -> None:
    exported(tmp_path, dynamic_ui_state_type="=menu")
    problems: list[Problem] = []
    samples = list(read_folder(sorted(tmp_path.glob("*.csv")), problems))
    assert not problems
    status = samples[-1].workers[w(0)].status
    assert status is not None
    assert status.fields["dynamic_ui_state_type"] == "=menu"


def test_workers_of_several_hosts_have_a_file_each(tmp_path: Path) -> None:
    seen = Observation(status=WorkerStatus({"step": 1}))
    write_tables(tmp_path, [Sample(t=1000.0, workers={w(0, "node1"): seen, w(0, "node2"): seen})])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("worker_node1_0_metrics.csv", "worker_node2_0_metrics.csv"),
    ]
