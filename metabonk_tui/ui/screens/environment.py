"""The environment, from the env file to every worker's process."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.ui.frame import Frame, MonitorScreen, Page
from metabonk_tui.ui.screens.base import headed
from metabonk_tui.ui.views.run.environment import environment_rows


class EnvironmentScreen(MonitorScreen):
    """What was meant to reach the workers, and what did."""

    name: ClassVar[str] = "environment"
    title: ClassVar[str] = "environment"

    def page(self, frame: Frame) -> Page:
        """Draw it."""
        return headed(frame, environment_rows)
