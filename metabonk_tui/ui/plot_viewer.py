"""Asks for what the screen in front needs of recordings: plots of a worker or of memory, deaths of earlier runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from metabonk_tui.ui.chart_span import span_s
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.plot_job import OWN_HISTORY_S, PlotJob, PlotView

if TYPE_CHECKING:
    from metabonk_tui.core.ports.plots import PlotReader

HOST_SERIES = ("available_bytes",)
WORKER_SERIES = ("rss_bytes", "step")


class PlotViewer:
    """The plots of the screen in front. Call every method from the UI thread; each returns at once."""

    def __init__(self, reader: PlotReader | None, wake: Callable[[], None]) -> None:
        """Prepare; None: there are no recordings. `wake` is called in the background when plots were read."""
        self._job = PlotJob(reader, wake)

    @property
    def view(self) -> PlotView:
        """What was read last."""
        return self._job.view

    def sync(self, frame: Frame, screen: str) -> None:
        """Take what the screen in front shows, and ask for its plots."""
        snapshot = frame.snapshot
        if snapshot is not None:
            shown_s = span_s(frame.state.span, snapshot.run.elapsed_s)
            if screen == "worker" and frame.worker is not None:
                series = (*WORKER_SERIES, *(part.field for part in frame.worker.components if not part.derived))
                pid = frame.worker.pid if frame.worker.alive and not frame.past else None
                self._job.want(snapshot.run.name, frame.worker.ref, series, shown_s, snapshot.t, pid)
                return
            if screen == "memory" and shown_s > OWN_HISTORY_S:
                self._job.want(snapshot.run.name, None, HOST_SERIES, shown_s, snapshot.t, None)
                return
            if screen == "obituary":
                self._job.want_deaths(snapshot.run.name, snapshot.t)
                return
        self._job.leave()

    def has_news(self) -> bool:
        """Take what was read; return whether there is something to draw."""
        return self._job.has_news()
