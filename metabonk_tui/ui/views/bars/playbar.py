"""Draws the play bar of a replay, one row above the keys: position, marks of events, how much was read.

A story has two rows more, with the caption of its chapter. Time runs from left to right. Gaps are holes, drawn
shorter than they lasted.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from metabonk_tui.core.model import levels
from metabonk_tui.core.recordings.playback import Mark, Playback, TimeAxis
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, fit, gap, join, mark, on_row, width
from metabonk_tui.ui.views.layout.section import muted, strong
from metabonk_tui.ui.views.layout.section import plain_text as text

MIN_BAR_CELLS = 16
"""Least length of the bar; words are dropped before it gets shorter."""
MIN_ROWS = 6
"""Below this many rows there is no bar; the header still shows REPLAY."""
CAPTION_ROWS, CAPTION_FRAME_ROWS = 2, 14
"""Rows of a caption, and the height below which there is none."""
OLD_S = 1.0
"""From this age on, the bar shows how old the sample is."""


def frame_above_bar(frame: Frame) -> Frame:
    """Return the frame that is left for the screen, without the rows of a bar and a caption."""
    rows = len(_caption(frame)) + 1 if _has_bar(frame) else 0
    return replace(frame, height=frame.height - rows) if rows else frame


def with_bar(rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
    """Insert the bar above the last row of a screen."""
    if not _has_bar(frame):
        return rows
    return (*rows[:-1], *_caption(frame), playbar(frame), rows[-1])


def _has_bar(frame: Frame) -> bool:
    return frame.past and frame.height >= MIN_ROWS


def _caption(frame: Frame) -> tuple[Row, ...]:
    """Draw what a story says of this chapter: what happens, and below it what the monitor says."""
    caption = frame.playback.caption if frame.playback is not None else None
    if caption is None or frame.height < CAPTION_FRAME_ROWS:
        return ()
    g, wide = frame.glyphs, frame.width
    head: Row = (Span(f" {fmt.share(caption.number, caption.of)} ", "onaccent", True, "accent"), gap(1))
    first, second = caption.lines
    rows = [(gap(1), *head, strong(g.text(first), True)), (gap(1 + width(head)), text(g.text(second)))]
    return tuple(on_row(fit(row, wide, g.ellipsis), "surface") for row in rows)


def playbar(frame: Frame) -> Row:
    """Draw the bar; the longest note and position that leave it `MIN_BAR_CELLS` are used."""
    g, wide, state = frame.glyphs, frame.width, frame.playback
    name = "STORY" if state is not None and state.caption is not None else "REPLAY"
    head: Row = (gap(1), Span(name.ljust(6), "accent", True), gap(3)) if wide >= 60 else (gap(1), muted(f"{name} "))
    if state is None:
        return fit((*head, muted("reading the recording")), wide, g.ellipsis)
    head = (*head, *_pace(state, g))
    notes = [*_notes(frame, state), ()]
    for note in notes:
        for position in _positions(state):
            start = join([head, position], 2)
            used = width(start) + (2 + width(note) if note else 0) + 4
            if wide - used >= MIN_BAR_CELLS:
                line = _line(state, wide - used, g)
                return fit((*start, gap(2), *line, *((gap(2), *note) if note else ())), wide, g.ellipsis)
    return fit(join([head, _positions(state)[-1]], 2), wide, g.ellipsis)


def _pace(state: Playback, g: Glyphs) -> Row:
    if state.playing:
        return (mark(g.cursor, "accent"), gap(1), strong(f"{g.times}{state.speed:g}".ljust(4), True))
    return (mark(g.unknown, "unknown"), gap(1), strong("paused", True))


def _positions(state: Playback) -> list[Row]:
    """Return the position in the run and the run's length, as text; the longest form first."""
    run = state.run
    if run is None or state.sample_t is None:
        return [()]
    here = strong(fmt.elapsed(state.t - run.started_at), True)
    ends_t = state.ends_of(run)
    of: Row = (here,) if ends_t is None else (here, muted(" of "), text(fmt.elapsed(ends_t - run.started_at)))
    numbered: Row = ()
    if len(state.runs) > 1:
        numbered = (muted("run "), text(fmt.share(state.runs.index(run) + 1, len(state.runs))))
    return [join([of, numbered], 2), of, (here,)] if numbered else [of, (here,)]


def _notes(frame: Frame, state: Playback) -> list[Row]:
    """Return the most important note besides the position; the longest form first."""
    g = frame.glyphs
    run = state.run
    began_t = run.started_at if run else state.from_t
    read = fmt.elapsed(state.read_to_t - (state.runs[-1].started_at if state.runs else state.from_t))
    if state.seek_text:
        waits: Row = (mark(g.unknown, "unknown"), gap(1), text(f"going to {state.seek_text}"))
        return [(*waits, muted(f", read to {read}")), waits, (muted(f"read to {read}"),)]
    if state.note:
        return [(mark(g.caution, "warn"), gap(1), text(g.text(state.note)))]
    gap_now = state.gap_at(state.t)
    if gap_now is not None:
        gap_text = f"nothing was recorded for {fmt.age(gap_now.to_t - gap_now.from_t)}"
        return [(mark(g.stale, "unknown"), gap(1), text(gap_text)), (mark(g.stale, "unknown"), gap(1), text("gap"))]
    if not state.whole:
        return [(muted(f"read to {read}"),)]
    if state.unread:
        return [(mark(g.caution, "warn"), gap(1), text(f"{state.unread} unreadable"))]
    if state.sample_t is not None and state.t - state.sample_t >= OLD_S:
        seen = fmt.elapsed(state.sample_t - began_t)
        return [(muted(f"sample {seen}"),), (muted(f"{fmt.age(state.t - state.sample_t)} old"),)]
    return []


def _line(state: Playback, cells: int, g: Glyphs) -> Row:
    """Draw time as a line: heavy for the past, light for the time ahead, dots for what is not read yet."""
    axis = TimeAxis.of(state.from_t, max(state.to_t, state.from_t + 1e-6), state.gaps)

    def cell(t: float) -> int:
        return min(cells - 1, max(0, int(axis.share(t) * cells)))

    here, read = cell(state.t), cell(state.read_to_t)
    line: list[Span] = []
    for x in range(cells):
        if x <= here:
            line.append(mark(g.used, "strong"))
        elif x <= read or state.whole:
            line.append(mark(g.free, "muted"))
        else:
            line.append(mark(g.to_come, "track"))
    for recorded_gap in state.gaps:
        first, last = cell(recorded_gap.from_t), cell(recorded_gap.to_t)
        for x in range(first + 1, last):
            line[x] = Span(" ")
    for x, run_mark in _marks_by_cell(state.marks, cell).items():
        line[x] = mark(g.level(run_mark.level), level_token(run_mark.level), run_mark.kind == "verdict")
    line[here] = mark(g.floor, "accent", True)
    return tuple(line)


def _marks_by_cell(marks: Sequence[Mark], cell: object) -> dict[int, Mark]:
    """Choose the mark of each cell: a verdict first, then the highest level."""
    found: dict[int, Mark] = {}
    for run_mark in marks:
        if run_mark.kind in ("gap", "run"):
            continue
        x = cell(run_mark.t)  # type: ignore[operator]
        other = found.get(x)
        rank = (run_mark.kind == "verdict", levels.order(run_mark.level))
        if other is None or rank >= (other.kind == "verdict", levels.order(other.level)):
            found[x] = run_mark
    return found
