"""Deaths of earlier runs: those of the same pool, newest first, without the ends that a person wanted."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.cli.recordings import earlier_deaths as subject
from metabonk_tui.cli.recordings.earlier_deaths import earlier_deaths
from metabonk_tui.cli.recordings.plots import StorePlots
from tests.support.samples import header, healthy, script
from tests.support.stored_runs import stored

POOL = "127.0.0.1:5000"


def recorded(folder: Path, name: str, at_s: float, *words: str, pool: str = POOL) -> Path:
    """Store a run of two minutes in which a worker died for each word."""
    made = script(healthy, every_s=30.0, for_s=120.0, workers=2, run=header(0.0, 2, 30.0, name=name))
    shifted = [
        replace(each, t=each.t + at_s, run=each.run and replace(each.run, started_at=each.run.started_at + at_s))
        for each in made
    ]
    path = stored(folder, shifted, pool=pool)
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, word in enumerate(words):
            connection.execute(
                "INSERT INTO event (t, kind, severity, text, worker, facts) VALUES (?, ?, ?, ?, ?, ?)",
                (at_s + 60.0 + number, "process.gone", "crit", f"w{number} is gone: {word}", f"{number}",
                 json.dumps({"word": word, "pid": 7})),
            )  # fmt: skip
    return path


def test_they_are_those_of_the_same_pool_before_this_run(tmp_path: Path) -> None:
    recorded(tmp_path, "first", 0.0, "OOM-killed")
    recorded(tmp_path, "second", 10_000.0, "exited", "stopped by us", "end of the run")
    recorded(tmp_path, "elsewhere", 20_000.0, "killed", pool="127.0.0.1:6000")
    now = recorded(tmp_path, "now", 30_000.0, "killed")
    recorded(tmp_path, "later", 40_000.0, "killed")
    found = earlier_deaths(now)
    assert [(death.run, death.reason, death.run_s) for death in found] == [
        ("second", "exited", 60.0),
        ("first", "OOM-killed", 60.0),
    ]
    assert found[0].text == "w0 is gone: exited"
    assert found == StorePlots(tmp_path).earlier_deaths("now") == StorePlots(None, now).earlier_deaths("")
    assert StorePlots(tmp_path).earlier_deaths("not recorded") == ()


def test_a_run_of_no_pool_has_none_and_a_broken_one_is_left_out(tmp_path: Path) -> None:
    recorded(tmp_path, "first", 0.0, "OOM-killed")
    (tmp_path / "broken.db").write_text("not a database")
    assert earlier_deaths(stored(tmp_path / "own", script(healthy, every_s=30.0, for_s=60.0))) == ()
    assert [death.run for death in earlier_deaths(recorded(tmp_path, "now", 30_000.0))] == ["first"]
    assert earlier_deaths(tmp_path / "broken.db") == ()
    assert earlier_deaths(tmp_path / "a.jsonl") == ()


def test_their_number_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path, "first", 0.0, *["killed"] * 5)
    monkeypatch.setattr(subject, "MOST", 3)
    assert len(earlier_deaths(recorded(tmp_path, "now", 30_000.0))) == 3
