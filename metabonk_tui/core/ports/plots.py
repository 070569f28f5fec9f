"""Declares the interface to the plots of a recorded run."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from metabonk_tui.core.model.obituary import EarlierDeath
from metabonk_tui.core.model.refs import WorkerRef


class PlottedPoint(NamedTuple):
    """One interval of a plotted series."""

    t: float
    """The middle of the interval, Unix seconds."""
    least: float
    mean: float
    increase_per_s: float
    """The growth within the interval by its length; after a counter reset, growth from zero."""


class TreeProcess(NamedTuple):
    """One process of a worker's tree."""

    depth: int
    """0: the worker's own process."""
    pid: int
    name: str
    """The kernel's name of it, cleaned."""
    rss_bytes: int


class PlotReader(Protocol):
    """Reads plots of recorded runs, and process trees. Every call may block: call it on a background thread."""

    def read(
        self, run: str, series: tuple[str, ...], ref: WorkerRef | None, from_t: float, to_t: float
    ) -> dict[str, tuple[PlottedPoint, ...]] | str:
        """Return the points of each series, of a worker or of the host; a text says why there are none.

        The newest minute of a live run is not closed yet, so it has no point.
        """
        ...

    def earlier_deaths(self, run: str) -> tuple[EarlierDeath, ...]:
        """Return the deaths in earlier recorded runs of the same pool, newest first; empty where none is recorded."""
        ...

    def processes(self, pid: int) -> tuple[TreeProcess, ...] | None:
        """Return a live process and its descendants, parents before children; (): it is gone; None: not readable."""
        ...
