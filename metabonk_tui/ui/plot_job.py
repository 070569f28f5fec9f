"""Reads the plots of the screen in front in the background: of one worker, or of the host's memory.

Does not: read on the UI thread, read for a screen without plots, or draw.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from metabonk_tui.core.model.refs import WorkerRef

if TYPE_CHECKING:
    from metabonk_tui.core.model.obituary import EarlierDeath
    from metabonk_tui.core.ports.plots import PlotReader, PlottedPoint, TreeProcess

LOG = logging.getLogger(__name__)
OWN_HISTORY_S = 3600.0
"""Snapshots keep the memory of the last hour themselves."""
PARTS = 180
"""A plot is read again when a part of its span has passed, a minute at least."""


class PlotQuery(Struct, frozen=True):
    """What a screen wants to draw."""

    run: str
    ref: WorkerRef | None
    """None: the host."""
    series: tuple[str, ...]
    span_s: float
    pid: int | None
    """The process whose tree is read; None: none, or it is not live."""
    part: int
    """The number of the part of time in which it is read; the next part is read anew."""
    deaths: bool = False
    """Only the deaths of earlier runs are read."""


class PlotView(Struct, frozen=True):
    """What was read, for the screen in front."""

    query: PlotQuery | None = None
    series: Mapping[str, tuple[PlottedPoint, ...]] = field(default_factory=dict)
    processes: tuple[TreeProcess, ...] | None = None
    """The tree of the worker's process; None: not read."""
    deaths: tuple[EarlierDeath, ...] | None = None
    """Deaths in earlier runs of the same pool, for the page about a death; None: not read."""
    why_not: str = ""
    """Why there are no plots; "": they were read, or are being read."""
    is_reading: bool = False

    def of(self, ref: WorkerRef | None, span_s: float) -> bool:
        """Return whether it is about this worker, or the host, and this span."""
        return self.query is not None and self.query.ref == ref and self.query.span_s == span_s


NO_PLOTS = PlotView(why_not="charts over time need a recording")


class PlotJob:
    """Keeps the plots of the screen in front up to date.

    Call every method from the UI thread; each returns at once.
    """

    def __init__(self, reader: PlotReader | None, wake: Callable[[], None]) -> None:
        """Prepare; None: there are no recordings. `wake` is called in the background when plots were read."""
        self._reader = reader
        self._wake = wake
        self._wanted: PlotQuery | None = None
        self._reading: PlotQuery | None = None
        self._read: list[PlotView] = []
        """Written by the thread, taken by the UI thread."""
        self.view = NO_PLOTS if reader is None else PlotView()

    def want(
        self, run: str, ref: WorkerRef | None, series: tuple[str, ...], span_s: float, t: float, pid: int | None
    ) -> None:
        """Ask for plots of the `span_s` seconds before `t`; what was read last stays until they are there."""
        self._wanted = PlotQuery(run, ref, series, span_s, pid, int(t // max(60.0, span_s / PARTS)))
        if not self.view.of(ref, span_s) and self._reader is not None:
            self.view = PlotView(self._wanted, is_reading=True)
        self._begin(t)

    def want_deaths(self, run: str, t: float) -> None:
        """Ask for the deaths of earlier runs, once for each time that the page is opened."""
        self._wanted = PlotQuery(run, None, (), 0.0, None, 0, deaths=True)
        if self._reader is not None and self.view.query != self._wanted:
            self.view = PlotView(self._wanted, is_reading=True)
        self._begin(t)

    def leave(self) -> None:
        """Forget the plots: another screen is in front."""
        self._wanted = None
        if self.view.query is not None:
            self.view = PlotView()

    def has_news(self) -> bool:
        """Take what was read; return whether there is something to draw."""
        if not self._read:
            return False
        read, self._reading = self._read.pop(0), None
        wanted = self._wanted
        if wanted is None or read.query is None or wanted.deaths != read.query.deaths:
            return False
        if not read.of(wanted.ref, wanted.span_s):
            return False
        self.view = read
        return True

    def _begin(self, t: float) -> None:
        wanted, reader = self._wanted, self._reader
        if reader is None or wanted is None or self._reading is not None:
            return
        if self.view.query == wanted and not self.view.is_reading:
            return
        self._reading = wanted
        threading.Thread(target=self._run, args=(reader, wanted, t), name="plots", daemon=True).start()

    def _run(self, reader: PlotReader, query: PlotQuery, t: float) -> None:
        processes = None
        try:
            if query.deaths:
                self._read.append(PlotView(query, deaths=reader.earlier_deaths(query.run)))
                self._wake()
                return
            processes = reader.processes(query.pid) if query.pid is not None else None
            found = reader.read(query.run, query.series, query.ref, t - query.span_s, t)
        except Exception as error:
            LOG.exception("reading plots failed")
            found = f"internal error, see the log: {type(error).__name__}"
        if isinstance(found, str):
            self._read.append(PlotView(query, processes=processes, why_not=found))
        else:
            self._read.append(PlotView(query, found, processes))
        self._wake()
