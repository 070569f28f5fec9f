"""Records of the workers for the judges: verdict, gate, alerts and causes.

A record holds words and no measurements, so that it stays the same object from one sample to the next, and with it
everything that was derived from it. Does not: judge; know texts or times that move with every sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from operator import is_

from msgspec import Struct

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.worker import ComponentState, EnvView, GameplayView, Reach, WindowActivity
from metabonk_tui.core.worker import gameplay
from metabonk_tui.core.worker.away import believed_env
from metabonk_tui.core.worker.component import SILENT, ComponentTrack
from metabonk_tui.core.worker.component_view import window_activity
from metabonk_tui.core.worker.tracker import WorkerTrack

MARGIN_S = 1.0
"""Seconds before the end of a window from which it is computed anew: sums of times are rounded."""


class WorkerRecord(Struct, frozen=True):
    """One worker in words. A tuple has one entry for each component."""

    ref: WorkerRef
    reach: Reach
    generation: int
    answered: bool
    """Whether it ever answered in this run."""
    states: tuple[ComponentState, ...]
    known_states: tuple[ComponentState, ...]
    """The last states while the worker could be seen."""
    activities: tuple[WindowActivity, ...]
    shown: tuple[bool, ...]
    """Whether the component was showing at any time in this run."""
    sampled: tuple[bool, ...]
    """Whether any good status of this run could have shown it."""
    gameplay: GameplayView
    """Without `not_yet_t` until gameplay is reached: it moves with every sample."""
    env: EnvView | None
    from_t: float
    until_t: float
    """The record is that of every sample from `from_t` until before `until_t` in which no word changed."""


SHOWING = (ComponentState.ACTIVE, ComponentState.RESTING)
NOT_SHOWING = (
    *(ComponentState.ABSENT, ComponentState.BAD, ComponentState.UNPROVEN, ComponentState.ZERO),
    *(ComponentState.STALLED, ComponentState.UNOBSERVED),
)
"""States of a component that does not show, the gravest first."""


class SilentGroup(Struct, frozen=True):
    """Components that do not show, in one state and on equally many workers."""

    state: ComponentState
    workers: int
    """On how many workers they are in this state."""
    stands: bool
    """It is by design that they stand once they have shown."""
    titles: tuple[str, ...]


class PoolRecord(Struct, frozen=True):
    """All workers in words, and what the judges derive from them."""

    workers: tuple[WorkerRecord, ...]
    """In the order of the tracks: by host and slot."""
    states: frozenset[ComponentState]
    """All states of components."""
    up_states: frozenset[ComponentState]
    """Those of the workers that answer."""
    showing: int
    """How many components showed in the window."""
    silent: int
    due: tuple[str, ...]
    """Titles of the components that are due in validation."""
    due_shown: tuple[str, ...]
    """Those of them that any worker showed in this run."""
    due_unobserved: tuple[str, ...]
    """Those of them that the source of no worker could see."""
    never_shown_on: tuple[tuple[str, tuple[WorkerRef, ...]], ...]
    """Each of them that could be seen, with the workers that never showed it; without any: not listed."""
    answered: int
    """How many workers ever answered in this run."""
    not_up: frozenset[WorkerRef]
    env_unknown: frozenset[WorkerRef]
    env_wrong: bool
    """Whether a readable environment lacks a required value."""
    silence: tuple[SilentGroup, ...]
    """The components that do not show, the gravest state first."""
    has_bad: bool
    """Whether the last known state of any component is BAD."""
    moves: bool
    """Whether a component that is due in validation, and that no launcher sets, shows on a worker that answers."""

    @property
    def never_shown(self) -> tuple[str, ...]:
        """The titles of due components that never showed on any worker, though a worker's source could see them."""
        if len(self.due) == len(self.due_shown):
            return ()
        return tuple(title for title in self.due if title not in self.due_shown and title not in self.due_unobserved)


def observe(before: PoolRecord, tracks: Mapping[WorkerRef, WorkerTrack], t: float, config: Config) -> PoolRecord:
    """Return the record at `t`: the same object while no word changes."""
    known = {record.ref: record for record in before.workers}
    records = [
        record
        if (record := known.get(ref)) is not None and _is_same(record, track, t)
        else record_of(track, t, config)
        for ref, track in tracks.items()
    ]
    if len(records) == len(before.workers) and all(map(is_, records, before.workers)):
        return before
    return pool_of(records, config)


def _is_same(record: WorkerRecord, track: WorkerTrack, t: float) -> bool:
    """Return whether a record is still that of its worker."""
    seen, play = record.gameplay, track.gameplay
    return (
        record.from_t <= t < record.until_t
        and record.reach is track.reach
        and record.generation == max(1, track.generation)
        and (record.env is (env := believed_env(track)) or record.env == env)
        and record.answered is (track.last_good_t is not None)
        and (record.states is track.states or record.states == track.states)
        and seen.started is play.started
        and seen.since_t == play.corroborated_t
        and seen.reached_t == play.reached_t
        and seen.signs == play.signs
    )


def record_of(track: WorkerTrack, t: float, config: Config) -> WorkerRecord:
    """Return the record of a worker at `t`."""
    window_s = config.clock.validation_s
    activities = tuple([window_activity(component, t, window_s) for component in track.components])
    play = gameplay.view(track.gameplay)
    if play.reached_t is None:
        play = GameplayView(play.started, play.signs, play.corroborated, play.since_t)
    return WorkerRecord(
        ref=track.ref,
        reach=track.reach,
        generation=max(1, track.generation),
        answered=track.last_good_t is not None,
        states=track.states,
        known_states=tuple([component.known for component in track.components]),
        activities=activities,
        shown=tuple([component.shown_t is not None for component in track.components]),
        sampled=tuple([component.unseen < track.answers for component in track.components]),
        gameplay=play,
        env=believed_env(track),
        from_t=t,
        until_t=min(
            [
                _until_t(component, activity, t, window_s)
                for component, activity in zip(track.components, activities, strict=True)
            ],
            default=inf,
        ),
    )


