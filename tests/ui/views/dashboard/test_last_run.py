"""The dashboard of a monitor that opened after the last run was over: its sizes, its keys, what keeps its panels."""

from __future__ import annotations

import os

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.pool import PoolSearch
from metabonk_tui.core.model.sample import Operation, OperationStep, PoolReading
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.style.glyphs import ASCII, UNICODE
from metabonk_tui.ui.way_keys import way_effect
from tests.support.paths import UI_GOLDEN as GOLDEN
from tests.support.rare_snapshots import ALL
from tests.ui.views.dashboard.conftest import SittingAt

SEARCH = PoolSearch("~/.config/metabonk-tui/config.toml", has_file=True, is_local=True, describes_pool=True,
                    runs_verbs=True)  # fmt: skip
LAST = ALL["last-run"]()


class Sitting(SittingAt):
    """A person at a monitor that begins with the last run."""

    def __init__(self, snapshot: Snapshot = LAST, search: PoolSearch | None = SEARCH, **how: object) -> None:
        super().__init__(snapshot, search, **how)


@pytest.mark.parametrize(
    ("size", "ascii_"), [((80, 24), False), ((120, 40), False), ((200, 60), False), ((80, 24), True)], ids=str
)
def test_the_page_still_looks_like_this(size: tuple[int, int], ascii_: bool) -> None:
    text = Sitting(glyphs=ASCII if ascii_ else UNICODE).text(*size) + "\n"
    kept = GOLDEN / f"{'ascii-' if ascii_ else ''}dashboard-last-run-{size[0]}x{size[1]}.txt"
    if os.environ.get("METABONK_TUI_GOLDEN") == "write":
        kept.write_text(text, encoding="utf-8")
    assert text == kept.read_text(encoding="utf-8")
    assert text.isascii() or not ascii_


@pytest.mark.parametrize(
    "size", [(80, 24), (120, 40), (200, 60), (60, 16), (44, 12), (38, 50), (80, 6), (250, 3), (20, 5)]
)
def test_every_size_leads_with_the_word_and_shows_no_worker_as_if_it_were_there(size: tuple[int, int]) -> None:
    text = Sitting().text(*size)
    assert "STOP" in text
    assert "w0" not in text
    assert "LIVE" not in text or size[1] < 12, "row 1 says that there is no pool"
    if size[0] >= 80 and size[1] >= 24:
        for said in ("0.91 config not loaded", "orchestrator exited with -9", "0.5 GB free at 15:35", "all refuse",
                     "metabonk-tui launch 2", "metabonk-tui report run-", "NO POOL since 15:35"):  # fmt: skip
            assert said in text


def test_a_run_that_ends_while_it_is_watched_keeps_its_panels() -> None:
    text = Sitting(replace(LAST, ended_unseen=False)).text(120, 40)
    assert "YOUR LAST RUN" not in text
    assert "w0 :5000 DOWN" in text
    assert "ENDED    15:35:59 orchestrator exited with -9 and took the stack down" in text


def test_an_end_that_was_not_watched_gives_no_time_since_when_there_is_no_pool() -> None:
    end = LAST.verdict.ended
    assert end is not None
    late = replace(LAST, verdict=replace(LAST.verdict, ended=replace(end, t=LAST.t)))
    text = Sitting(late).text(120, 40)
    assert "NO POOL since" not in text
    assert "NO POOL" in text
    assert "last seen 15:35:58" in text
    assert "long" not in text.splitlines()[1], "how long it ran is not known"
    panels = Sitting(replace(late, ended_unseen=False)).text(120, 40)
    assert "ENDED    last seen 15:35:58, not watched as it ended" in panels


def press_way(sitting: Sitting, key: str, at_s: float = 1.0) -> tuple[str, ...] | None:
    """Press a key of the page; return the command that it starts, None where the key has its usual meaning."""
    effect = way_effect(key, key if len(key) == 1 else None, at_s, sitting.controller, 80, 24)
    return None if effect is None else effect.run


