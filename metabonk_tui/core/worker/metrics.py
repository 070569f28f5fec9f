"""Declares the numbers of a worker once: unit, reader, and where each one is shown.

Table, sorting, worker screen, Prometheus, report and comparison loop over `WORKER_METRICS`. Does not: draw anything,
or compute a number; `view` does that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.text.numbers import GB, MB, number, short


@dataclass(frozen=True, slots=True)
class Unit:
    """How numbers of a kind are scaled for people."""

    suffix: str
    scale: float = 1.0
    """Units of the number in one unit of the text."""

    def after(self, text: str) -> str:
        """Append the suffix to a written number: "1.50 GB", "0.34/s", "12"."""
        space = "" if not self.suffix or self.suffix.startswith("/") else " "
        return f"{text}{space}{self.suffix}"


BYTES = Unit("GB", GB)
BYTES_PER_MIN = Unit("M/m", MB)
PER_SECOND = Unit("/s")
SECONDS = Unit("s")
PLAIN = Unit("")
"""A count or a ratio."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """The series of a number for Prometheus, labelled with the worker."""

    name: str
    help_text: str


@dataclass(frozen=True, slots=True)
class CompareRule:
    """One line that a comparison of two runs makes of a number of all workers."""

    id: str
    """The line is named METRIC.ID."""
    title: str
    combine: Callable[[Sequence[float]], float]
    """Makes one number of those of the workers that were observed; there is at least one."""
    factor: float
    """Two runs differ when one number is this many times the other."""
    floor: float
    """A number below it counts as this much."""


@dataclass(frozen=True, slots=True)
class WorkerMetric:
    """One number of a worker. An empty or missing place means that it is not shown there."""

    id: str
    unit: Unit
    read: Callable[[WorkerView], float | None]
    decimals: int = 2
    head: str = ""
    """The head of its column in the workers' table."""
    widths: tuple[int, int, int] = (10, 8, 7)
    """Cells of that column in a wide, a medium and a narrow table, with the gap before; 0: left out."""
    sort: str = ""
    """The name of the order by this number."""
    detail: str = ""
    """Its label in the row "play" of the worker screen."""
    detail_cells: int = 0
    """The most cells that it takes there; 0: it is written in full."""
    gauge: Gauge | None = None
    report: str = ""
    """The head of its column in the report."""
    compare: tuple[CompareRule, ...] = ()

    def text(self, value: float, cells: int = 0) -> str:
        """Write a value without its unit, in at most so many cells; 0: in full."""
        # An int stays one: what a worker sends may exceed every float.
        scaled = value if self.unit.scale == 1 else value / self.unit.scale
        if isinstance(scaled, int) and not cells:
            return str(scaled)
        return short(scaled, self.decimals, cells) if cells else number(scaled, self.decimals)

    def written(self, value: float) -> str:
        """Write a value with its unit."""
        return self.unit.after(self.text(value))


MIN_RATE = 0.01
"""Steps per second; below it two workers stand equally still."""

WORKER_METRICS: tuple[WorkerMetric, ...] = (
    WorkerMetric(
        "generation",
        PLAIN,
        lambda worker: worker.generation,
        decimals=0,
        gauge=Gauge("metabonk_worker_generation", "Which life of the worker it is"),
    ),
    WorkerMetric("step", PLAIN, lambda worker: worker.step, decimals=0, report="steps"),
    WorkerMetric(
        "step_rate",
        PER_SECOND,
        lambda worker: worker.step_rate,
        head="STEP/S",
        widths=(10, 9, 8),
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
"""In the order of columns and sorts. One more place for a number is one more argument of its entry."""
