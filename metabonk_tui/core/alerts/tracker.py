"""Tracks alerts over time: a condition must last before it fires, and stay away before it resolves. Pure.

An alert has one member per worker, one for the whole pool, and one for the higher severity. Each member has its own
timers, so that a flapping condition stays one alert. Does not: evaluate conditions; the rules do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.core.alerts.rule import Rule, RuleInput, evaluate
from metabonk_tui.core.alerts.rules import RULES
from metabonk_tui.core.alerts.timers import RECURRENCE_S, AlertTimers, AlertTrack
from metabonk_tui.core.config.schema import AlertRuleConfig, Config
from metabonk_tui.core.model import levels
from metabonk_tui.core.model.alert import Acknowledged, Alert, AlertTransition, alert_transitions
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.status.decode import text
from metabonk_tui.core.worker.tracker import WorkerTrack

KEPT_ENDED = 50
WINDOW_BUCKETS = 10
BUCKET_S = 60.0
MIN_OBSERVED_SHARE = 0.9
"""A share counts only if at least this part of the window was observed."""


class Shares(Struct, frozen=True):
    """How long a worker's state was "uncertain" in each of the last 10 minutes."""

    minutes: tuple[tuple[int, float, float], ...] = ()
    """(minute, observed seconds, uncertain seconds), oldest first."""
    seen_s: float = 0.0
    """The observed seconds of all minutes but the newest; they change once a minute."""
    uncertain_s: float = 0.0
    """The uncertain seconds of all minutes but the newest."""

    def add(self, t: float, elapsed_s: float, uncertain: bool) -> Shares:
        """Add `elapsed_s` observed seconds that end at `t`."""
        minute, amount = int(t // BUCKET_S), elapsed_s if uncertain else 0.0
        if self.minutes and self.minutes[-1][0] >= minute:
            last, seen_s, of_these_s = self.minutes[-1]
            newest = (last, seen_s + elapsed_s, of_these_s + amount)
            minutes = self.minutes[:-1] + (newest,)  # noqa: RUF005 - half the time
            return Shares(minutes, self.seen_s, self.uncertain_s)
        kept = [one for one in self.minutes if one[0] > minute - WINDOW_BUCKETS]
        return Shares(
            (*kept, (minute, elapsed_s, amount)), sum([one[1] for one in kept]), sum([one[2] for one in kept])
        )

    @property
    def share(self) -> float | None:
        """The uncertain share of the observed time; None: too little was observed."""
        if not self.minutes:
            return None
        _, newest_s, newest_uncertain_s = self.minutes[-1]
        seen_s = self.seen_s + newest_s
        if seen_s < MIN_OBSERVED_SHARE * WINDOW_BUCKETS * BUCKET_S:
            return None
        return (self.uncertain_s + newest_uncertain_s) / seen_s


class AlertTracks(Struct, frozen=True):
    """The alerts of this run, with their timers."""

    tracks: Mapping[str, AlertTrack] = field(default_factory=dict)
    """Keyed by the alert's id."""
    ended: tuple[Alert, ...] = ()
    """Newest first."""
    backoff: Mapping[tuple[str, WorkerRef], tuple[float, float]] = field(default_factory=dict)
    """(id, part) → (how long it rested, when it ended): what ended not long ago."""
    shares: Mapping[WorkerRef, Shares] = field(default_factory=dict)
    recorder_problem: str = ""
    """Why recording fails; "": no problem known."""
    view: tuple[Alert, ...] = ()
    """All alerts: firing (most severe first), then pending, then resolved (newest first)."""


def apply_events(state: AlertTracks, events: Sequence[Event], *, gap: bool = False) -> AlertTracks:
    """Apply acknowledgements and recorder errors.

    After a gap another monitor may record. It emits its own recorder errors, so the old one is dropped.
    """
    recorder_problem = "" if gap else state.recorder_problem
    tracks = state.tracks
    for event in events:
        if event.kind == EventKind.RECORDER_ERROR:
            recorder_problem = "" if event.severity == "ok" else event.text
        elif event.kind == EventKind.ALERT_ACKNOWLEDGED:
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
    seen = {one for one in ids if isinstance(one, str) and one in tracks and tracks[one].alert.state == "firing"}
    by = Acknowledged(event.t, str(event.facts.get("by", "")))
    acknowledged = {one: replace(tracks[one], alert=replace(tracks[one].alert, acknowledged=by)) for one in seen}
    return {**tracks, **acknowledged} if seen else tracks


def observe_states(
    state: AlertTracks, tracks: Mapping[WorkerRef, WorkerTrack], t: float, elapsed_s: float
) -> AlertTracks:
    """Add the UI states of the workers that answered at `t`."""
    shares = {}
    for ref, track in tracks.items():
        known = state.shares.get(ref)
        if elapsed_s and track.last_good_t == t and (shown := text(track.status, "dynamic_ui_state_type")) is not None:
            known = (known or Shares()).add(t, elapsed_s, shown == "uncertain")
        if known is not None:
            shares[ref] = known
    return replace(state, shares=shares)


def uncertain(state: AlertTracks) -> dict[WorkerRef, float]:
    """Return by slot for how much of a whole window its state was "uncertain"."""
    return {ref: share for ref, known in state.shares.items() if (share := known.share) is not None}


def observe(
    state: AlertTracks, rule_input: RuleInput, elapsed_s: float, config: Config, rules: Mapping[str, Rule] = RULES
) -> tuple[AlertTracks, tuple[AlertTransition, ...]]:
    """Run the rules for one tick with `elapsed_s` observed seconds; return the tracks and the transitions."""
    t, over_before = rule_input.inputs.t, rule_input.over_before
    tracks: dict[str, AlertTrack] = {}
    ended: list[Alert] = []
    backoff = dict(state.backoff)
    active: dict[str, list[str]] = {}
    for one, track in state.tracks.items():
        active.setdefault(track.alert.name, []).append(one)
    for name, configured, rule in _enabled(config, rules):
        found = evaluate(name, rule, rule_input) if over_before else rule(rule_input)
        if not found.conditions and name not in active:
            continue
        conditions = {f"{name}:{one.about}" if one.about else name: one for one in found.conditions}
        for key in dict.fromkeys((*conditions, *active.get(name, ()))):
            timers = AlertTimers(configured, config.alerts.keep_firing_s, t, elapsed_s, key, backoff)
            condition, before = conditions.get(key), state.tracks.get(key)
            no_data = found.no_data or _host_of(key) in found.unknown_hosts
            after, closed = timers.advance(before, name, condition, found.unknown_workers, no_data)
            if after is not None:
                tracks[key] = after
            if closed is not None:
                ended.append(closed)
    if backoff and len(backoff) > 50:
        backoff = {one: past for one, past in backoff.items() if t - past[1] < RECURRENCE_S}
    if not (tracks or state.tracks or ended or backoff):
        return state, ()
    kept = (*reversed(ended), *state.ended)[:KEPT_ENDED] if ended else state.ended
    view = _view(tracks, kept)
    return replace(state, tracks=tracks, ended=kept, backoff=backoff, view=view), alert_transitions(state.view, view)


def _enabled(config: Config, rules: Mapping[str, Rule]) -> list[tuple[str, AlertRuleConfig, Rule]]:
    """Return the rules that run, in the order of config.toml: it is the order of alerts on the screen."""
    for known, among, enabled in _newest_enabled:
        if known is config and among is rules:
            return enabled
    enabled = [
        (name, configured, rules[name])
        for name, configured in config.alerts.rule.items()
        if name in rules and configured.enabled
    ]
    _newest_enabled[:] = [(config, rules, enabled)]
    return enabled


_newest_enabled: list[tuple[Config, Mapping[str, Rule], list[tuple[str, AlertRuleConfig, Rule]]]] = []
"""The rules of the configuration that was used last: a step asks for them at every sample."""


def _host_of(key: str) -> str:
    """Return the host that an alert is about: the first word behind the colon of its id."""
    return key.partition(":")[2].partition(" ")[0]


def _view(tracks: Mapping[str, AlertTrack], ended: tuple[Alert, ...]) -> tuple[Alert, ...]:
    active = [track.alert for track in tracks.values()]
    active.sort(
        key=lambda item: (item.state != "firing", -levels.order(item.severity), -(item.firing_t or item.since_t))
    )
    return (*active, *ended)
