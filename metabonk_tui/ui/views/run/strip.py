"""Draws the strip of the whole run: verdict, memory and worst worker, a cell a minute or more, with marks and times.

Cells that have ended are drawn once. Does not: choose how long a cell is; `core/run/run_strip` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from metabonk_tui.core.config.schema import GB
from metabonk_tui.core.model import levels
from metabonk_tui.core.model.condition import WorkerCondition
from metabonk_tui.core.model.minutes import MIB, RunInterval, RunMinutes
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.run import run_strip
from metabonk_tui.core.run.run_strip import StripMark, StripScale
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, clip, cut, fit, gap, mark, overlay, width
from metabonk_tui.ui.views.layout.line_plot import merged
from metabonk_tui.ui.views.layout.section import VALUES, bracket, label, muted, strong, title

LEAST_ROWS = 3
"""Title, verdict and memory: with fewer rows there is no strip."""
MOST_ROWS = 6
VALUE_CELLS = 10
"""Right of the strip: the values at the cursor."""
LEAST_VALUES = 100
"""The width from which on there are values."""
MARK_CELLS = 14
LABEL_CELLS = 16
"""Cells between two times of the axis, at least."""
NO_CALENDAR_S = 86400.0 * 365
"""Times below this count from the start of a recording without calendar time."""
CONDITIONS = {
    WorkerCondition.OK: ("used", "okdim", "all ok"),
    WorkerCondition.STARTING: ("to_come", "muted", "starting"),
    WorkerCondition.IDLE: ("caution", "warn", "idle"),
    WorkerCondition.NOT_KNOWN: ("unproven", "unknown", "not known"),
    WorkerCondition.ERRATIC: ("caution", "warn", "erratic"),
    WorkerCondition.STALLED: ("stalled", "warn", "stalled"),
    WorkerCondition.ABSENT: ("absent", "crit", "ABSENT"),
    WorkerCondition.BAD: ("bad", "crit", "BAD"),
    WorkerCondition.DOWN: ("down", "crit", "DOWN"),
}
"""The glyph, token and word of a worker's condition."""
SHORT_WORDS = {VerdictKind.ADD_MEMORY_WATCH: "WATCH", VerdictKind.TUNE_EPSILON: "EPSILON"}
"""Verdicts that are longer than `VALUE_CELLS`."""
NOT_WATCHED = ("to_come", "muted", "unwatched")


def cells_for(wide: int) -> int:
    """Return the cells of time that a strip of this width has, without the cursor's."""
    return max(1, wide - VALUES - 2 - (VALUE_CELLS + 1 if wide >= LEAST_VALUES else 0))


def strip_scale(frame: Frame, snapshot: Snapshot) -> StripScale:
    """Return how the strip of this frame divides time. In the past it is the strip of the whole run."""
    return run_strip.scale(newest(frame, snapshot), cells_for(frame.width))


def newest(frame: Frame, snapshot: Snapshot) -> Snapshot:
    """Return the newest Snapshot of the run on screen, which knows what came after the moment on screen."""
    for other in (frame.live, frame.playback.run.newest if frame.playback and frame.playback.run else None):
        if frame.past and other is not None and other.run.name == snapshot.run.name and other.t > snapshot.t:
            return other
    return snapshot


def strip_rows(frame: Frame, snapshot: Snapshot, high: int) -> tuple[Row, ...]:
    """Draw the strip in at most `high` rows; none where too few are given, or nothing was watched yet.

    Dropped first: the marks, the worst worker, the times.
    """
    whole = newest(frame, snapshot)
    if high < LEAST_ROWS or not whole.minutes.ended:
        return ()
    scale = strip_scale(frame, snapshot)
    now_t = _shown_t(frame, snapshot)
    cursor = scale.cell(now_t - snapshot.run.started_at) if frame.past else scale.now_cell + 1
    cursor = min(max(cursor, 0), scale.cells)
    wide = scale.cells + 1
    drawn = [_with_future(row, y, scale, whole, frame.glyphs) for y, row in enumerate(_rows(frame, whole, scale))]
    at = scale.interval(whole.minutes, min(cursor, scale.now_cell))
    values = _values(whole if not frame.past else snapshot, at, frame.glyphs)
    rows: list[Row] = [_title(frame, whole, scale)]
    for name, row, value in zip(("verdict", "memory", "worst"), drawn, values, strict=True):
        line = overlay(row, (mark(frame.glyphs.floor, "accent", True),), cursor, wide)
        head = (*label(name), *line)
        rows.append((*head, gap(1), *value) if frame.width >= LEAST_VALUES else head)
    marks_row = (gap(VALUES), *_mark_row(run_strip.marks(whole), whole, scale, frame.glyphs))
    axis_row = (gap(VALUES), *_axis(frame, whole, scale, now_t))
    optional = {MOST_ROWS: [marks_row, axis_row], MOST_ROWS - 1: [axis_row]}
    rows = rows[:3] if high == LEAST_ROWS else rows
    return tuple([fit(row, frame.width, frame.glyphs.ellipsis) for row in (*rows, *optional.get(high, []))])


