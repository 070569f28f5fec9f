"""Memory, judged: the floor, who holds it, and kernel kills in this run.

Knows only readings in their order; what a level leads to is the verdict's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from metabonk_tui.core.config.schema import GB, Config
from metabonk_tui.core.memory import trends
from metabonk_tui.core.memory.capacity import NO_PEAKS, MeasuredPeaks, compute_capacity, held_bytes, peaks_to_keep
from metabonk_tui.core.memory.trends import MemoryTrends
from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.memory import Budget, Forecast, MemoryView, Owner
from metabonk_tui.core.model.sample import MemoryReading, RunPeaks, Sample
from metabonk_tui.core.model.timing import Timing
from metabonk_tui.core.timeseries.window import Points

HISTORY_S = 3600.0
HISTORY_BUCKET_S = 10.0
OWNER_POINTS = Points(every_s=15.0, span_s=300.0)

SUPERVISORS = frozenset({"launcher", "orchestrator"})
"""Small, and known by little more than a name: that one of them ended says nothing about a kill on the host."""

MemoryLevel = Literal["ok", "warn", "crit", "unknown"]
ProcessKey = tuple[str, int | None, int | None]
"""(role, slot, pid)"""


@dataclass(frozen=True, slots=True)
class MemoryTrack:
    """What is remembered of memory in one run."""

    reading: MemoryReading | None = None
    history: tuple[tuple[float, int], ...] = ()
    min_available_bytes: int | None = None
    below_since_t: float | None = None
    above_since_t: float | None = None
    """Since when it was observed above the floor without a gap."""
    level: MemoryLevel = "unknown"
    owners: Mapping[str, Points] | None = None
    measured: MeasuredPeaks = NO_PEAKS
    earlier: tuple[RunPeaks, ...] = ()
    """What earlier runs of this pool held; it outlives a run."""
    kills_seen: int | None = None
    """The counter at the last sample."""
    kills_scope: str | None = None
    """What that counter counts: a number of another scope cannot be compared with it."""
    kills_in_run: int = 0
    kill_t: float | None = None
    victims: tuple[str, ...] = ()
    present: tuple[tuple[float, frozenset[ProcessKey]], ...] = ()
    """Our processes in the last samples: who vanished when the counter moved."""
    latched_t: float | None = None
    """When the newest kill was latched: its victim may be seen to be gone a moment later."""
    seen_t: float | None = None
    """When available memory was last read."""
    unexplained: tuple[float, int] | None = None
    """(t, kills) of the whole host's counter that may not be ours."""
    first_warning_t: float | None = None
    first_critical_t: float | None = None
    trends: MemoryTrends = field(default_factory=MemoryTrends)
    drafts: tuple[EventDraft, ...] = ()
    """What this tick brought."""


def observe(track: MemoryTrack, sample: Sample, timing: Timing, config: Config) -> MemoryTrack:
    """Take in one tick; over a gap nothing is known to have stayed as it was."""
    track = replace(track, drafts=(), reading=sample.memory)
    if sample.earlier_peaks is not None:
        track = replace(track, earlier=sample.earlier_peaks)
    if track.seen_t is not None and sample.t - track.seen_t > timing.gap_s:
        track = replace(track, above_since_t=None)
    track = _observe_trends(_observe_owners(track, sample), sample, config, timing.suspended)
    if sample.memory is None:
        return replace(track, level="unknown")
    track = _observe_level(track, sample.memory, sample.t, config)
    return _observe_kills(track, sample, timing.slack_s)


def _observe_trends(track: MemoryTrack, sample: Sample, config: Config, suspended: bool) -> MemoryTrack:
    kills, before = sample.memory.oom_kills if sample.memory else None, track.kills_seen
    killed = kills is not None and before is not None and kills > before
    held = _held_by_each(sample)
    ahead = trends.observe(track.trends, sample, held, config, suspended=suspended, killed=killed)
    state, t = ahead.memory.state, sample.t
    raised, critical = state in ("WARNING", "CRITICAL"), state == "CRITICAL"
    return replace(
        track,
        trends=ahead,
        drafts=(*track.drafts, *ahead.drafts),
        first_warning_t=t if raised and track.first_warning_t is None else track.first_warning_t,
        first_critical_t=t if critical and track.first_critical_t is None else track.first_critical_t,
    )


