"""Declares the numbers of a worker once: unit, reader, and where each one is shown.

Table, sorting, worker screen, Prometheus, report and comparison loop over `WORKER_METRICS`. Does not: draw anything,
or compute a number; `view` does that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.text.numbers import GB, MB, number, short
from metabonk_tui.core.timeseries.median import median


class Unit(Struct, frozen=True):
    """How numbers of one unit are scaled for people."""

    suffix: str
    scale: float = 1.0
    """Units of the number in one unit of the text."""

    def after(self, text: str) -> str:
        """Append the suffix to a formatted number: "1.50 GB", "0.34/s", "12"."""
        space = "" if not self.suffix or self.suffix.startswith("/") else " "
        return f"{text}{space}{self.suffix}"


BYTES = Unit("GB", GB)
BYTES_PER_MIN = Unit("M/m", MB)
PER_SECOND = Unit("/s")
SECONDS = Unit("s")
PLAIN = Unit("")
"""A count or a ratio."""


class Gauge(Struct, frozen=True):
    """The series of a number for Prometheus, labelled with the worker."""

    name: str
    help_text: str


class CompareRule(Struct, frozen=True):
    """One line in the comparison of two runs, from one number of all workers."""

    id: str
    """Second part of the line's name METRIC.ID."""
    title: str
    combine: Callable[[Sequence[float]], float]
    """Combines the numbers of the observed workers, at least one, into one number."""
    factor: float
    """Two runs differ when one number is at least this many times the other."""
    floor: float
    """Smaller numbers count as this one."""


class WorkerMetric(Struct, frozen=True):
    """One number of a worker. Where a place is empty or missing, the number is not shown there."""

    id: str
    unit: Unit
    read: Callable[[WorkerView], float | None]
    decimals: int = 2
    head: str = ""
    """The head of its column in the workers' table."""
    widths: tuple[int, int, int] = (10, 8, 7)
    """Cells of the column in a wide, a medium and a narrow table, including the gap before; 0: no column."""
    sort: str = ""
    """Name of the sort order by this number."""
    detail: str = ""
    """Its label in the row "play" of the worker screen."""
    detail_cells: int = 0
    """Most cells in that row; 0: no limit."""
    gauge: Gauge | None = None
    report: str = ""
    """The head of its column in the report."""
    compare: tuple[CompareRule, ...] = ()

    def text(self, value: float, cells: int = 0) -> str:
        """Format a value without its unit in at most `cells` characters; 0: no limit."""
        # An int stays an int: a worker may send one that no float can represent.
        scaled = value if self.unit.scale == 1 else value / self.unit.scale
        if isinstance(scaled, int) and not cells:
            return str(scaled)
        return short(scaled, self.decimals, cells) if cells else number(scaled, self.decimals)

    def written(self, value: float) -> str:
        """Format a value with its unit."""
        return self.unit.after(self.text(value))


MIN_RATE = 0.01
"""Steps per second; two workers below this rate are equally slow."""

WORKER_METRICS: tuple[WorkerMetric, ...] = (
    WorkerMetric(
        "generation",
        PLAIN,
        lambda worker: worker.generation,
        decimals=0,
        head="GEN",
        widths=(6, 5, 4),
        gauge=Gauge("metabonk_worker_generation", "Which life of the worker it is"),
    ),
    WorkerMetric("step", PLAIN, lambda worker: worker.step, decimals=0, report="steps"),
    WorkerMetric(
        "step_rate",
        PER_SECOND,
        lambda worker: worker.step_rate,
        head="STEP/S",
        widths=(9, 8, 8),
        sort="step/s",
        gauge=Gauge("metabonk_worker_steps_per_second", "Steps per second over the last minute"),
        compare=(
            CompareRule("median", "step rate, median", median, 3, MIN_RATE),
            CompareRule("fastest", "step rate, fastest", max, 10, MIN_RATE),
        ),
    ),
    WorkerMetric(
        "rss",
        BYTES,
        lambda worker: worker.rss_bytes,
        head="RSS GB",
        sort="rss",
        gauge=Gauge("metabonk_worker_rss_bytes", "Resident memory of its process"),
    ),
    WorkerMetric("tree", BYTES, lambda worker: worker.tree_bytes, head="TREE GB", widths=(10, 0, 0)),
    WorkerMetric("growth", BYTES_PER_MIN, lambda worker: worker.rss_growth_bytes_per_min, decimals=0, sort="growth"),
    WorkerMetric("age", SECONDS, lambda worker: worker.age_s, decimals=0, sort="age"),
    WorkerMetric("epsilon", PLAIN, lambda worker: worker.epsilon, detail="epsilon"),
    WorkerMetric(
        "frames_rate", PER_SECOND, lambda worker: worker.frames_rate, decimals=0, detail="frames", detail_cells=5
    ),
    WorkerMetric("latency", SECONDS, lambda worker: worker.latency_s, decimals=3),
    WorkerMetric("episode", PLAIN, lambda worker: worker.episode, decimals=0, detail="episode"),
)
"""In the order of columns and sorts. One argument of an entry shows the number in one more place."""
