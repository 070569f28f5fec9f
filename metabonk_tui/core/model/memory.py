"""Memory in a Snapshot: what is available, who holds it, how many workers fit, when it ends.

Missing is `None`, never a default. Units are in the names. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metabonk_tui.core.model.levels import MemoryLevel
from metabonk_tui.core.model.sample import MemoryReading, RunPeaks, WatchReading


@dataclass(frozen=True, slots=True)
class BlackBoxPoint:
    """Memory at one moment."""

    t: float
    available_bytes: int | None
    held: tuple[tuple[str, int], ...]
    """(name, bytes): "w0", "ollama", "launcher"; what each holds itself."""


@dataclass(frozen=True, slots=True)
class BlackBox:
    """What was recorded around the first kill of a run."""

    kill_t: float
    points: tuple[BlackBoxPoint, ...]

    def at(self, before_s: float) -> BlackBoxPoint | None:
        """Return the last point at or before this many seconds before the kill; None: nobody looked then."""
        seen = [point for point in self.points if point.t <= self.kill_t - before_s]
        return seen[-1] if seen else None


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds memory."""

    name: str
    """"workers 5", "ollama", "launcher", "other"."""
    bytes: int
    growth_bytes_per_min: float | None


PeakSource = Literal["this run", "start-up", "earlier run", "config"]
"""Whose number a peak is. "start-up": measured in this run on workers that are still starting, and may yet grow."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How many workers fit: `n x worker peak + ollama + floor <= available + what the pool holds`."""

    worker_bytes: int
    worker_source: PeakSource
    ollama_bytes: int
    ollama_source: PeakSource
    floor_bytes: int
    budget_bytes: int
    """Available plus what the pool holds now."""
    fits: int
    held_bytes: int = 0
    """What the workers and Ollama hold now."""
    worker_peak_t: float | None = None
    """When the earlier run was that the worker's peak is from."""
    ollama_peak_t: float | None = None

    @property
    def available_bytes(self) -> int:
        """Available memory itself."""
        return self.budget_bytes - self.held_bytes

    def needs_bytes(self, workers: int) -> int:
        """Memory that this many workers and Ollama need, without the floor."""
        return workers * self.worker_bytes + self.ollama_bytes

    def leaves_bytes(self, workers: int) -> int:
        """What stays available with this many workers; negative: it does not fit at all."""
        return self.budget_bytes - self.needs_bytes(workers)


ForecastState = Literal["LEARNING", "SUSPENDED", "STEADY", "FALLING", "WARNING", "CRITICAL"]
"""LEARNING: too little history, which is never OK. SUSPENDED: in start-up. FALLING: it ends, but not soon."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """When memory ends, if the trend holds. Every time has its band: a bare number would claim too much."""

    reaches_zero_t: float | None
    """None: no fall that can be told from noise."""
    plus_minus_s: float | None
    """Half the width of the band around `reaches_zero_t`, for a line of text."""
    slope_bytes_per_min: float
    """The line from now on, negative when available memory falls; 0.0 and no line while LEARNING or SUSPENDED."""
    text: str
    """For people: "OOM ~19m ±6m, if this trend holds"."""
    state: ForecastState = "FALLING"
    reaches_floor_t: float | None = None
    """None also where it is at or below the floor already."""
    zero_lo_t: float | None = None
    zero_hi_t: float | None = None
    """The band of `reaches_zero_t`."""
    floor_lo_t: float | None = None
    floor_hi_t: float | None = None
    """The band of `reaches_floor_t`."""
    since_t: float | None = None
    """Since when `state` is what it is."""
    falling_since_t: float | None = None
    """Since when it falls without having been called off."""

    @property
    def known(self) -> bool:
        """Whether there is a line at all."""
        return self.state not in ("LEARNING", "SUSPENDED")

    @property
    def raised(self) -> bool:
        """Whether it warns."""
        return self.state in ("WARNING", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Growth:
    """Who grows, how fast, since when."""

    name: str
    """"w2", "ollama", "launcher", "other"."""
    bytes: int
    """Held now."""
    bytes_per_min: float | None
    """Over the last 5 min; None: too little history."""
    since_t: float | None
    """Since when it grows without a rest; None: it does not."""


@dataclass(frozen=True, slots=True)
class SwapView:
    """Swap, judged: growing while tasks stall on memory is thrashing."""

    level: MemoryLevel
    used_bytes: int | None
    total_bytes: int | None
    bytes_per_min: float | None
    """How fast swap in use grows; None: too little history."""
    text: str
    """For people: "swap thrashing: +120 MB/min, PSI 32"; "" where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class GpuMemory:
    """Memory of one GPU, device level, judged like the host's."""

    index: int
    used_bytes: int
    total_bytes: int
    forecast: Forecast


@dataclass(frozen=True, slots=True)
class MemoryView:
    """Memory, judged."""

    reading: MemoryReading | None
    level: MemoryLevel
    floor_bytes: int
    min_available_bytes: int | None
    """Lowest in this run."""
    below_floor_since_t: float | None
    above_floor_since_t: float | None
    history: tuple[tuple[float, int], ...]
    """(t, available bytes), one per `Snapshot.memory_bucket_s`, oldest first, the last 60 minutes."""
    owners: tuple[Owner, ...]
    oom_kills_in_run: int
    oom_since_t: float | None
    oom_victims: tuple[str, ...]
    """"ollama", "w3": who vanished when the counter moved, where that is known."""
    budget: Budget | None
    forecast: Forecast | None = None
    first_warning_t: float | None = None
    first_critical_t: float | None = None
    watch_armed: bool = False
    """Armed in earnest: a dry run guards nothing."""
    watch: WatchReading | None = None
    """The memory watch; None: not known."""
    growth: tuple[Growth, ...] = ()
    """By process, the fastest first; empty where processes were not looked at."""
    swap: SwapView | None = None
    """None: swap was not observed."""
    gpus: tuple[GpuMemory, ...] | None = None
    """None: not looked at, or no GPU library; empty: no GPU."""
    peaks_to_keep: RunPeaks | None = None
    """What a later run may learn from this one; None: nothing that can be trusted yet."""
    black_box: BlackBox | None = None
    """Around the first OOM kill of the run."""
    kernel_log: str | None = None
    """"readable", or why not; None: it was not looked at."""

    @property
    def available_bytes(self) -> int | None:
        """Available now; None: not observed."""
        return self.reading.available_bytes if self.reading is not None else None

    @property
    def total_bytes(self) -> int | None:
        """The limit that holds now; None: not observed."""
        return self.reading.total_bytes if self.reading is not None else None
