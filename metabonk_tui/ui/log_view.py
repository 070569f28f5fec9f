"""Declares the state of the log screen: what the operator chose, and what was read. Finds the line at the cursor."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Literal, NamedTuple

from msgspec import Struct, field

from metabonk_tui.core.logs.model import LineId, LogLine, LogWindow
from metabonk_tui.core.ports.logs import LogMove

LineFilter = Literal["no polls", "errors", "all"]
FILTERS: tuple[LineFilter, ...] = ("no polls", "errors", "all")


class LineAnchor(NamedTuple):
    """A line, and where it belongs when it is not among the lines any more."""

    id: LineId
    order_t: float


def at_time(t: float) -> LineAnchor:
    """Return the place of the first line at a time or after it."""
    return LineAnchor(LineId("", 0, 0), t)


FIRST = at_time(float("-inf"))
"""The first line of all."""


class LogChoice(Struct, frozen=True):
    """What the operator chose on the log screen."""

    source: str = ""
    """The name of a log or `MERGED`; "": the log of the worker that needs attention."""
    cursor: LineAnchor | None = None
    """The line at the cursor; None: the newest one is followed, or where the log was opened."""
    top: LineAnchor | None = None
    """The first line in sight; None: the cursor is in the middle."""
    follow: bool | None = None
    """None: nothing was chosen yet."""
    filter: LineFilter = "no polls"
    wrap: bool = False
    wanted: str = ""
    """The text that is searched."""
    to_hit: Literal["", "before", "after"] = ""
    """The cursor goes to the nearest hit before or after its line, once that is read."""
    move: LogMove = LogMove()


class LogView(Struct, frozen=True):
    """What was read of the logs, as the log screen draws it."""

    available: bool = False
    """False: no log file can be read here; only recorded lines are known."""
    why_not: str = ""
    """Why not, as a sentence."""
    source: str = ""
    windows: tuple[LogWindow, ...] = ()
    """One of each log that is shown."""
    names: tuple[str, ...] = ()
    """Every log that can be chosen, `MERGED` first."""
    lines: tuple[LogLine, ...] = ()
    """The lines that the filter leaves."""
    order_t: tuple[float, ...] = ()
    hits: tuple[int, ...] = ()
    """The places of the lines with the searched text."""
    marks: tuple[tuple[float, bool], ...] = ()
    """The errors (True) and warnings (False) with their times."""
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By log: the lines and the errors in memory."""
    polls: int = 0
    """How many answered polls are left out."""
    since_t: float | None = None
    opened_at: LineAnchor | None = None
    """The last line before the death at which the log opens; None: it opens at its end."""
    opened_why: str = ""
    """Why it opened there."""
    newest_t: float = 0.0
    is_timed: bool = False
    """Some line has a time, of its own or of the monitor's."""
    left_out: int = 0
    """Logs that are not merged, because there are too many."""
    late_s: float = 0.0
    """How long the reading in progress takes, once that is long; what is shown is older."""
    doing: bool = False
    """Something is being read."""
    places: Mapping[LineId, int] = field(default_factory=dict)

    @property
    def has_older(self) -> bool:
        """Whether the files have lines before those in memory."""
        return any(window.has_older for window in self.windows)

    @property
    def has_newer(self) -> bool:
        """Whether the files have lines after those in memory."""
        return any(window.has_newer for window in self.windows)

    def find(self, anchor: LineAnchor) -> int:
        """Return the place of a line, else that of the first line after it; 0 without lines."""
        return min(self._locate(anchor)[0], max(0, len(self.lines) - 1))

    def _locate(self, anchor: LineAnchor) -> tuple[int, bool]:
        """Return the place of a line and True, else where it would be."""
        found = self.places.get(anchor.id)
        if found is not None:
            return found, True
        if anchor.id.source == self.source:
            return bisect_left(self.lines, anchor.id, key=lambda line: line.id), False
        return bisect_left(self.order_t, anchor.order_t), False

    def hit_beside(self, anchor: LineAnchor, is_after: bool) -> int | None:
        """Return the place of the nearest hit before or after a line; None: there is none."""
        place, is_there = self._locate(anchor)
        if is_after:
            return next((hit for hit in self.hits if hit >= place + is_there), None)
        return next((hit for hit in reversed(self.hits) if hit < place), None)

    def anchor(self, place: int) -> LineAnchor:
        """Return the line at a place."""
        return LineAnchor(self.lines[place].id, self.order_t[place])


def follows(view: LogView, choice: LogChoice) -> bool:
    """Return whether the newest line stays in sight."""
    return choice.follow if choice.follow is not None else view.opened_at is None


def cursor_of(view: LogView, choice: LogChoice) -> int:
    """Return the place of the cursor; 0 without lines."""
    last = max(0, len(view.lines) - 1)
    if follows(view, choice):
        return last
    anchor = choice.cursor or view.opened_at
    if anchor is None:
        return last
    hit = view.hit_beside(anchor, choice.to_hit == "after") if choice.to_hit else None
    return view.find(anchor) if hit is None else hit
