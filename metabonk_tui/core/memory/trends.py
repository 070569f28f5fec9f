"""Tracks where memory goes: forecasts of the machine and of each GPU, swap, and which process grows.

Does not: decide what a trend leads to; the verdict does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.memory import forecast
from metabonk_tui.core.memory.forecast import ForecastLine, ForecastTrack, Rules
from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.host import GpuReading, HostReading, MemoryReading
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.memory import Forecast, GpuMemory, Growth, SwapView
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.text.numbers import age, estimate
from metabonk_tui.core.timeseries.window import Points

# On Python 3.11 a member of an enumeration takes ten times the time of a name of the module.
_POOL_LAUNCH, _POOL_RESIZE, _POOL_STOP = (EventKind.POOL_LAUNCH, EventKind.POOL_RESIZE, EventKind.POOL_STOP)

NO_FACTS: Mapping[str, Any] = {}


GROWTH_POINTS = Points(every_s=15.0, span_s=300.0)
GROWS_SHARE = 0.01
"""Growth in 5 min below this share of the process's own size is noise."""
GPU_FLOOR_SHARE = 0.05
SWAP_SHARE = 0.005
"""Swap that grows by this share of total memory in a minute is active, not a leftover."""
STALLED_PERCENT = 10.0
STALLED_HARD_PERCENT = 40.0
SWAP_CALM_S = 300.0


class GrowthSeries(Struct, frozen=True):
    """Memory of one of our processes over 5 min, and since when it grows."""

    points: Points = GROWTH_POINTS
    since_t: float | None = None


class SwapTrack(Struct, frozen=True):
    """Swap in use over 5 min, and when it last thrashed."""

    used: Points = GROWTH_POINTS
    view: SwapView | None = None
    thrashed_t: float | None = None
    """When swap last thrashed."""
    warned: bool = False


class MemoryTrends(Struct, frozen=True):
    """State of all trends of memory in one run."""

    memory: ForecastTrack = field(default_factory=ForecastTrack)
    gpus: Mapping[int, ForecastTrack] = field(default_factory=dict)
    gpu_readings: tuple[GpuReading, ...] | None = None
    swap: SwapTrack = field(default_factory=SwapTrack)
    growth_series: Mapping[str, GrowthSeries] = field(default_factory=dict)
    drafts: tuple[EventDraft, ...] = ()


def rules(config: Config) -> Rules:
    """Return the configured limits of the forecast."""
    return Rules(config.memory.forecast_warn_s, config.memory.forecast_critical_s)


def changed_by_us(sample: Sample) -> bool:
    """Return whether the monitor launched, resized or stopped the pool in this tick: earlier readings are void."""
    changes = (_POOL_LAUNCH, _POOL_RESIZE, _POOL_STOP)
    return any(event.kind in changes and event.severity != "crit" for event in sample.events)


def observe(
    trends: MemoryTrends,
    sample: Sample,
    host: HostReading,
    held: Mapping[str, int] | None,
    config: Config,
    *,
    suspended: bool,
    killed: bool = False,
) -> MemoryTrends:
    """Update the trends with one sample's reading of their host.

    `held` is bytes by process name; None: processes were not read.
    A kernel kill (`killed`) resets the forecast: it frees the victim's memory, so earlier lows mean nothing.
    """
    is_restart = killed or changed_by_us(sample)
    t, reading, when = sample.t, host.memory, rules(config)
    available = reading.available_bytes if reading else None
    total = reading.total_bytes if reading else None
    memory = _follow(trends.memory, sample, available, config.memory.floor_bytes, total, when, suspended, is_restart)
    drafts = list(_forecast_drafts(trends.memory, memory, t, ""))
    gpus: dict[int, ForecastTrack] = dict(trends.gpus)
    for gpu in host.gpus or ():
        before = trends.gpus.get(gpu.index, ForecastTrack())
        free, floor = gpu.total_bytes - gpu.used_bytes, GPU_FLOOR_SHARE * gpu.total_bytes
        gpus[gpu.index] = _follow(before, sample, free, floor, gpu.total_bytes, when, suspended, changed_by_us(sample))
        drafts += _forecast_drafts(before, gpus[gpu.index], t, f"GPU {gpu.index}: ", {"gpu": gpu.index})
    swap = _swap(trends.swap, host.memory, t)
    if swap.warned is not trends.swap.warned and swap.view is not None:
        text = swap.view.text if swap.warned else "swap is quiet again"
        severity: Severity = "crit" if swap.view.level == "crit" else "warn"
        drafts.append(EventDraft(EventKind.MEMORY_SWAP, severity if swap.warned else "ok", text))
    growth_series = {} if suspended else trends.growth_series
    if held is not None:
        # The ramp of a start-up is no growth, so only its last point is kept.
        growth_series = _observe_growth(growth_series, held, t)
    return MemoryTrends(memory, gpus, host.gpus, swap, growth_series, tuple(drafts))


