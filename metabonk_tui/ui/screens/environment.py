"""The environment, from the env file to every worker's process."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.ui.footer import footer
from metabonk_tui.ui.screens.base import Frame, MonitorScreen, Page
from metabonk_tui.ui.spans import EMPTY
from metabonk_tui.ui.views.environment import environment_rows
from metabonk_tui.ui.views.header import header
from metabonk_tui.ui.views.verdict import nothing_seen


class EnvironmentScreen(MonitorScreen):
    """What was meant to reach the workers, and what did."""

    name: ClassVar[str] = "environment"
    title: ClassVar[str] = "environment"

    def page(self, frame: Frame) -> Page:
        """Draw it."""
        if frame.snapshot is None:
            return Page(top=nothing_seen(frame), bottom=(footer(frame),))
        top = (*header(frame, frame.snapshot), *((EMPTY,) if frame.height >= 14 else ()))
        return Page(top, environment_rows(frame, frame.snapshot), (footer(frame),))
