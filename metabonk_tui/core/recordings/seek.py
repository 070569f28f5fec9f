"""Parses a target in a recording as typed by the operator, and resolves it to a time. Pure.

`55m`, `1h20m`, `00:55:04` are elapsed times of the run on screen; `14:32` is wall-clock time. `14:32:07` is an
elapsed time if the run is long enough, otherwise wall-clock time. `at 14:32:07` is always wall-clock time.
`3m ago`, `-3m`, `+3m` count from the displayed moment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from msgspec import Struct

from metabonk_tui.core.model.snapshot import VerdictKind
from metabonk_tui.core.recordings.playback import Mark, Playback
from metabonk_tui.core.text import numbers as fmt

ACCEPTED_FORMS = "55m, 1h20m, 00:55:04, 14:32, 3m ago, next warning, previous stop, start, end"
ACCEPTED_FORMS_SHORT = "55m, 14:32, 3m ago, next warning, end"
MAX_SPAN_S = 10 * 365 * 86400.0


class Elapsed(Struct, frozen=True):
    """An elapsed time of the run on screen, in seconds."""

    s: float


class WallClock(Struct, frozen=True):
    """A wall-clock time."""

    hour: int
    minute: int
    second: int = 0
    or_elapsed: bool = False
    """The text may also mean an elapsed time, which has precedence."""


class Shift(Struct, frozen=True):
    """Seconds after the displayed moment; negative: before it."""

    s: float


class Edge(Struct, frozen=True):
    """The first or the last sample."""

    to: Literal["start", "end"]


SeekKind = Literal["warning", "crit", "stop", "verdict", "gap", "run"]


class FindMark(Struct, frozen=True):
    """The next or the previous mark of a kind."""

    what: SeekKind
    forward: bool


class EventMoment(Struct, frozen=True):
    """The time of an event on the run's clock."""

    t: float


SeekTarget = Elapsed | WallClock | Shift | Edge | FindMark | EventMoment

_MATCHERS: Mapping[SeekKind, Callable[[Mark], bool]] = {
    "warning": lambda mark: mark.kind in ("warn", "crit") or mark.level in ("caution", "stop"),
    "crit": lambda mark: mark.kind == "crit" or mark.level == "stop",
    "stop": lambda mark: mark.verdict_kind is VerdictKind.STOP,
    "verdict": lambda mark: mark.kind == "verdict",
    "gap": lambda mark: mark.kind == "gap",
    "run": lambda mark: mark.kind == "run",
}
_NAMES: Mapping[str, SeekKind] = {
    "warning": "warning",
    "warn": "warning",
    "crit": "crit",
    "critical": "crit",
    "stop": "stop",
    "verdict": "verdict",
    "gap": "gap",
    "run": "run",
}
_SPAN = re.compile(
    r"(?:(\d{1,6}(?:\.\d{1,6})?)d)? ?(?:(\d{1,6}(?:\.\d{1,6})?)h)? ?"
    r"(?:(\d{1,6}(?:\.\d{1,6})?)m)? ?(?:(\d{1,9}(?:\.\d{1,6})?)s)?"
)
_CLOCK = re.compile(r"(at |@ ?)?(\d{1,6}):([0-5]\d)(?::([0-5]\d))?")


def parse(text: str) -> SeekTarget | None:
    """Parse the typed text; None: not understood."""
    normalized = " ".join(text.lower().split())
    if normalized in ("start", "begin", "beginning", "first"):
        return Edge("start")
    if normalized in ("end", "newest", "last"):
        return Edge("end")
    parts = normalized.split(" ")
    if len(parts) == 2 and parts[0] in ("next", "previous", "prev", "last") and parts[1] in _NAMES:
        return FindMark(_NAMES[parts[1]], parts[0] == "next")
    if normalized.endswith(" ago"):
        ago_s = _span_s(normalized.removesuffix(" ago"))
        return None if ago_s is None else Shift(-ago_s)
    if normalized[:1] in ("+", "-"):
        by_s = _span_s(normalized[1:].strip())
        return None if by_s is None else Shift(by_s if normalized[0] == "+" else -by_s)
    clock = _CLOCK.fullmatch(normalized)
    if clock:
        return _clock(clock)
    run_s = _span_s(normalized)
    return None if run_s is None else Elapsed(run_s)


