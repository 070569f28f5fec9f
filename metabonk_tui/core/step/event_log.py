"""What happened, told as events: one sentence each, the same thing on many workers told once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from metabonk_tui.core.alerts.rules import SAME_EVENT
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.memory.trends import MemoryEventDraft
from metabonk_tui.core.model.alert import Alert, AlertTransition
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Event, Severity
from metabonk_tui.core.model.snapshot import Check, Verdict
from metabonk_tui.core.model.worker import ComponentState, Reach, WorkerView
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.worker.health import UNANSWERING
from metabonk_tui.core.worker.process_exits import ExitedProcess, ExitTexts
from metabonk_tui.core.worker.tracker import WorkerTrack, announce_rate

_CHECKS: dict[str, Severity] = {"PASS": "ok", "FAIL": "crit", "UNKNOWN": "warn", "SKIPPED": "warn"}
_LEVELS: dict[str, Severity] = {"go": "ok", "caution": "warn", "stop": "crit", "unknown": "info"}
ANSWERS = "answers"
NO_EXIT_TEXTS: ExitTexts = {}


class EventLog:
    """Collects the events of one step after those of the steps before."""

    def __init__(self, t: float, before: tuple[Event, ...]) -> None:
        """Begin at time `t`, after the events so far."""
        self._t = t
        self._before = before
        self._events: list[Event] = []

    @property
    def events(self) -> tuple[Event, ...]:
        """All events, oldest first."""
        return (*self._before, *sorted(self._events, key=lambda event: event.t))

    def add(self, events: Iterable[Event]) -> None:
        """Take over events that came with the sample."""
        self._events.extend(events)

    def emit(
        self,
        kind: str,
        severity: Severity,
        text: str,
        facts: Mapping[str, Any] | None = None,
        worker: WorkerRef | None = None,
        t: float | None = None,
    ) -> None:
        """Note one event."""
        self._events.append(Event(self._t if t is None else t, kind, severity, text, worker, facts or {}))

    def emit_check(self, check: Check, total: int) -> None:
        """Tell the result of a check of the gate."""
        text = f"check {check.n}/{total} {check.result}: {check.because}"
        self.emit("check", _CHECKS[check.result], text, {"n": check.n, "result": check.result}, t=check.due_t)

    def emit_verdict(self, verdict: Verdict) -> None:
        """Tell a change of the headline."""
        was = f"{verdict.was} → " if verdict.was else ""
        reason = f": {verdict.because[0]}" if verdict.because else ""
        facts = {"word": verdict.kind.value, "because": list(verdict.because)}
        self.emit("verdict", _LEVELS[verdict.kind.level], f"verdict {was}{verdict.kind}{reason}", facts)

    def emit_memory(self, drafts: Iterable[MemoryEventDraft]) -> None:
        """Tell what memory brought."""
        for one in drafts:
            self.emit(one.kind, one.severity, one.text, one.facts)

    def emit_slots(self, drafts: Iterable[tuple[str, Severity, str, tuple[WorkerRef, ...]]]) -> None:
        """Tell what happened on one worker or several at once."""
        for kind, severity, text, refs in drafts:
            only = refs[0] if len(refs) == 1 else None
            self.emit(
                kind, severity, f"{_listed(refs)} {text}", {"workers": [ref.written for ref in refs]}, worker=only
            )

    def emit_exits(self, drafts: Iterable[tuple[Severity, str, ExitedProcess]]) -> None:
        """Tell how processes ended."""
        for severity, text, one in drafts:
            facts = {"pid": one.pid, "word": one.process_exit.reason, "exit_code": one.process_exit.exit_code}
            self.emit("process.gone", severity, text, facts, worker=one.ref)

    def emit_alerts(self, transitions: Iterable[AlertTransition]) -> None:
        """Tell which alerts fire, became louder and ended."""
        for change in transitions:
            alert = change.alert
            kind = "alert.resolved" if change.kind == "resolved" else "alert.firing"
            severity: Severity = "ok" if change.kind == "resolved" else alert.severity
            self.emit(kind, severity, _alert_text(change), _alert_facts(change))

    def emit_workers(
        self,
        before: Mapping[WorkerRef, WorkerTrack],
        after: Mapping[WorkerRef, WorkerTrack],
        views: Sequence[WorkerView],
        config: Config,
        exit_texts: ExitTexts = NO_EXIT_TEXTS,
    ) -> dict[WorkerRef, WorkerTrack]:
        """Tell what changed on the workers; return the tracks with what was announced noted."""
        announced_tracks = dict(after)
        # `conduct.happened` tells of these, and how.
        unanswering = {view.ref for view in views if view.health and view.health.state in UNANSWERING}
        groups: dict[tuple[str, Severity, str], list[WorkerRef]] = {}
        known: dict[tuple[str, Severity, str], Mapping[str, Any]] = {}

        def note(kind: str, severity: Severity, text: str, ref: WorkerRef, **facts: Any) -> None:
            groups.setdefault((kind, severity, text), []).append(ref)
            known[kind, severity, text] = facts

        for ref, track in after.items():
            old = before.get(ref)
            for kind, text in track.drafts:
                severity: Severity = "warn"
                if kind == "worker.generation":
                    text = f"gen {track.generation}: {text}" + _exit_text(ref, old.pid if old else None, exit_texts)
                note(kind, severity, text, ref)
            was = old.reach if old else Reach.STARTING
            if track.reach is not was and ref not in unanswering:
                self._emit_reach(track, was, note, _exit_text(ref, track.pid, exit_texts))
            announced = announce_rate(track.steps)
            if announced is not None:
                announced_tracks[ref] = replace(track, steps=announced)
                rate = track.steps.rate or 0.0
                note(
                    "worker.rate",
                    "warn",
                    f"steps {rate:.2f}/s, ×{announced.announced:.0f} of its own past",
                    ref,
                    ratio=announced.announced,
                )
            self._emit_environment(old, track, views, note)
            for index, spec in enumerate(config.component):
                state = track.components[index].state
                state_before = old.components[index].state if old else ComponentState.PENDING
                # A transition is a rare moment, not a rhythm that can stall.
                is_stalled_transition = spec.kind == "transitions" and state is ComponentState.STALLED
                if state is not state_before and not is_stalled_transition:
                    named = partial(note, component=spec.id, title=spec.title, state=state.value)
                    self._emit_component(spec.title, spec.field, state, state_before, ref, named)
            if track.gameplay.corroborated_t is not None and (old is None or old.gameplay.corroborated_t is None):
                signs = " + ".join(track.gameplay.signs)
                note("worker.gameplay", "ok", f"gameplay corroborated: {signs}", ref)
        for (kind, severity, text), refs in groups.items():
            noted = known[kind, severity, text]
            only = refs[0] if len(refs) == 1 else None
            if text == ANSWERS and only is None:
                text = "answer"
            facts = {"workers": [ref.written for ref in refs], **noted}
            self.emit(kind, severity, f"{_listed(refs)} {text}", facts, worker=only)
        return announced_tracks

    @staticmethod
    def _emit_reach(track: WorkerTrack, was: Reach, note: Any, end: str) -> None:
        ref = track.ref
        if track.reach is Reach.UP:
            note("worker.up", "ok", ANSWERS, ref)
        elif track.reach is Reach.DOWN:
            pid = f", pid {track.pid}" if track.pid is not None else ""
            note("worker.down", "crit", f"not reachable: {track.error or 'no answer'}{pid}{end}", ref)
        elif track.reach is Reach.STALE:
            note("worker.down", "warn", f"no answer: {track.error or 'nothing came'}", ref)
        elif track.reach is Reach.BROKEN:
            note("worker.down", "warn", f"alive, status broken: {track.error}", ref)

    @staticmethod
    def _emit_environment(old: WorkerTrack | None, track: WorkerTrack, views: Sequence[WorkerView], note: Any) -> None:
        if track.env is None or (old is not None and old.env == track.env):
            return
        env = next((view.env for view in views if view.ref == track.ref), None)
        if env is None or env.error is not None:
            return
        if env.missing or env.wrong:
            note("env.mismatch", "crit", f"environment {env.right}/{env.required}: {_named(env)}", track.ref)
        else:
            note("env.ok", "ok", f"environment verified {env.right}/{env.required}", track.ref)

    @staticmethod
    def _emit_component(
        title: str, field: str, state: ComponentState, before: ComponentState, ref: WorkerRef, note: Any
    ) -> None:
        if state is ComponentState.ACTIVE and before not in (ComponentState.STALE, ComponentState.DOWN):
            note("component.active", "ok", f"{title} active", ref)
        elif state is ComponentState.STALLED and before is ComponentState.ACTIVE:
            note("component.silent", "warn", f"{title} stalled", ref)
        elif state is ComponentState.ABSENT:
            note("component.silent", "crit", f"{title} ABSENT: {field} is not in /status", ref)
        elif state is ComponentState.BAD:
            note("component.silent", "crit", f"{title} BAD: {field} is no number", ref)
        elif state is ComponentState.UNPROVEN:
            note("component.silent", "warn", f"{title} unproven: it moves without its proof", ref)


def _alert_text(change: AlertTransition) -> str:
    alert = change.alert
    workers_text = f" {_listed(alert.workers)}" if alert.workers else ""
    if change.kind == "resolved":
        return f"{alert.id}{workers_text} resolved after {age(alert.duration_s(alert.resolved_t or alert.since_t))}"
    escalation = f" is {'critical' if alert.severity == 'crit' else 'wider'} now" if change.kind == "louder" else ""
    return f"{alert.id}{workers_text}{escalation}: {alert.text}"


def _alert_facts(change: AlertTransition) -> dict[str, Any]:
    """Say all that is known; `twin` names the event that told the same when it began."""
    alert: Alert = change.alert
    facts = {"id": alert.id, "turn": change.kind, "severity": alert.severity, "since": alert.since_t}
    facts |= {"workers": [ref.written for ref in alert.workers], "times": alert.times}
    facts |= {"least": alert.least, "most": alert.most, "unit": alert.unit} if alert.unit else {}
    facts |= {"duration": alert.duration_s(alert.resolved_t)} if alert.resolved_t is not None else {}
    return facts | ({"twin": SAME_EVENT[alert.name]} if alert.name in SAME_EVENT else {})


def _listed(refs: Sequence[WorkerRef]) -> str:
    return " ".join(ref.label for ref in refs[:8]) + (" ..." if len(refs) > 8 else "")


def _exit_text(ref: WorkerRef, pid: int | None, exit_texts: ExitTexts) -> str:
    """Say how this very process ended, where that is known by now: it may have died as another's end is told."""
    return f"; {exit_texts[ref.slot, pid]}" if (ref.slot, pid) in exit_texts else ""


def _named(env: Any) -> str:
    parts = [f"{key} missing" for key in env.missing] + [f"{key} is {value}" for key, value, _ in env.wrong]
    return ", ".join(parts[:2]) + (f" and {len(parts) - 2} more" if len(parts) > 2 else "")
