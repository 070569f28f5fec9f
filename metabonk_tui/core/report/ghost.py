"""Puts each number of a run beside the same minute of a recorded one: its ghost. Pure.

A ghost is a small table by the minute, made once. To find a number in it takes a few comparisons. Does not: judge the
run; ahead and behind are no states.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.report.run_setup import RunSetup, SetupComparison, compare_setups, setup_of
from metabonk_tui.core.report.timeline import RunTimeline, TimelinePoint

MINUTE_S = 60.0
LEVEL_SHARE = 0.05
"""Two numbers that differ by less than this share of the greater one are level."""
STEP_RATE, RSS = "step_rate", "rss"
ABOVE_ZERO = 1e-6
MORE_IS_NOT_AHEAD = frozenset({STEP_RATE, RSS})
"""Numbers that do not grow with progress: no minute is named for them."""


class GhostWord(StrEnum):
    """How a number compares with the ghost's at the same minute."""

    AHEAD = "ahead"
    BEHIND = "behind"
    LEVEL = "level"
    MORE = "more"
    """More memory is neither ahead nor behind."""
    LESS = "less"
    NOT_RECORDED = "not recorded"


class GhostValue(Struct, frozen=True):
    """One number beside the ghost's."""

    value: float
    ghost: float | None
    """None: the ghost's recording has no such number at this minute."""
    word: GhostWord
    there_s: float | None = None
    """When the ghost first had this value, or anything where this is zero, in seconds of its run; None: never."""
    lead_s: float | None = None
    """How much later the ghost had this value; negative: earlier. None: it never did, or neither run had it yet."""
    never: bool = False
    """The ghost never got to this value."""


