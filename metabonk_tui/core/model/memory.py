"""Declares the memory part of a Snapshot: available bytes, owners, worker budget and forecast.

Missing is `None`, never a default. Units are in the names. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.host import MemoryReading, Role, RunPeaks
from metabonk_tui.core.model.level_names import MemoryLevel
from metabonk_tui.core.model.refs import ONLY_HOST, HostName, WorkerRef, label_of
from metabonk_tui.core.model.sample import WatchReading


class BlackBoxPoint(Struct, frozen=True):
    """Memory at one moment."""

    t: float
    available_bytes: int | None
    held: tuple[tuple[str, int], ...]
    """(name, bytes): "w0", "ollama", "launcher"; without descendants."""


class BlackBox(Struct, frozen=True):
    """Memory readings around the first OOM kill of a run."""

    kill_t: float
    points: tuple[BlackBoxPoint, ...]

    def at(self, before_s: float) -> BlackBoxPoint | None:
        """Return the last point at least `before_s` seconds before the kill; None: no reading that early."""
        seen = [point for point in self.points if point.t <= self.kill_t - before_s]
        return seen[-1] if seen else None


class Owner(Struct, frozen=True):
    """A group of processes and the memory that it holds."""

    name: str
    """"workers 5", "ollama", "launcher", "other"."""
    bytes: int
    growth_bytes_per_min: float | None


PeakSource = Literal["this run", "start-up", "earlier run", "config"]
"""Where a peak comes from. "start-up": measured in this run on starting workers, which may still grow."""


class Budget(Struct, frozen=True):
    """The workers that fit: `n x worker peak + shared + ollama + floor <= available + what the pool holds`."""

    worker_bytes: int
    worker_source: PeakSource
    ollama_bytes: int
    ollama_source: PeakSource
    floor_bytes: int
    budget_bytes: int
    """Available bytes plus the bytes that the pool holds now."""
    fits: int
    held_bytes: int = 0
    """Bytes that the workers and Ollama hold now, each page once."""
    worker_peak_t: float | None = None
    """When the worker's peak was measured, where it comes from an earlier run."""
    ollama_peak_t: float | None = None
    shared_bytes: int = 0
    """Shared memory that several workers map: needed once, whatever their number."""

    @property
    def available_bytes(self) -> int:
        """Memory available now, without what the pool holds."""
        return self.budget_bytes - self.held_bytes

    def needs_bytes(self, workers: int) -> int:
        """Return the memory that `workers` workers and Ollama need, without the floor."""
        return workers * self.worker_bytes + self.ollama_bytes + (self.shared_bytes if workers else 0)

    def leaves_bytes(self, workers: int) -> int:
        """Return the bytes left available with `workers` workers; negative: they do not fit."""
        return self.budget_bytes - self.needs_bytes(workers)


ForecastState = Literal["LEARNING", "SUSPENDED", "STEADY", "FALLING", "WARNING", "CRITICAL"]
"""LEARNING: too little history, so never OK. SUSPENDED: start-up. FALLING: memory will run out, but not soon."""


class Forecast(Struct, frozen=True):
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


class Growth(Struct, frozen=True):
    """The memory growth of one process."""

    name: str
    """"w2", "ollama", "launcher", "other"."""
    bytes: int
    """Bytes held now."""
    bytes_per_min: float | None
    """Growth over the last 5 minutes; None: too little history."""
    since_t: float | None
    """When the uninterrupted growth started; None: no growth."""


class SwapView(Struct, frozen=True):
    """Swap use and its level. Growth while tasks stall on memory is thrashing."""

    level: MemoryLevel
    used_bytes: int | None
    total_bytes: int | None
    bytes_per_min: float | None
    """Growth of used swap; None: too little history."""
    text: str
    """For display: "swap thrashing: +120 MB/min, PSI 32"; "": nothing to report."""


class GpuMemory(Struct, frozen=True):
    """Memory of one GPU device, with a forecast like the host's."""

    index: int
    used_bytes: int
    total_bytes: int
    forecast: Forecast


