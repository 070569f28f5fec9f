"""Shows the environment, from the env file to every worker's process."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.screens.base import HeadedScreen
from metabonk_tui.ui.views.run.environment import environment_rows


class EnvironmentScreen(HeadedScreen):
    """Compares required with effective settings."""

    name: ClassVar[str] = "environment"

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        """Draw the required keys and what each process has."""
        return Page(body=environment_rows(frame, snapshot))
