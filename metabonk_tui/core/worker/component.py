"""Judges each declared component on one worker: state with proof, growth, transitions.

Reads the statuses of one worker in order. Does not: know reachability, other workers, or what a state leads to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from metabonk_tui.core.config.schema import ComponentConfig, Config
from metabonk_tui.core.model.sample import BadValue, NumberField, Presence, WorkerStatus
from metabonk_tui.core.model.worker import ComponentState, ComponentView, WindowActivity
from metabonk_tui.core.status.decode import flag, number
from metabonk_tui.core.timeseries.window import Buckets

TREND_BUCKET_S = 30.0
TREND_BUCKETS = 60
CHANGE_BUCKETS = 10
"""Buckets that cover 5 minutes."""
NO_GROWTH = Buckets(TREND_BUCKET_S, TREND_BUCKETS)
MIN_CHANGE_S = 20.0
"""A change over 5 minutes needs a worker that was watched for this long."""
JUMP_MAX_SPACING_S = 60.0
"""Over a longer time between polls, the reward may have risen by a bonus in small steps: no jump counts."""
SILENT = (ComponentState.ZERO, ComponentState.ABSENT, ComponentState.UNPROVEN, ComponentState.STALLED)
"""States of a component that is watched and does not show."""
UNSEEN = (ComponentState.STALE, ComponentState.DOWN, ComponentState.UNOBSERVED, ComponentState.STRANGER)
"""States of a component that could not be seen: it neither shows nor is silent."""


@dataclass(frozen=True, slots=True)
class ComponentTrack:
    """State of one component on one worker."""

    growth: Buckets = NO_GROWTH
    numbers: Mapping[str, float] | None = None
    """Latest value of each field in this generation; None before the first status."""
    first_t: float | None = None
    """When the first good status of this run came."""
    value: float | None = None
    last_value: float | None = None
    above_zero: bool = False
    """Whether the value was ever above zero in this generation."""
    grew_t: float | None = None
    """When the value last grew, or a level was non-zero, in this generation."""
    shown_t: float | None = None
    """When the value last grew with its proof in this run, in any generation."""
    shown: bool = False
    """Whether it grew with its proof in this generation."""
    rested_t: float | None = None
    """When it was last seen at rest in this run."""
    silent_t: float | None = None
    """When the component was last seen silent in this run."""
    samples: int = 0
    samples_with_key: int = 0
    presence: Presence = Presence.UNOBSERVED
    """Presence of the number in the latest good status."""
    proven: bool = True
    """False when the latest good status lacked the proof."""
    state: ComponentState = ComponentState.PENDING
    known: ComponentState = ComponentState.PENDING
    """The last state while its worker was seen. A short silence of the worker is no news of it."""
    known_since_t: float = 0.0
    since_t: float = 0.0
    bad: BadValue | None = None
    gameplay: bool | None = None
    """The last gameplay flag, for transitions."""
    edge_t: float | None = None
    """When the flag last rose, for transitions."""
    jump_t: float | None = None
    """When the reward last jumped without the flag, for transitions."""
    after_reset: bool = False
    """This generation began with a reset, so its first value counts as growth from zero."""


def reset(track: ComponentTrack) -> ComponentTrack:
    """Start a new generation: counters count from zero again."""
    return replace(
        track,
        numbers=None,
        value=None,
        last_value=None,
        above_zero=False,
        grew_t=None,
        gameplay=None,
        edge_t=None,
        jump_t=None,
        bad=None,
        shown=False,
        after_reset=True,
    )


def fields_of(spec: ComponentConfig) -> tuple[str, ...]:
    """Return the names of all `/status` fields whose growth this component is judged by."""
    return (spec.field, *spec.aliases, *spec.also)


def read(spec: ComponentConfig, status: WorkerStatus, name: str) -> NumberField:
    """Read one field of a component: a counter below zero is out of range, and null is no number."""
    reading = number(status, name, minimum=0.0 if spec.kind == "counter" else None)
    if reading.presence is Presence.NULL:
        return NumberField(Presence.BAD, bad=BadValue("wrong type", "null"))
    return reading


def fell(track: ComponentTrack, spec: ComponentConfig, status: WorkerStatus) -> str | None:
    """Return the first counter of this component that fell, as "field 12 → 0"; None when none did."""
    if spec.kind != "counter" or track.numbers is None:
        return None
    for name in fields_of(spec):
        before, now = track.numbers.get(name), read(spec, status, name).value
        if before is not None and now is not None and now < before - 1e-9 * max(1.0, abs(before)):
            return f"{name} fell {before:g} → {now:g}"
    return None


def observe(track: ComponentTrack, spec: ComponentConfig, status: WorkerStatus, t: float) -> ComponentTrack:
    """Update the track with one good status; `judge` sets the state later."""
    if spec.kind == "transitions":
        return _observe_transitions(track, spec, status, t)
    name, primary = _first_present(spec, status)
    presence = primary.presence
    numbers = dict(track.numbers or {})
    amount, grew, moved = 0.0, False, track.above_zero or (primary.value or 0) > 0
    for counted in (name, *spec.also):
        now = primary.value if counted == name else read(spec, status, counted).value
        if now is None:
            continue
        before = numbers.get(counted)
        numbers[counted] = now
        grown = now if before is None else now - before
        grew = grew or (now != 0 if spec.kind == "level" else grown > 0)
        # The first value of a counter that was not observed from its start shows movement, not an amount.
        if spec.kind == "counter" and counted == name and grown > 0 and (before is not None or track.after_reset):
            amount = grown
        if presence is Presence.UNOBSERVED and (moved or grew):
            # The unobserved number may have moved: where a companion moved, the component is not zero.
            presence = Presence.VALUE
    return replace(
        track,
        samples=track.samples + (primary.presence is not Presence.UNOBSERVED),
        samples_with_key=track.samples_with_key + (primary.presence in (Presence.VALUE, Presence.BAD)),
        presence=presence,
        proven=not spec.proof or number(status, spec.proof).presence not in (Presence.ABSENT, Presence.NULL),
        bad=primary.bad,
        first_t=t if track.first_t is None else track.first_t,
        numbers=numbers,
        value=primary.value,
        last_value=primary.value if primary.value is not None else track.last_value,
        above_zero=moved or grew,
        grew_t=t if grew else track.grew_t,
        growth=track.growth.add(t, amount),
    )


def _first_present(spec: ComponentConfig, status: WorkerStatus) -> tuple[str, NumberField]:
    """Return the name and reading of the field, or of the first alias that is present."""
    reading = read(spec, status, spec.field)
    if reading.presence in (Presence.VALUE, Presence.BAD):
        return spec.field, reading
    absent = spec.field, reading
    for name in spec.aliases:
        reading = read(spec, status, name)
        if reading.presence in (Presence.VALUE, Presence.BAD):
            return name, reading
        if reading.presence is Presence.ABSENT and absent[1].presence is Presence.UNOBSERVED:
            absent = name, reading
    return absent


def _observe_transitions(
    track: ComponentTrack, spec: ComponentConfig, status: WorkerStatus, t: float
) -> ComponentTrack:
    """Count rising edges of the flag and jumps of the reward; both signs of one transition count once.

    The two signs may be up to two polls apart, in either order.
    """
    playing = flag(status, spec.field)
    reading = NumberField(Presence.VALUE) if playing is not None else read(spec, status, spec.field)
    seen = {name: value for name in spec.also if (value := read(spec, status, name).value) is not None}
    before = track.numbers or {}
    spacing_s = t - before["t"] if "t" in before else None
    edge = playing is True and track.gameplay is not True
    jump = _jumped(before, seen, spacing_s, spec.jump)
    is_transition = _is_transition(track, t, spacing_s, edge=edge, jump=jump)
    is_known = playing is not None or bool(seen)
    count = (track.last_value or 0.0) + is_transition
    track = replace(
        track,
        samples=track.samples + (reading.presence is not Presence.UNOBSERVED),
        samples_with_key=track.samples_with_key + (reading.presence in (Presence.VALUE, Presence.BAD)),
        first_t=t if track.first_t is None else track.first_t,
        numbers={"t": t, **seen},
        gameplay=playing if playing is not None else track.gameplay,
        above_zero=track.above_zero or count > 0,
        grew_t=t if is_transition else track.grew_t,
        edge_t=t if edge else track.edge_t,
        jump_t=t if jump and not edge else track.jump_t,
        growth=track.growth.add(t, float(is_transition and track.first_t is not None)),
    )
    if not is_known:
        return replace(track, presence=reading.presence, bad=reading.bad, value=None)
    return replace(track, presence=Presence.VALUE, bad=None, value=count, last_value=count)


def _jumped(
    before: Mapping[str, float], seen: Mapping[str, float], spacing_s: float | None, least: float | None
) -> bool:
    """Return whether a number rose by at least `least` between two polls that are close enough together."""
    if least is None or spacing_s is None or spacing_s > JUMP_MAX_SPACING_S:
        return False
    return any(value - before[name] >= least - 1e-9 for name, value in seen.items() if name in before)


def _is_transition(track: ComponentTrack, t: float, spacing_s: float | None, *, edge: bool, jump: bool) -> bool:
    """Return whether an edge or a jump is a new transition, not the other sign of the last one."""
    near_s = 2 * spacing_s if spacing_s is not None else 0.0
    if edge:
        return track.jump_t is None or t - track.jump_t > near_s
    return jump and (track.edge_t is None or t - track.edge_t > near_s)


def judge(
    track: ComponentTrack,
    t: float,
    config: Config,
    *,
    answered: bool,
    starting: bool,
    reachable: bool,
    stale: bool,
    unseen: bool = False,
    stranger: bool = False,
    elsewhere: bool = False,
) -> ComponentTrack:
    """Set the state at `t`; `answered`: this tick brought a good status, and `observe` has used it.

    `elsewhere`: the worker steps, and is where this component does not move.
    """
    if stranger:
        state = ComponentState.STRANGER
    elif unseen:
        state = ComponentState.UNOBSERVED
    elif not reachable:
        state = ComponentState.PENDING if starting and track.samples == 0 else ComponentState.DOWN
    elif stale:
        state = ComponentState.STALE
    elif not answered:
        # Between the last good answer and staleness the last state stays; an active one ages to stalled.
        state = _aged(track, t, config, elsewhere=elsewhere)
    else:
        state = _state(track, t, config, starting=starting, elsewhere=elsewhere)
    shown_t, silent_t, rested_t = track.shown_t, track.silent_t, track.rested_t
    shown = track.shown or state is ComponentState.ACTIVE
    if state is ComponentState.ACTIVE and track.grew_t is not None:
        shown_t = track.grew_t if shown_t is None else max(shown_t, track.grew_t)
    elif state is ComponentState.RESTING:
        rested_t = t
    elif state in SILENT and answered:
        silent_t = t
    if (
        state is track.state
        and shown is track.shown
        and (shown_t, silent_t, rested_t) == (track.shown_t, track.silent_t, track.rested_t)
    ):
        return track
    since_t = track.since_t if state is track.state else t
    known = track.known if state in UNSEEN else state
    return replace(
        track,
        state=state,
        known=known,
        known_since_t=track.known_since_t if known is track.known else t,
        since_t=since_t,
        shown_t=shown_t,
        shown=shown,
        silent_t=silent_t,
        rested_t=rested_t,
    )


def _aged(track: ComponentTrack, t: float, config: Config, *, elsewhere: bool) -> ComponentState:
    if track.state is ComponentState.ACTIVE and not _recent(track, t, config):
        return _standing(track, elsewhere=elsewhere)
    return track.state


def _standing(track: ComponentTrack, *, elsewhere: bool) -> ComponentState:
    """Return the state of a component that has not grown lately; what never showed here never rests."""
    return ComponentState.RESTING if elsewhere and track.shown else ComponentState.STALLED


def _recent(track: ComponentTrack, t: float, config: Config) -> bool:
    return track.grew_t is not None and t - track.grew_t <= config.verdict.active_window_s


def _state(track: ComponentTrack, t: float, config: Config, *, starting: bool, elsewhere: bool) -> ComponentState:
    if track.presence is Presence.UNOBSERVED:
        return ComponentState.UNOBSERVED
    if track.presence is Presence.BAD:
        return ComponentState.BAD
    if track.presence is Presence.ABSENT:
        return ComponentState.PENDING if starting else ComponentState.ABSENT
    if not track.above_zero:
        return ComponentState.ZERO
    if not track.proven:
        return ComponentState.UNPROVEN
    return ComponentState.ACTIVE if _recent(track, t, config) else _standing(track, elsewhere=elsewhere)


def window_activity(track: ComponentTrack, t: float, window_s: float) -> WindowActivity:
    """Return whether the component was showing, silent or unknown in the window that ends at `t`.

    A component at rest shows. A worker that does not answer for a moment does not end its rest.
    """
    if track.state is ComponentState.STRANGER:
        return "unknown"
    if track.state is ComponentState.RESTING or (track.shown_t is not None and track.shown_t > t - window_s):
        return "showing"
    rested_t = track.rested_t if track.state in (ComponentState.STALE, ComponentState.DOWN) else None
    if rested_t is not None and rested_t > t - window_s and (track.silent_t is None or rested_t > track.silent_t):
        return "showing"
    if track.silent_t is not None and track.silent_t > t - window_s:
        return "silent"
    return "unknown"


def view(track: ComponentTrack, spec: ComponentConfig, t: float, window_s: float) -> ComponentView:
    """Return the component as the screens and the verdict read it; `window_s` is the window of its activity."""
    growth = track.growth.add(t, 0.0) if track.growth.newest is not None else track.growth
    watched = track.first_t is not None and t - track.first_t >= MIN_CHANGE_S
    valued = track.state in (
        ComponentState.ACTIVE,
        ComponentState.STALLED,
        ComponentState.UNPROVEN,
        ComponentState.RESTING,
    )
    return ComponentView(
        id=spec.id,
        label=spec.label,
        title=spec.title,
        state=track.state,
        window_activity=window_activity(track, t, window_s),
        since_t=track.since_t,
        value=track.value,
        last_value=track.last_value,
        decimals=spec.decimals,
        change_5m=growth.newest_sum(CHANGE_BUCKETS) if watched and valued else None,
        trend=growth.amounts,
        expected_min=spec.expected_min,
        expected_max=spec.expected_max,
        expected_by_s=spec.expected_by_s,
        due=spec.due,
        derived=spec.kind == "transitions",
        field=spec.field,
        proof=spec.proof or None,
        samples=track.samples,
        samples_with_key=track.samples_with_key,
        shown_in_run=track.shown_t is not None,
        last_grew_t=track.grew_t,
        bad=track.bad,
        stands=spec.stands,
        launcher_sets=spec.launcher_sets,
        shown_in_generation=track.shown,
        known_state=track.known,
        known_since_t=track.known_since_t,
    )
