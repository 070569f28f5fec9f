"""Latches kernel OOM kills of our processes when the kernel's counter moves, and names those that vanished."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.host import HostReading, Role
from metabonk_tui.core.model.memory import among
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
    last_t: float | None = None
    victims: tuple[WorkerRef | Role, ...] = ()
    suspects: tuple[WorkerRef | Role, ...] = ()
    """Processes that vanished with kills fewer than themselves: which of them the kernel killed is not known."""
    unnamed: int = 0
    """How many kills have no victim yet."""
    blamed: frozenset[ProcessKey] = frozenset()
    """The processes that were named as victims."""
    proved: frozenset[WorkerRef | Role] = frozenset()
    """Victims by the kernel's log or a counter of their own group. The host's counter only makes them probable."""
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
        track = _blame(track, vanished(track, host, t, slack_s), track.unnamed)
    if before is not None and kills > before:
        since, more = track.unexplained or (t, 0)
        track = replace(track, unexplained=(since, more + kills - before))
    if track.unexplained is None:
        return track
    since, count = track.unexplained
    missing = (*vanished(track, host, t, window_s), *[(ref, None) for ref in unseen])
    is_ours = bool(missing) if track.scope != "host" else not SUPERVISORS.issuperset([who for who, _ in missing])
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


def vanished(track: KillTrack, host: HostReading, t: float, slack_s: float) -> tuple[ProcessKey, ...]:
    """Return our processes that were seen in the last `slack_s` seconds and are gone now."""
    if host.processes is None:
        return ()
    now = {(p.who, p.pid) for p in host.processes}
    gone: dict[ProcessKey, None] = {}
    for seen_t, present in track.present:
        if t - seen_t <= slack_s:
            gone |= dict.fromkeys(sorted(present - now, key=_name_and_pid))
    return tuple(gone)


def _name_and_pid(key: ProcessKey) -> str:
    """Return the text by which victims are sorted."""
    who, pid = key
    return f"{label_of(who)} {pid}"


def _latch(
    track: KillTrack,
    t: float,
    count: int,
    missing: tuple[ProcessKey, ...],
    unseen: tuple[WorkerRef, ...] = (),
) -> KillTrack:
    """Count kills of ours. `missing`: what vanished in that moment; it may be more than was killed."""
    latched = _blame(replace(track, unnamed=track.unnamed + count), missing, count)
    fresh = [who for who in latched.victims if who not in track.victims]
    victims = [label_of(who) for who in fresh]
    suspects = [label_of(who) for who in latched.suspects]
    is_probable = bool(fresh) and not unseen and latched.proved.isdisjoint(fresh)
    who = " ".join(["probably", *victims] if is_probable else victims)
    who = who or (among(count, suspects) if suspects else "victim not known")
    if unseen:
        who += ", probably: it stopped answering then, its process cannot be seen from here"
    facts = {"count": count, "victims": victims} | ({"suspects": suspects} if suspects and not victims else {})
    draft = EventDraft(EventKind.MEMORY_OOM, "crit", f"kernel OOM kill: {who} (counter +{count})", facts=facts)
    return replace(
        latched,
        in_run=track.in_run + count,
        first_t=t if track.first_t is None else track.first_t,
        last_t=t,
        latched_t=t if not missing else None,
        drafts=(*track.drafts, draft),
    )


def _blame(track: KillTrack, missing: Sequence[ProcessKey], count: int) -> KillTrack:
    """Name what vanished as victims of `count` kills; if more vanished than were killed, each is only suspected."""
    new = [key for key in missing if key not in track.blamed]
    if not new:
        return track
    if len(new) > count and len(dict.fromkeys((*track.suspects, *[who for who, _ in new]))) > track.unnamed:
        return replace(track, suspects=tuple(dict.fromkeys((*track.suspects, *[who for who, _ in new]))))
    whole = new if len(new) <= count else [*[(who, None) for who in track.suspects], *new]
    victims = tuple(dict.fromkeys((*track.victims, *[who for who, _ in whole])))
    unnamed = max(0, track.unnamed - len(new))
    return replace(
        track,
        victims=victims,
        suspects=tuple([who for who in track.suspects if who not in victims]) if unnamed else (),
        unnamed=unnamed,
        blamed=track.blamed.union(new),
        proved=track.proved if track.scope == "host" else track.proved.union([who for who, _ in whole]),
    )


def name_victims(track: KillTrack, t: float, killed: tuple[WorkerRef | Role, ...]) -> KillTrack:
    """Take in whom the kernel's log names: suspects become victims; if no counter is available, a kill is latched."""
    if not killed:
        return track
    if track.seen is None:
        return _latch(track, t, len(killed), tuple([(who, None) for who in killed]))
    named = [who for who in killed if who in track.suspects]
    proved = track.proved.union([who for who in killed if who in (*track.victims, *named)])
    unnamed = max(0, track.unnamed - len(named))
    suspects = tuple([who for who in track.suspects if who not in named]) if unnamed else ()
    victims = tuple(dict.fromkeys((*track.victims, *named)))
    return replace(track, victims=victims, suspects=suspects, unnamed=unnamed, proved=proved)


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
