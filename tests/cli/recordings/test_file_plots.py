"""Plots of a file: the same points as of the store, read once, and only as far as the screen shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.recordings.jsonl_writer import write_jsonl
from metabonk_tui.cli.recordings import file_plots
from metabonk_tui.cli.recordings.file_plots import FilePlots
from metabonk_tui.cli.recordings.plots import StorePlots
from metabonk_tui.core.model.sample import Sample
from tests.support.refs import w
from tests.support.samples import CONFIG, header, healthy, room, script
from tests.support.stored_runs import stored

SERIES = ("step", "rss_bytes", "dynamic_ui_exploration_actions")


def samples(name: str = "run-0", at_s: float = 0.0) -> list[Sample]:
    made = script(healthy, every_s=15.0, for_s=1800.0, workers=2, memory=lambda _: room(),
                  run=header(0.0, 2, 15.0, name=name))  # fmt: skip
    return [
        replace(each, t=each.t + at_s, run=each.run and replace(each.run, started_at=each.run.started_at + at_s))
        for each in made
    ]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plots") / "run.jsonl"
    write_jsonl(str(path), samples())
    return path


@pytest.mark.parametrize(("from_t", "to_t"), [(0.0, 1740.0), (600.0, 1200.0), (-3000.0, 1740.0)])
def test_a_file_has_the_points_of_the_store(file: Path, tmp_path: Path, from_t: float, to_t: float) -> None:
    stored(tmp_path, samples())
    there = StorePlots(tmp_path).read("run-0", SERIES, w(1), from_t, to_t)
    here = FilePlots(str(file), CONFIG).read("run-0", SERIES, w(1), from_t, to_t)
    assert isinstance(here, dict)
    assert isinstance(there, dict)
    assert {name: [tuple(point) for point in points] for name, points in here.items()} == {
        name: [pytest.approx(tuple(point)) for point in points] for name, points in there.items()
    }
    assert here["step"]


def test_it_is_read_on_and_never_again(file: Path) -> None:
    plots = FilePlots(str(file), CONFIG)
    early = plots.read("run-0", ("step",), w(0), 0.0, 300.0)
    assert isinstance(early, dict)
    assert [point.t for point in early["step"]] == [30.0, 90.0, 150.0, 210.0, 270.0]
    assert next(plots._samples).t < 600.0, "it is read no farther than the screen shows"
    late = plots.read("run-0", ("available_bytes",), None, 0.0, 1800.0)
    assert isinstance(late, dict)
    assert [point.t for point in late["available_bytes"]][-1] > 1700.0
    assert plots.read("run-0", ("step",), w(0), 0.0, 300.0) == early
    assert (plots.processes(1), plots.earlier_deaths("run-0")) == (None, ())


def test_each_run_of_a_file_has_its_own_points(tmp_path: Path) -> None:
    path = tmp_path / "two.jsonl"
    write_jsonl(str(path), [*samples("first"), *samples("second", 7200.0)])
    plots = FilePlots(str(path), CONFIG)
    second = plots.read("second", ("step",), w(0), 7200.0, 8000.0)
    first = plots.read("first", ("step",), w(0), 0.0, 8000.0)
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert {point.t < 3600.0 for point in first["step"]} == {True}
    assert {point.t >= 7200.0 for point in second["step"]} == {True}
    assert plots.read("unknown", ("step",), w(0), 0.0, 8000.0) == {"step": ()}


def test_a_file_that_is_gone_or_too_long_says_so(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no such file" in str(FilePlots(str(tmp_path / "x.jsonl"), CONFIG).read("x", ("step",), None, 0.0, 60.0))
    monkeypatch.setattr(file_plots, "MOST_MINUTES", 20)
    assert "metabonk-tui import" in str(FilePlots(str(file), CONFIG).read("run-0", ("step",), w(0), 0.0, 1800.0))