def _shown_t(frame: Frame, snapshot: Snapshot) -> float:
    """Return the moment at the cursor: that of the playback, else now; of a run that is over its last moment."""
    if frame.past and frame.playback is not None:
        return frame.playback.t
    is_over = snapshot.verdict.ended is not None
    return snapshot.run.started_at + snapshot.run.elapsed_s if is_over else snapshot.t


def _title(frame: Frame, snapshot: Snapshot, scale: StripScale) -> Row:
    began_t = snapshot.run.started_at
    ends_s = scale.from_s + scale.cells * scale.cell_s
    is_ahead = scale.cells > scale.now_cell + 1
    to = f"{_clock(frame, began_t + (ends_s if is_ahead else snapshot.run.elapsed_s))}"
    note = f"{scale.cell_s / 60:g} min a cell, {_clock(frame, began_t + scale.from_s)} to {to}"
    if frame.width >= LEAST_VALUES:
        end = "the end of the gameplay window, " if is_ahead else ""
        begin = _clock(frame, began_t + scale.from_s)
        note = f"{scale.cell_s / 60:g} min a cell, {begin} to {end}{to}; the worst of each cell"
    return (gap(1), *title("RUN", frame.width - 2, frame.glyphs, (muted(note),), bracket(frame, "t")))


def _rows(frame: Frame, snapshot: Snapshot, scale: StripScale) -> list[Row]:
    """Draw the three rows up to now."""
    minutes, g, floor_bytes = snapshot.minutes, frame.glyphs, frame.config.memory.floor_bytes
    ended = RunMinutes(minutes.spacing_s, minutes.verdicts, minutes.worst, minutes.lowest_mib)
    top, rows = _ended_rows(ended, scale, floor_bytes, g)
    top = top or minutes.open_lowest_mib or 0
    now = _cells([scale.interval(minutes, scale.now_cell)], top, floor_bytes, g)
    return [merged([*row, *last]) for row, last in zip(rows, now, strict=True)]


@lru_cache(maxsize=4)
def _ended_rows(minutes: RunMinutes, scale: StripScale, floor_bytes: int, g: Glyphs) -> tuple[int, list[Row]]:
    """Draw the cells before that of now, and return the most memory of the run in MiB; 0: none was read."""
    top = max([mib for mib in minutes.lowest_mib if mib is not None], default=0)
    return top, _cells([scale.interval(minutes, cell) for cell in range(scale.now_cell)], top, floor_bytes, g)


def _cells(intervals: Sequence[RunInterval], top_mib: int, floor_bytes: float, g: Glyphs) -> list[Row]:
    words: list[Span] = []
    bars: list[Span] = []
    worst: list[Span] = []
    steps = g.sparks[:7]
    for each in intervals:
        if each.level is None:
            words.append(mark(g.to_come, "muted"))
        elif each.level == "go":
            words.append(mark(g.used, "okdim"))
        else:
            words.append(mark(g.level(each.level), level_token(each.level), each.level == "stop"))
        if each.lowest_bytes is None or top_mib <= 0:
            bars.append(mark(g.to_come, "muted"))
        else:
            share = each.lowest_bytes / MIB / top_mib
            place = min(len(steps), max(1, round(share * len(steps)))) - 1
            bars.append(mark(steps[place], "crit" if each.lowest_bytes < floor_bytes else "spark"))
        name, token, _ = NOT_WATCHED if each.condition is None else CONDITIONS[each.condition]
        worst.append(mark(str(getattr(g, name)), token, token == "crit"))
    return [merged(words), merged(bars), merged(worst)]