def _follow(
    track: ForecastTrack,
    sample: Sample,
    available: float | None,
    floor: float,
    total: float | None,
    when: Rules,
    suspended: bool,
    is_restart: bool,
) -> ForecastTrack:
    if suspended:
        return forecast.suspend(track, sample.t)
    if is_restart:
        track = forecast.reset(track, sample.t)
    return forecast.observe(track, sample.t, available, floor, total, when)


def _forecast_drafts(
    before: ForecastTrack, after: ForecastTrack, t: float, prefix: str, extra_facts: Mapping[str, Any] = NO_FACTS
) -> list[EventDraft]:
    """Draft one event for each change of the warning, with the forecast times as facts."""
    if after.state == before.state:
        return []
    seen = view(after, t)
    zero = {"zero_t": seen.reaches_zero_t, "zero_lo_t": seen.zero_lo_t, "zero_hi_t": seen.zero_hi_t}
    facts = {**extra_facts, "state": after.state, "was": before.state, **zero}
    if after.state == "CRITICAL":
        return [EventDraft(EventKind.MEMORY_FORECAST, "crit", prefix + seen.text, facts=facts)]
    if after.state == "WARNING":
        eased = "eased: " if before.state == "CRITICAL" else ""
        return [EventDraft(EventKind.MEMORY_FORECAST, "warn", prefix + eased + seen.text, facts=facts)]
    if before.state in ("WARNING", "CRITICAL"):
        changed = after.state in ("LEARNING", "SUSPENDED")
        text = "learning anew" if changed else "the fall has ended"
        return [EventDraft(EventKind.MEMORY_FORECAST, "ok", prefix + text, facts=facts)]
    return []


def view(track: ForecastTrack, t: float) -> Forecast:
    """Return a forecast for drawing: Unix times, each with its band."""
    line = track.line if track.state not in ("LEARNING", "SUSPENDED") else None
    seen_t = t if track.evaluated_t is None else track.evaluated_t

    def at(seconds: float | None) -> float | None:
        return None if seconds is None else seen_t + seconds

    shown = line if line is not None and line.falls and track.state != "STEADY" else None
    is_doubtful = shown is not None and track.state == "FALLING" and _doubt_s(shown) > (shown.zero_s or 0.0)
    shown = None if is_doubtful else shown
    zero_s = shown.zero_s if shown else None
    left_s = None if zero_s is None else max(0.0, seen_t + zero_s - t)
    band_s = None
    if shown and shown.zero_lo_s is not None and shown.zero_hi_s is not None:
        band_s = min((shown.zero_hi_s - shown.zero_lo_s) / 2, shown.zero_s or 0.0)
    return Forecast(
        reaches_zero_t=at(zero_s),
        plus_minus_s=band_s,
        slope_bytes_per_min=line.slope * 60 if line else 0.0,
        text=DOUBTFUL if is_doubtful else _text(track, t, left_s, band_s),
        state=track.state,
        reaches_floor_t=at(shown.floor_s) if shown else None,
        zero_lo_t=at(shown.zero_lo_s) if shown else None,
        zero_hi_t=at(shown.zero_hi_s) if shown else None,
        floor_lo_t=at(shown.floor_lo_s) if shown else None,
        floor_hi_t=at(shown.floor_hi_s) if shown else None,
        since_t=track.since_t,
        falling_since_t=track.falling_since_t,
    )


DOUBTFUL = "falls, too slowly to say when it ends"


def _doubt_s(line: ForecastLine) -> float:
    """Return half the width of the band: a forecast whose doubt is larger than its lead says nothing."""
    if line.zero_lo_s is None or line.zero_hi_s is None:
        return 0.0
    return (line.zero_hi_s - line.zero_lo_s) / 2


