"""Judges each declared component on one worker: state with proof, growth, transitions.

Reads the statuses of one worker in order. Does not: know reachability, other workers, or what a state leads to.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.config.schema import ComponentConfig, Config
from metabonk_tui.core.model.sample import BadValue, NumberField, Presence, WorkerStatus
from metabonk_tui.core.model.worker import ComponentState
from metabonk_tui.core.status.decode import flag, number, values
from metabonk_tui.core.timeseries.window import Buckets

# On Python 3.11 a member of an enumeration takes ten times the time of a name of the module.
_VALUE, _ACTIVE = Presence.VALUE, ComponentState.ACTIVE
_RESTING, _STALLED = ComponentState.RESTING, ComponentState.STALLED
TREND_BUCKET_S = 30.0
TREND_BUCKETS = 60
NO_GROWTH = Buckets(TREND_BUCKET_S, TREND_BUCKETS)
VALUE_SEEN = NumberField(Presence.VALUE)
JUMP_MAX_SPACING_S = 60.0
"""Over a longer time between polls, the reward may have risen by a bonus in small steps: no jump counts."""
WITH_KEY = (Presence.VALUE, Presence.BAD, Presence.NULL)
"""What is read where the document has the key."""
UNBUILT = (Presence.ABSENT, Presence.NULL)
"""What is read where the worker did not build the component: no key, or null in its place."""
SILENT = (ComponentState.ZERO, ComponentState.ABSENT, ComponentState.UNPROVEN, ComponentState.STALLED)
"""States of a component that is watched and does not show."""
UNSEEN = (ComponentState.STALE, ComponentState.DOWN, ComponentState.UNOBSERVED, ComponentState.STRANGER)
"""States of a component that could not be seen: it neither shows nor is silent."""


class ComponentTrack(Struct, frozen=True):
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
    unseen: int = 0
    """How many of the worker's good statuses in this run could not have shown the number."""
    without_key: int = 0
    """How many had no key of it. Both stand still on a healthy worker; the good statuses themselves do not."""
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
    companion: tuple[str, float] | None = None
    """A field of `also` that is above zero in this generation, and its value."""


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
        companion=None,
    )


def fields_of(spec: ComponentConfig) -> tuple[str, ...]:
    """Return the names of all `/status` fields whose growth this component is judged by."""
    return (spec.field, *spec.aliases, *spec.also)


def read(spec: ComponentConfig, status: WorkerStatus, name: str) -> NumberField:
    """Read one field of a component: a counter below zero is out of range."""
    return number(status, name, minimum=0.0 if spec.kind == "counter" else None)


def fell(track: ComponentTrack, spec: ComponentConfig, status: WorkerStatus) -> str | None:
    """Return the first counter of this component that fell, as "field 12 → 0"; None when none did."""
    if spec.kind != "counter" or track.numbers is None:
        return None
    names = fields_of(spec)
    for name, now in zip(names, values(status, names), strict=True):
        before = track.numbers.get(name)
        if before is None or now is None or now >= before or now < 0:
            # A counter below zero is out of range, so it is no number.
            continue
        if now < before - 1e-9 * max(1.0, abs(before)):
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
        # A counter that never moves in this mode is shown by its companion, so that one gives the amount.
        is_drawn = counted == name or not primary.value
        # The first value of a counter that was not observed from its start shows movement, not an amount.
        if spec.kind == "counter" and is_drawn and grown > 0 and (before is not None or track.after_reset):
            amount = grown
        if presence is Presence.UNOBSERVED and (moved or grew):
            # The unobserved number may have moved: where a companion moved, the component is not zero.
            presence = Presence.VALUE
    return replace(
        track,
        unseen=track.unseen + (primary.presence is Presence.UNOBSERVED),
        without_key=track.without_key + (primary.presence not in WITH_KEY),
        presence=presence,
        proven=is_proven(spec, status),
        bad=primary.bad,
        first_t=t if track.first_t is None else track.first_t,
        numbers=numbers,
        value=primary.value,
        last_value=primary.value if primary.value is not None else track.last_value,
        above_zero=moved or grew,
        grew_t=t if grew else track.grew_t,
        growth=track.growth.add(t, amount),
        companion=_companion(track, spec, numbers),
    )


def is_proven(spec: ComponentConfig, status: WorkerStatus) -> bool:
    """Return whether a status has the proof of a component; one that could not be seen counts as there."""
    if not spec.proof or status.fields.get(spec.proof) is not None:
        return True
    return number(status, spec.proof).presence is Presence.UNOBSERVED


