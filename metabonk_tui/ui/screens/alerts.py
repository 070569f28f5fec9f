"""Alerts: what fires, since when, and who has seen it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from metabonk_tui.ui.frame import Frame, MonitorScreen, Page, UiState
from metabonk_tui.ui.style.spans import EMPTY
from metabonk_tui.ui.views.bars.footer import footer
from metabonk_tui.ui.views.bars.header import TINY_CELLS, header
from metabonk_tui.ui.views.bars.tiny import tiny_head
from metabonk_tui.ui.views.run.alerts import alert_rows
from metabonk_tui.ui.views.verdict.screen import nothing_seen


class AlertsScreen(MonitorScreen):
    """Every alert of this run with its history; the selected one can be acknowledged."""

    name: ClassVar[str] = "alerts"
    title: ClassVar[str] = "alerts"

    def page(self, frame: Frame) -> Page:
        """Draw it."""
        if frame.snapshot is None:
            return Page(top=nothing_seen(frame), bottom=(footer(frame),))
        rows, shown = alert_rows(frame, frame.snapshot)
        if frame.width < TINY_CELLS:
            return Page(tiny_head(frame, frame.snapshot), rows, show=shown)
        top = (*header(frame, frame.snapshot), *((EMPTY,) if frame.height >= 14 else ()))
        return Page(top, rows, (footer(frame),), shown)

    def do(self, command: str, frame: Frame) -> UiState | None:
        """Move the cursor among the alerts."""
        alerts = frame.snapshot.alerts if frame.snapshot else ()
        steps = {"up": -1, "down": 1, "previous": -1, "next": 1, "home": -len(alerts), "end": len(alerts)}
        if command not in steps or frame.alert is None:
            return None
        at = min(max(alerts.index(frame.alert) + steps[command], 0), len(alerts) - 1)
        return replace(frame.state, alert=(alerts[at].id, alerts[at].since_t))