def _held_by_each(sample: Sample) -> dict[str, int] | None:
    """Return what each of ours holds, "w2" or "ollama", and what the rest of the machine holds."""
    if sample.processes is None:
        return None
    held: dict[str, int] = {}
    for process in sample.processes:
        if process.role == "other" or (process.role == "worker" and process.slot is None):
            continue
        name = {"worker": f"w{process.slot}", "orchestrator": "launcher"}.get(process.role, process.role)
        # The launcher's tree holds the workers.
        size = process.rss_bytes if name == "launcher" else held_bytes(process)
        held[name] = held.get(name, 0) + size
    reading = sample.memory
    if reading and reading.total_bytes is not None and reading.available_bytes is not None:
        held["other"] = max(0, reading.total_bytes - reading.available_bytes - sum(held.values()))
    return held


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
    history = track.history
    if history and int(history[-1][0] // HISTORY_BUCKET_S) == int(t // HISTORY_BUCKET_S):
        history = (*history[:-1], (history[-1][0], min(history[-1][1], available)))
    else:
        history = (*(h for h in history if h[0] > t - HISTORY_S), (t, available))
    lowest = track.min_available_bytes
    return replace(
        track,
        level=level,
        seen_t=t,
        drafts=tuple(drafts),
        history=history,
        min_available_bytes=available if lowest is None else min(lowest, available),
        below_since_t=(track.below_since_t if track.below_since_t is not None else t) if below else None,
        above_since_t=None if below else (track.above_since_t if track.above_since_t is not None else t),
        first_warning_t=t if below and track.first_warning_t is None else track.first_warning_t,
        first_critical_t=t if level == "crit" and track.first_critical_t is None else track.first_critical_t,
    )


def _observe_kills(track: MemoryTrack, sample: Sample, slack_s: float) -> MemoryTrack:
    """Latch kernel kills. The host's counter also counts strangers: there, one of ours must have vanished."""
    reading = sample.memory
    kills = reading.oom_kills if reading else None
    if reading is None or kills is None:
        return track
    before = track.kills_seen if track.kills_scope == reading.oom_scope else None
    track = replace(track, kills_seen=kills, kills_scope=reading.oom_scope)
    if track.latched_t is not None and sample.t - track.latched_t <= slack_s:
        # The process table may have been read just before its victim vanished from it.
        track = replace(track, victims=tuple(dict.fromkeys((*track.victims, *vanished(track, sample, slack_s)))))
    if before is not None and kills > before:
        if reading.oom_scope == "host":
            more = (track.unexplained[1] if track.unexplained else 0) + kills - before
            track = replace(track, unexplained=(sample.t, more))
        else:
            return _latch(track, sample.t, kills - before, vanished(track, sample, slack_s))
    if track.unexplained is not None:
        since, count = track.unexplained
        missing = vanished(track, sample, slack_s)
        if not SUPERVISORS.issuperset(missing):
            return _latch(replace(track, unexplained=None), sample.t, count, missing)
        if sample.t - since > slack_s:
            text = f"the kernel killed {count} process(es) elsewhere on this host; none of ours is gone"
            return replace(
                track,
                unexplained=None,
                drafts=(*track.drafts, EventDraft(EventKind.MEMORY_OOM_ELSEWHERE, "info", text)),
            )
    return track


def vanished(track: MemoryTrack, sample: Sample, slack_s: float) -> tuple[str, ...]:
    """Name our processes that were seen at most `slack_s` ago and are gone now: "ollama", "w3"."""
    if sample.processes is None:
        return ()
    now = {(p.role, p.slot, p.pid) for p in sample.processes}
    names: dict[str, None] = {}
    for seen_t, present in track.present:
        if sample.t - seen_t <= slack_s:
            for role, slot, _pid in sorted(present - now, key=str):
                names[f"w{slot}" if role == "worker" else role] = None
    return tuple(names)


def _latch(track: MemoryTrack, t: float, count: int, victims: tuple[str, ...]) -> MemoryTrack:
    who = " ".join(victims) if victims else "victim not known"
    return replace(
        track,
        kills_in_run=track.kills_in_run + count,
        kill_t=t if track.kill_t is None else track.kill_t,
        latched_t=t if not victims else None,
        victims=tuple(dict.fromkeys((*track.victims, *victims))),
        first_critical_t=t if track.first_critical_t is None else track.first_critical_t,
        drafts=(
            *track.drafts,
            EventDraft(
                EventKind.MEMORY_OOM,
                "crit",
                f"kernel OOM kill: {who} (counter +{count})",
                facts={"count": count, "victims": list(victims)},
            ),
        ),
    )


def latch_named(track: MemoryTrack, t: float, victims: tuple[str, ...]) -> MemoryTrack:
    """Latch a kill that the kernel's log names, where no counter is read that would show it."""
    return _latch(track, t, len(victims), victims) if victims and track.kills_seen is None else track


def close(track: MemoryTrack, sample: Sample, t: float) -> MemoryTrack:
    """Latch, at the run's last time `t`, what the counter says was killed between then and the next run's sample.

    The host's counter says nothing here: everything of ours is gone, whoever was killed.
    """
    track = replace(track, drafts=())
    reading = sample.memory
    kills, before = reading.oom_kills if reading else None, track.kills_seen
    if reading is None or kills is None or before is None or kills <= before:
        return track
    if reading.oom_scope != track.kills_scope or reading.oom_scope == "host":
        return track
    return _latch(track, t, kills - before, ())


def remember_present(track: MemoryTrack, sample: Sample) -> MemoryTrack:
    """Remember which of our processes this sample showed, after it was judged."""
    if sample.processes is None:
        return track
    present = frozenset((p.role, p.slot, p.pid) for p in sample.processes if p.role != "other")
    if track.present and track.present[-1][1] == present:
        return replace(track, present=(*track.present[:-1], (sample.t, present)))
    return replace(track, present=(*track.present, (sample.t, present))[-8:])


def _observe_owners(track: MemoryTrack, sample: Sample) -> MemoryTrack:
    if sample.processes is None:
        return replace(track, owners=None)
    totals: dict[str, int] = {}
    for process in sample.processes:
        name = {"worker": "workers", "orchestrator": "launcher"}.get(process.role, process.role)
        if name == "other":
            continue
        # The launcher's tree holds the workers: only what a process holds itself is its own there.
        held = process.rss_bytes if name == "launcher" else held_bytes(process)
        totals[name] = totals.get(name, 0) + held
    old = track.owners or {}
    owners = {name: old.get(name, OWNER_POINTS).add(sample.t, float(total)) for name, total in totals.items()}
    reading = sample.memory
    if reading and reading.total_bytes is not None and reading.available_bytes is not None:
        rest = reading.total_bytes - reading.available_bytes - sum(totals.values())
        owners["other"] = old.get("other", OWNER_POINTS).add(sample.t, float(max(rest, 0)))
    return replace(track, owners=owners, measured=track.measured.observe(sample.processes, sample.t))


def _budget(track: MemoryTrack, config: Config) -> Budget | None:
    held = sum(points.items[-1][1] for name, points in (track.owners or {}).items() if name in ("workers", "ollama"))
    available = track.reading.available_bytes if track.reading is not None else None
    return compute_capacity(available, int(held), track.measured, track.earlier, config)


def view(track: MemoryTrack, config: Config, workers: int, t: float) -> MemoryView:
    """Project the track for drawing and judging."""
    owners = []
    for name, points in (track.owners or {}).items():
        rate = points.rate(min_span_s=60.0)
        label = f"workers {workers}" if name == "workers" else name
        owners.append(Owner(label, int(points.items[-1][1]), None if rate is None else rate * 60.0))
    order = {"ollama": 0, "workers": 1, "launcher": 2, "other": 3}
    owners.sort(key=lambda owner: (order.get(owner.name.split()[0], 9), owner.name))
    return MemoryView(
        reading=track.reading,
        level=track.level,
        floor_bytes=config.memory.floor_bytes,
        min_available_bytes=track.min_available_bytes,
        below_floor_since_t=track.below_since_t,
        above_floor_since_t=track.above_since_t,
        history=track.history,
        owners=tuple(owners),
        oom_kills_in_run=track.kills_in_run,
        oom_since_t=track.kill_t,
        oom_victims=track.victims,
        budget=_budget(track, config),
        first_warning_t=track.first_warning_t,
        first_critical_t=track.first_critical_t,
        peaks_to_keep=peaks_to_keep(track.measured, track.earlier, track.seen_t or 0.0, config),
        forecast=_forecast(track, t),
        growth=trends.growth_views(track.trends),
        swap=track.trends.swap.view,
        gpus=trends.gpu_views(track.trends, t),
    )


def _forecast(track: MemoryTrack, t: float) -> Forecast | None:
    """Write the forecast; None while available memory is not observed."""
    if track.reading is None or track.reading.available_bytes is None:
        return None
    return trends.view(track.trends.memory, t)
