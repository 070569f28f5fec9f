"""The registry is the list of screens: a screen in it opens by the command of its name, and no list repeats it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui import commands
from metabonk_tui.ui.commands import Command
from metabonk_tui.ui.controller import HOME, Controller
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.screens.base import HeadedScreen, TinyHeadedScreen
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import Span, plain
from tests.support import snapshots as scenes
from tests.support.draw import frame_of
from tests.ui.conftest import ScriptedMonitor, read_config

SCREENS = [name for name in all_screens() if name != HOME]


def controller(screens: dict[str, object] | None = None) -> Controller:
    made = Controller(ScriptedMonitor(), read_config(), screens or all_screens())  # type: ignore[arg-type]
    made.update(scenes.healthy())
    return made


@pytest.mark.parametrize("name", SCREENS)
def test_every_screen_opens_by_its_command(name: str) -> None:
    opened = controller()
    opened.run(name, opened.frame(120, 40))
    assert opened.screen == name


class LatencyScreen(HeadedScreen):
    name: ClassVar[str] = "latency"

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        return Page(body=((Span(f"room {room}"),),))


def test_another_screen_needs_a_registry_line_and_a_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    command = Command("latency", ("N",), "latency", "look", "Latency of each worker", lambda _: "")
    monkeypatch.setattr(commands, "BY_KEY", {**commands.BY_KEY, "N": command})
    monkeypatch.setattr(commands, "BY_ID", {**commands.BY_ID, "latency": command})
    opened = controller({**all_screens(), "latency": LatencyScreen()})
    opened.press("N", "N", 0.0, 120, 40)
    assert opened.screen == "latency"
    assert "room " in "\n".join(plain(row) for row in opened.rows(120, 40))


class TinyScreen(TinyHeadedScreen, LatencyScreen):
    name: ClassVar[str] = "tiny"


@pytest.mark.parametrize(
    ("screen", "wide", "high", "top", "bottom"),
    [
        (LatencyScreen(), 120, 40, 5, 1),
        (LatencyScreen(), 120, 13, 4, 1),
        (TinyScreen(), 120, 40, 5, 1),
        (TinyScreen(), 20, 5, 2, 0),
    ],
    ids=["headed", "no blank row in 13 rows", "roomy", "tiny"],
)
def test_header_and_keys_surround_the_body(screen: HeadedScreen, wide: int, high: int, top: int, bottom: int) -> None:
    page = screen.page(frame_of(scenes.healthy(), wide, high))
    assert (len(page.top), len(page.bottom)) == (top, bottom)
    assert plain(page.body[0]) == f"room {high - top - bottom}"


@pytest.mark.parametrize("name", [name for name, screen in all_screens().items() if isinstance(screen, HeadedScreen)])
def test_before_the_first_snapshot_a_screen_has_only_the_note_and_the_keys(name: str) -> None:
    frame = replace(frame_of(scenes.healthy(), 80, 24, name), snapshot=None)
    page = all_screens()[name].page(frame)
    assert page.top
    assert len(page.bottom) == 1
    assert page.body == ()