def _with_future(row: Row, y: int, scale: StripScale, snapshot: Snapshot, g: Glyphs) -> Row:
    """Continue a row after now: dots, and in the row of memory the time at which it may run out."""
    ahead = scale.cells - scale.now_cell - 1
    if ahead <= 0:
        return row
    # The cursor stands in the first cell after now.
    row = (*row, gap(1), mark(g.to_come * max(0, ahead - 1), "line"))
    forecast = snapshot.memory.forecast
    if y != 1 or forecast is None or forecast.reaches_zero_t is None:
        return row
    began_t, zero_t = snapshot.run.started_at, forecast.reaches_zero_t
    low_t = forecast.zero_lo_t if forecast.zero_lo_t is not None else zero_t
    high_t = forecast.zero_hi_t if forecast.zero_hi_t is not None else zero_t
    if high_t - low_t > 2 * max(1.0, zero_t - snapshot.t):
        return row
    first = max(scale.cell(low_t - began_t), scale.now_cell + 2)
    middle, last = scale.cell(zero_t - began_t), min(scale.cell(high_t - began_t), scale.cells - 1)
    if first <= last:
        row = overlay(row, (mark(g.used * (last - first + 1), "crit"),), first, scale.cells)
    if scale.now_cell + 1 < middle < scale.cells:
        row = overlay(row, (mark(g.stop, "crit", True),), middle, scale.cells)
    return row


def _values(snapshot: Snapshot, at: RunInterval, g: Glyphs) -> list[Row]:
    """Draw the values at the cursor: the word, the least memory and the worst worker of its cell."""
    verdict = snapshot.verdict
    name = SHORT_WORDS.get(verdict.kind, verdict.title)
    word: Row = (Span(clip(name, VALUE_CELLS, g.ellipsis), level_token(verdict.level), True),)
    memory: Row = (muted("not read"),)
    if at.lowest_bytes is not None:
        memory = (strong(f"{at.lowest_bytes / GB:.1f} GB"),)
    _, token, worst = NOT_WATCHED if at.condition is None else CONDITIONS[at.condition]
    return [word, memory, (Span(worst, "muted" if token == "okdim" else token),)]


def _mark_row(marks: Sequence[StripMark], snapshot: Snapshot, scale: StripScale, g: Glyphs) -> Row:
    """Draw the marks at their cells; of two that touch the less severe one is left out."""
    placed: list[tuple[int, int, str]] = []
    ranked = sorted(marks, key=lambda each: (-levels.order(each.level), each.t))
    for each in ranked:
        x = scale.cell(each.t - snapshot.run.started_at)
        text = clip(g.text(each.text), MARK_CELLS - 1, g.ellipsis)
        end = x + 1 + width((Span(text),))
        if 0 <= x < scale.cells and all(end < begin or x > past for begin, past, _ in placed):
            placed.append((x, end, text))
    row: list[Span] = []
    at = 0
    for x, end, text in sorted(placed):
        row += [gap(x - at), mark(g.corner, "line"), muted(text)]
        at = end
    return tuple(row)


def _clock(frame: Frame, t: float) -> str:
    return fmt.clock(t, frame.zone, with_seconds=False) if t > NO_CALENDAR_S else fmt.elapsed(t)[:5]


def _axis(frame: Frame, snapshot: Snapshot, scale: StripScale, now_t: float) -> Row:
    """Draw the time: the start of the strip, round times, and in bold the moment on screen."""
    g, began_t = frame.glyphs, snapshot.run.started_at
    wide = scale.cells + 1
    now = _clock(frame, now_t)
    here = min(max(scale.cell(now_t - began_t) - len(now) // 2, 0), wide - len(now))
    placed: list[tuple[int, Row]] = [(here, (strong(now, True),))]
    step_s = next(
        (60.0 * size for size in (15, 30, 60, 120, 240, 480) if 60.0 * size >= LABEL_CELLS * scale.cell_s), 86400.0
    )
    from_t = began_t + scale.from_s
    offset_s = _zone_offset_s(frame, from_t)
    first_t = ((from_t + offset_s) // step_s + 1) * step_s - offset_s
    times = [from_t, *[first_t + i * step_s for i in range(int(wide * scale.cell_s / step_s) + 1)]]
    for t in times:
        text = _clock(frame, t)
        x = scale.cell(t - began_t)
        if x + len(text) <= wide and all(x + len(text) < at or x > at + width(row) for at, row in placed):
            placed.append((x, (muted(text),)))
    row: Row = ()
    for x, drawn in sorted(placed, key=lambda pair: pair[0]):
        row = (*row, mark(g.rule * (x - width(row)), "line"), *drawn)
    return cut((*row, mark(g.rule * (wide - width(row)), "line")), wide, g.ellipsis)


def _zone_offset_s(frame: Frame, t: float) -> float:
    try:
        offset = datetime.fromtimestamp(t, frame.zone or UTC).utcoffset()
    except (ValueError, OverflowError, OSError):
        return 0.0
    return 0.0 if offset is None or t <= NO_CALENDAR_S else offset.total_seconds()
