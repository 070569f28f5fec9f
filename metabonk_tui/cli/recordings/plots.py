"""Reads the plots of a run of the store for the screens. Slow: call it on a background thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.text.clean import clean_text

if TYPE_CHECKING:
    from metabonk_tui.core.model.obituary import EarlierDeath
    from metabonk_tui.core.ports.plots import PlottedPoint, TreeProcess

POINTS = 360
"""The most intervals of a plot; one has at least a minute."""


class StorePlots:
    """Implements `core.ports.plots.PlotReader` for the runs of a folder, or for the one run that a replay shows."""

    def __init__(self, folder: Path | None, opened: Path | None = None, *, is_local: bool = False) -> None:
        """`opened` is the recording on screen; None: the run is looked for in `folder`.

        `is_local`: the processes of the run live on this machine.
        """
        self._is_local = is_local
        self._folder = folder
        self._opened = opened
        self._found: dict[str, Path] = {}

    def read(
        self, run: str, series: tuple[str, ...], ref: WorkerRef | None, from_t: float, to_t: float
    ) -> dict[str, tuple[PlottedPoint, ...]] | str:
        """Return the points of each series; a text says why there are none."""
        # Imported late: most monitors show no chart of a worker.
        from metabonk_tui.adapters.store.errors import error_text
        from metabonk_tui.adapters.store.rollup import HOST, series_of
        from metabonk_tui.adapters.store.run_directory import SUFFIX, UNREADABLE
        from metabonk_tui.adapters.store.run_reader import Recording
        from metabonk_tui.core.ports.plots import PlottedPoint

        path = self._opened or self._path(run)
        if path is None or path.suffix != SUFFIX:
            return (
                "charts over time need a file that can be read again"
                if path is not None
                else "this run is not recorded"
            )
        slot, host = (HOST, "") if ref is None else (ref.slot, ref.host)
        found: dict[str, tuple[PlottedPoint, ...]] = {}
        try:
            with Recording(path) as recording:
                for name in series:
                    points = recording.plot(series_of(name, host), from_t, to_t, POINTS, slot).get(slot, [])
                    width_s = max(60, -(-int(to_t - from_t) // POINTS // 60) * 60)
                    found[name] = tuple(
                        PlottedPoint(point.t + width_s / 2, point.least, point.mean, point.increase / width_s)
                        for point in points
                    )
        except UNREADABLE as error:
            return f"the recording cannot be read: {clean_text(error_text(error))}"
        return found

    def earlier_deaths(self, run: str) -> tuple[EarlierDeath, ...]:
        """Return the deaths in earlier recorded runs of the same pool, newest first."""
        from metabonk_tui.cli.recordings.earlier_deaths import earlier_deaths  # most monitors show no death

        path = self._opened or self._path(run)
        return () if path is None else earlier_deaths(path)

    def processes(self, pid: int) -> tuple[TreeProcess, ...] | None:
        """Return a live process and its descendants; None where they are not on this machine, or recorded only."""
        if not self._is_local:
            return None
        from metabonk_tui.adapters.process.tree_view import process_tree

        return process_tree(pid)

    def _path(self, run: str) -> Path | None:
        """Find the recording of a run by the run's own name; it is looked for once."""
        from metabonk_tui.adapters.store.run_directory import SUFFIX, summaries

        if run not in self._found and self._folder is not None:
            for summary in summaries(self._folder, []):
                if summary.run == run:
                    self._found[run] = self._folder / f"{summary.name}{SUFFIX}"
                    break
        return self._found.get(run)
