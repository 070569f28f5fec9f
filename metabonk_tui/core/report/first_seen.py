"""Lists when each important fact of a run was first visible.

Pure: uses the last Snapshot of a run and all its events. Does not: guess; a fact never seen has no row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.refs import WorkerRef, worker_names, worker_ref
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.model.worker import ComponentState, WorkerView
from metabonk_tui.core.text.numbers import age, elapsed, gigabytes
from metabonk_tui.core.text.phrases import count_of

GAPS_SHOWN = 3
NO_CAUSE_TIMES: Mapping[str, float] = {}


class FirstSeen(Struct, frozen=True):
    """One fact, and when it was first visible."""

    id: str
    """"component-absent", "verdict-stop", "memory-oom" ..."""
    t: float
    severity: Severity
    text: str
    components: tuple[str, ...] = ()
    workers: tuple[WorkerRef, ...] = ()


def first_seen(
    last: Snapshot,
    events: Sequence[Event],
    causes_t: Mapping[str, float] = NO_CAUSE_TIMES,
    first_confidence: Mapping[str, float] = NO_CAUSE_TIMES,
) -> tuple[FirstSeen, ...]:
    """Return the facts in the order of time.

    `causes_t`: when each cause was first named, where known; `first_confidence`: how probable it was then.
    """
    found = [
        _start(last),
        *_answers(last, events),
        *_absent(last, events),
        *_went_absent(last, events),
        *_active(last, events),
        *_checks(last),
        *_stop(last, events),
        *_first_of_workers(last, events),
        *_causes(last, causes_t, first_confidence),
        *_memory(last, events),
        *_gaps(last),
    ]
    return tuple(sorted(found, key=lambda item: item.t))


def _start(last: Snapshot) -> FirstSeen:
    wanted = "" if last.run.desired is None else f", {count_of(last.run.desired, 'worker')} wanted"
    return FirstSeen("run-start", last.run.started_at, "info", f"the run begins{wanted}")


def answered_t(last: Snapshot, events: Sequence[Event]) -> dict[WorkerRef, float]:
    """Say when each worker first answered."""
    first: dict[WorkerRef, float] = {}
    for event in events:
        if event.kind == EventKind.WORKER_UP:
            for ref in _slots(event):
                first.setdefault(ref, event.t)
    return first


def _answers(last: Snapshot, events: Sequence[Event]) -> list[FirstSeen]:
    first = answered_t(last, events)
    if not first:
        return []
    refs, whole = tuple(sorted(first)), max(len(last.workers), len(first))
    at, all_t = min(first.values()), max(first.values())
    early = tuple(ref for ref in refs if first[ref] == at)
    share = f"{len(refs)}/{whole}"
    if at == all_t:
        severity: Severity = "ok" if len(refs) == whole else "warn"
        return [FirstSeen("workers-answer", at, severity, f"{share} workers answer", workers=refs)]
    return [
        FirstSeen("workers-answer", at, "info", f"first answer: {worker_names(early)}", workers=early),
        FirstSeen("workers-all-answer", all_t, "ok", f"{share} workers have answered", workers=refs),
    ]


def _absent(last: Snapshot, events: Sequence[Event]) -> list[FirstSeen]:
    """Return the components whose keys no answer ever had: visible from the first answer on."""
    first = answered_t(last, events)
    groups: dict[tuple[WorkerRef, ...], list[tuple[str, str]]] = {}
    for place, component in enumerate(last.workers[0].components if last.workers else ()):
        refs = tuple(worker.ref for worker in last.workers if _never(worker, place) and worker.ref in first)
        if refs:
            groups.setdefault(refs, []).append((component.id, component.title))
    found = []
    for refs, components in groups.items():
        ids = tuple(one for one, _ in components)
        certain = _certain_t(events, ids, refs)
        named = f"{', '.join(title for _, title in components)} ABSENT on {len(refs)}/{len(last.workers)}"
        since = f", certain at {elapsed(certain - last.run.started_at)} when start-up was over" if certain else ""
        text = f"{named}: not in /status from the first answer on{since}"
        found.append(FirstSeen("component-absent", max(first[ref] for ref in refs), "crit", text, ids, refs))
    return found


def _never(worker: WorkerView, place: int) -> bool:
    component = worker.components[place]
    return component.samples > 0 and component.samples_with_key == 0 and component.state is not ComponentState.PENDING


def _certain_t(events: Sequence[Event], ids: Sequence[str], refs: Sequence[WorkerRef]) -> float | None:
    for event in events:
        facts = event.facts
        if facts.get("state") == "ABSENT" and facts.get("component") in ids and set(_slots(event)) & set(refs):
            return event.t
    return None


def _went_absent(last: Snapshot, events: Sequence[Event]) -> list[FirstSeen]:
    """Return the components whose keys were present and then vanished."""
    found: dict[str, FirstSeen] = {}
    never = {
        (worker.ref, component.id)
        for worker in last.workers
        for place, component in enumerate(worker.components)
        if _never(worker, place)
    }
    for event in events:
        component, title = event.facts.get("component"), event.facts.get("title")
        if event.facts.get("state") != "ABSENT" or not isinstance(component, str) or component in found:
            continue
        refs = tuple(ref for ref in _slots(event) if (ref, component) not in never)
        if refs:
            text = f"{title} went ABSENT on {worker_names(refs)}: it was in /status before"
            found[component] = FirstSeen("component-vanished", event.t, "crit", text, (component,), refs)
    return list(found.values())


def _active(last: Snapshot, events: Sequence[Event]) -> list[FirstSeen]:
    """Return when each component was first active, and on how many workers in total."""
    first: dict[str, FirstSeen] = {}
    showed: dict[str, dict[WorkerRef, float]] = {}
    titles: dict[str, str] = {}
    for event in events:
        component, title = event.facts.get("component"), event.facts.get("title")
        if event.kind != EventKind.COMPONENT_ACTIVE or not isinstance(component, str):
            continue
        titles[component] = str(title)
        for ref in _slots(event):
            showed.setdefault(component, {}).setdefault(ref, event.t)
    for component, by_slot in showed.items():
        at = min(by_slot.values())
        early = tuple(sorted(ref for ref, t in by_slot.items() if t == at))
        whole, latest = max(len(last.workers), len(by_slot)), max(by_slot.values())
        by = "" if latest == at else f"; on {len(by_slot)}/{whole} by {elapsed(latest - last.run.started_at)}"
        on = f"{len(early)}/{whole}" if len(early) > 1 or whole == 1 else worker_names(early)
        text = f"{titles[component]} active on {on}{by}"
        first[component] = FirstSeen("component-active", at, "ok", text, (component,), early)
    return list(first.values())


def _checks(last: Snapshot) -> list[FirstSeen]:
    failed = next((check for check in last.gate.checks if check.result == "FAIL"), None)
    if failed is None:
        return []
    text = f"check {failed.n}/{len(last.gate.checks)} FAIL: {failed.because}"
    return [FirstSeen("check-fail", failed.due_t, "crit", text)]


def stop_t(last: Snapshot, events: Sequence[Event]) -> float | None:
    """Return the time of the first STOP; None: never."""
    named = [
        event.t
        for event in events
        if event.kind == EventKind.VERDICT and event.facts.get("word") == VerdictKind.STOP.value
    ]
    kept = [t for t, word, _ in last.verdicts if word is VerdictKind.STOP]
    return named[0] if named else kept[0] if kept else None


def _stop(last: Snapshot, events: Sequence[Event]) -> list[FirstSeen]:
    at, ends_t = stop_t(last, events), last.gate.ends_t
    if at is None:
        return []
    because = next((reasons for _, word, reasons in last.verdicts if word is VerdictKind.STOP and reasons), ("",))[0]
    slack_s = max(60.0, 3 * last.run.interval_s)
    if ends_t is None or at < ends_t - 1:
        when = "early" if ends_t is None else f"early, {age(ends_t - at)} before the gate's end"
    elif at <= ends_t + slack_s:
        when = "at the end of the gate"
    else:
        when = f"{age(at - ends_t)} after the gate's end"
    return [FirstSeen("verdict-stop", at, "crit", f"verdict STOP, {when}: {because}")]


def _first_of_workers(last: Snapshot, events: Sequence[Event]) -> list[FirstSeen]:
    """Return the first restart, rate jump, worker down, environment mismatch and gameplay."""
    found = []
    for kind, name, severity in (
        (EventKind.WORKER_GENERATION, "worker-reset", "warn"),
        (EventKind.WORKER_RATE, "worker-rate", "warn"),
        (EventKind.WORKER_DOWN, "worker-down", None),
        (EventKind.ENV_MISMATCH, "env-mismatch", "crit"),
        (EventKind.WORKER_GAMEPLAY, "gameplay", "ok"),
    ):
        all_of = [event for event in events if event.kind == kind]
        if not all_of:
            continue
        first = all_of[0]
        event_severity: Severity = severity or first.severity  # type: ignore[assignment]
        text = first.text + _more(last, kind, all_of)
        found.append(FirstSeen(name, first.t, event_severity, text, workers=_slots(first)))
    return found


def _more(last: Snapshot, kind: str, all_of: Sequence[Event]) -> str:
    if kind == EventKind.WORKER_GENERATION:
        resets = sum(len(worker.resets_t) for worker in last.workers)
        return f"; {count_of(resets, 'restart')} in all" if resets > 1 else ""
    if kind == EventKind.WORKER_RATE:
        ratios = [(_ratio(event), event) for event in all_of]
        most, worst = max(ratios, key=lambda pair: pair[0])
        if worst is not all_of[0]:
            return f"; up to ×{most:.0f} on {worker_names(_slots(worst))} at {elapsed(worst.t - last.run.started_at)}"
    return ""


def _ratio(event: Event) -> float:
    ratio = event.facts.get("ratio")
    return float(ratio) if isinstance(ratio, int | float) else 0.0


def _causes(last: Snapshot, causes_t: Mapping[str, float], first_confidence: Mapping[str, float]) -> list[FirstSeen]:
    named = [(causes_t[cause.id], cause) for cause in last.causes if cause.id in causes_t]
    if not named:
        return []
    t, cause = named[0]  # the likeliest one
    then, at_end = f"{first_confidence.get(cause.id, cause.confidence):.2f}", f"{cause.confidence:.2f}"
    later = "" if then == at_end else f", {at_end} at the end"
    return [FirstSeen("cause", t, "info", f"cause named, {then}: {cause.name}{later}")]


def _memory(last: Snapshot, events: Sequence[Event]) -> list[FirstSeen]:
    found = []
    kill = next((event for event in events if event.kind == EventKind.MEMORY_OOM), None)

    def lead(t: float) -> str:
        return f", {age(kill.t - t)} before the kernel killed" if kill is not None and t < kill.t else ""

    for name, severity, kind in (
        ("memory-low", "warn", EventKind.MEMORY_LOW),
        ("memory-critical", "crit", EventKind.MEMORY_CRITICAL),
        ("forecast-warning", "warn", EventKind.MEMORY_FORECAST),
        ("forecast-critical", "crit", EventKind.MEMORY_FORECAST),
    ):
        first = next((e for e in events if e.kind == kind and e.severity == severity), None)
        if first is not None:
            prefix = "forecast: " if kind == EventKind.MEMORY_FORECAST else ""
            before = "" if "gpu" in first.facts else lead(first.t)  # a GPU's memory is not what the kernel kills for
            event_severity: Severity = "crit" if severity == "crit" else "warn"
            found.append(FirstSeen(name, first.t, event_severity, f"{prefix}{first.text}{before}"))
    if kill is not None:
        least = last.run_memory.min_available_bytes
        lowest = "" if least is None else f"; lowest available {gigabytes(least, 2)} GB"
        found.append(FirstSeen("memory-oom", kill.t, "crit", f"{kill.text}{lowest}"))
    return found


def _gaps(last: Snapshot) -> list[FirstSeen]:
    found = []
    for gap in last.run.gaps[:GAPS_SHOWN]:
        until = elapsed(gap.to_t - last.run.started_at)
        text = f"no monitor watched for {age(gap.to_t - gap.from_t)}, until {until}"
        found.append(FirstSeen("gap", gap.from_t, "warn", text))
    more = len(last.run.gaps) - GAPS_SHOWN
    if more > 0:
        text = f"and {count_of(more, 'more gap')} after this"
        found.append(FirstSeen("gap", last.run.gaps[GAPS_SHOWN].from_t, "warn", text))
    return found


def _slots(event: Event) -> tuple[WorkerRef, ...]:
    named = event.facts.get("workers")
    if isinstance(named, list | tuple):
        return tuple(ref for each in named if (ref := worker_ref(each)) is not None)
    return () if event.worker is None else (event.worker,)
