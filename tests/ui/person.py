"""A person at the screen: types keys and reads the rows, without a terminal."""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.logs import LogFileReader
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.effect import Effect
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.glyphs import UNICODE, Glyphs
from metabonk_tui.ui.style.spans import Row, plain
from tests.ui.conftest import ScriptedMonitor, plain_screens, read_config

NAMED = {"\n": "enter", "\t": "tab", "\x1b": "escape", "\x7f": "backspace", "\x10": "up", "\x0e": "down"}


class Person:
    """Types at a desk, a second between keys, and reads what is there."""

    def __init__(
        self,
        scene: Snapshot,
        size: tuple[int, int] = (120, 40),
        glyphs: Glyphs = UNICODE,
        open_logs: Callable[[], LogFileReader] | None = None,
        monitor: ScriptedMonitor | None = None,
    ) -> None:
        self.monitor = monitor or ScriptedMonitor(scene)
        screens = plain_screens() if open_logs is None else all_screens()
        self.controller = Controller(self.monitor, read_config(), screens, glyphs=glyphs, open_logs=open_logs)
        self.controller.update(scene)
        self.size = size
        self.at_s = 100.0

    def types(self, keys: str, apart_s: float = 1.0) -> Effect:
        effect = Effect()
        for key in keys:
            self.at_s += apart_s
            effect = self.controller.press(NAMED.get(key, key), None if key in NAMED else key, self.at_s, *self.size)
        return effect

    def sees(self, scene: Snapshot) -> None:
        self.monitor.set(scene)
        self.controller.update(scene)

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.controller.rows(*self.size)

    @property
    def text(self) -> str:
        return "\n".join(plain(row) for row in self.rows)

    @property
    def filled(self) -> str:
        """What Enter does now: the only filled button in the box."""
        return " ".join(span.text.strip() for row in self.rows[5:-1] for span in row if span.on == "accent")
