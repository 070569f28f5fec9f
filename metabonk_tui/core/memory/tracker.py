"""Tracks memory in one run: the level against the floor, use by owner, peaks, kernel kills and trends.

Does not: decide what a level leads to; the verdict does.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.core.config.schema import GB, Config
from metabonk_tui.core.memory import oom_kills, trends
from metabonk_tui.core.memory.capacity import (
    NO_PEAKS,
    MeasuredPeaks,
    Peak,
    compute_capacity,
    held_bytes,
    peaks_of,
    peaks_to_keep,
)
from metabonk_tui.core.memory.oom_kills import NO_KILL_EVIDENCE, NO_KILLS, KillEvidence, KillTrack, ProcessKey
from metabonk_tui.core.memory.trends import MemoryTrends
from metabonk_tui.core.model.deferred import Deferred
from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.host import HostReading, MemoryReading, Role, RunPeaks
from metabonk_tui.core.model.level_names import MemoryLevel
from metabonk_tui.core.model.memory import Budget, Forecast, MemoryView, Owner
from metabonk_tui.core.model.refs import WorkerRef, label_of
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.timing import Timing
from metabonk_tui.core.timeseries.window import Points

HISTORY_S = 3600.0
HISTORY_BUCKET_S = 10.0
HOLE_S = 60.0
"""A hole up to this long interrupts nothing: one monitor takes over from another, or a tick was late."""
HOLES_SHARE = 0.05
"""The share of a window that its holes may have together: 30 s of the 10 min that prove stable memory."""
OWNER_POINTS = Points(every_s=15.0, span_s=300.0)


class MemoryTrack(Struct, frozen=True):
    """State of memory in one run."""

    reading: MemoryReading | None = None
    history: tuple[tuple[float, int], ...] = ()
    """The lowest of every 10 s but the present ones, over an hour."""
    lowest: tuple[float, int] | None = None
    """The lowest of the present 10 s. Apart: the history has 360 entries, and was copied at each new low."""
    min_available_bytes: int | None = None
    below_since_t: float | None = None
    above_since_t: float | None = None
    """Since when available memory was observed above the floor, with holes of seconds only."""
    holes: tuple[tuple[float, float], ...] = ()
    """(end, seconds) of each tolerated hole since then, those of the last window."""
    level: MemoryLevel = "unknown"
    owners: Mapping[str, Points] | None = None
    held_by: int = 0
    """How many workers the bytes of the owner "workers" are those of."""
    measured: MeasuredPeaks = NO_PEAKS
    earlier: tuple[RunPeaks, ...] = ()
    """Peaks of earlier runs of this pool; they outlive a run."""
    seen_t: float | None = None
    """When available memory was last read."""
    table_t: float | None = None
    """When processes were last read."""
    kills: KillTrack = NO_KILLS
    first_warning_t: float | None = None
    first_critical_t: float | None = None
    trends: MemoryTrends = field(default_factory=MemoryTrends)
    drafts: tuple[EventDraft, ...] = ()
    """Events of this tick."""


def observe(
    track: MemoryTrack,
    sample: Sample,
    host: HostReading,
    timing: Timing,
    config: Config,
    unseen: tuple[WorkerRef, ...] = (),
    known: KillEvidence = NO_KILL_EVIDENCE,
) -> MemoryTrack:
    """Update the track with one sample's reading of its host.

    A long gap ends the time above the floor: nothing was observed in it. `unseen`: workers whose process was never
    seen and that stopped answering just now. `known`: what logs say of the kills and exits of the last seconds.
    """
    track = replace(track, drafts=(), reading=host.memory)
    if host.earlier_peaks is not None:
        track = replace(track, earlier=host.earlier_peaks)
    is_read = host.memory is not None and host.memory.available_bytes is not None
    if is_read and track.seen_t is not None and sample.t - track.seen_t > timing.gap_s:
        track = _after_hole(track, sample.t - track.seen_t, sample.t, config.memory.window_s)
    held = _held(host)
    track = _observe_owners(track, host, held, sample.t, timing.starting)
    track = _observe_trends(track, sample, host, held, config, timing.suspended)
    if host.memory is None:
        return replace(track, level="unknown")
    track = _observe_level(track, host.memory, sample.t, config)
    kills = oom_kills.observe(track.kills, host, sample.t, timing.slack_s, timing.run_age_s, unseen, known)
    return _with_kills(track, kills, sample.t)


def _after_hole(track: MemoryTrack, hole_s: float, t: float, window_s: float) -> MemoryTrack:
    """Keep the time above the floor over a hole of seconds, unless the holes of one window add up to too much."""
    holes = (*((end_t, s) for end_t, s in track.holes if end_t > t - window_s), (t, hole_s))
    if hole_s <= HOLE_S and sum(s for _, s in holes) <= max(HOLE_S, HOLES_SHARE * window_s):
        return replace(track, holes=holes)
    return replace(track, above_since_t=None, holes=())


def _observe_trends(
    track: MemoryTrack, sample: Sample, host: HostReading, held: Held | None, config: Config, suspended: bool
) -> MemoryTrack:
    kills, before = host.memory.oom_kills if host.memory else None, track.kills.seen
    killed = kills is not None and before is not None and kills > before
    each = None if held is None else held.each
    ahead = trends.observe(track.trends, sample, host, each, config, suspended=suspended, killed=killed)
    state, t = ahead.memory.state, sample.t
    raised, critical = state in ("WARNING", "CRITICAL"), state == "CRITICAL"
    return replace(
        track,
        trends=ahead,
        drafts=(*track.drafts, *ahead.drafts),
        first_warning_t=t if raised and track.first_warning_t is None else track.first_warning_t,
        first_critical_t=t if critical and track.first_critical_t is None else track.first_critical_t,
    )


class Held(Struct, frozen=True):
    """Bytes that the processes of one reading hold."""

    each: dict[str, int]
    """By the name of each of our processes, "w2" or "ollama", and of all others as "other"."""
    owners: dict[str, int]
    """By owner, "workers" or "ollama", and of all others as "other"."""
    workers: int
    """How many workers the bytes of the owner "workers" are those of."""


def _held(host: HostReading) -> Held | None:
    """Return what each process and each owner holds; None: processes were not read."""
    if host.processes is None:
        return None
    each: dict[str, int] = {}
    owners: dict[str, int] = {}
    workers: set[WorkerRef | Role] = set()
    for process in host.processes:
        role = process.role
        if role == "other":
            continue
        if role == "worker":
            who, owner, size = process.who, "workers", held_bytes(process)
            workers.add(who)
            if who != "worker":
                name = label_of(who)
                each[name] = each.get(name, 0) + size
        else:
            # The launcher's tree includes the workers: count only the launcher's own resident memory.
            owner = "launcher" if role == "orchestrator" else role
            size = process.rss_bytes if owner == "launcher" else held_bytes(process)
            name = "launcher" if owner == "launcher" else label_of(role)
            each[name] = each.get(name, 0) + size
        owners[owner] = owners.get(owner, 0) + size
    reading = host.memory
    if reading and reading.total_bytes is not None and reading.available_bytes is not None:
        used = reading.total_bytes - reading.available_bytes
        each["other"] = max(0, used - sum(each.values()))
        owners["other"] = max(0, used - sum(owners.values()))
    return Held(each, owners, len(workers))


def _observe_level(track: MemoryTrack, reading: MemoryReading, t: float, config: Config) -> MemoryTrack:
    available = reading.available_bytes
    if available is None:
        return replace(track, level="unknown")
    floor = config.memory.floor_bytes
    below = available <= floor
    level: MemoryLevel = "crit" if available < floor / 2 else "warn" if below else "ok"
    drafts = list(track.drafts)
    if level != track.level:
        free = f"available {available / GB:.2f} GB"
        if level == "crit":
            drafts.append(
                EventDraft(EventKind.MEMORY_CRITICAL, "crit", f"{free}, below half the floor of {floor / GB:.1f} GB")
            )
        elif level == "warn" and track.level != "crit":
            drafts.append(EventDraft(EventKind.MEMORY_LOW, "warn", f"{free}, below the floor of {floor / GB:.1f} GB"))
        elif level == "ok" and track.level in ("warn", "crit"):
            drafts.append(
                EventDraft(EventKind.MEMORY_LOW, "ok", f"{free}, above the floor of {floor / GB:.1f} GB again")
            )
    history, low = track.history, track.lowest
    if low is None or int(low[0] // HISTORY_BUCKET_S) != int(t // HISTORY_BUCKET_S):
        if low is not None:
            # It is in the order of time, so what is too old is at the begin.
            old, from_t = 0, t - HISTORY_S
            history = history + (low,)  # noqa: RUF005 - half the time
            while old < len(history) and history[old][0] <= from_t:
                old += 1
            history = history[old:]
        low = t, available
    elif available < low[1]:
        low = low[0], available
    lowest = track.min_available_bytes
    return replace(
        track,
        level=level,
        seen_t=t,
        drafts=tuple(drafts),
        history=history,
        lowest=low,
        min_available_bytes=available if lowest is None else min(lowest, available),
        below_since_t=(track.below_since_t if track.below_since_t is not None else t) if below else None,
        above_since_t=None if below else (track.above_since_t if track.above_since_t is not None else t),
        first_warning_t=t if below and track.first_warning_t is None else track.first_warning_t,
        first_critical_t=t if level == "crit" and track.first_critical_t is None else track.first_critical_t,
    )


def _with_kills(track: MemoryTrack, kills: KillTrack, t: float) -> MemoryTrack:
    """Take over the kills and their events; a kill counts as critical memory."""
    if kills is track.kills:
        return track
    killed = kills.in_run > track.kills.in_run
    return replace(
        track,
        kills=replace(kills, drafts=()) if kills.drafts else kills,
        drafts=(*track.drafts, *kills.drafts),
        first_critical_t=t if killed and track.first_critical_t is None else track.first_critical_t,
    )


def name_victims(
    track: MemoryTrack, t: float, killed: tuple[ProcessKey, ...], logged: frozenset[ProcessKey]
) -> MemoryTrack:
    """Take in which processes are known to have been killed, and which of them a log names."""
    return _with_kills(track, oom_kills.name_victims(track.kills, t, killed, logged), t)


def close(track: MemoryTrack, host: HostReading, t: float) -> MemoryTrack:
    """Latch, at the run's last time `t`, the kills that the counter shows until the next run's first sample."""
    return _with_kills(replace(track, drafts=()), oom_kills.close(track.kills, host, t), t)


def remember_present(track: MemoryTrack, host: HostReading, t: float) -> MemoryTrack:
    """Store which of our processes this reading showed. Call it after `observe` judged the sample."""
    return replace(track, kills=oom_kills.remember_present(track.kills, host, t))


def _observe_owners(track: MemoryTrack, host: HostReading, held: Held | None, t: float, starting: bool) -> MemoryTrack:
    """Take in what each owner holds. The ramp of a start-up is no growth, so only its last point is kept."""
    if host.processes is None or held is None:
        return replace(track, owners=None)
    old = {} if starting else track.owners or {}
    owners = {name: old.get(name, OWNER_POINTS).add(t, float(total)) for name, total in held.owners.items()}
    return replace(
        track, table_t=t, owners=owners, held_by=held.workers, measured=track.measured.observe(host.processes, t)
    )


def _budget(track: MemoryTrack, config: Config, peaks: tuple[Peak, Peak]) -> Budget | None:
    held = sum(points.items[-1][1] for name, points in (track.owners or {}).items() if name in ("workers", "ollama"))
    reading = track.reading or MemoryReading()
    return compute_capacity(
        reading.available_bytes, int(held), track.measured, track.earlier, config, reading.total_bytes, peaks
    )


def view(track: MemoryTrack, config: Config, t: float) -> MemoryView:
    """Return memory as the screens and the verdict read it."""
    peaks = peaks_of(track.measured, track.earlier, config)
    # By position as far as there are no defaults: msgspec takes 1.1 us for so many keywords and 0.6 us for these.
    return MemoryView(
        track.reading,
        track.level,
        config.memory.floor_bytes,
        track.min_available_bytes,
        track.below_since_t,
        track.above_since_t,
        Deferred(lambda: _history(track), len(track.history) + (track.lowest is not None)),
        Deferred(lambda: _owners(track)),
        track.kills.in_run,
        track.kills.first_t,
        track.kills.victims,
        _budget(track, config, peaks),
        _forecast(track, t),
        track.first_warning_t,
        track.first_critical_t,
        unobserved_s=_unobserved_s(track, t, config),
        other_kills_in_run=track.kills.others,
        earlier_kills=track.kills.earlier,
        sees_kills=track.kills.seen is not None,
        oom_suspects=track.kills.suspects,
        oom_probable=tuple([who for who in track.kills.victims if who not in track.kills.proved]),
        peaks_to_keep=peaks_to_keep(track.measured, track.earlier, track.seen_t or 0.0, config, peaks),
        growth=Deferred(lambda: trends.growth_views(track.trends)),
        swap=track.trends.swap.view,
        gpus=trends.gpu_views(track.trends, t),
    )


def _history(track: MemoryTrack) -> tuple[tuple[float, int], ...]:
    return track.history if track.lowest is None else (*track.history, track.lowest)


def _owners(track: MemoryTrack) -> tuple[Owner, ...]:
    owners = []
    for name, points in (track.owners or {}).items():
        rate = points.rate(min_span_s=60.0)
        label = f"workers {track.held_by}" if name == "workers" else name
        owners.append(Owner(label, int(points.items[-1][1]), None if rate is None else rate * 60.0))
    order = {"ollama": 0, "workers": 1, "launcher": 2, "other": 3}
    owners.sort(key=lambda owner: (order.get(owner.name.split()[0], 9), owner.name))
    return tuple(owners)


def _unobserved_s(track: MemoryTrack, t: float, config: Config) -> float:
    """Return the seconds of the last window above the floor in which nothing was observed."""
    if track.above_since_t is None:
        return 0.0
    since_t = max(track.above_since_t, t - config.memory.window_s)
    return sum(hole_s for end_t, hole_s in track.holes if end_t > since_t)


def _forecast(track: MemoryTrack, t: float) -> Forecast | None:
    """Return the forecast; None while available memory is not observed."""
    if track.reading is None or track.reading.available_bytes is None:
        return None
    return trends.view(track.trends.memory, t)
