"""Charts from the recording: zoom, what is read in the background, and the worker screen."""

from pathlib import Path

import pytest

from metabonk_tui.cli.recordings.plots import StorePlots
from metabonk_tui.core.ports.plots import PlottedPoint, TreeProcess
from metabonk_tui.ui.chart_span import SPANS, USUAL, WHOLE, span_s, zoomed
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import plain
from tests.support import snapshots as scenes
from tests.support.refs import w
from tests.support.samples import healthy, script
from tests.support.stored_runs import stored
from tests.support.waiting import wait_for
from tests.ui.conftest import ScriptedMonitor, read_config


@pytest.mark.parametrize(
    ("elapsed_s", "keys", "shown"),
    [
        (10 * 3600.0, "-", 3600.0),
        (10 * 3600.0, "----", 10 * 3600.0),
        (10 * 3600.0, "-----+", 8 * 3600.0),
        (10 * 3600.0, "+++", 600.0),
        # A span longer than the run is the whole run.
        (3000.0, "-", 3000.0),
        (3000.0, "--+", 1800.0),
        (300.0, "-", 600.0),
    ],
)
def test_zoom_goes_from_ten_minutes_to_the_whole_run(elapsed_s: float, keys: str, shown: float) -> None:
    at = USUAL
    for key in keys:
        at = zoomed(at, "zoom_in" if key == "+" else "zoom_out", elapsed_s)
        assert 0 <= at <= WHOLE < len(SPANS)
    assert span_s(at, elapsed_s) == shown


def test_a_stored_run_is_plotted_by_minutes(tmp_path: Path) -> None:
    stored(tmp_path, script(healthy, for_s=1200.0))
    found = StorePlots(tmp_path).read("run-0", ("step", "available_bytes"), w(1), 0.0, 1200.0)
    assert isinstance(found, dict)
    assert [point.t for point in found["step"]][:3] == [30.0, 90.0, 150.0]
    assert all(point.increase_per_s > 0 for point in found["step"][:-1])
    assert found["available_bytes"] == ()
    assert StorePlots(tmp_path).read("other", ("step",), None, 0.0, 60.0) == "this run is not recorded"
    assert "need a file that can be read again" in str(
        StorePlots(None, tmp_path / "a.jsonl").read("x", (), None, 0.0, 60.0)
    )


class Plotted:
    """Answers with a line that rises by 1 a minute, and records what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], object, float]] = []

    def read(self, run: str, series: tuple[str, ...], ref: object, from_t: float, to_t: float) -> object:
        self.asked.append((series, ref, to_t - from_t))
        return {
            name: tuple(PlottedPoint(to_t - 60.0 * n, 29.0 - n, 29.0 - n, 0.5) for n in range(29, 0, -1))
            for name in series
        }

    def processes(self, pid: int) -> tuple[TreeProcess, ...]:
        return (TreeProcess(0, pid, "python", 10**9), TreeProcess(1, 4711, "game-of-w2", 5 * 10**8))


class Viewer:
    """A person at the real screens, with plots."""

    def __init__(self, plots: Plotted | None, size: tuple[int, int] = (120, 60)) -> None:
        scene = scenes.mixed()
        self.size = size
        self.controller = Controller(ScriptedMonitor(scene), read_config(), all_screens(), plots=plots)  # type: ignore[arg-type]
        self.controller.update(scene)
        self.controller.open_at("worker", w(2))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.controller.press(key, key if len(key) == 1 else None, 1.0, *self.size)

    @property
    def text(self) -> str:
        return "\n".join(plain(row) for row in self.controller.rows(*self.size))


def test_the_worker_screen_leads_with_charts_and_asks_once_for_a_span() -> None:
    plots = Plotted()
    viewer = Viewer(plots)
    assert "reading the recording" in viewer.text
    wait_for(viewer.controller.plots.has_news)
    text = viewer.text
    assert text.index("CHARTS") < text.index("memory GB")
    assert "⠤" in text or "⠒" in text or "⠉" in text
    assert "4711    game-of-w2" in text
    (asked,) = plots.asked
    assert asked[0][:2] == ("rss_bytes", "step")
    assert asked[1:] == (w(2), 1800.0)
    viewer.press("-")
    assert "last 1 h" in viewer.text or "the whole run" in viewer.text
    wait_for(viewer.controller.plots.has_news)
    assert len(plots.asked) == 2


def test_without_a_recording_the_components_lead_and_the_screen_says_why() -> None:
    text = Viewer(None, (120, 120)).text
    assert text.index("COMPONENTS") < text.index("CHARTS")
    assert "charts over time need a recording" in text


def test_fields_are_searched_and_long_values_shown_whole() -> None:
    viewer = Viewer(None, (80, 40))
    viewer.press("/", *"step", "enter")
    text = viewer.text
    assert "fields with “step”" in text
    assert "COMPONENTS" not in text
    viewer.press("enter")
    assert viewer.controller.state.whole
    viewer.press("escape")
    assert viewer.controller.screen == "worker"
    assert "COMPONENTS" in viewer.text
