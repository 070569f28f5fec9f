"""Draws what an action does to memory: a gauge for now and one for after, both with the floor.

Does not: guess. Without a budget the second gauge is left out.
"""

from __future__ import annotations

from metabonk_tui.core.memory.capacity import judge_observed, needs
from metabonk_tui.core.model.level_names import MemoryLevel
from metabonk_tui.core.model.pool import Action, Stop, StopWorker
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.dialogs.base import DialogLine, inner_width, labelled
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import level_token
from metabonk_tui.ui.style.spans import Row, Span, cells, gap, mark
from metabonk_tui.ui.views.memory.capacity import observed_against
from metabonk_tui.ui.views.memory.gauge import gauge, level_mark

CONTRADICTED = {
    "fits so far": "fits so far, the peaks rise",
    "runs out": "runs out: as many do now",
    "OOM kill": "as many were too many: OOM kill",
}
"""What is said of a number that fits by the peaks, and that was observed not to."""


def memory_lines(frame: Frame, action: Action | None, workers: int | None) -> list[DialogLine]:
    """Draw memory now, and after the action where the budget is known."""
    snapshot = frame.snapshot
    memory = snapshot.memory if snapshot is not None else None
    if snapshot is None or memory is None or memory.available_bytes is None or memory.total_bytes is None:
        return [DialogLine(labelled("now", (Span("memory not observed", "unknown"),), frame), 7)]
    note = memory.forecast.text if memory.forecast else ""
    now = _row(frame, memory.total_bytes, memory.available_bytes, memory.floor_bytes, memory.level, note)
    lines = [DialogLine(labelled("now", (level_mark(memory, frame.glyphs), *now), frame), 7)]
    if snapshot.pool.placed and not isinstance(action, StopWorker):
        # The gauge is that of one node, and the engine places each worker where its memory is free.
        return lines
    after = _after(snapshot, action, workers)
    if after is None:
        return lines
    leaves, why = after
    level, fit_text = _judge_fit(leaves, memory.floor_bytes)
    if workers and level == "ok" and memory.budget is not None and not isinstance(action, Stop | StopWorker):
        against, tried = observed_against(snapshot)
        observed = judge_observed(memory.budget, workers, tried, against)
        if observed != "fits":
            level = "unknown" if observed == "fits so far" else "warn"
            fit_text = CONTRADICTED[observed]
    row = _row(frame, memory.total_bytes, leaves, memory.floor_bytes, level, fit_text)
    glyph = mark(frame.glyphs.level(level), level_token(level))
    lines.append(DialogLine(labelled("after", (glyph, *row), frame), 8))
    if why:
        lines.append(DialogLine(labelled("", (Span(why, "muted"),), frame), 4))
    return lines


def _after(snapshot: Snapshot, action: Action | None, workers: int | None) -> tuple[int, str] | None:
    budget, available = snapshot.memory.budget, snapshot.memory.available_bytes
    if isinstance(action, StopWorker):
        held = next((w.tree_bytes or w.rss_bytes for w in snapshot.workers if w.ref == action.ref), None)
        if held is None or available is None:
            return None
        return available + held, f"{action.ref.label} holds {fmt.gigabytes(held, 2)} GB"
    if action is None or budget is None:
        return None
    count = 0 if isinstance(action, Stop) else workers or 0
    if not count:
        return budget.budget_bytes, ""
    why = f"needs {fmt.gigabytes(budget.needs_bytes(count))} GB: {needs(budget, count, brief=True)}"
    return budget.leaves_bytes(count), f"{why}; {budget.fits} fit"


def _judge_fit(leaves: int, floor: int) -> tuple[MemoryLevel, str]:
    if leaves < 0:
        return "crit", "does not fit"
    if leaves < floor:
        return "warn", f"below floor {fmt.gigabytes(floor)}"
    return "ok", f"fits, floor {fmt.gigabytes(floor)}"


def _row(frame: Frame, total: int, available: int, floor: int, level: MemoryLevel, note: str) -> Row:
    wide = inner_width(frame)
    bar = min(34, wide - 45)
    size = fmt.gigabytes(abs(available))
    value = Span(f"{size} GB", "strong" if level == "ok" else level_token(level), True)
    line = gauge(total, available, floor, bar, level, frame.glyphs) if bar >= 8 else ()
    tail: Row = (Span(note, level_token(level), True),) if note else ()
    pad = gap(max(1, 15 - cells(size) - (10 if available >= 0 else 11)) if line else 0)
    return (
        gap(1),
        value,
        Span(" free" if available >= 0 else " short", "muted"),
        pad,
        *line,
        gap(3 if line else 1),
        *tail,
    )