def _text(track: ForecastTrack, t: float, zero_s: float | None, band_s: float | None) -> str:
    if track.state == "SUSPENDED":
        return "no forecast in start-up"
    if track.state == "LEARNING":
        learned_s = 0.0 if track.began_t is None else t - track.began_t
        if learned_s < forecast.LEARNING_S:
            return f"forecast learning, {age(learned_s)} of {age(forecast.LEARNING_S)}"
        return "forecast learning, too few readings"
    if track.state == "STEADY":
        return "no fall"
    if zero_s is None:
        return "OOM warning stands, the fall has paused"
    if zero_s < 1:
        return "OOM at any moment"
    if zero_s > 86400:
        return "falls, > 24h left, if this trend holds"
    if band_s is not None and zero_s >= 600:
        band_s = max(60.0, round(band_s / 60) * 60.0)
    return f"OOM {estimate(zero_s, band_s)}, if this trend holds"


def gpu_views(trends: MemoryTrends, t: float) -> tuple[GpuMemory, ...] | None:
    """Return memory and forecast of each GPU; None when no GPU was read."""
    if trends.gpu_readings is None:
        return None
    return tuple(
        GpuMemory(gpu.index, gpu.used_bytes, gpu.total_bytes, view(trends.gpus[gpu.index], t))
        for gpu in trends.gpu_readings
    )


def growth_views(trends: MemoryTrends) -> tuple[Growth, ...]:
    """Return the growth of each process in bytes per minute, fastest first."""
    views = []
    for name, series in trends.growth_series.items():
        rate = series.points.rate(min_span_s=60.0)
        per_min = None if rate is None else rate * 60
        views.append(Growth(name, int(series.points.items[-1][1]), per_min, series.since_t))
    return tuple(sorted(views, key=lambda item: (-(item.bytes_per_min or 0.0), item.name)))


def _observe_growth(before: Mapping[str, GrowthSeries], held: Mapping[str, int], t: float) -> dict[str, GrowthSeries]:
    growth_series = {}
    for name, size in held.items():
        old = before.get(name, GrowthSeries())
        points = old.points.add(t, float(size))
        rate, since_t = points.rate(min_span_s=60.0), old.since_t
        grows = rate is not None and rate * GROWTH_POINTS.span_s > GROWS_SHARE * max(size, 1)
        if grows and since_t is None:
            since_t = points.items[0][0]
        growth_series[name] = GrowthSeries(points, since_t if grows else None)
    return growth_series


def _swap(track: SwapTrack, reading: MemoryReading | None, t: float) -> SwapTrack:
    """Judge swap: growth while tasks stall on memory is thrashing; use without growth is not."""
    if reading is None or reading.swap_used_bytes is None:
        return replace(track, view=None)
    used = track.used.add(t, float(reading.swap_used_bytes))
    rate = used.rate(min_span_s=60.0)
    per_min = None if rate is None else rate * 60
    some, full = reading.pressure_some_avg10, reading.pressure_full_avg10
    if reading.swap_total_bytes == 0:
        return replace(track, used=used, view=SwapView("ok", reading.swap_used_bytes, 0, per_min, "no swap"))
    total = reading.total_bytes
    grows = per_min is not None and bool(total) and per_min > SWAP_SHARE * (total or 0)
    thrashes = grows and some is not None and some >= STALLED_PERCENT
    thrashed_t = t if thrashes else track.thrashed_t
    warned = thrashed_t is not None and t - thrashed_t < SWAP_CALM_S
    hard = warned and ((some or 0.0) >= STALLED_HARD_PERCENT or (full or 0.0) >= STALLED_PERCENT)
    text = ""
    if warned:
        pace = "" if per_min is None else f" {per_min / 1e6:+.0f} MB/min"
        text = f"swap thrashing:{pace}, PSI {'unknown' if some is None else f'{some:.0f}'}"
    unknown = per_min is None or some is None or not total
    level = "crit" if hard else "warn" if warned else "unknown" if unknown else "ok"
    swap = SwapView(level, reading.swap_used_bytes, reading.swap_total_bytes, per_min, text)  # type: ignore[arg-type]
    return SwapTrack(used, swap, thrashed_t, warned)
