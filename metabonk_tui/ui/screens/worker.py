"""One worker: everything that is known of it."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.ui.footer import footer
from metabonk_tui.ui.screens.base import Frame, MonitorScreen, Page
from metabonk_tui.ui.spans import EMPTY, gap
from metabonk_tui.ui.views.header import header
from metabonk_tui.ui.views.section import muted
from metabonk_tui.ui.views.verdict import nothing_seen
from metabonk_tui.ui.views.worker import worker_rows


class WorkerScreen(MonitorScreen):
    """The selected worker; left and right go to its neighbours."""

    name: ClassVar[str] = "worker"
    title: ClassVar[str] = "worker"

    def page(self, frame: Frame) -> Page:
        """Draw it."""
        if frame.snapshot is None:
            return Page(top=nothing_seen(frame), bottom=(footer(frame),))
        top = (*header(frame, frame.snapshot), *((EMPTY,) if frame.height >= 14 else ()))
        if frame.worker is None:
            return Page(top, ((gap(1), muted("there are no workers")),), (footer(frame),))
        return Page(top, worker_rows(frame, frame.snapshot, frame.worker), (footer(frame),))
