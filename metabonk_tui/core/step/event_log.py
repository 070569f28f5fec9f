"""Collects the events of one step, and merges equal drafts of several workers into one event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metabonk_tui.core.alerts.rules import SAME_EVENT
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model import levels
from metabonk_tui.core.model.alert import Alert, AlertTransition
from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.refs import worker_names
from metabonk_tui.core.model.sample import Event, RunHeader
from metabonk_tui.core.model.snapshot import MAX_EVENTS, Check, Gap, Verdict
from metabonk_tui.core.run.gate import GateTrack
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.worker.process_exits import ExitedProcess

_CHECKS: dict[str, Severity] = {"PASS": "ok", "PARTIAL": "warn", "FAIL": "crit", "UNKNOWN": "warn", "SKIPPED": "warn"}


class EventLog:
    """The events of one step, appended to those of earlier steps."""

    def __init__(self, t: float, before: tuple[Event, ...]) -> None:
        self._t = t
        self._before = before
        self._events: list[Event] = []

    @property
    def newest(self) -> tuple[Event, ...]:
        """The newest `MAX_EVENTS` events, oldest first; this step's events are sorted by time."""
        if not self._events:
            return self._before
        return (*self._before, *sorted(self._events, key=lambda event: event.t))[-MAX_EVENTS:]

    @property
    def emitted(self) -> int:
        """The number of events of this step."""
        return len(self._events)

    def add(self, events: Iterable[Event]) -> None:
        """Append events that came with the sample."""
        self._events.extend(events)

    def emit(self, draft: EventDraft) -> None:
        """Emit a draft unchanged. Its text must name the worker, if it is about one."""
        worker = draft.workers[0] if len(draft.workers) == 1 else None
        t = self._t if draft.t is None else draft.t
        self._events.append(Event(t, draft.kind, draft.severity, draft.text, worker, draft.facts))

    def emit_all(self, drafts: Iterable[EventDraft]) -> None:
        """Emit drafts unchanged and in order."""
        for draft in drafts:
            self.emit(draft)

    def emit_for_workers(self, drafts: Iterable[EventDraft]) -> None:
        """Emit drafts about workers: one event per kind, severity and text, prefixed with the workers' names."""
        groups: dict[tuple[EventKind, Severity, str], list[EventDraft]] = {}
        for draft in drafts:
            groups.setdefault((draft.kind, draft.severity, draft.text), []).append(draft)
        for (kind, severity, text), same in groups.items():
            refs = [ref for draft in same for ref in draft.workers]
            last = same[-1]
            if len(refs) == 1 and last.detail:
                text = f"{text}: {last.detail}"
            elif len(refs) > 1 and last.plural:
                text = last.plural
            facts = {"workers": [ref.written for ref in refs], **last.facts}
            self.emit(EventDraft(kind, severity, f"{worker_names(refs)} {text}", tuple(refs), facts, last.t))


def emit_run_start(events: EventLog, header: RunHeader) -> None:
    """Emit the start of a run, and the field names of its recorder that `/status` never had."""
    how = f", {header.how}" if header.how else ""
    text = f"run {header.name} begins{how}"
    events.emit(EventDraft(EventKind.RUN_START, "info", text, facts={"how": header.how}, t=header.started_at))
    foreign = header.foreign_fields
    if foreign:
        text = f"asked for under names that /status never had, so never observed: {', '.join(foreign)}"
        events.emit(EventDraft(EventKind.RECORDER_NAMES, "warn", text, facts={"fields": list(foreign)}))


def emit_gap(events: EventLog, gap: Gap) -> None:
    """Emit a gap in the recording, with its length as people say it."""
    text = f"nothing was recorded for {age(gap.to_t - gap.from_t)}"
    events.emit(EventDraft(EventKind.RECORDER_GAP, "warn", text, facts={"from": gap.from_t, "to": gap.to_t}))


def check_draft(check: Check, total: int) -> EventDraft:
    """Draft the result of a check of the gate, at the time at which the check was due."""
    text = f"check {check.n}/{total} {check.result}: {check.because}"
    facts = {"n": check.n, "result": check.result}
    return EventDraft(EventKind.CHECK, _CHECKS[check.result], text, facts=facts, t=check.due_t)


def gate_late_draft(gate: GateTrack, config: Config) -> EventDraft:
    """Draft that the gate starts again, because too little of it was watched."""
    text = f"the gate starts again, late, for {age(config.clock.validation_s)}: too little of it was watched"
    return EventDraft(EventKind.GATE_LATE, "info", text, facts={"began": gate.began_t})


def verdict_draft(verdict: Verdict) -> EventDraft:
    """Draft a change of the verdict, with its first reason."""
    was = f"{verdict.was} → " if verdict.was else ""
    reason = f": {verdict.because[0]}" if verdict.because else ""
    facts = {"word": verdict.kind.value, "because": list(verdict.because)}
    text = f"verdict {was}{verdict.kind}{reason}"
    return EventDraft(EventKind.VERDICT, levels.severity_of(verdict.level), text, facts=facts)


def exit_draft(severity: Severity, text: str, process: ExitedProcess) -> EventDraft:
    """Draft the end of a process, with its pid, reason and exit code."""
    ended = process.process_exit
    facts = {"pid": process.pid, "word": ended.reason, "exit_code": ended.exit_code}
    workers = () if process.ref is None else (process.ref,)
    # What no table ever showed is reported once its process can come no more, with the time of its log line.
    return EventDraft(EventKind.PROCESS_EXIT, severity, text, workers, facts, t=None if process.pid else process.t)


def alert_draft(transition: AlertTransition) -> EventDraft:
    """Draft that an alert fired, escalated or resolved."""
    resolved = transition.kind == "resolved"
    kind = EventKind.ALERT_RESOLVED if resolved else EventKind.ALERT_FIRING
    severity: Severity = "ok" if resolved else transition.alert.severity
    return EventDraft(kind, severity, _alert_text(transition), facts=_alert_facts(transition))


def _alert_text(transition: AlertTransition) -> str:
    alert = transition.alert
    workers_text = f" {worker_names(alert.workers)}" if alert.workers else ""
    if transition.kind == "resolved":
        return f"{alert.id}{workers_text} resolved after {age(alert.duration_s(alert.resolved_t or alert.since_t))}"
    wider = "critical" if alert.severity == "crit" else "wider"
    escalated = f" is {wider} now" if transition.kind == "louder" else ""
    return f"{alert.id}{workers_text}{escalated}: {alert.text}"


def _alert_facts(transition: AlertTransition) -> dict[str, Any]:
    """Return the facts of a transition; `twin` is the kind of event that reports the same start."""
    alert: Alert = transition.alert
    facts = {"id": alert.id, "turn": transition.kind, "severity": alert.severity, "since": alert.since_t}
    facts |= {"workers": [ref.written for ref in alert.workers], "times": alert.times}
    facts |= {"least": alert.least, "most": alert.most, "unit": alert.unit} if alert.unit else {}
    facts |= {"duration": alert.duration_s(alert.resolved_t)} if alert.resolved_t is not None else {}
    return facts | ({"twin": SAME_EVENT[alert.name]} if alert.name in SAME_EVENT else {})
