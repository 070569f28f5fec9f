"""One worker: everything that is known of it."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame, MonitorScreen, Page
from metabonk_tui.ui.screens.base import headed
from metabonk_tui.ui.style.spans import Row, gap
from metabonk_tui.ui.views.layout.section import muted
from metabonk_tui.ui.views.workers.detail import worker_rows


class WorkerScreen(MonitorScreen):
    """The selected worker; left and right go to its neighbours."""

    name: ClassVar[str] = "worker"
    title: ClassVar[str] = "worker"

    def page(self, frame: Frame) -> Page:
        """Draw it."""
        return headed(frame, _rows)


def _rows(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    if frame.worker is None:
        return ((gap(1), muted("there are no workers")),)
    return worker_rows(frame, snapshot, frame.worker)
