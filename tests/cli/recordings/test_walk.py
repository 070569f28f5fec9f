"""Following a recording: a person in front of it sees how far it is, and what was shown then stays."""

import io
from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.store.importer import import_runs
from metabonk_tui.cli.recordings import walk as reading
from metabonk_tui.cli.recordings.walk import follow_all_runs, progress, with_recorded_events
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import MAX_EVENTS
from metabonk_tui.core.report.run_history import run_histories
from metabonk_tui.core.step.pipeline import step
from tests.support.samples import CONFIG, Answer, healthy, play, script


class Terminal(io.StringIO):
    """A person looks at it."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_says_how_far_it_is_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PROGRESS_INTERVAL_S", 0.0)
    samples, out = script(for_s=600.0), Terminal()
    assert list(progress("", samples, 600.0, out)) == samples
    assert "reading 00:05:00 of 00:10:00, 50 %" in out.getvalue()
    assert out.getvalue().endswith("\r\x1b[K")


def test_elsewhere_it_says_nothing() -> None:
    out = io.StringIO()
    list(progress("", script(for_s=60.0), None, out))
    assert out.getvalue() == ""


def test_of_a_stored_run_all_that_happened_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def looping(slot: int, t: float) -> Answer:
        return healthy(slot, t % 20.0 if slot == 0 else t)

    monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(tmp_path))
    judged, before = [], None
    for sample in script(looping, workers=1, for_s=6000.0):
        before = step(before, sample, CONFIG)
        judged.append((sample, before))
    (path,) = import_runs(tmp_path / "runs", judged, CONFIG)
    (one,) = follow_all_runs([path.stem], CONFIG, [])
    assert len(one.events) > MAX_EVENTS
    assert one.events[0].kind == "run.start"
    assert len([event for event in one.events if event.kind == "worker.generation"]) == len(
        one.last.workers[0].resets_t
    )


def test_each_run_gets_the_events_of_its_own_time() -> None:
    (one,) = run_histories(play(script(for_s=60.0), CONFIG))
    later = replace(one, last=replace(one.last, run=replace(one.last.run, started_at=1000.0)))
    events = tuple(Event(t, "monitor.error", "info", "x") for t in (0.0, 999.0, 1000.0))
    first, second = with_recorded_events([one, later], events, thinned=False)
    assert [event.t for event in first.events] == [0.0, 999.0]
    assert [event.t for event in second.events] == [1000.0]
    assert first.first_seen == one.first_seen, "what the samples mean says more than what was told"
    assert list(with_recorded_events([one], (), thinned=False)) == [one], (
        "a recording without events still has its samples"
    )
