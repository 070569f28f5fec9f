"""Lists every screen; the command with a screen's name opens it. A screen is imported when it is first opened.

A new screen is a module here, its view, a line below and a line in `commands.COMMANDS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from metabonk_tui.ui.frame import MonitorScreen

CLASSES = {
    "dashboard": "DashboardScreen",
    "worker": "WorkerScreen",
    "verdict": "VerdictScreen",
    "environment": "EnvironmentScreen",
    "memory": "MemoryScreen",
    "logs": "LogsScreen",
    "alerts": "AlertsScreen",
    "obituary": "ObituaryScreen",
    "learning": "LearningScreen",
    "compare": "CompareScreen",
    "help": "HelpScreen",
}
"""The class of each screen, by its name, which is that of its module here."""


class Screens(Mapping[str, MonitorScreen]):
    """Every screen, by name."""

    def __init__(self, places: tuple[tuple[str, str], ...]) -> None:
        """Prepare; help lists `places`: (what, path)."""
        self._options: dict[str, tuple[object, ...]] = {"help": (places,)}
        self._opened: dict[str, MonitorScreen] = {}

    def __getitem__(self, name: str) -> MonitorScreen:
        if name not in self._opened:
            of_class = CLASSES[name]
            module = import_module(f"metabonk_tui.ui.screens.{name}")
            self._opened[name] = getattr(module, of_class)(*self._options.get(name, ()))
        return self._opened[name]

    def __contains__(self, name: object) -> bool:
        return name in CLASSES

    def __iter__(self) -> Iterator[str]:
        return iter(CLASSES)

    def __len__(self) -> int:
        return len(CLASSES)


def all_screens(places: tuple[tuple[str, str], ...] = ()) -> Screens:
    """Return every screen, by name; help lists `places`: (what, path)."""
    return Screens(places)
