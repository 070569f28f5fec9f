"""Alerts over time: a condition must last before it fires, and rest before it has ended. Pure.

Knows when something was said to hold and when that was watched; refuses to know what: the rules do. A part of an
alert is one worker's, the whole pool's, or that it is louder than usual; each lasts and rests by itself, by the same
rule, so that whatever flaps makes one alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from metabonk_tui.core.alerts.rule import Condition, Rule, RuleInput
from metabonk_tui.core.alerts.rules import RULES
from metabonk_tui.core.config.alert_config import AlertRuleConfig
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.alert import Acknowledged, Alert, AlertTransition, alert_transitions, has_escalated
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.worker import WorkerView

KEPT_ENDED = 50
RECURRENCE_S = 3600.0
"""What comes back within this of having ended rests twice as long the next time ..."""
MAX_REST_S = 3600.0
"""... up to this: a condition that comes and goes slower than that is news every time."""
WINDOW_BUCKETS = 10
BUCKET_S = 60.0
MIN_OBSERVED_SHARE = 0.9
"""So much of the window must have been watched before a share of it says anything."""

POOL, ESCALATED, WHOLE_ALERT = WorkerRef(slot=-1), WorkerRef(slot=-2), WorkerRef(slot=-3)
"""Parts that are no worker's: the whole pool, the louder severity, and the alert itself."""
_SEVERITY_ORDER = {"crit": 0, "warn": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class AlertMember:
    """How long one part of an alert has held, or rests."""

    since_t: float
    rest_s: float
    held_s: float = 0.0
    """Observed."""
    fired: bool = False
    clear_t: float | None = None
    """Since when it no longer holds; None: it does."""
    cleared_s: float = 0.0
    """Observed."""
    times: int = 1


@dataclass(frozen=True, slots=True)
class AlertTrack:
    """An alert that has not ended, and its parts."""

    alert: Alert
    members: Mapping[WorkerRef, AlertMember]
    rest_s: float
    clear_t: float = 0.0
    """The newest moment at which a part that has ended ceased to hold."""


@dataclass(frozen=True, slots=True)
class Shares:
    """For how much of the last minutes a worker's state was "uncertain"."""

    minutes: tuple[tuple[int, float, float], ...] = ()
    """(minute, observed seconds, of these uncertain), oldest first."""

    def add(self, t: float, elapsed_s: float, uncertain: bool) -> Shares:
        """Take in observed time."""
        minute, amount = int(t // BUCKET_S), elapsed_s if uncertain else 0.0
        if self.minutes and self.minutes[-1][0] >= minute:
            last, seen_s, of_these_s = self.minutes[-1]
            return Shares((*self.minutes[:-1], (last, seen_s + elapsed_s, of_these_s + amount)))
        kept = [one for one in self.minutes if one[0] > minute - WINDOW_BUCKETS]
        return Shares((*kept, (minute, elapsed_s, amount)))

    @property
    def share(self) -> float | None:
        """The share of what was observed; None where too little was."""
        seen_s = sum(one[1] for one in self.minutes)
        if seen_s < MIN_OBSERVED_SHARE * WINDOW_BUCKETS * BUCKET_S:
            return None
        return sum(one[2] for one in self.minutes) / seen_s


@dataclass(frozen=True, slots=True)
class AlertState:
    """What is remembered of this run's alerts."""

    tracks: Mapping[str, AlertTrack] = field(default_factory=dict)
    """By the alert's id."""
    ended: tuple[Alert, ...] = ()
    """Newest first."""
    backoff: Mapping[tuple[str, WorkerRef], tuple[float, float]] = field(default_factory=dict)
    """(id, part) → (how long it rested, when it ended): what ended not long ago."""
    shares: Mapping[WorkerRef, Shares] = field(default_factory=dict)
    recorder_problem: str = ""
    """Why nothing is recorded."""
    view: tuple[Alert, ...] = ()
    """The loudest that fire first, then pending ones, then those that ended, newest first."""


def apply_events(state: AlertState, events: Sequence[Event], *, gap: bool = False) -> AlertState:
    """Take in what was told: who has seen an alert, and whether the run is being recorded.

    After a gap another monitor may be the one that records: its trouble, if it has any, it tells anew.
    """
    recorder_problem = "" if gap else state.recorder_problem
    tracks = state.tracks
    for event in events:
        if event.kind == "recorder.error":
            recorder_problem = "" if event.severity == "ok" else event.text
        elif event.kind == "alert.acknowledged":
            tracks = _acknowledge(tracks, event)
    if tracks is state.tracks:
        return (
            state if recorder_problem == state.recorder_problem else replace(state, recorder_problem=recorder_problem)
        )
    return replace(state, tracks=tracks, recorder_problem=recorder_problem, view=_view(tracks, state.ended))


def _acknowledge(tracks: Mapping[str, AlertTrack], event: Event) -> Mapping[str, AlertTrack]:
    ids = event.facts.get("ids")
    if not isinstance(ids, list | tuple):
        return tracks
    seen = {one for one in ids if one in tracks and tracks[one].alert.state == "firing"}
    by = Acknowledged(event.t, str(event.facts.get("by", "")))
    acknowledged = {one: replace(tracks[one], alert=replace(tracks[one].alert, acknowledged=by)) for one in seen}
    return {**tracks, **acknowledged} if seen else tracks


def observe_states(state: AlertState, workers: Iterable[WorkerView], t: float, elapsed_s: float) -> AlertState:
    """Take in which state the workers that answered now are in."""
    shares = {}
    for worker in workers:
        known = state.shares.get(worker.ref)
        if worker.last_good_t == t and worker.ui_state is not None and elapsed_s:
            known = (known or Shares()).add(t, elapsed_s, worker.ui_state == "uncertain")
        if known is not None:
            shares[worker.ref] = known
    return replace(state, shares=shares)


def uncertain(state: AlertState) -> dict[WorkerRef, float]:
    """Return by slot for how much of a whole window its state was "uncertain"."""
    return {ref: share for ref, known in state.shares.items() if (share := known.share) is not None}


def observe(
    state: AlertState, rule_input: RuleInput, elapsed_s: float, config: Config, rules: Mapping[str, Rule] = RULES
) -> tuple[AlertState, tuple[AlertTransition, ...]]:
    """Take in one tick, `elapsed_s` of it observed; return also what is to be told."""
    t = rule_input.inputs.t
    tracks: dict[str, AlertTrack] = {}
    ended: list[Alert] = []
    backoff = dict(state.backoff)
    active: dict[str, list[str]] = {}
    for one, track in state.tracks.items():
        active.setdefault(track.alert.name, []).append(one)
    # In the order of config.toml, which is the order of the alerts on the screen.
    for name, configured in config.alerts.rule.items():
        rule = rules.get(name)
        if rule is None or not configured.enabled:
            continue
        found = rule(rule_input)
        conditions = {f"{name}:{one.about}" if one.about else name: one for one in found.conditions}
        if not conditions and name not in active:
            continue
        for key in dict.fromkeys((*conditions, *active.get(name, ()))):
            timers = AlertTimers(configured, config.alerts.keep_firing_s, t, elapsed_s, key, backoff)
            condition, before = conditions.get(key), state.tracks.get(key)
            after, closed = timers.advance(before, name, condition, found.unknown_workers, found.no_data)
            if after is not None:
                tracks[key] = after
            if closed is not None:
                ended.append(closed)
    if backoff and len(backoff) > 50:
        backoff = {one: past for one, past in backoff.items() if t - past[1] < RECURRENCE_S}
    kept = (*reversed(ended), *state.ended)[:KEPT_ENDED] if ended else state.ended
    view = _view(tracks, kept)
    return replace(state, tracks=tracks, ended=kept, backoff=backoff, view=view), alert_transitions(state.view, view)


class AlertTimers:
    """How fast the parts of one alert move on in this tick."""

    def __init__(
        self,
        configured: AlertRuleConfig,
        keep_firing_s: float,
        t: float,
        elapsed_s: float,
        key: str,
        backoff: dict[tuple[str, WorkerRef], tuple[float, float]],
    ) -> None:
        self._rule = configured
        self._rest_s = keep_firing_s if configured.rest_s is None else configured.rest_s
        self._t = t
        self._elapsed_s = elapsed_s
        self._key = key
        self._backoff = backoff

    def advance(
        self,
        before: AlertTrack | None,
        name: str,
        condition: Condition | None,
        unknown_workers: frozenset[WorkerRef],
        no_data: bool,
    ) -> tuple[AlertTrack | None, Alert | None]:
        """Move an alert on; return it as it goes on, and as it ended where it did."""
        held = _members(condition)
        known = before.members if before is not None else {}
        rest_s = before.rest_s if before is not None else 0.0
        clear_t = before.clear_t if before is not None else 0.0
        required_s = self._rule.for_s * (condition.for_factor if condition is not None else 1.0)
        members: dict[WorkerRef, AlertMember] = {}
        for ref in {**dict.fromkeys(held), **known}:
            was = known.get(ref)
            if ref in held:
                now: AlertMember | None = self._hold(ref, was, required_s)
            elif (
                was is None
                or no_data
                or ref in unknown_workers
                or (ref.slot < 0 and unknown_workers and unknown_workers.issuperset(_workers(known)))
            ):
                now = was
            else:
                now = self._cease(ref, was, rest_s)
                clear_t = max(clear_t, 0.0 if ref == ESCALATED else was.clear_t or 0.0)
            if now is not None:
                members[ref] = now
        fires = any(member.fired for ref, member in members.items() if ref != ESCALATED)
        fired = before is not None and before.alert.state == "firing"
        closed = None
        if fired and not fires and before is not None:
            closed = replace(before.alert, state="resolved", resolved_t=clear_t)
            self._backoff[self._key, WHOLE_ALERT] = (before.rest_s, self._t)
            before, rest_s, clear_t = None, 0.0, 0.0
            members = {ref: member for ref, member in members.items() if not member.fired}
        if all(ref == ESCALATED for ref in members):
            return None, closed
        if fires and not fired:
            rest_s = self._rest(WHOLE_ALERT)
        alert = self._alert(before.alert if before is not None else None, name, condition, members, fires)
        return AlertTrack(alert, members, rest_s, clear_t), closed

    def _hold(self, ref: WorkerRef, was: AlertMember | None, required_s: float) -> AlertMember:
        if was is None:
            fired = required_s <= 0
            return AlertMember(self._t, self._rest(ref) if fired else 0.0, fired=fired)
        if was.clear_t is not None:
            return replace(was, clear_t=None, cleared_s=0.0, times=was.times + 1)
        if was.fired:
            return was
        held_s = was.held_s + self._elapsed_s
        fired = held_s >= required_s
        return replace(was, held_s=held_s, fired=fired, rest_s=self._rest(ref) if fired else 0.0)

    def _cease(self, ref: WorkerRef, was: AlertMember, rest_s: float) -> AlertMember | None:
        if not was.fired:
            return None
        cleared_s = was.cleared_s + (self._elapsed_s if was.clear_t is not None else 0.0)
        if was.clear_t is not None and cleared_s >= max(was.rest_s, rest_s):
            self._backoff[self._key, ref] = (was.rest_s, self._t)
            return None
        return replace(was, clear_t=self._t if was.clear_t is None else was.clear_t, cleared_s=cleared_s)

    def _rest(self, ref: WorkerRef) -> float:
        """Return how long a part that fires now will rest: twice as long as last time where that was just now."""
        past = self._backoff.get((self._key, ref))
        if past is None or self._t - past[1] >= RECURRENCE_S:
            return self._rest_s
        return max(self._rest_s, min(2 * past[0], MAX_REST_S))

    def _alert(
        self,
        was: Alert | None,
        name: str,
        condition: Condition | None,
        members: Mapping[WorkerRef, AlertMember],
        fires: bool,
    ) -> Alert:
        is_escalated = ESCALATED in members and (members[ESCALATED].fired or not fires)
        own = {ref: member for ref, member in members.items() if ref != ESCALATED and (member.fired or not fires)}
        about = condition.about if condition is not None else was.about if was is not None else ""
        firing = was is not None and was.state == "firing"
        value = condition.value if condition is not None else was.value if was is not None else None
        known = [one for one in (value, was.least if was else None) if one is not None]
        peaks = [one for one in (value, was.most if was else None) if one is not None]
        now = Alert(
            name=name,
            about=about,
            severity=self._rule.raised if is_escalated else self._rule.severity,
            state="firing" if fires else "pending",
            text=condition.text if condition is not None else was.text if was is not None else "",
            since_t=was.since_t if was is not None and firing else min(member.since_t for member in own.values()),
            firing_t=was.firing_t if was is not None and firing else self._t if fires else None,
            workers=tuple(sorted(ref for ref in own if ref.slot >= 0)),
            value=value,
            least=min(known, default=None),
            most=max(peaks, default=None),
            unit=condition.unit if condition is not None else was.unit if was is not None else "",
            times=max(member.times for member in own.values()),
            acknowledged=was.acknowledged if was is not None else None,
        )
        if now.acknowledged is not None and was is not None and has_escalated(was, now):
            return replace(now, acknowledged=None)
        return now


def _members(condition: Condition | None) -> tuple[WorkerRef, ...]:
    if condition is None:
        return ()
    own = condition.workers or (POOL,)
    return (*own, ESCALATED) if condition.escalated else own


def _workers(members: Mapping[WorkerRef, AlertMember]) -> set[WorkerRef]:
    return {ref for ref in members if ref.slot >= 0}


def _view(tracks: Mapping[str, AlertTrack], ended: tuple[Alert, ...]) -> tuple[Alert, ...]:
    active = [track.alert for track in tracks.values()]
    active.sort(key=lambda one: (one.state != "firing", _SEVERITY_ORDER[one.severity], -(one.firing_t or one.since_t)))
    return (*active, *ended)