def _companion(track: ComponentTrack, spec: ComponentConfig, numbers: Mapping[str, float]) -> tuple[str, float] | None:
    """Return the first companion that is above zero, with its value; without one now, the last known."""
    if not spec.also:
        return track.companion
    grown = ((name, numbers[name]) for name in spec.also if numbers.get(name, 0.0) > 0)
    return next(grown, track.companion)


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
    reading = VALUE_SEEN if playing is not None else read(spec, status, spec.field)
    also = zip(spec.also, values(status, spec.also), strict=True)
    seen = {name: value for name, value in also if value is not None}
    before = track.numbers or {}
    spacing_s = t - before["t"] if "t" in before else None
    edge = playing is True and track.gameplay is not True
    jump = _jumped(before, seen, spacing_s, spec.jump)
    is_transition = _is_transition(track, t, spacing_s, edge=edge, jump=jump)
    is_known = playing is not None or bool(seen)
    count = (track.last_value or 0.0) + is_transition
    track = replace(
        track,
        unseen=track.unseen + (reading.presence is Presence.UNOBSERVED),
        without_key=track.without_key + (reading.presence not in WITH_KEY),
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


class Sight(Struct, frozen=True):
    """What all components of one worker share in one tick."""

    answered: bool
    """This tick brought a good status."""
    answers: int
    """The number of good statuses in this run."""
    starting: bool
    state: ComponentState | None
    """The state of them all; None: each has its own."""
    elsewhere: str
    """Where the worker is not although it steps: what `moves` there rests; "": not known."""
    is_corroborated: bool = False
    """Whether its gameplay is corroborated in this generation: until then a transition into it is not proven."""


def judge(track: ComponentTrack, spec: ComponentConfig, sight: Sight, t: float, config: Config) -> ComponentTrack:
    """Set the state at `t`, after `observe` has used a good status of this tick."""
    answered, elsewhere = sight.answered, spec.moves == sight.elsewhere
    if spec.kind == "transitions":
        track = _with_corroboration(track, sight, t)
    if sight.state is not None:
        is_pending = sight.state is ComponentState.DOWN and sight.starting and track.unseen == sight.answers
        state = ComponentState.PENDING if is_pending else sight.state
    elif not answered:
        # Between the last good answer and staleness the last state stays; an active one ages to stalled.
        state = _aged(track, t, config, elsewhere=elsewhere)
    else:
        state = _state(track, t, config, starting=sight.starting, elsewhere=elsewhere)
    shown_t, silent_t, rested_t = track.shown_t, track.silent_t, track.rested_t
    shown = track.shown or state is _ACTIVE
    if state is _ACTIVE and track.grew_t is not None:
        shown_t = track.grew_t if shown_t is None else max(shown_t, track.grew_t)
    elif state is _RESTING:
        rested_t = t
    elif state in SILENT and answered:
        silent_t = t
    if (
        state is track.state
        and shown is track.shown
        and shown_t == track.shown_t
        and silent_t == track.silent_t
        and rested_t == track.rested_t
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


def _with_corroboration(track: ComponentTrack, sight: Sight, t: float) -> ComponentTrack:
    """Take in whether gameplay is corroborated; a transition that waited for it counts from then on."""
    if track.proven is sight.is_corroborated:
        return track
    waited = sight.is_corroborated and track.above_zero and not track.shown
    return replace(track, proven=sight.is_corroborated, grew_t=t if waited else track.grew_t)


def is_showing(track: ComponentTrack) -> bool:
    """Return whether `judge` has nothing to note of an active component that grew within its window."""
    return (
        track.proven
        and track.shown
        and track.above_zero
        and track.presence is _VALUE
        and track.shown_t is not None
        and track.grew_t is not None
        and track.shown_t >= track.grew_t
    )


def _aged(track: ComponentTrack, t: float, config: Config, *, elsewhere: bool) -> ComponentState:
    if track.state is _ACTIVE and not _recent(track, t, config):
        return _standing(track, elsewhere=elsewhere)
    return track.state


def _standing(track: ComponentTrack, *, elsewhere: bool) -> ComponentState:
    """Return the state of a component that has not grown lately; what never showed here never rests."""
    return _RESTING if elsewhere and track.shown else _STALLED


def _recent(track: ComponentTrack, t: float, config: Config) -> bool:
    return track.grew_t is not None and t - track.grew_t <= config.verdict.active_window_s


def _state(track: ComponentTrack, t: float, config: Config, *, starting: bool, elsewhere: bool) -> ComponentState:
    if track.presence is not _VALUE:
        if track.presence is Presence.UNOBSERVED:
            return ComponentState.UNOBSERVED
        if track.presence is Presence.BAD:
            return ComponentState.BAD
        if track.presence in UNBUILT:
            return ComponentState.PENDING if starting else ComponentState.ABSENT
    if not track.above_zero:
        return ComponentState.ZERO
    if not track.proven:
        return ComponentState.UNPROVEN
    if track.grew_t is not None and t - track.grew_t <= config.verdict.active_window_s:
        return _ACTIVE
    return _standing(track, elsewhere=elsewhere)
