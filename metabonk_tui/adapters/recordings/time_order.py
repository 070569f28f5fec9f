"""Puts the samples of a recording on one clock that never runs backwards, and names what it leaves out.

A sample at a wrong time is left out. A clock that was set back is shifted, so that the samples after it count. Where
the workers' counters fell with the clock, another recording begins. Does not: read files.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Generic, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import WorkerStatus
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.timeseries.median import median

AHEAD = 4
"""Rows after a break in the times that decide what it is. All of them must run forwards for a new clock."""
RECENT = 15
"""Spacings whose median is the time between the last row before the clock was set and the first row after it."""
HOLE_SPACINGS = 4.0
"""Spacings across a clock that was set, where the workers advanced too far for one. 3 spacings are no gap yet."""
LEAP = 4.0
"""So many times the last growth of the steps is too far for one spacing."""
MOST_LEFT_OUT = 4
"""Where more than 1 row in 5 was left out, the file has no order that a new clock could continue."""
COUNTERS = (
    "step",
    "actions_total",
    "dynamic_ui_exploration_actions",
    "system2_trigger_engaged_count",
    "vlm_hints_used",
    "meta_success_sequences",
)
"""Fields of a status that only fall when the worker restarts."""


class Repeats:
    """Finds a line that stands in a file twice, in 8 bytes a line."""

    def __init__(self) -> None:
        self._latest_t = float("-inf")
        self._seen = array("q")
        self._known: set[int] | None = None
        """The same, for look-up; None: no time has come twice yet."""

    def add(self, t: float, line: bytes | str) -> bool:
        """Add a line with its time; return whether it repeats an earlier one."""
        mark = hash(line)
        if t <= self._latest_t:
            if self._known is None:
                self._known = set(self._seen)
            if mark in self._known:
                return True
        self._latest_t = max(t, self._latest_t)
        if self._known is None:
            self._seen.append(mark)
        else:
            self._known.add(mark)
        return False


Statuses = Mapping[WorkerRef, WorkerStatus]
Content = TypeVar("Content")


class FileRow(Struct, Generic[Content], frozen=True):
    """One sample of a file, by its line."""

    t: float
    line: int
    statuses: Statuses
    """Of the workers that answered."""
    content: Content


class Placed(Struct, Generic[Content], frozen=True):
    """One row on the recording's clock."""

    row: FileRow[Content]
    t: float
    set_back_s: float = 0.0
    """How far the times of the file fall just before this row; 0: they do not."""
    begins: bool = False
    """Whether another recording begins with this row, because the workers' counters fell with the time."""

    @property
    def is_break(self) -> bool:
        return self.set_back_s > 0


