"""Every key on every screen does something that one sees, or says why it does not."""

from __future__ import annotations

from functools import cache

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.commands import COMMANDS
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.effect import NO_EFFECT
from metabonk_tui.ui.frame import EVENTS
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import plain
from tests.support import snapshots
from tests.support.draw import defaults
from tests.support.rare_snapshots import ALL
from tests.ui.conftest import ScriptedMonitor

SIZE = (100, 30)
OPENS = {
    "dashboard": "", EVENTS: "4", "worker": "\r", "verdict": "v", "environment": "e", "memory": "m", "logs": "l",
    "obituary": "d", "learning": "g", "alerts": "!", "compare": "c", "help": "?",
}  # fmt: skip
"""The key that opens each place of the table of keys from the dashboard."""
MOVES = ("up", "down", "page_up", "page_down", "home", "end", "left", "right", "next", "previous")
"""At an end of a list or a page they move nothing, as everywhere."""
NOT_SEEN = ("redraw", "poll")
"""What they do is not on the screen: the terminal is drawn again, the workers are asked again."""


@cache
def scene(name: str) -> Snapshot:
    found = ALL[name]()
    return replace(found, alerts=snapshots.alarmed().alerts)


class Seat:
    """A person on one screen of a live monitor."""

    def __init__(self, place: str, name: str) -> None:
        snapshot = scene(name)
        self.monitor = ScriptedMonitor(snapshot)
        self.controller = Controller(self.monitor, defaults(), all_screens(), themes=("dark", "light"))
        self.controller.update(snapshot)
        self.at_s = 100.0
        if OPENS[place]:
            self.press(OPENS[place])
        if self.controller.dialog is not None:
            self.press("escape")
        self.controller.tick(self.at_s + 50.0)
        self.at_s += 60.0

    def press(self, key: str) -> object:
        self.at_s += 1.0
        name = {"\r": "enter"}.get(key, key)
        return self.controller.press(name, key if len(key) == 1 and key != "\r" else None, self.at_s, *SIZE)

    @property
    def seen(self) -> tuple[object, ...]:
        """What the person sees, and what was asked of the monitor."""
        asked = {name: str(value) for name, value in vars(self.monitor).items()}
        return (tuple(plain(row) for row in self.controller.rows(*SIZE)), self.controller.theme, str(asked))


@pytest.mark.parametrize("place", OPENS)
def test_every_key_does_something_or_says_why_not(place: str) -> None:
    silent = []
    before = Seat(place, "died").seen
    assert Seat(place, "died").seen == before, "every person begins with the same picture"
    for command in COMMANDS:
        if command.id in MOVES + NOT_SEEN:
            continue
        for key in command.keys:
            seat = Seat(place, "died")
            effect = seat.press(key)
            if seat.seen == before and not seat.controller.notice and effect == NO_EFFECT:
                silent.append(f"{command.id} ({key})")
    assert silent == []


@pytest.mark.parametrize("place", OPENS)
@pytest.mark.parametrize("name", ["died", "healthy"])
def test_a_key_in_the_footer_is_never_refused(place: str, name: str) -> None:
    shown = {hint.key for hint in Seat(place, name).controller.frame(*SIZE).hints}
    refused = []
    for key in sorted(each for hint in shown for each in hint.split()):
        seat = Seat(place, name)
        seat.press({"Esc": "escape", "Enter": "\r"}.get(key, key))
        if seat.controller.notice.startswith(f"{key} ") and ": " in seat.controller.notice:
            refused.append(seat.controller.notice)
    assert refused == []


def test_a_key_of_one_screen_is_refused_or_means_another_command_elsewhere() -> None:
    """The help names the screen of such a key; on another one it never does the same."""
    for command in COMMANDS:
        if command.screen:
            for place in OPENS:
                if place != command.screen:
                    seat = Seat(place, "healthy")
                    context = seat.controller.command_context(seat.controller.frame(*SIZE))
                    found = seat.controller._keys.find(command.keys[0], command.keys[0], context.place)
                    assert found is not command, f"{command.id} on {place}"