def test_enter_twice_prints_the_report_after_the_monitor_closed() -> None:
    sitting = Sitting()
    assert press_way(sitting, "enter") == ()
    assert "Enter again closes the monitor and prints the report" in sitting.text().splitlines()[-1]
    assert press_way(sitting, "enter", 2.0) == ("report", LAST.run.name)


def test_an_enter_too_many_at_the_start_does_not_close_the_monitor() -> None:
    sitting = Sitting()
    assert press_way(sitting, "enter") == ()
    sitting.controller.tick(60.0)
    assert press_way(sitting, "enter", 61.0) == (), "the notice has ended: it is the first one again"


@pytest.mark.parametrize("key", ["1", "3", "L", "[", "q"])
def test_other_keys_keep_their_meaning(key: str) -> None:
    assert press_way(Sitting(), key) is None


def test_enter_starts_nothing_where_no_command_can_start_or_the_panels_are_shown() -> None:
    in_browser = Sitting(search=replace(SEARCH, runs_verbs=False))
    assert press_way(in_browser, "enter") is None
    assert " Enter " not in in_browser.text()
    assert press_way(Sitting(replace(LAST, ended_unseen=False)), "enter") is None


def test_workers_on_other_ports_are_named_at_every_size() -> None:
    elsewhere = "2 workers of this checkout listen on 6000, 6001; pool.base_port is 5000"
    found = replace(LAST, pool=replace(LAST.pool, elsewhere=elsewhere))
    for size in ((80, 24), (120, 40), (200, 60)):
        assert elsewhere in Sitting(found).text(*size)


def test_of_several_hosts_each_has_its_row_and_no_port_of_this_machine_is_named() -> None:
    hosts = {name: replace(host, memory=replace(host.memory, host=name)) for name in ("node1", "node2")
             for host in LAST.hosts.values()}  # fmt: skip
    text = Sitting(replace(LAST, hosts=hosts)).text(120, 40)
    assert "node2" in text
    assert "LOOKED FOR" not in text
    assert "YOUR LAST RUN" in text


@pytest.mark.parametrize("key", ["z", "a", "s", "I", "/", "tab", "enter"])
def test_keys_about_workers_say_where_they_are(key: str) -> None:
    sitting = Sitting()
    assert sitting.press(key).endswith("the run is over; 1 shows its workers")
    assert "YOUR LAST RUN" in sitting.text()


def test_1_shows_the_workers_as_they_were_and_esc_comes_back() -> None:
    sitting = Sitting()
    assert sitting.press("1") == ""
    assert "w0 :5000 DOWN" in sitting.text(120, 40)
    assert "YOUR LAST RUN" not in sitting.text(120, 40)
    sitting.press("escape")
    assert "YOUR LAST RUN" in sitting.text(120, 40)


@pytest.mark.parametrize(
    ("key", "shown"),
    [("v", "DECISION"), ("d", "killed process 41217"), ("2", "WHY"), ("4", "EVENTS"), ("m", "MEMORY")],
)
def test_the_screens_about_the_run_stay_open(key: str, shown: str) -> None:
    sitting = Sitting()
    assert sitting.press(key) == ""
    assert shown in sitting.text(120, 40)


def test_a_launch_under_way_is_said() -> None:
    launch = Operation("launch 2", LAST.t, steps=(OperationStep("start", "running"),))
    text = Sitting(replace(LAST, pool=PoolReading(backend="launcher", controller="us", operation=launch))).text()
    assert "DOING    launch 2" in text


def test_a_pool_that_begins_takes_the_page() -> None:
    sitting = Sitting()
    sitting.controller.update(ALL["healthy"]())
    assert "w0" in sitting.text(120, 40)
    assert "YOUR LAST RUN" not in sitting.text(120, 40)


def test_what_is_no_look_of_this_monitor_is_not_said() -> None:
    """The recording says that the orchestrator answered; this monitor did not ask it yet."""
    assert "orchestrator      http" not in Sitting().text(200, 60)
    refused = replace(LAST, pool=replace(LAST.pool, orchestrator_error="refused"))
    assert "8040: refuses" in Sitting(refused).text(200, 60)
