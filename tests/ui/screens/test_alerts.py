"""The screen of alerts at the keys: choosing one, saying that it is seen, and when that means nothing."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from metabonk_tui.core.model.alert import Acknowledged
from metabonk_tui.core.model.event import without_duplicates
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.app import MonitorApp
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import plain
from tests.support import snapshots as scenes
from tests.support.draw import text_of
from tests.ui.conftest import ScriptedMonitor, read_config

Make = Callable[..., MonitorApp]


def desk_on(snapshot: Snapshot, read_only: bool = False) -> tuple[Controller, ScriptedMonitor]:
    monitor = ScriptedMonitor(snapshot)
    controller = Controller(monitor, read_config(), all_screens(), read_only=read_only)
    controller.update(snapshot)
    return controller, monitor


def typed(controller: Controller, *keys: str) -> None:
    for key in keys:
        named = {"!": "exclamation_mark"}.get(key, key)
        controller.press(named, key if len(key) == 1 else None, 0.0, 80, 24)


def test_the_selected_one_is_acknowledged_also_where_one_only_looks() -> None:
    controller, monitor = desk_on(scenes.alarmed(), read_only=True)
    typed(controller, "!", "down", "x")
    assert controller.screen == "alerts"
    assert monitor.acknowledged == [(("ComponentAbsent:meta",), "key")]
    assert controller.notice == "seen: ComponentAbsent:meta"


def test_all_that_nobody_has_seen_at_once_and_no_others() -> None:
    controller, monitor = desk_on(scenes.alarmed())
    typed(controller, "!", "u")
    assert monitor.acknowledged == [(("MemCritical", "ComponentAbsent:meta", "RateRegime"), "key")]


def test_the_cursor_stays_on_its_alert_when_others_come_before_it() -> None:
    scene = scenes.alarmed()
    controller, monitor = desk_on(scene)
    typed(controller, "!", "down", "down")
    louder = replace(scene.alerts[4], state="firing", severity="crit")
    controller.update(replace(scene, alerts=(louder, *scene.alerts[:4], *scene.alerts[5:])))
    typed(controller, "x")
    assert monitor.acknowledged == [(("RateRegime",), "key")]


def test_what_does_not_fire_or_is_seen_or_is_elsewhere_is_not_acknowledged() -> None:
    scene = scenes.alarmed()
    controller, monitor = desk_on(scene)
    typed(controller, "x")
    assert controller.notice == "x seen: only on the alerts screen; ! opens it"
    typed(controller, "!", "end", "x")
    assert controller.notice == "x seen: this alert is not firing"
    typed(controller, "home", "down", "down", "down", "x")
    assert controller.notice == "x seen: already seen"
    controller.update(replace(scene, alerts=()))
    typed(controller, "x", "u")
    assert monitor.acknowledged == []


def test_the_last_one_can_be_reached_on_a_small_screen() -> None:
    controller, _ = desk_on(scenes.alarmed())
    typed(controller, "!", "end")
    shown = "\n".join(plain(row) for row in controller.rows(80, 16))
    assert "GenerationChange" in shown
    typed(controller, "home")
    assert "FIRING" in "\n".join(plain(row) for row in controller.rows(80, 16))


def first_row(snapshot: Snapshot, wide: int = 120) -> str:
    return text_of(snapshot, wide, 24).splitlines()[0]


def test_the_header_counts_what_nobody_has_seen_and_news_are_no_alarm() -> None:
    scene = scenes.alarmed()
    assert "■ 3 ! alerts" in first_row(scene)
    assert "■ 3 " in first_row(scene, 50)
    seen = tuple(replace(one, acknowledged=Acknowledged(scene.t, "key")) for one in scene.alerts)
    assert "4 ! seen" in first_row(replace(scene, alerts=seen))
    update = tuple(replace(one, severity="info") for one in scene.alerts)
    assert "alerts" not in first_row(replace(scene, alerts=update)) + first_row(scenes.healthy())


def test_an_alert_whose_beginning_was_reported_is_not_reported_twice_on_screen() -> None:
    scene = scenes.stop()
    twice = Event(scene.t, "alert.firing", "warn", "MemLow: 0.9 GB", facts={"twin": "memory.low"})
    once = Event(scene.t, "alert.firing", "warn", "ComponentZero:meta: 0", facts={})
    shown = without_duplicates((*scene.events, twice, once))
    assert shown == (*scene.events, once)