class GpuFaultView(Struct, frozen=True):
    """One kind of GPU fault in this run, by its newest line."""

    text: str
    xid: int | None
    """None: no memory left."""
    gpu: str
    last_t: float


class KernelView(Struct, frozen=True):
    """What the kernel's log proves of this run."""

    complete: bool = False
    """The log has every line since the run's start."""
    kills: int = 0
    """OOM kills in the workers' memory that no counter saw, because they came before the first look."""
    kills_unsure: int = 0
    """OOM kills of which it is not known whether they were in the workers' memory."""
    faults: tuple[GpuFaultView, ...] = ()
    """Oldest first."""


PROBABLY = "probably "
"""Stands before victims that vanished as the counter of the whole host moved."""


class MemoryView(Struct, frozen=True):
    """Memory of one tick with its level, history and forecast."""

    reading: MemoryReading | None
    level: MemoryLevel
    floor_bytes: int
    min_available_bytes: int | None
    """The lowest available memory in this run."""
    below_floor_since_t: float | None
    above_floor_since_t: float | None
    history: Sequence[tuple[float, int]]
    """(t, available bytes), one per `Snapshot.memory_bucket_s`, oldest first, over the last 60 minutes.

    A step computes it, the owners and the growth at the first read.
    """
    owners: Sequence[Owner]
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
    growth: Sequence[Growth] = ()
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
    kernel: KernelView = KernelView()
    unobserved_s: float = 0.0
    """Seconds of the last window above the floor in which no monitor observed memory."""
    host: HostName = ONLY_HOST
    """The host, where hosts have names."""
    oom_suspects: tuple[WorkerRef | Role, ...] = ()
    """Processes that vanished with kills fewer than themselves: the kernel killed some of them."""

    oom_probable: tuple[WorkerRef | Role, ...] = ()
    """Victims that vanished as the host's counter moved, which counts the kills of others as well."""

    @property
    def known_kills(self) -> int | None:
        """OOM kills of the pool in this run; None: no source could have seen one."""
        return self.oom_kills_in_run if self.oom_kills_in_run or self.sees_kills else None

    @property
    def victims_text(self) -> str:
        """The victims on screen: "ollama", "probably w1", "one of w0 w1 w2"; "": none is known."""
        named, left = ", ".join(self.victim_names), self.oom_kills_in_run - len(self.oom_victims)
        if named and len(self.oom_probable) == len(self.oom_victims):
            named = f"{PROBABLY}{named}"
        if not self.oom_suspects or left <= 0:
            return named
        others = among(left, list(map(label_of, self.oom_suspects)))
        return f"{named} and {others}" if named else others

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


def among(count: int, names: Sequence[str]) -> str:
    """Say that some of these were killed: "one of w0 w1 w2"."""
    return f"{'one' if count == 1 else count} of {' '.join(names)}"


def of_run(worst: MemoryView, hosts: Sequence[MemoryView]) -> MemoryView:
    """Return the memory of the worst host with the lowest value and the kills of all; the only one as it is."""
    if len(hosts) == 1:
        return worst
    killed = sorted([each for each in hosts if each.oom_since_t is not None], key=lambda each: each.oom_since_t or 0.0)
    lowest = [each.min_available_bytes for each in hosts if each.min_available_bytes is not None]
    return replace(
        worst,
        min_available_bytes=min(lowest, default=None),
        oom_kills_in_run=sum([each.oom_kills_in_run for each in hosts]),
        oom_since_t=killed[0].oom_since_t if killed else None,
        oom_victims=tuple([victim for each in killed for victim in each.oom_victims]),
        oom_suspects=tuple([suspect for each in killed for suspect in each.oom_suspects]),
        oom_probable=tuple([victim for each in killed for victim in each.oom_probable]),
        black_box=killed[0].black_box if killed else worst.black_box,
        other_kills_in_run=sum([each.other_kills_in_run for each in hosts]),
        earlier_kills=sum([each.earlier_kills for each in hosts]),
        sees_kills=all([each.sees_kills for each in hosts]),
    )
