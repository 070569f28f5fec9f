"""Latches kernel OOM kills of our processes when the kernel's counter moves, and names those that vanished."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.host import HostReading, Role
from metabonk_tui.core.model.refs import WorkerRef, label_of
from metabonk_tui.core.text.phrases import count_of

SUPERVISORS = frozenset({"launcher", "orchestrator"})
"""Small processes, identified by little more than a name: their end proves no kill on the host."""
ProcessKey = tuple[WorkerRef | Role, int | None]
"""(who, pid)"""


class KillTrack(Struct, frozen=True):
    """State of the kernel's OOM kills in one run."""

    seen: int | None = None
    """The counter at the last sample."""
    scope: str | None = None
    """Scope of that counter: numbers of different scopes cannot be compared."""
    in_run: int = 0
    first_t: float | None = None
    victims: tuple[WorkerRef | Role, ...] = ()
    present: tuple[tuple[float, frozenset[ProcessKey]], ...] = ()
    """Our processes in the last 8 samples, to find which vanished when the counter moved."""
    latched_t: float | None = None
    """When a kill without a victim was latched: the process table may show the loss a moment later."""
    unexplained: tuple[float, int] | None = None
    """(t, kills) that may have hit processes of others."""
    others: int = 0
    """Kills in the workers' own cgroup that hit none of ours."""
    earlier: int = 0
    """The counter at the first look, if that was after the run's start: when these kills came is not known."""
    read_t: float | None = None
    """When the counter was last read."""
    read_before: str | None = None
    """Scope of a counter that an earlier run read; kills before this run are then known to be no part of it."""
    drafts: tuple[EventDraft, ...] = ()
    """Events of the last call; `MemoryTrack` takes them over."""


NO_KILLS = KillTrack()


def observe(
    track: KillTrack,
    host: HostReading,
    t: float,
    slack_s: float,
    run_age_s: float = 0.0,
    unseen: tuple[WorkerRef, ...] = (),
) -> KillTrack:
    """Latch kernel kills of ours: one of our processes must have vanished in that moment.

    `unseen`: workers whose process was never seen and that stopped answering just now. A kill within the workers'
    own cgroup that hit none of ours counts apart. The host's counter includes strangers in other groups.
    """
    reading = host.memory
    kills = reading.oom_kills if reading else None
    if reading is None or kills is None:
        return track
    before = track.seen if track.scope == reading.oom_scope else None
    is_known = before is not None or track.read_before == reading.oom_scope
    window_s = slack_s if track.read_t is None else max(slack_s, t - track.read_t)
    earlier = kills if not is_known and run_age_s > slack_s else track.earlier
    track = replace(track, seen=kills, scope=reading.oom_scope, read_t=t, earlier=earlier)
    if track.latched_t is not None and t - track.latched_t <= slack_s:
        # The process table may have been read just before the victim vanished from it.
        track = replace(track, victims=tuple(dict.fromkeys((*track.victims, *vanished(track, host, t, slack_s)))))
    if before is not None and kills > before:
        since, more = track.unexplained or (t, 0)
        track = replace(track, unexplained=(since, more + kills - before))
    if track.unexplained is None:
        return track
    since, count = track.unexplained
    missing = (*vanished(track, host, t, window_s), *unseen)
    is_ours = bool(missing) if track.scope != "host" else not SUPERVISORS.issuperset(missing)
    if is_ours:
        return _latch(replace(track, unexplained=None), t, count, missing, unseen)
    return _as_others(track, count) if t - since > slack_s else track


def _as_others(track: KillTrack, count: int) -> KillTrack:
    """Count kills that hit none of ours: within the workers' own cgroup they are kills in the workers' memory."""
    many = count_of(count, "process")
    if track.scope != "host":
        text = f"the kernel killed {many} in the workers' memory; no known process of this pool is gone"
        draft = EventDraft(EventKind.MEMORY_OOM_ELSEWHERE, "warn", text, facts={"count": count})
        return replace(track, unexplained=None, others=track.others + count, drafts=(*track.drafts, draft))
    text = f"the kernel killed {many} elsewhere on this host, and none of this pool"
    draft = EventDraft(EventKind.MEMORY_OOM_ELSEWHERE, "info", text)
    return replace(track, unexplained=None, drafts=(*track.drafts, draft))


def vanished(track: KillTrack, host: HostReading, t: float, slack_s: float) -> tuple[WorkerRef | Role, ...]:
    """Return our processes that were seen in the last `slack_s` seconds and are gone now."""
    if host.processes is None:
        return ()
    now = {(p.who, p.pid) for p in host.processes}
    gone: dict[WorkerRef | Role, None] = {}
    for seen_t, present in track.present:
        if t - seen_t <= slack_s:
            for who, _ in sorted(present - now, key=_name_and_pid):
                gone[who] = None
    return tuple(gone)


def _name_and_pid(key: ProcessKey) -> str:
    """Return the text by which victims are sorted."""
    who, pid = key
    return f"{label_of(who)} {pid}"


def _latch(
    track: KillTrack,
    t: float,
    count: int,
    victims: tuple[WorkerRef | Role, ...],
    unseen: tuple[WorkerRef, ...] = (),
) -> KillTrack:
    names = [label_of(victim) for victim in victims]
    who = " ".join(names) if names else "victim not known"
    if unseen:
        who += ", probably: it stopped answering then, its process cannot be seen from here"
    return replace(
        track,
        in_run=track.in_run + count,
        first_t=t if track.first_t is None else track.first_t,
        latched_t=t if not victims else None,
        victims=tuple(dict.fromkeys((*track.victims, *victims))),
        drafts=(
            *track.drafts,
            EventDraft(
                EventKind.MEMORY_OOM,
                "crit",
                f"kernel OOM kill: {who} (counter +{count})",
                facts={"count": count, "victims": names},
            ),
        ),
    )


def latch_named(track: KillTrack, t: float, victims: tuple[WorkerRef | Role, ...]) -> KillTrack:
    """Latch a kill that the kernel's log names, if no counter is available."""
    return _latch(track, t, len(victims), victims) if victims and track.seen is None else track


def close(track: KillTrack, host: HostReading, t: float) -> KillTrack:
    """Latch, at the run's last time `t`, the kills that the counter shows until the next run's first sample.

    The host's counter proves nothing here: all our processes are gone, whichever was killed.
    """
    reading = host.memory
    kills, before = reading.oom_kills if reading else None, track.seen
    if reading is None or kills is None or before is None or kills <= before:
        return track
    if reading.oom_scope != track.scope or reading.oom_scope == "host":
        return track
    return _latch(track, t, kills - before, ())


def remember_present(track: KillTrack, host: HostReading, t: float) -> KillTrack:
    """Store which of our processes this reading showed. Call it after `observe` judged the sample."""
    if host.processes is None:
        return track
    present = frozenset(
        [(p.who, p.pid) for p in host.processes if p.role != "other" and (p.role == "worker" or not p.unconfirmed)]
    )
    if track.present and track.present[-1][1] == present:
        return replace(track, present=(*track.present[:-1], (t, present)))
    return replace(track, present=(*track.present, (t, present))[-8:])