class Ghost(Struct, frozen=True, eq=False):
    """A recorded run by the minute. NaN: not recorded."""

    name: str
    kind: str
    """The verdict with which it ended."""
    level: Level
    minutes: int
    values: Mapping[tuple[str, str], array[float]]
    """By (worker, number): a component's id, `STEP_RATE` or `RSS`."""
    highest: Mapping[tuple[str, str], array[float]]
    """The highest value up to each minute."""
    available_bytes: array[float]
    gameplay_s: float | None
    """When its first worker reached the game, in seconds of its run; None: none did."""
    setup: RunSetup

    def at(self, worker: str, number: str, run_s: float) -> float | None:
        """Return a number at a time of the run; None: not recorded."""
        return self._read(self.values.get((worker, number)), run_s)

    def available_at(self, run_s: float) -> float | None:
        """Return the available memory in bytes at a time of the run; None: not recorded."""
        return self._read(self.available_bytes, run_s)

    def curve(
        self, worker: str, number: str, began_t: float, from_t: float, to_t: float
    ) -> tuple[tuple[float, float], ...]:
        """Return (t, value) of a number between two times of a run that began at `began_t`, a point a minute."""
        return self._curve(self.values.get((worker, number)), began_t, from_t, to_t)

    def available_curve(self, began_t: float, from_t: float, to_t: float) -> tuple[tuple[float, float], ...]:
        """Return (t, available bytes) as `curve` does."""
        return self._curve(self.available_bytes, began_t, from_t, to_t)

    def first_s(self, worker: str, number: str, value: float) -> float | None:
        """Return when the ghost first had at least this value, in seconds of its run; None: never."""
        highest = self.highest.get((worker, number))
        if highest is None:
            return None
        place = bisect_left(highest, value - 1e-9)
        return place * MINUTE_S if place < len(highest) else None

    @staticmethod
    def _curve(
        series: array[float] | None, began_t: float, from_t: float, to_t: float
    ) -> tuple[tuple[float, float], ...]:
        if series is None:
            return ()
        first = max(0, int((from_t - began_t) // MINUTE_S))
        last = max(first, int((to_t - began_t) // MINUTE_S) + 1)
        # The value of a minute is the one at its end.
        points = ((began_t + (first + i + 1) * MINUTE_S - 1.0, value) for i, value in enumerate(series[first:last]))
        return tuple((t, value) for t, value in points if from_t <= t <= to_t and not math.isnan(value))

    def _read(self, series: array[float] | None, run_s: float) -> float | None:
        place = int(run_s // MINUTE_S)
        if series is None or not 0 <= place < len(series) or math.isnan(series[place]):
            return None
        return series[place]


class GhostSum(Struct, frozen=True):
    """A whole run beside its ghost."""

    ahead: int
    behind: int
    """Numbers of all workers; those that are level or not recorded are in neither."""
    compared: int
    gameplay_s: float | None
    """When the first worker reached the game, in seconds of the run; None: none did yet."""
    ghost_gameplay_s: float | None
    available_bytes: int | None
    ghost_available_bytes: float | None


def make_ghost(timeline: RunTimeline) -> Ghost:
    """Reduce the timeline of a recorded run to its ghost."""
    last = timeline.last
    minutes = int(timeline.duration_s // MINUTE_S) + 1
    values: dict[tuple[str, str], array[float]] = {}
    available = array("d", [math.nan]) * minutes
    for minute in range(minutes):
        # The end of the minute, or of the run.
        point = timeline.at(min((minute + 1) * MINUTE_S - 1.0, timeline.duration_s))
        if point is None:
            continue
        available[minute] = _number(point.available_bytes)
        for worker, number, value in _numbers(point):
            values.setdefault((worker, number), array("d", [math.nan]) * minutes)[minute] = value
    reached = [one.gameplay.reached_t for one in last.workers if one.gameplay.reached_t is not None]
    return Ghost(
        name=last.run.name,
        kind=str(last.verdict.kind),
        level=last.verdict.kind.level,
        minutes=minutes,
        values=values,
        highest={key: _running_highest(series) for key, series in values.items()},
        available_bytes=available,
        gameplay_s=min(reached) - last.run.started_at if reached else None,
        setup=setup_of(last),
    )


def beside(ghost: Ghost, worker: WorkerView, number: str, value: float | None, run_s: float) -> GhostValue | None:
    """Put one number beside the ghost's; None: there is no number now."""
    if value is None:
        return None
    name = worker.ref.label
    there = ghost.at(name, number, run_s)
    if there is None:
        return GhostValue(value, None, GhostWord.NOT_RECORDED)
    word = _word(number, value, there)
    if number in MORE_IS_NOT_AHEAD:
        return GhostValue(value, there, word)
    there_s = ghost.first_s(name, number, value if value > 0 else ABOVE_ZERO)
    lead_s = None if there_s is None or value <= 0 else there_s - run_s // MINUTE_S * MINUTE_S
    return GhostValue(value, there, word, there_s, lead_s, never=value > 0 and there_s is None)


def component_beside(ghost: Ghost, snapshot: Snapshot, worker: WorkerView) -> Mapping[str, GhostValue]:
    """Return the numbers of a worker's components beside the ghost's, by id; without those that have none now."""
    run_s = snapshot.t - snapshot.run.started_at
    found = {part.id: beside(ghost, worker, part.id, part.value, run_s) for part in worker.components}
    return {name: each for name, each in found.items() if each is not None}


def not_the_same(ghost: Ghost, snapshot: Snapshot) -> SetupComparison:
    """Return in which settings the run is not the same as its ghost."""
    return compare_setups(setup_of(snapshot), ghost.setup)


def sum_up(ghost: Ghost, snapshot: Snapshot) -> GhostSum:
    """Count the numbers of components that are ahead of the ghost and behind it."""
    words = [each.word for worker in snapshot.workers for each in component_beside(ghost, snapshot, worker).values()]
    began_t = snapshot.run.started_at
    reached = [one.gameplay.reached_t for one in snapshot.workers if one.gameplay.reached_t is not None]
    return GhostSum(
        ahead=words.count(GhostWord.AHEAD),
        behind=words.count(GhostWord.BEHIND),
        compared=len(words) - words.count(GhostWord.NOT_RECORDED),
        gameplay_s=min(reached) - began_t if reached else None,
        ghost_gameplay_s=ghost.gameplay_s,
        available_bytes=snapshot.memory.available_bytes,
        ghost_available_bytes=ghost.available_at(snapshot.t - began_t),
    )


def _word(number: str, value: float, there: float) -> GhostWord:
    if abs(value - there) <= LEVEL_SHARE * max(abs(value), abs(there)):
        return GhostWord.LEVEL
    if number == RSS:
        return GhostWord.MORE if value > there else GhostWord.LESS
    return GhostWord.AHEAD if value > there else GhostWord.BEHIND


def _numbers(point: TimelinePoint) -> list[tuple[str, str, float]]:
    found = []
    for ref, worker in point.workers.items():
        read = {name: component.value for name, component in worker.components.items()}
        read |= {STEP_RATE: worker.step_rate, RSS: worker.memory_bytes}
        found += [(ref.label, name, float(value)) for name, value in read.items() if value is not None]
    return found


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _running_highest(series: array[float]) -> array[float]:
    highest, found = array("d"), -math.inf
    for value in series:
        if not math.isnan(value):
            found = max(found, value)
        highest.append(found)
    return highest
