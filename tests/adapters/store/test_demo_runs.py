"""A demo's run is kept as a demo: closed, of no pool, never "last" beside training, and only the newest few."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from metabonk_tui.adapters.store import demo_runs
from metabonk_tui.adapters.store.demo_runs import END, keep_runs
from metabonk_tui.adapters.store.retention import Limits, tidy
from metabonk_tui.adapters.store.run_directory import find, paths, runs_dir
from metabonk_tui.adapters.store.run_identity import pool_of
from metabonk_tui.adapters.store.run_reader import Recording
from tests.support.samples import header, script
from tests.support.stored_runs import stored

NOW_T = 1_000_000.0


def demo_run(state: Path) -> None:
    stored(runs_dir(state), script(run=header(profile="demo: seed"), for_s=60), pool="127.0.0.1:5000", boot_id="b")


def age(path: Path, age_s: float) -> Path:
    os.utime(path, (NOW_T - age_s, NOW_T - age_s))
    return path


def test_it_is_closed_and_marked_and_of_no_pool(tmp_path: Path) -> None:
    demo_run(tmp_path / "demo")
    (kept,) = keep_runs(runs_dir(tmp_path / "demo"), runs_dir(tmp_path), "seed")
    assert kept.name == "demo-seed.db"
    assert kept.stat().st_mode & 0o777 == 0o600
    with Recording(kept) as recording:
        summary, meta = recording.summary(), recording.meta
        assert len(list(recording.samples())) == 7
    assert (summary.source, summary.ended, summary.duration_s) == ("demo", END, 60.0)
    assert pool_of(meta) == ""
    assert paths(runs_dir(tmp_path / "demo")) == []
    assert [each.name for each in runs_dir(tmp_path).iterdir()] == ["demo-seed.db"]


def test_without_a_sample_nothing_is_kept(tmp_path: Path) -> None:
    assert keep_runs(tmp_path / "nothing", tmp_path / "runs", "seed") == []
    assert not (tmp_path / "runs").exists()


def test_only_the_newest_demos_stay_and_no_training_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_runs, "MOST_RUNS", 2)
    training = age(stored(runs_dir(tmp_path), script(for_s=30)), 9000)
    for number in range(3):
        demo_run(tmp_path / "demo")
        (kept,) = keep_runs(runs_dir(tmp_path / "demo"), runs_dir(tmp_path), "seed")
        age(kept, 8000 - number)
    assert {path.stem for path in paths(runs_dir(tmp_path))} == {training.stem, "demo-seed-2", "demo-seed-3"}
    assert find(runs_dir(tmp_path), "last") == training, "a demo is last only where nothing else is recorded"


def test_a_long_demo_is_thinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_runs, "MOST_BYTES", 1)
    demo_run(tmp_path / "demo")
    (kept,) = keep_runs(runs_dir(tmp_path / "demo"), runs_dir(tmp_path), "seed")
    with Recording(kept) as recording:
        assert len(list(recording.samples())) == 1


def test_where_room_is_short_demos_go_before_older_training(tmp_path: Path) -> None:
    folder = runs_dir(tmp_path)
    training = age(stored(folder, script(for_s=30)), 90_000)
    demo_run(tmp_path / "demo")
    (kept,) = keep_runs(runs_dir(tmp_path / "demo"), folder, "seed")
    size = training.stat().st_size + age(kept, 8000).stat().st_size
    tidy(folder, Limits(1e9, size - 1, 0, 0.0), NOW_T)
    assert paths(folder) == [training]
