"""Reads the plots of a recording file (JSONL, CSV of MetaBonk) for the screens, as far as they show it.

Does not: step through the samples. Slow: call it on a background thread, one call at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from metabonk_tui.adapters.store.rollup import HOST, Minute, Rollup, fields_of
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.recordings.open import sources
from metabonk_tui.cli.recordings.plots import POINTS
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.obituary import EarlierDeath
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.ports.plots import PlottedPoint, TreeProcess

MOST_MINUTES = 1_000_000
"""The most minutes of all series that are kept, about 100 MB."""
AHEAD_S = 90.0
"""A minute is closed by the first sample after it."""
MINUTE_S = 60


class FilePlots:
    """Implements `core.ports.plots.PlotReader` for one file or folder; what was read once is kept."""

    def __init__(self, name: str, config: Config) -> None:
        """`name` is a path that can be read again."""
        self._samples: Iterator[Sample] = (sample for source in sources([name], []) for sample in source)
        self._fields = fields_of(config)
        self._rollup = Rollup(self._fields)
        self._run = ""
        self._runs: set[str] = set()
        self._minutes: dict[tuple[str, str, int], list[Minute]] = {}
        self._kept = 0
        self._problem = ""

    def read(
        self, run: str, series: tuple[str, ...], ref: WorkerRef | None, from_t: float, to_t: float
    ) -> dict[str, tuple[PlottedPoint, ...]] | str:
        """Return the points of each series; a text says why there are none."""
        self._read_on(run, to_t)
        if self._problem:
            return self._problem
        # A file without a header has one run, which the monitor names.
        name = run if run in self._runs or len(self._runs) != 1 else next(iter(self._runs))
        slot = HOST if ref is None else ref.slot
        width_s = max(MINUTE_S, -(-int(to_t - from_t) // POINTS // MINUTE_S) * MINUTE_S)
        return {each: points_of(self._minutes.get((name, each, slot), []), width_s, from_t, to_t) for each in series}

    def earlier_deaths(self, run: str) -> tuple[EarlierDeath, ...]:
        """Return nothing: a file is no run of a pool's store."""
        return ()

    def processes(self, pid: int) -> tuple[TreeProcess, ...] | None:
        """Return None: the processes of a recording are gone."""
        return None

    def _read_on(self, run: str, to_t: float) -> None:
        """Read until a time of a run, or to the end."""
        try:
            for sample in self._samples:
                if sample.run is not None:
                    self._keep(self._rollup.close())
                    self._run, self._rollup = sample.run.name, Rollup(self._fields)
                self._runs.add(self._run)
                self._keep(self._rollup.add(sample))
                if self._kept > MOST_MINUTES:
                    self._problem = "too long for charts over time: metabonk-tui import makes it a run of the store"
                    return
                if self._run == run and sample.t > to_t + AHEAD_S:
                    return
            self._keep(self._rollup.close())
        except UsageError as error:
            self._problem = str(error)

    def _keep(self, closed: list[Minute]) -> None:
        for minute in closed:
            self._minutes.setdefault((self._run, minute.series, minute.slot), []).append(minute)
        self._kept += len(closed)


def points_of(minutes: list[Minute], width_s: int, from_t: float, to_t: float) -> tuple[PlottedPoint, ...]:
    """Reduce minutes to intervals of `width_s`, as the store does."""
    shown = [each for each in minutes if from_t - MINUTE_S < each.minute < to_t]
    points = []
    for at, group in groupby(shown, key=lambda each: each.minute // width_s * width_s):
        same = list(group)
        count = sum(each.n for each in same)
        mean = sum(each.mean * each.n for each in same) / count
        increase = sum(each.increase for each in same)
        points.append(PlottedPoint(at + width_s / 2, min(each.least for each in same), mean, increase / width_s))
    return tuple(points)
