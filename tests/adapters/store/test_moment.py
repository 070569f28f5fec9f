"""A slice of a run shows its moment as the monitor judged it."""

from pathlib import Path

import pytest

from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.jsonl_writer import write_jsonl
from metabonk_tui.adapters.store import moment
from metabonk_tui.adapters.store.moment import moment_samples
from tests.support.samples import at, play, script, silent
from tests.support.stored_runs import stored

T = 4000.0


def test_the_verdict_of_the_moment_is_the_same_from_a_fraction_of_the_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moment, "WHOLE", 50)
    monkeypatch.setattr(moment, "STEPS", 75)
    samples = script(silent, workers=1, every_s=20.0, for_s=4400.0)
    path = stored(tmp_path, samples)
    target = str(tmp_path / "slice.jsonl.gz")
    write_jsonl(target, moment_samples(path, T))
    cut = list(read_jsonl(target, []))
    assert len(cut) < 150
    assert [s.t for s in cut if abs(s.t - T) <= 300] == [s.t for s in samples if abs(s.t - T) <= 300]
    whole, few = at(play(samples), T), at(play(cut), T)
    assert whole.verdict.kind == few.verdict.kind == "STOP"
    assert few.run.elapsed_s == whole.run.elapsed_s
    assert [worker.generation for worker in few.workers] == [worker.generation for worker in whole.workers]
    assert [[part.state for part in worker.components] for worker in few.workers] == [
        [part.state for part in worker.components] for worker in whole.workers
    ]


def test_a_short_run_is_whole_up_to_the_minutes_after_the_moment(tmp_path: Path) -> None:
    path = stored(tmp_path, script(silent, for_s=1200.0))
    times = [sample.t for sample in moment_samples(path, 600.0)]
    assert (times[0], times[-1], len(times)) == (0.0, 900.0, 91)