def _until_t(component: ComponentTrack, activity: WindowActivity, t: float, window_s: float) -> float:
    """Return until when a component has this activity in the window while its state does not change."""
    if component.state is ComponentState.RESTING:
        return inf
    if activity == "unknown" or (component.state is ComponentState.ACTIVE and activity != "showing"):
        # The next answer of the worker may change it.
        return -inf if component.state in (*SILENT, ComponentState.ACTIVE) else inf
    times = (component.shown_t, component.rested_t, component.silent_t)
    return min([last_t for last_t in times if last_t is not None and last_t > t - window_s]) + window_s - MARGIN_S


def pool_of(records: Sequence[WorkerRecord], config: Config) -> PoolRecord:
    """Derive what the judges need of all workers together."""
    up = [record for record in records if record.reach is Reach.UP]
    places = _due_places(config) if records else {}
    unobserved = tuple(title for title, each in places.items() if _is_unobserved(records, each))
    activities = [activity for record in records for activity in record.activities]
    unread = frozenset([record.ref for record in records if record.env is None or record.env.error is not None])
    return PoolRecord(
        workers=tuple(records),
        states=frozenset([state for record in records for state in record.states]),
        up_states=frozenset([state for record in up for state in record.states]),
        showing=activities.count("showing"),
        silent=activities.count("silent"),
        due=tuple(places),
        due_shown=tuple(title for title, each in places.items() if _is_shown(records, each)),
        due_unobserved=unobserved,
        never_shown_on=_never_shown_on(records, unobserved, config),
        answered=sum([record.answered for record in records]),
        not_up=frozenset([record.ref for record in records if record.reach is not Reach.UP]),
        env_unknown=unread,
        env_wrong=any(_is_env_wrong(record) for record in records if record.ref not in unread),
        has_bad=any(ComponentState.BAD in record.known_states for record in records),
        silence=silent_groups([record.states for record in records], config),
        moves=_moves(up, config),
    )


def _due_places(config: Config) -> dict[str, list[int]]:
    """Return by title the places of the components that are due in validation."""
    places: dict[str, list[int]] = {}
    for place, spec in enumerate(config.component):
        if spec.due == "validation":
            places.setdefault(spec.title, []).append(place)
    return places


def _is_shown(records: Sequence[WorkerRecord], places: Sequence[int]) -> bool:
    """Return whether a worker showed a component at one of these places in this run."""
    return any(record.shown[place] for record in records for place in places)


def _never_shown_on(
    records: Sequence[WorkerRecord], unobserved: Sequence[str], config: Config
) -> tuple[tuple[str, tuple[WorkerRef, ...]], ...]:
    never: dict[str, list[WorkerRef]] = {}
    for record in records:
        for place, spec in enumerate(config.component):
            if spec.due == "validation" and not record.shown[place] and spec.title not in unobserved:
                never.setdefault(spec.title, []).append(record.ref)
    return tuple((title, tuple(refs)) for title, refs in never.items())


def _is_env_wrong(record: WorkerRecord) -> bool:
    return record.env is not None and bool(record.env.missing or record.env.wrong)


def _moves(up: Sequence[WorkerRecord], config: Config) -> bool:
    """Return whether a component that proves something of the flags shows on a worker that answers."""
    flagged = [n for n, spec in enumerate(config.component) if spec.due == "validation" and not spec.launcher_sets]
    return any(record.known_states[n] in SHOWING for record in up for n in flagged)


def _is_unobserved(records: Sequence[WorkerRecord], places: Sequence[int]) -> bool:
    """Return whether the components at these places were seen on no worker, and could not be seen on one at least."""
    each = [(record, place) for record in records for place in places]
    is_marked = any(record.states[place] is ComponentState.UNOBSERVED for record, place in each)
    return is_marked and not any(record.sampled[place] or record.shown[place] for record, place in each)


def silent_groups(workers: Sequence[Sequence[ComponentState]], config: Config) -> tuple[SilentGroup, ...]:
    """Group the components that do not show, by the states of each worker; the gravest state first."""
    groups: dict[tuple[ComponentState, int, bool], list[str]] = {}
    for place, spec in enumerate(config.component if workers else ()):
        states = [each[place] for each in workers]
        for state in NOT_SHOWING:
            if count := states.count(state):
                stands = state is ComponentState.STALLED and spec.stands
                groups.setdefault((state, count, stands), []).append(spec.title)
    ordered = sorted(groups.items(), key=lambda item: (NOT_SHOWING.index(item[0][0]), -item[0][1]))
    return tuple(SilentGroup(state, count, stands, tuple(titles)) for (state, count, stands), titles in ordered)


NO_WORKERS = PoolRecord(
    workers=(),
    states=frozenset(),
    up_states=frozenset(),
    showing=0,
    silent=0,
    due=(),
    due_shown=(),
    due_unobserved=(),
    never_shown_on=(),
    answered=0,
    not_up=frozenset(),
    env_unknown=frozenset(),
    env_wrong=False,
    silence=(),
    has_bad=False,
    moves=False,
)
"""The record before the first sample."""