def _span_s(text: str) -> float | None:
    found = _SPAN.fullmatch(text)
    if not text or not found:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    whole_s = days * 86400 + hours * 3600 + minutes * 60 + seconds
    return whole_s if whole_s <= MAX_SPAN_S else None


def _clock(found: re.Match[str]) -> SeekTarget | None:
    wall, hour, minute, second = found[1], int(found[2]), int(found[3]), int(found[4] or 0)
    if found[4] is None or wall:
        return WallClock(hour, minute, second) if hour < 24 else None
    if hour < 24:
        return WallClock(hour, minute, second, or_elapsed=True)
    return Elapsed(hour * 3600.0 + minute * 60 + second)


def find(target: SeekTarget, playback: Playback, zone: tzinfo) -> float | str | None:
    """Resolve a target to a time. A text explains why none exists; None: more must be read first."""
    match target:
        case Edge("start"):
            return playback.from_t
        case Edge():
            return playback.read_to_t if playback.whole else playback.ends_t
        case Shift(s):
            return min(max(playback.t + s, playback.from_t), playback.to_t)
        case EventMoment(t):
            return min(max(t, playback.from_t), playback.to_t) if playback.whole else t
        case Elapsed(s):
            return _elapsed(s, playback)
        case WallClock():
            return _wall(target, playback, zone)
        case FindMark():
            return _event(target, playback)


def _elapsed(s: float, playback: Playback) -> float | str | None:
    run = playback.run
    if run is None:
        return None
    t, ends_t = run.started_at + s, playback.ends_of(run)
    if ends_t is None:
        return max(t, run.from_t) if t <= run.to_t else None
    if t >= ends_t + 1:
        return f"{run.name} is {fmt.elapsed(ends_t - run.started_at)} long"
    return min(max(t, run.from_t), ends_t)


def _wall(wall: WallClock, playback: Playback, zone: tzinfo) -> float | str | None:
    if wall.or_elapsed:
        s = wall.hour * 3600.0 + wall.minute * 60 + wall.second
        run_t = _elapsed(s, playback)
        if not isinstance(run_t, str):
            return run_t
    from_t, to_t = playback.from_t, playback.to_t
    try:
        day = datetime.fromtimestamp(from_t, zone)
        last = datetime.fromtimestamp(to_t, zone)
    except (ValueError, OverflowError, OSError):
        return "this recording's times are none of a clock on the wall"
    wall_time = day.replace(hour=wall.hour, minute=wall.minute, second=wall.second, microsecond=0)
    found = []
    while wall_time.date() <= last.date():
        # A time without seconds means the whole minute, so up to 60 s earlier count.
        t = wall_time.timestamp()
        if from_t - 60 < t <= to_t:
            found.append(max(t, from_t))
        wall_time += timedelta(days=1)
    if found:
        return next((t for t in found if t > playback.t), found[-1])
    if playback.ends_t is None and not playback.whole:
        return None
    return f"the recording goes from {fmt.clock(from_t, zone)} to {fmt.clock(to_t, zone)} on the wall"


def _event(search: FindMark, playback: Playback) -> float | str | None:
    matches = _MATCHERS[search.what]
    # Search backwards from the displayed sample's own time.
    at_t = playback.sample_t if playback.sample_t is not None else playback.t
    if search.forward:
        ahead = [mark.t for mark in playback.marks if mark.t > playback.t and matches(mark)]
        if ahead:
            return min(ahead)
        return f"no {search.what} after this" if playback.whole else None
    behind = [mark.t for mark in playback.marks if mark.t < at_t and matches(mark)]
    return max(behind) if behind else f"no {search.what} before this"


def describe_target(target: SeekTarget, playback: Playback) -> str:
    """Return a target as display text."""
    match target:
        case EventMoment(t):
            run = playback.run
            return fmt.elapsed(t - (run.started_at if run else playback.from_t))
        case Edge(to):
            return f"the {to}"
        case Elapsed(s):
            return fmt.elapsed(s)
        case Shift(s):
            return f"{fmt.age(abs(s))} {'on' if s > 0 else 'back'}"
        case WallClock(hour, minute, second):
            return f"{hour:02d}:{minute:02d}" + (f":{second:02d}" if second else "")
        case FindMark(what, forward):
            return f"the {'next' if forward else 'previous'} {what}"
