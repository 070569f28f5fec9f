"""Tracks what the kernel's log proves of a run: OOM kills that no counter of ours saw, and faults of the GPU.

The log is read from its oldest line, so a kill before the monitor was opened counts. Does not: name our victims;
`process_exits` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.host import GpuFault, HostReading, KernelKill, MemoryReading
from metabonk_tui.core.model.memory import GpuFaultView, KernelView
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.text.phrases import count_of

KEPT_KILLS = 100
SAME_S = 5.0
"""Two readings of one line may differ by this much: each derives its time from the clock of its moment."""
READ_S = 2.0
"""A counter may be read this much after the time of its sample."""
LATE_S = 30.0
"""A first look this long after the run's start may have missed a kill."""
QUIET_S = 600.0
"""A fault that returns after this long is news again."""

Place = Literal["workers", "elsewhere", "unknown"]
FaultKey = tuple[int | None, str]
"""(Xid, GPU); None: out of memory."""


class LoggedKill(Struct, frozen=True):
    """One OOM kill of the log."""

    t: float
    kill: KernelKill


class FaultSeries(Struct, frozen=True):
    """One fault of a GPU: its newest line, and when it was first and last logged."""

    fault: GpuFault
    first_t: float
    last_t: float


class KernelEvidence(Struct, frozen=True):
    """What the kernel's log has shown; it outlives a run, because a run begins before it is seen."""

    from_t: float | None = None
    """Since when the log is complete; None: not known."""
    kills: tuple[LoggedKill, ...] = ()
    faults: tuple[FaultSeries, ...] = ()
    counter_t: float | None = None
    """When a counter of kills was first read in this run: later kills are in the counter."""
    knows_counter: bool = False
    """A counter was read before, in this run or an earlier one."""
    drafts: tuple[EventDraft, ...] = ()
    """Events of the last call."""


NO_EVIDENCE = KernelEvidence()


def observe(evidence: KernelEvidence, host: HostReading, run_started_at: float, t: float) -> KernelEvidence:
    """Take in one sample's reading of the log."""
    log, reading = host.kernel_log, host.memory
    evidence = replace(evidence, drafts=())
    if log is not None:
        evidence = replace(evidence, from_t=log.from_t if log.from_t is not None else evidence.from_t)
        evidence = _with_kills(evidence, log.kills, reading, run_started_at, t)
        for fault in log.gpu_faults:
            evidence = _with_fault(evidence, fault, run_started_at, t)
    if evidence.counter_t is None and reading is not None and reading.oom_kills is not None:
        is_late = t - run_started_at > LATE_S and not evidence.knows_counter
        drafts = (*evidence.drafts, *(_earlier(reading) if is_late else ()))
        evidence = replace(evidence, counter_t=t, knows_counter=True, drafts=drafts)
    return evidence


def of_next_run(evidence: KernelEvidence) -> KernelEvidence:
    """Return what a new run keeps: everything but when it first read a counter."""
    return replace(evidence, counter_t=None, drafts=())


def _earlier(reading: MemoryReading) -> tuple[EventDraft, ...]:
    """Mention the kills that a group's counter has at the first look; a host counts all since it booted."""
    if not reading.oom_kills or reading.oom_scope != "cgroup":
        return ()
    text = (
        f"the counter of the workers' group has {count_of(reading.oom_kills, 'OOM kill')} from before the first look"
    )
    return (EventDraft(EventKind.MEMORY_OOM_ELSEWHERE, "info", text, facts={"count": reading.oom_kills}),)


def _is_counted(at: float, counter_t: float | None) -> bool:
    return counter_t is not None and at > counter_t + READ_S


def _with_kills(
    evidence: KernelEvidence, kills: Sequence[KernelKill], reading: MemoryReading | None, began_t: float, t: float
) -> KernelEvidence:
    found: list[LoggedKill] = []
    for kill in kills:
        at = t if kill.t is None else kill.t
        if any(_is_same(each, kill, at) for each in (*evidence.kills, *found)):
            continue
        found.append(LoggedKill(at, kill))
    # A kill that the counter saw since the first look is emitted by `oom_kills`: while no run has begun, it is new.
    before = [each for each in found if each.t < began_t and not _is_counted(each.t, evidence.counter_t)]
    drafts = [
        _unseen_draft(each, reading)
        for each in found
        if each.t >= began_t and not _is_counted(each.t, evidence.counter_t)
    ]
    if before:
        last = max(before, key=lambda each: each.t)
        text = f"the kernel's log: {count_of(len(before), 'OOM kill')} before this run, the last "
        text += f"{age(max(0.0, t - last.t))} ago ({last.kill.name})"
        drafts.insert(0, EventDraft(EventKind.MEMORY_OOM_ELSEWHERE, "info", text, facts={"count": len(before)}))
    kept = (*evidence.kills, *found)[-KEPT_KILLS:]
    return replace(evidence, kills=kept, drafts=(*evidence.drafts, *drafts))


