"""Latches kernel OOM kills of our processes when the kernel's counter moves, and names those that vanished."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.host import SERVICES, HostReading, Role
from metabonk_tui.core.model.memory import among
from metabonk_tui.core.model.refs import WorkerRef, label_of
from metabonk_tui.core.text.phrases import count_of

SUPERVISORS = frozenset({"launcher", *SERVICES})
"""Small processes that the kernel seldom chooses: on the host, other evidence of one moment is awaited first."""
READ_S = 2.0
"""Seconds by which the time of a logged kill and the reading of a counter may differ."""
ProcessKey = tuple[WorkerRef | Role, int | None]
"""(who, pid)"""


class KillEvidence(Struct, frozen=True):
    """What logs say of the kills and exits of the last seconds."""

    named: frozenset[ProcessKey] = frozenset()
    """Processes of ours that the kernel's log names as killed."""
    strangers_t: tuple[float, ...] = ()
    """When the kernel's log shows a kill whose victim was none of ours."""
    otherwise: frozenset[ProcessKey] = frozenset()
    """Processes of ours that ended, and not by a kill: with an exit code, by another signal, or by our stop."""


NO_KILL_EVIDENCE = KillEvidence()


class Unexplained(Struct, frozen=True):
    """Kills that a counter shows and that may have hit processes of others."""

    since_t: float
    """When the counter moved."""
    from_t: float
    """When the counter was read before that: the first kill is not older."""
    count: int
    missing: tuple[ProcessKey, ...] = ()
    """Our processes that vanished since."""


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
    unexplained: Unexplained | None = None
    """Kills that may have hit processes of others."""
    others: int = 0
    """Kills in the workers' own cgroup that hit none of ours."""
    elsewhere: int = 0
    """Kills that the host's counter shows and that hit none of ours."""
    uncounted: tuple[float, int] | None = None
    """(t, kills) that the kernel's log named before a counter showed them."""
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
    known: KillEvidence = NO_KILL_EVIDENCE,
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
    from_t = t - slack_s if track.read_t is None else track.read_t
    earlier = kills if not is_known and run_age_s > slack_s else track.earlier
    track = replace(track, seen=kills, scope=reading.oom_scope, read_t=t, earlier=earlier)
    if track.latched_t is not None and t - track.latched_t <= slack_s:
        # The process table may have been read just before the victim vanished from it.
        track = _blame(track, vanished(track, host, t, slack_s), track.unnamed)
    if before is not None and kills > before:
        track = _count(track, kills - before, from_t, t, slack_s)
    if track.unexplained is None:
        return track
    window_s = max(slack_s, t - from_t)
    return _explain(track, (*vanished(track, host, t, window_s), *[(ref, None) for ref in unseen]), t, slack_s, known)


def _count(track: KillTrack, more: int, from_t: float, t: float, slack_s: float) -> KillTrack:
    """Take in that the counter grew, without the kills that the kernel's log has named already."""
    if track.uncounted is not None:
        named_t, named = track.uncounted
        if t - named_t <= max(slack_s, t - from_t):
            more -= min(more, named)
        track = replace(track, uncounted=None)
    if not more:
        return track
    open_ = track.unexplained or Unexplained(t, from_t, 0)
    return replace(track, unexplained=replace(open_, count=open_.count + more))


def _explain(
    track: KillTrack, missing: tuple[ProcessKey, ...], t: float, slack_s: float, known: KillEvidence
) -> KillTrack:
    """Decide whose the kills are: at once if a worker or Ollama vanished, else once the evidence had time to come."""
    assert track.unexplained is not None
    open_ = track.unexplained
    missing = tuple(dict.fromkeys((*open_.missing, *missing)))
    unseen = tuple([who for who, pid in missing if pid is None and isinstance(who, WorkerRef)])
    count, is_over = open_.count, t - open_.since_t > slack_s
    if track.scope == "host" and SUPERVISORS.issuperset([who for who, _ in missing]):
        if not is_over and known.named.isdisjoint(missing):
            return replace(track, unexplained=replace(open_, missing=missing))
        # Each of them may have ended for another reason, and each kill may have hit a stranger.
        missing = tuple([key for key in missing if key not in known.otherwise])
        strangers = sum(1 for kill_t in known.strangers_t if kill_t >= open_.from_t - READ_S)
        count = max(0, count - strangers, len(known.named.intersection(missing)))
    if missing and count:
        latched = _latch(replace(track, unexplained=None), t, count, missing, unseen)
        return _as_others(latched, open_.count - count) if open_.count > count else latched
    return _as_others(replace(track, unexplained=None), open_.count) if is_over else track


def _as_others(track: KillTrack, count: int) -> KillTrack:
    """Count kills that hit none of ours: within the workers' own cgroup they are kills in the workers' memory."""
    many = count_of(count, "process")
    if track.scope != "host":
        text = f"the kernel killed {many} in the workers' memory; no known process of this pool is gone"
        draft = EventDraft(EventKind.MEMORY_OOM_ELSEWHERE, "warn", text, facts={"count": count})
        return replace(track, others=track.others + count, drafts=(*track.drafts, draft))
    text = f"the kernel killed {many} elsewhere on this host, and none of this pool"
    draft = EventDraft(EventKind.MEMORY_OOM_ELSEWHERE, "info", text)
    return replace(track, elsewhere=track.elsewhere + count, drafts=(*track.drafts, draft))


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


def name_victims(
    track: KillTrack, t: float, killed: tuple[ProcessKey, ...], logged: frozenset[ProcessKey] = frozenset()
) -> KillTrack:
    """Take in which processes are known to have been killed: suspects become victims.

    Those that a log names (`logged`) and no counter was counted for are latched: their counter was not available, does
    not count their group, was read a moment before, or was taken for a stranger's.
    """
    if not killed:
        return track
    if track.seen is None:
        return _latch(track, t, len(killed), killed)
    named = [who for who, _ in killed if who in track.suspects]
    proved = track.proved.union([who for who, _ in killed if who in (*track.victims, *named)])
    unnamed = max(0, track.unnamed - len(named))
    suspects = tuple([who for who in track.suspects if who not in named]) if unnamed else ()
    victims = tuple(dict.fromkeys((*track.victims, *named)))
    fresh = [key for key in killed if key in logged and key[0] not in track.suspects and not _is_blamed(track, key)]
    track = replace(track, victims=victims, suspects=suspects, unnamed=unnamed, proved=proved)
    if not fresh:
        return track
    if unnamed:
        return replace(_blame(track, fresh, unnamed), proved=proved.union([who for who, _ in fresh]))
    return _latch_logged(track, t, fresh)


def _is_blamed(track: KillTrack, key: ProcessKey) -> bool:
    return key in track.blamed or (key[0], None) in track.blamed


def _latch_logged(track: KillTrack, t: float, fresh: Sequence[ProcessKey]) -> KillTrack:
    """Latch kills that the kernel's log names, and take each from the kills that were counted as a stranger's."""
    left, open_ = len(fresh), track.unexplained
    if open_ is not None:
        taken = min(left, open_.count)
        left -= taken
        track = replace(track, unexplained=replace(open_, count=open_.count - taken) if open_.count > taken else None)
    taken = min(left, track.others)
    left, track = left - taken, replace(track, others=track.others - taken)
    taken = min(left, track.elsewhere)
    left, track = left - taken, replace(track, elsewhere=track.elsewhere - taken)
    track = _latch(replace(track, proved=track.proved.union([who for who, _ in fresh])), t, len(fresh), tuple(fresh))
    return replace(track, uncounted=(t, left)) if left else track


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
