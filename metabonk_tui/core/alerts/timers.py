"""Advances the timers of one alert by a tick: members fire after a duration and end after a keep-firing time."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.alerts.rule import Condition
from metabonk_tui.core.config.schema import AlertRuleConfig
from metabonk_tui.core.model.alert import Alert, has_escalated
from metabonk_tui.core.model.refs import WorkerRef

RECURRENCE_S = 3600.0
"""A member that returns within this time of its end doubles its keep-firing time ..."""
MAX_REST_S = 3600.0
"""... up to this: a condition that comes and goes slower than that is news every time."""
POOL, ESCALATED, WHOLE_ALERT = WorkerRef(slot=-1), WorkerRef(slot=-2), WorkerRef(slot=-3)
"""Members that are no worker's: the whole pool, the louder severity, and the alert itself."""


class AlertMember(Struct, frozen=True):
    """The timers of one member of an alert."""

    since_t: float
    rest_s: float
    held_s: float = 0.0
    """Observed seconds only."""
    fired: bool = False
    clear_t: float | None = None
    """When the condition became false; None: still true."""
    cleared_s: float = 0.0
    """Observed seconds only."""
    times: int = 1


class AlertTrack(Struct, frozen=True):
    """An alert that has not ended, with its members."""

    alert: Alert
    members: Mapping[WorkerRef, AlertMember]
    rest_s: float
    clear_t: float = 0.0
    """The latest time at which an ended member's condition became false."""


class AlertTimers:
    """Advances one alert by one tick. `backoff` is shared by all alerts and updated in place."""

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
        """Advance an alert; return its open track and, if it resolved in this tick, the closed alert."""
        members, clear_t = self._advance_members(before, condition, unknown_workers, no_data)
        was, rest_s = (before.alert, before.rest_s) if before is not None else (None, 0.0)
        closed = None
        fires = any(member.fired for ref, member in members.items() if ref != ESCALATED)
        if was is not None and was.state == "firing" and not fires:
            closed = replace(was, state="resolved", resolved_t=clear_t)
            self._backoff[self._key, WHOLE_ALERT] = (rest_s, self._t)
            was, rest_s, clear_t = None, 0.0, 0.0
            members = {ref: member for ref, member in members.items() if not member.fired}
        if all(ref == ESCALATED for ref in members):
            return None, closed
        if fires and (was is None or was.state != "firing"):
            rest_s = self._rest(WHOLE_ALERT)
        return AlertTrack(self._alert(was, name, condition, members, fires), members, rest_s, clear_t), closed

    def _advance_members(
        self,
        before: AlertTrack | None,
        condition: Condition | None,
        unknown_workers: frozenset[WorkerRef],
        no_data: bool,
    ) -> tuple[dict[WorkerRef, AlertMember], float]:
        """Move every member on; return them, and when the newest one that has ended ceased to hold."""
        held = _members(condition)
        known, rest_s, clear_t = (
            (before.members, before.rest_s, before.clear_t) if before is not None else ({}, 0.0, 0.0)
        )
        required_s = self._rule.for_s * (condition.for_factor if condition is not None else 1.0)
        pool_unknown = bool(unknown_workers) and unknown_workers.issuperset(_workers(known))
        members: dict[WorkerRef, AlertMember] = {}
        for ref in {**dict.fromkeys(held), **known}:
            was = known.get(ref)
            unknown = no_data or ref in unknown_workers or (ref.slot < 0 and pool_unknown)
            if ref in held:
                now: AlertMember | None = self._hold(ref, was, required_s)
            elif was is None or unknown:
                now = was
            else:
                now = self._cease(ref, was, rest_s)
                clear_t = max(clear_t, 0.0 if ref == ESCALATED else was.clear_t or 0.0)
            if now is not None:
                members[ref] = now
        return members, clear_t

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
        """Write the alert as its condition and its members have it now; without a condition it says what it said."""
        own = {ref: member for ref, member in members.items() if ref != ESCALATED and (member.fired or not fires)}
        escalated = ESCALATED in members and (members[ESCALATED].fired or not fires)
        now = Alert(
            name=name,
            about="",
            severity=self._rule.raised if escalated else self._rule.severity,
            state="firing" if fires else "pending",
            text="",
            since_t=min(member.since_t for member in own.values()),
            firing_t=self._t if fires else None,
            workers=tuple(sorted(ref for ref in own if ref.slot >= 0)),
            times=max(member.times for member in own.values()),
        )
        if was is not None:
            now = _carry_over(was, now)
        if condition is not None:
            now = _with_condition(now, condition)
        if was is not None and now.acknowledged is not None and has_escalated(was, now):
            return replace(now, acknowledged=None)
        return now


def _carry_over(was: Alert, now: Alert) -> Alert:
    """Copy the text, values and acknowledgement of the previous alert, and of a firing one its start."""
    kept = replace(
        now,
        about=was.about,
        text=was.text,
        value=was.value,
        least=was.least,
        most=was.most,
        unit=was.unit,
        acknowledged=was.acknowledged,
    )
    return replace(kept, since_t=was.since_t, firing_t=was.firing_t) if was.state == "firing" else kept


def _with_condition(alert: Alert, condition: Condition) -> Alert:
    """Apply the condition's text and value; the value widens the range so far."""
    value = condition.value
    values = [each for each in (value, alert.least, alert.most) if each is not None]
    return replace(
        alert,
        about=condition.about,
        text=condition.text,
        value=value,
        least=min(values, default=None),
        most=max(values, default=None),
        unit=condition.unit,
    )


def _members(condition: Condition | None) -> tuple[WorkerRef, ...]:
    if condition is None:
        return ()
    own = condition.workers or (POOL,)
    return (*own, ESCALATED) if condition.escalated else own


def _workers(members: Mapping[WorkerRef, AlertMember]) -> set[WorkerRef]:
    return {ref for ref in members if ref.slot >= 0}
