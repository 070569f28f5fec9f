"""The registry is the list of screens: a screen in it opens by the command of its name, and no list repeats it."""

from __future__ import annotations

from typing import ClassVar

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui import commands
from metabonk_tui.ui.commands import Command
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.hints import USUAL_KEYS, KeyTable
from metabonk_tui.ui.screen_stack import HOME
from metabonk_tui.ui.screens.base import HeadedScreen
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import Span, plain
from tests.support import snapshots as scenes
from tests.support.draw import frame_of
from tests.support.rare_snapshots import died
from tests.ui.conftest import ScriptedMonitor, read_config

SCREENS = [name for name in all_screens() if name != HOME]


def controller(screens: dict[str, object] | None = None, keys: KeyTable = USUAL_KEYS) -> Controller:
    made = Controller(ScriptedMonitor(), read_config(), screens or all_screens(), keys=keys)  # type: ignore[arg-type]
    made.update(scenes.healthy())
    return made


@pytest.mark.parametrize("name", SCREENS)
def test_every_screen_opens_by_its_command(name: str) -> None:
    opened = controller()
    if name == "obituary":
        opened.run(name, opened.frame(120, 40))
        assert (opened.screen, opened.notice) == (HOME, "d deaths: no death was seen in this run")
        opened.update(died())
    opened.run(name, opened.frame(120, 40))
    assert opened.screen == name


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
@pytest.mark.parametrize("name", SCREENS)
def test_every_screen_shows_what_has_the_keys(name: str, size: tuple[int, int]) -> None:
    opened = controller()
    opened.update(died())
    opened.run(name, opened.frame(*size))
    focused = [span for row in opened.rows(*size)[5:-1] for span in row if span.token == "accent" and span.bold]
    assert any(span.text.isupper() for span in focused), "no title has the accent"


@pytest.mark.parametrize("pane", ["why", "memory", "events", "gate", "log"])
def test_a_pane_shown_alone_has_the_keys(pane: str) -> None:
    opened = controller()
    opened.update(died())
    opened.run(f"zoom_{pane}", opened.frame(120, 40))
    focused = [span.text for row in opened.rows(120, 40)[5:-1] for span in row if span.token == "accent" and span.bold]
    assert any(text.isupper() for text in focused)


class LatencyScreen(HeadedScreen):
    name: ClassVar[str] = "latency"

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        return Page(body=((Span(f"room {room}"),),))


def test_another_screen_needs_a_registry_line_and_a_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    command = Command("latency", ("N",), "latency", "look", "Latency of each worker", lambda _: "")
    monkeypatch.setattr(commands, "BY_ID", {**commands.BY_ID, "latency": command})
    opened = controller({**all_screens(), "latency": LatencyScreen()}, KeyTable((*commands.COMMANDS, command)))
    opened.press("N", "N", 0.0, 120, 40)
    assert opened.screen == "latency"
    assert "room " in "\n".join(plain(row) for row in opened.rows(120, 40))


@pytest.mark.parametrize(
    ("wide", "high", "top", "bottom"),
    [(120, 40, 5, 1), (120, 13, 4, 1), (20, 5, 2, 1), (120, 5, 1, 1)],
    ids=["roomy", "no blank row in 13 rows", "narrow pane", "short pane"],
)
def test_header_and_keys_surround_the_body(wide: int, high: int, top: int, bottom: int) -> None:
    page = LatencyScreen().page(frame_of(scenes.healthy(), wide, high))
    assert (len(page.top), len(page.bottom)) == (top, bottom)
    assert plain(page.body[0]) == f"room {high - top - bottom}"


@pytest.mark.parametrize("name", [name for name, screen in all_screens().items() if isinstance(screen, HeadedScreen)])
def test_before_the_first_snapshot_a_screen_has_only_the_note_and_the_keys(name: str) -> None:
    frame = replace(frame_of(scenes.healthy(), 80, 24, name), snapshot=None)
    page = all_screens()[name].page(frame)
    assert page.top
    assert len(page.bottom) == 1
    assert page.body == ()
