"""Shows alerts: what fires, since when, and who acknowledged it."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame, Page, UiState
from metabonk_tui.ui.screens.base import HeadedScreen
from metabonk_tui.ui.views.run.alerts import alert_rows


class AlertsScreen(HeadedScreen):
    """Shows every alert of this run with its history; the selected one can be acknowledged."""

    name: ClassVar[str] = "alerts"

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        """Draw the list, scrolled to the selected alert."""
        rows, shown = alert_rows(frame, snapshot)
        return Page(body=rows, show=shown)

    def do(self, command: str, frame: Frame) -> UiState | None:
        """Move the cursor among the alerts."""
        alerts = frame.snapshot.alerts if frame.snapshot else ()
        steps = {"up": -1, "down": 1, "previous": -1, "next": 1, "home": -len(alerts), "end": len(alerts)}
        if command not in steps or frame.alert is None:
            return None
        at = min(max(alerts.index(frame.alert) + steps[command], 0), len(alerts) - 1)
        return replace(frame.state, alert=(alerts[at].id, alerts[at].since_t))
