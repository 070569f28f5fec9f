"""Divides a run into the cells of its strip, and marks what happened in it. Pure. Does not: draw."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from metabonk_tui.core.model.condition import WorkerCondition
from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.model.minutes import RunInterval, RunMinutes
from metabonk_tui.core.model.snapshot import Snapshot

CELL_MINUTES = (1, 2, 5, 10, 15, 30, 60)
WINDOW_S = 7200.0
"""A shorter run is drawn to the end of the gameplay window, so that the strip does not rescale while it is watched."""
MOST_RESTARTS = 5
"""The marks of one worker's restarts, the newest."""
MOST_WORKERS = 24
"""In larger pools a strip marks nothing of single workers; its worst row shows them all."""

MOST_TROUBLES = 100
TROUBLES = {
    WorkerCondition.STALLED: "stalled",
    WorkerCondition.ABSENT: "ABSENT",
    WorkerCondition.BAD: "BAD",
    WorkerCondition.DOWN: "DOWN",
}
"""What a mark says where the worst worker got into this condition."""
_TROUBLE = re.compile(f"[{WorkerCondition.STALLED:d}-{WorkerCondition.DOWN:d}]+")


class StripMark(Struct, frozen=True):
    """One thing that happened in a run, at `t` (Unix seconds)."""

    t: float
    level: Level
    text: str
    """At most 14 cells where ids have two."""


class StripScale(Struct, frozen=True):
    """How a strip divides time. Seconds are those since the start of the run."""

    cell_s: float
    from_s: float
    """Where the first cell begins: 0, unless the run is longer than the longest cells hold."""
    cells: int
    """Cells from the first to the end of the strip; the last ones may lie ahead."""
    now_cell: int
    """The cell of the newest Snapshot."""

    def cell(self, run_s: float) -> int:
        """Return the cell of a time; it may lie outside the strip."""
        return int((run_s - self.from_s) // self.cell_s)

    def interval(self, minutes: RunMinutes, cell: int) -> RunInterval:
        """Return the worst of the intervals that begin in a cell."""
        begin_s = self.from_s + cell * self.cell_s
        first = -int(-begin_s // minutes.spacing_s)
        past_last = -int(-(begin_s + self.cell_s) // minutes.spacing_s)
        return minutes.between(first, past_last)


def scale(snapshot: Snapshot, cells: int) -> StripScale:
    """Choose the shortest cell with which the run fits into this many cells."""
    run_s = max(0.0, snapshot.run.elapsed_s)
    ends_s = run_s
    if run_s < WINDOW_S and snapshot.verdict.ended is None:
        by_t = snapshot.gate.gameplay_by_t
        ends_s = max(run_s, WINDOW_S if by_t is None else by_t - snapshot.run.started_at)
    finest_s = snapshot.minutes.spacing_s
    sizes = [60.0 * size for size in CELL_MINUTES if 60.0 * size >= finest_s] or [finest_s]

    def needed(size: float) -> int:
        return max(-int(-ends_s // size), int(run_s // size) + 1)

    cell_s = next((size for size in sizes if needed(size) <= cells), sizes[-1])
    first = max(0, needed(cell_s) - cells)
    return StripScale(cell_s, first * cell_s, needed(cell_s) - first, int(run_s // cell_s) - first)


def marks(snapshot: Snapshot) -> tuple[StripMark, ...]:
    """Return what happened in the run so far, in the order of time."""
    found = [*_gate_marks(snapshot)]
    was_stop = False
    for since_t, kind, _ in snapshot.verdicts:
        if kind.level == "stop" and not was_stop:
            found.append(StripMark(since_t, "stop", str(kind)))
        was_stop = kind.level == "stop"
    if len(snapshot.workers) <= MOST_WORKERS:
        for worker in snapshot.workers:
            name = worker.ref.label
            if worker.gameplay.reached_t is not None:
                found.append(StripMark(worker.gameplay.reached_t, "go", f"{name} plays"))
            found += [StripMark(t, "caution", f"{name} restarted") for t in worker.resets_t[-MOST_RESTARTS:]]
    for run_s, condition in _troubles(snapshot.minutes.worst, snapshot.minutes.spacing_s):
        level: Level = "caution" if condition is WorkerCondition.STALLED else "stop"
        found.append(StripMark(snapshot.run.started_at + run_s, level, TROUBLES[condition]))
    for death in snapshot.obituaries:
        found.append(StripMark(death.t, "stop", f"{death.label} died"))
    return tuple(sorted(found, key=lambda mark: mark.t))


@lru_cache(maxsize=4)
def _troubles(worst: str, spacing_s: float) -> tuple[tuple[float, WorkerCondition], ...]:
    """Return when the worst worker got as bad as the worst of each stretch of trouble, in seconds of the run."""
    found = []
    for stretch in _TROUBLE.finditer(worst):
        code = max(stretch.group())
        place = stretch.start() + stretch.group().index(code)
        found.append((place * spacing_s, WorkerCondition(int(code))))
    return tuple(found[-MOST_TROUBLES:])


def _gate_marks(snapshot: Snapshot) -> list[StripMark]:
    gate = snapshot.gate
    if gate.ends_t is None or not gate.has_ended(snapshot.t):
        return []
    passed, total = gate.count("PASS"), len(gate.checks)
    if gate.has_passed:
        return [StripMark(gate.ends_t, "go", f"gate {passed}/{total}")]
    failed = gate.count("FAIL")
    word = f"{failed}/{total} FAIL" if failed > passed else f"{passed}/{total}"
    return [StripMark(gate.ends_t, "caution", f"gate {word}")]
