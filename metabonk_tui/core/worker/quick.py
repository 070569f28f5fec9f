"""Observes the components of one worker at once, where few of their fields changed since its last status.

It does what `component.observe` does for the cases that come every second: a field that stands, a counter that grows,
a flag that stands. Does not: decide any other case; it leaves that to `component`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from math import inf
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.config.schema import ComponentConfig, Config
from metabonk_tui.core.model.sample import Presence, WorkerStatus
from metabonk_tui.core.model.worker import ComponentState
from metabonk_tui.core.status.decode import MISSING
from metabonk_tui.core.worker.component import TREND_BUCKET_S, WITH_KEY, ComponentTrack, fields_of, is_proven

_ACTIVE = ComponentState.ACTIVE
UNSURE = frozenset({list, dict})
"""Equal values of these kinds may hold 1 in one place and true in the other."""


class FieldLayout(Struct, frozen=True):
    """The names of all fields that components are judged by, and the place of each component's names."""

    names: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    counted: tuple[str, ...]
    """The names of numbers."""
    flags: tuple[str, ...]
    """The names of flags of transitions."""


_layouts: list[tuple[Config, FieldLayout]] = []
"""The layout of the configuration that was used last: it is needed for every worker of every sample."""


def layout_of(config: Config) -> FieldLayout:
    """Return the names of a configuration."""
    if not _layouts or _layouts[0][0] is not config:
        names: list[str] = []
        spans = []
        for spec in config.component:
            begin = len(names)
            names += fields_of(spec)
            spans.append((begin, len(names)))
        flags = tuple([spec.field for spec in config.component if spec.kind == "transitions"])
        counted = tuple([name for name in names if name not in flags])
        _layouts[:] = [(config, FieldLayout(tuple(names), tuple(spans), counted, flags))]
    return _layouts[0][1]


def observe_all(
    tracks: Sequence[ComponentTrack], config: Config, before: WorkerStatus, status: WorkerStatus, t: float
) -> list[ComponentTrack | None]:
    """Return each component after `status`, which follows `before` in one generation; None: `component` must observe.

    A component that stands is the same object as before.
    """
    layout = layout_of(config)
    if before.observable is not status.observable and before.observable != status.observable:
        return [None] * len(tracks)
    was = [*map(before.fields.get, layout.names, repeat(MISSING))]
    now = [*map(status.fields.get, layout.names, repeat(MISSING))]
    was_kinds, kinds = [*map(type, was)], [*map(type, now)]
    is_sure = UNSURE.isdisjoint(kinds)
    all_stood = is_sure and was == now and was_kinds == kinds
    bucket = int(t // TREND_BUCKET_S)
    seen: list[ComponentTrack | None] = []
    for track, spec, (begin, end) in zip(tracks, config.component, layout.spans, strict=True):
        if track.numbers is None or track.first_t is None:
            seen.append(None)
        elif spec.kind == "transitions":
            seen.append(_stood_flag(track, spec, was[begin:end], now[begin:end], t))
        elif spec.kind != "counter" or (
            spec.proof and (status.fields.get(spec.proof) is not None or is_proven(spec, status)) is not track.proven
        ):
            seen.append(None)
        elif all_stood or (is_sure and was[begin:end] == now[begin:end] and was_kinds[begin:end] == kinds[begin:end]):
            newest = track.growth.newest
            is_as_before = track.value is not None and newest is not None and bucket <= newest
            seen.append(track if is_as_before else _stood(track, t))
        else:
            seen.append(_grown(track, spec, track.numbers, now[begin:end], t))
    return seen


def _stood(track: ComponentTrack, t: float) -> ComponentTrack:
    """Return a counter of which no field changed."""
    growth = track.growth.add(t, 0.0)
    # Where only a companion proved the component, the source could not have seen its own number.
    if track.value is not None or track.presence in WITH_KEY:
        return track if growth is track.growth else replace(track, growth=growth)
    return replace(
        track,
        unseen=track.unseen + (track.presence is not Presence.ABSENT),
        without_key=track.without_key + 1,
        growth=growth,
    )


def _grown(
    track: ComponentTrack, spec: ComponentConfig, numbers: Mapping[str, float], now: Sequence[Any], t: float
) -> ComponentTrack | None:
    """Return a counter whose fields all have values and did not fall; None: one is missing, bad, or fell."""
    if spec.aliases or track.presence is not Presence.VALUE:
        return None
    amount, grew, companion = 0.0, False, None
    after = dict(numbers)
    for place, name in enumerate((spec.field, *spec.also)):
        value = now[place]
        if (type(value) is not float and type(value) is not int) or not 0 <= value < inf:
            return None
        before = numbers.get(name)
        if before is None or value < before:
            return None
        after[name] = value = float(value)
        if value > before:
            grew = True
            if not place or not now[0]:
                amount = value - before
        if place and companion is None and value > 0:
            companion = (name, value)
    value = after[spec.field]
    shown_t = track.shown_t
    if grew and track.state is _ACTIVE and track.shown:
        # As `component.judge` does: what shows with its proof and grows goes on to show.
        shown_t = t if shown_t is None else max(shown_t, t)
    return replace(
        track,
        bad=None,
        numbers=after,
        value=value,
        last_value=value,
        above_zero=track.above_zero or grew or value > 0,
        grew_t=t if grew else track.grew_t,
        shown_t=shown_t,
        growth=track.growth.add(t, amount),
        companion=companion or track.companion,
    )


def _stood_flag(
    track: ComponentTrack, spec: ComponentConfig, was: Sequence[Any], now: Sequence[Any], t: float
) -> ComponentTrack | None:
    """Return a component of transitions in which nothing happened; None: a flag changed, or a number is no number."""
    playing = now[0]
    if type(playing) is not bool or was[0] is not playing or track.gameplay is not playing or track.value is None:
        return None
    if spec.aliases:
        return None
    before = track.numbers or {}
    numbers = {"t": t}
    for name, value in zip(spec.also, now[1:], strict=True):
        if (type(value) is not float and type(value) is not int) or not -inf < value < inf:
            return None
        numbers[name] = value = float(value)
        if spec.jump is not None and name in before and value - before[name] >= spec.jump - 1e-9:
            return None
    return replace(track, numbers=numbers, growth=track.growth.add(t, 0.0))
