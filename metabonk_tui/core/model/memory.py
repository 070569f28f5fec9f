"""Declares the memory part of a Snapshot: available bytes, owners, worker budget and forecast.

Missing is `None`, never a default. Units are in the names. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metabonk_tui.core.model.host import MemoryReading, Role, RunPeaks
from metabonk_tui.core.model.level_names import MemoryLevel
from metabonk_tui.core.model.refs import WorkerRef, label_of
from metabonk_tui.core.model.sample import WatchReading


@dataclass(frozen=True, slots=True)
class BlackBoxPoint:
    """Memory at one moment."""

    t: float
    available_bytes: int | None
    held: tuple[tuple[str, int], ...]
    """(name, bytes): "w0", "ollama", "launcher"; without descendants."""


@dataclass(frozen=True, slots=True)
class BlackBox:
    """Memory readings around the first OOM kill of a run."""

    kill_t: float
    points: tuple[BlackBoxPoint, ...]

    def at(self, before_s: float) -> BlackBoxPoint | None:
        """Return the last point at least `before_s` seconds before the kill; None: no reading that early."""
        seen = [point for point in self.points if point.t <= self.kill_t - before_s]
        return seen[-1] if seen else None


@dataclass(frozen=True, slots=True)
class Owner:
    """A group of processes and the memory that it holds."""

    name: str
    """"workers 5", "ollama", "launcher", "other"."""
    bytes: int
    growth_bytes_per_min: float | None


PeakSource = Literal["this run", "start-up", "earlier run", "config"]
"""Where a peak comes from. "start-up": measured in this run on starting workers, which may still grow."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The workers that fit: `n x worker peak + ollama + floor <= available + what the pool holds`."""

    worker_bytes: int
    worker_source: PeakSource
    ollama_bytes: int
    ollama_source: PeakSource
    floor_bytes: int
    budget_bytes: int
    """Available bytes plus the bytes that the pool holds now."""
    fits: int
    held_bytes: int = 0
    """Bytes that the workers and Ollama hold now."""
    worker_peak_t: float | None = None
    """When the worker's peak was measured, where it comes from an earlier run."""
    ollama_peak_t: float | None = None

    @property
    def available_bytes(self) -> int:
        """Memory available now, without what the pool holds."""
        return self.budget_bytes - self.held_bytes

    def needs_bytes(self, workers: int) -> int:
        """Return the memory that `workers` workers and Ollama need, without the floor."""
        return workers * self.worker_bytes + self.ollama_bytes

    def leaves_bytes(self, workers: int) -> int:
        """Return the bytes left available with `workers` workers; negative: they do not fit."""
        return self.budget_bytes - self.needs_bytes(workers)


ForecastState = Literal["LEARNING", "SUSPENDED", "STEADY", "FALLING", "WARNING", "CRITICAL"]
"""LEARNING: too little history, so never OK. SUSPENDED: start-up. FALLING: memory will run out, but not soon."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """When memory will run out if the trend lasts. Every time has an uncertainty band."""

    reaches_zero_t: float | None
    """None: no fall distinguishable from noise."""
    plus_minus_s: float | None
    """Half the width of the band around `reaches_zero_t`, in seconds, for display."""
    slope_bytes_per_min: float
    """Slope of available memory, negative when it falls; 0.0 while LEARNING or SUSPENDED."""
    text: str
    """For display: "OOM ~19m ±6m, if this trend holds"."""
    state: ForecastState = "FALLING"
    reaches_floor_t: float | None = None
    """None: no fall, or already at or below the floor."""
    zero_lo_t: float | None = None
    zero_hi_t: float | None = None
    """The band of `reaches_zero_t`."""
    floor_lo_t: float | None = None
    floor_hi_t: float | None = None
    """The band of `reaches_floor_t`."""
    since_t: float | None = None
    """When the forecast entered `state`."""
    falling_since_t: float | None = None
    """When the current, uninterrupted fall started."""

    @property
    def known(self) -> bool:
        """Whether the forecast has a trend line."""
        return self.state not in ("LEARNING", "SUSPENDED")

    @property
    def raised(self) -> bool:
        """Whether the state is WARNING or CRITICAL."""
        return self.state in ("WARNING", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Growth:
    """The memory growth of one process."""

    name: str
    """"w2", "ollama", "launcher", "other"."""
    bytes: int
    """Bytes held now."""
    bytes_per_min: float | None
    """Growth over the last 5 minutes; None: too little history."""
    since_t: float | None
    """When the uninterrupted growth started; None: no growth."""


@dataclass(frozen=True, slots=True)
class SwapView:
    """Swap use and its level. Growth while tasks stall on memory is thrashing."""

    level: MemoryLevel
    used_bytes: int | None
    total_bytes: int | None
    bytes_per_min: float | None
    """Growth of used swap; None: too little history."""
    text: str
    """For display: "swap thrashing: +120 MB/min, PSI 32"; "": nothing to report."""


@dataclass(frozen=True, slots=True)
class GpuMemory:
    """Memory of one GPU device, with a forecast like the host's."""

    index: int
    used_bytes: int
    total_bytes: int
    forecast: Forecast


@dataclass(frozen=True, slots=True)
class MemoryView:
    """Memory of one tick with its level, history and forecast."""

    reading: MemoryReading | None
    level: MemoryLevel
    floor_bytes: int
    min_available_bytes: int | None
    """The lowest available memory in this run."""
    below_floor_since_t: float | None
    above_floor_since_t: float | None
    history: tuple[tuple[float, int], ...]
    """(t, available bytes), one per `Snapshot.memory_bucket_s`, oldest first, over the last 60 minutes."""
    owners: tuple[Owner, ...]
    oom_kills_in_run: int
    oom_since_t: float | None
    oom_victims: tuple[WorkerRef | Role, ...]
    """Processes that vanished when the kill counter rose; empty: not known."""
    budget: Budget | None
    forecast: Forecast | None = None
    first_warning_t: float | None = None
    first_critical_t: float | None = None
    watch_armed: bool = False
    """The watch is armed and not in a dry run, which protects nothing."""
    watch: WatchReading | None = None
    """None: not known."""
    growth: tuple[Growth, ...] = ()
    """Per process, the fastest first; empty: processes were not read."""
    swap: SwapView | None = None
    """None: swap was not observed."""
    gpus: tuple[GpuMemory, ...] | None = None
    """None: not read, or no GPU library; empty: no GPU."""
    peaks_to_keep: RunPeaks | None = None
    """Peaks that later runs may use; None: not reliable yet."""
    black_box: BlackBox | None = None
    """Readings around the first OOM kill of the run."""
    other_kills_in_run: int = 0
    """OOM kills in the workers' memory that hit no process of the pool."""
    earlier_kills: int = 0
    """OOM kills that the counter had at the first look, after the run's start: when is not known."""
    sees_kills: bool = False
    """Whether a counter or a readable kernel log would have shown an OOM kill."""
    kernel_log: str | None = None
    """"readable", or the reason why not; None: not read."""
    unobserved_s: float = 0.0
    """Seconds of the last window above the floor in which no monitor observed memory."""

    @property
    def victim_names(self) -> tuple[str, ...]:
        """The victims' names on screen: "ollama", "w3"."""
        return tuple(label_of(victim) for victim in self.oom_victims)

    @property
    def available_bytes(self) -> int | None:
        """Bytes available now; None: not observed."""
        return self.reading.available_bytes if self.reading is not None else None

    @property
    def total_bytes(self) -> int | None:
        """The current memory limit in bytes; None: not observed."""
        return self.reading.total_bytes if self.reading is not None else None
