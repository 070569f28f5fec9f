"""Lists every screen; the command with a screen's name opens it.

A new screen is a module here, its view, a line below and a line in `commands.COMMANDS`.
"""

from __future__ import annotations

from metabonk_tui.ui.frame import MonitorScreen
from metabonk_tui.ui.screens.alerts import AlertsScreen
from metabonk_tui.ui.screens.compare import CompareScreen
from metabonk_tui.ui.screens.dashboard import DashboardScreen
from metabonk_tui.ui.screens.environment import EnvironmentScreen
from metabonk_tui.ui.screens.help import HelpScreen
from metabonk_tui.ui.screens.logs import LogsScreen
from metabonk_tui.ui.screens.memory import MemoryScreen
from metabonk_tui.ui.screens.verdict import VerdictScreen
from metabonk_tui.ui.screens.worker import WorkerScreen


def all_screens(places: tuple[tuple[str, str], ...] = ()) -> dict[str, MonitorScreen]:
    """Make every screen, by name; help lists `places`: (what, path)."""
    screens: tuple[MonitorScreen, ...] = (
        DashboardScreen(),
        WorkerScreen(),
        VerdictScreen(),
        EnvironmentScreen(),
        MemoryScreen(),
        LogsScreen(),
        AlertsScreen(),
        CompareScreen(),
        HelpScreen(places),
    )
    return {screen.name: screen for screen in screens}