def _is_same(known: LoggedKill, kill: KernelKill, at: float) -> bool:
    return replace(known.kill, t=None) == replace(kill, t=None) and abs(known.t - at) <= SAME_S


def _unseen_draft(logged: LoggedKill, reading: MemoryReading | None) -> EventDraft:
    kill, where = logged.kill, place(logged.kill, reading)
    pid = f" (pid {kill.pid})" if kill.pid is not None else ""
    text = f"the kernel's log: killed {kill.name}{pid} in this run, {_PLACES[where]}"
    severity: Literal["info", "warn"] = "info" if where == "elsewhere" else "warn"
    facts = {"count": 1, "place": where, "cgroup": kill.oom_cgroup}
    return EventDraft(EventKind.MEMORY_OOM_ELSEWHERE, severity, text, facts=facts, t=logged.t)


_PLACES: dict[Place, str] = {
    "workers": "in the memory that the workers have",
    "elsewhere": "in a group of others",
    "unknown": "it is not known whether in the workers' memory",
}


def place(kill: KernelKill, reading: MemoryReading | None) -> Place:
    """Return whose memory had run out. The whole machine's is the workers' too."""
    if not kill.oom_cgroup:
        return "workers"
    if reading is not None and reading.oom_scope == "host":
        # No group counts the workers, so no limit of a group is theirs.
        return "elsewhere"
    groups = reading.oom_groups if reading is not None else None
    # A namespace shows its own root as "/", and the log has the whole path.
    if not groups or "/" in groups:
        return "unknown"
    own = (reading.worker_groups if reading is not None else None) or groups
    if any(_is_within(group, kill.oom_cgroup) for group in own):
        return "workers"
    if any(_is_within(kill.oom_cgroup, group) for group in own):
        # A limit of its own, below the workers' group: no worker is under it.
        return "elsewhere"
    # A worker that is gone may have been in another group below the counted one.
    return "unknown" if any(_is_within(kill.oom_cgroup, group) for group in groups) else "elsewhere"


def _is_within(group: str, outer: str) -> bool:
    return f"{group.rstrip('/')}/".startswith(f"{outer.rstrip('/')}/")


def _with_fault(evidence: KernelEvidence, fault: GpuFault, began_t: float, t: float) -> KernelEvidence:
    at = t if fault.t is None else fault.t
    known = next((each for each in evidence.faults if _key(each.fault) == _key(fault)), None)
    if known is not None and at <= known.last_t:
        return evidence
    others = tuple(each for each in evidence.faults if each is not known)
    first_t = at if known is None else known.first_t
    evidence = replace(evidence, faults=(*others, FaultSeries(fault, first_t, at)))
    if at < began_t or (known is not None and known.last_t >= began_t and at - known.last_t < QUIET_S):
        return evidence
    facts = {"xid": fault.xid, "gpu": fault.gpu}
    draft = EventDraft(EventKind.GPU_FAULT, "crit", fault.text, facts=facts, t=at)
    return replace(evidence, drafts=(*evidence.drafts, draft))


def _key(fault: GpuFault) -> FaultKey:
    return fault.xid, fault.gpu


def view(evidence: KernelEvidence, reading: MemoryReading | None, run_started_at: float) -> KernelView:
    """Return what the log proves of the run that began then."""
    in_run = [each for each in evidence.kills if each.t >= run_started_at]
    places = [place(each.kill, reading) for each in in_run if not _is_counted(each.t, evidence.counter_t)]
    return KernelView(
        complete=evidence.from_t is not None and evidence.from_t <= run_started_at,
        kills=places.count("workers"),
        kills_unsure=places.count("unknown"),
        faults=tuple(_fault_views(evidence.faults, run_started_at)),
    )


def _fault_views(faults: Iterable[FaultSeries], run_started_at: float) -> Iterable[GpuFaultView]:
    for each in sorted(faults, key=lambda series: series.last_t):
        if each.last_t >= run_started_at:
            yield GpuFaultView(each.fault.text, each.fault.xid, each.fault.gpu, each.last_t)