class TimeOrder(Struct, Generic[Content]):
    """Orders the rows of one run."""

    on_problem: Callable[[int, str], None]
    interval_s: float | None = None
    """Between two rows, where known. A fall by less than half of it is no break: requests overtook each other."""
    begins_t: float | None = None
    """No row is earlier than this: the start of the run."""
    may_break: bool = True
    """False: no clock was set and no other recording begins; every row that falls behind is left out."""
    left_out: int = 0
    """Rows that do not count, so far."""
    lost: int = 0
    """Rows since the last one that counts."""
    is_other_workers: bool = False
    """Whether the rest of the run holds other workers at times that are over: nothing of it can count."""
    _kept: int = 0
    _offset_s: float = 0.0
    _last: FileRow[Content] | None = None
    _last_t: float = float("-inf")
    _grown: float | None = None
    _spacings: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def place(self, rows: Iterable[FileRow[Content]]) -> Iterator[Placed[Content]]:
        """Yield the rows that count, each at its time on one clock."""
        source = iter(rows)
        ahead: deque[FileRow[Content]] = deque()
        for row in source:
            ahead.append(row)
            if len(ahead) > AHEAD:
                yield from self._take(ahead.popleft(), ahead)
        while ahead:
            yield from self._take(ahead.popleft(), ahead)

    def _take(self, row: FileRow[Content], ahead: deque[FileRow[Content]]) -> Iterator[Placed[Content]]:
        t = row.t + self._offset_s
        if self.is_other_workers:
            self.left_out += 1
            self.lost += 1
        elif t < self._last_t:
            yield from self._fallen(row, t, ahead)
        elif self.begins_t is not None and t < self.begins_t:
            early_s = self.begins_t - t
            self._leave_out(row, f"time {t:.15g} is {age(early_s)} before the start of its run")
        elif self._returns(t, ahead):
            after = "" if self._last is None else f" after {self._last_t:.15g}"
            self._leave_out(row, f"time {t:.15g}{after}, and the next rows are earlier")
        else:
            yield self._keep(row, t)

    @property
    def _slack_s(self) -> float:
        return (self.interval_s or 0.0) / 2

    def _leave_out(self, row: FileRow[Content], what: str) -> None:
        self.left_out += 1
        self.lost += 1
        self.on_problem(row.line, f"{what}; left out")

    def _returns(self, t: float, ahead: Iterable[FileRow[Content]]) -> bool:
        """Return whether most of the next rows lie between the last row and this one: then this time is wrong."""
        following = [row.t + self._offset_s for row in ahead]
        between = sum(self._last_t <= later_t < t - self._slack_s for later_t in following)
        return 2 * between > len(following)

    def _fallen(self, row: FileRow[Content], t: float, ahead: deque[FileRow[Content]]) -> Iterator[Placed[Content]]:
        last = self._last
        fell_s = self._last_t - t
        has_fallen = last is not None and _have_fallen(last.statuses, row.statuses)
        if fell_s < self._slack_s and not has_fallen:
            yield self._keep(row, self._last_t)
            return
        may_break = self.may_break and MOST_LEFT_OUT * self.left_out <= self._kept
        is_new_clock = may_break and self._run_forwards([row.t, *(later.t for later in ahead)])
        if last is not None and is_new_clock and not _are_comparable(last.statuses, row.statuses):
            self.is_other_workers = True
            self.left_out += 1
            self.lost += 1
            what = "other workers begin here: this and all later samples of the run are left out"
            self.on_problem(row.line, f"time falls by {age(fell_s)}, and {what}")
            return
        if last is None or not is_new_clock:
            self._leave_out(row, f"time runs backwards: {t:.15g} after {self._last_t:.15g}")
            return
        placed_t = self._last_t + self._passed_s(last.statuses, row.statuses)
        self._offset_s = placed_t - row.t
        if has_fallen:
            what = "so do the workers' counters: another recording begins here"
        else:
            what = "the clock was set back; the rows after it count from there"
        self.on_problem(row.line, f"time falls by {age(fell_s)}, from {self._last_t:.15g} to {t:.15g}, and {what}")
        self._spacings.clear()
        placed = self._keep(row, placed_t)
        yield replace(placed, set_back_s=fell_s, begins=has_fallen)

    @property
    def _spacing_s(self) -> float:
        return median(self._spacings) if self._spacings else self.interval_s or 1.0

    def _run_forwards(self, times: list[float]) -> bool:
        """Return whether these rows follow each other without a leap: one wrong time would be followed by one."""
        most_s = HOLE_SPACINGS * max(self._spacing_s, self.interval_s or 0.0)
        steps = [later - earlier for earlier, later in pairwise(times)]
        return len(steps) == AHEAD and all(-self._slack_s <= step_s <= most_s for step_s in steps)

    def _passed_s(self, before: Statuses, after: Statuses) -> float:
        """Return the seconds that passed while the clock was set: one spacing, or a hole if the steps leapt."""
        grown = _growth(before, after)
        leapt = grown is not None and self._grown is not None and grown > LEAP * max(self._grown, 1.0)
        return self._spacing_s * (HOLE_SPACINGS if leapt else 1.0)

    def _keep(self, row: FileRow[Content], t: float) -> Placed[Content]:
        if self._last is not None:
            if t > self._last_t:
                self._spacings.append(t - self._last_t)
            self._grown = _growth(self._last.statuses, row.statuses)
        self._last, self._last_t, self.lost = row, t, 0
        self._kept += 1
        return Placed(row, t)


def _are_comparable(before: Statuses, after: Statuses) -> bool:
    """Return False where one time has other workers than the other: then the file has one worker after another."""
    return not before or not after or bool(before.keys() & after.keys())


def _pairs(before: Statuses, after: Statuses, names: Iterable[str]) -> Iterator[tuple[float, float]]:
    for ref in before.keys() & after.keys():
        for name in names:
            old, new = before[ref].fields.get(name), after[ref].fields.get(name)
            if isinstance(old, int | float) and isinstance(new, int | float):
                yield old, new


def _have_fallen(before: Statuses, after: Statuses) -> bool:
    return any(new < old for old, new in _pairs(before, after, COUNTERS))


def _growth(before: Statuses, after: Statuses) -> float | None:
    return max((new - old for old, new in _pairs(before, after, ("step",))), default=None)
