"""Deaths of earlier runs on the page about a death: counted, compared, listed, and read in the background."""

from __future__ import annotations

import pytest

from metabonk_tui.core.model.obituary import EarlierDeath
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.frame import EARLIER_RUNS
from metabonk_tui.ui.plot_job import PlotView
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import plain
from tests.support import rare_snapshots, snapshots
from tests.support.draw import chosen, text_of
from tests.support.waiting import wait_for
from tests.ui.conftest import ScriptedMonitor, read_config
from tests.ui.test_time_travel import ScriptedTransport, playback

DEATHS = tuple(
    EarlierDeath(f"run-{n}", 1_767_000_000.0 - n, 2400.0, f"w{n}", reason, f"w{n} is gone: {reason}")
    for n, reason in enumerate(("OOM-killed", "exited", "OOM-killed"))
)
DIED = rare_snapshots.died()


def page(size: tuple[int, int], deaths: tuple[EarlierDeath, ...] | None = DEATHS, **more: object) -> str:
    return text_of(DIED, *size, "obituary", plots=PlotView(deaths=deaths), **more)


def test_the_page_counts_them_and_names_those_of_the_same_kind() -> None:
    assert "2 of 2 in this run; 3 in earlier runs" in page((80, 24))
    assert "same death: w4 15:01:13, gen 1, RSS 1.71 GB, 2 in 2 earlier runs" in page((80, 24))
    wide = page((120, 40))
    assert "THE SAME DEATH  earlier in this run and before it" in wide
    assert "in run-0" in wide
    assert "in run-2" in wide
    assert "in run-1" not in wide


@pytest.mark.parametrize("deaths", [None, ()])
def test_without_any_the_page_is_about_this_run(deaths: tuple[EarlierDeath, ...] | None) -> None:
    assert page((120, 40), deaths) == text_of(DIED, 120, 40, "obituary")


def test_more_of_them_than_rows_are_counted() -> None:
    assert "4 more in earlier runs" in page((120, 40), DEATHS[:1] * 6)


def test_the_list_names_the_command_that_opens_each_moment() -> None:
    text = page((80, 24), state=chosen(death=EARLIER_RUNS))
    assert "DEATHS OF EARLIER RUNS  3 in 3 runs of this pool, newest first" in text
    assert "w1 is gone: exited" in text
    assert "metabonk-tui replay run-1 --at 00:39:00" in text
    assert "OBITUARY" not in text
    for wide, high in ((20, 5), (40, 12), (200, 60)):
        assert max(map(len, page((wide, high), state=chosen(death=EARLIER_RUNS)).splitlines())) <= wide


class Recordings:
    """Implements the part of `core.ports.plots.PlotReader` that the page needs."""

    def __init__(self, deaths: tuple[EarlierDeath, ...]) -> None:
        self.deaths = deaths
        self.asked: list[str] = []

    def earlier_deaths(self, run: str) -> tuple[EarlierDeath, ...]:
        self.asked.append(run)
        return self.deaths


def test_they_are_read_when_the_page_opens_and_reached_by_its_keys() -> None:
    recordings = Recordings(DEATHS)
    scene = rare_snapshots.died()
    controller = Controller(ScriptedMonitor(scene), read_config(), all_screens(), plots=recordings)  # type: ignore[arg-type]
    controller.update(scene)

    def shown() -> str:
        return "\n".join(plain(row) for row in controller.rows(80, 24))

    def press(*keys: str) -> str:
        for key in keys:
            controller.press(key, key, 1.0, 80, 24)
        return shown()

    assert "in earlier runs" not in press("d")
    assert wait_for(controller.plots.has_news)
    assert "2 of 2 in this run; 3 in earlier runs" in shown()
    assert "1 of 2 in this run" in press("[")
    assert "DEATHS OF EARLIER RUNS" in press("[")
    assert "DEATHS OF EARLIER RUNS" in press("[", "t"), "there is no moment of this run to replay"
    assert "1 of 2 in this run" in press("]")
    assert recordings.asked == ["run-1767309258"]


def test_a_run_without_a_death_lists_them_where_something_is_recorded() -> None:
    scene = snapshots.healthy()
    controller = Controller(
        ScriptedMonitor(scene), read_config(), all_screens(), replay_controls=ScriptedTransport(playback(scene)),
        plots=Recordings(()),  # type: ignore[arg-type]
    )  # fmt: skip
    controller.update(scene)
    controller.press("d", "d", 1.0, 80, 24)
    controller.rows(80, 24)
    assert wait_for(controller.plots.has_news)
    text = "\n".join(plain(row) for row in controller.rows(80, 24))
    assert "no death in this run, as far as it was watched" in text
    assert "none is recorded of this pool" in text
