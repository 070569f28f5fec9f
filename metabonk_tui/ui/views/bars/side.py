"""Draws the head of a side pane: verdict and memory in a narrow or in a short terminal.

The verdict keeps its filled row and its word. Does not: draw the rows below, or the keys.
"""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.density import SIDE_ROWS
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import level_token
from metabonk_tui.ui.style.spans import Row, Span, clip, cut, fit, gap, join, mark, on_row, spread, width
from metabonk_tui.ui.views.bars.memory_row import consequence
from metabonk_tui.ui.views.bars.summary import evidence, mode, need_text, up_count
from metabonk_tui.ui.views.layout.section import muted, shown_host
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.memory.gauge import gauge, level_mark

MIN_GAUGE = 6
MOST_GAUGE = 40
CLOCK_CELLS = 60
"""From this width on a short pane has the clock in its verdict row."""


def tall_head(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw verdict and memory, the begin of the dashboard in a narrow pane."""
    return (verdict_line(frame, snapshot), narrow_memory(frame, snapshot))


def tall_lines(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw the header of any other screen in a narrow pane: in one row where that holds verdict and memory.

    What is not live says so in a row of its own.
    """
    rows = tall_head(frame, snapshot)
    if frame.height < SIDE_ROWS:
        both = (*_word(frame, snapshot, frame.width), gap(1), *_on_band(_free(frame, snapshot)[1:], snapshot))
        rows = rows if width(both) > frame.width else (_filled(frame, snapshot, both),)
    # A pane of three rows keeps verdict, memory and keys.
    has_room = frame.mode != "live" and frame.height > len(rows) + 2
    return (time_line(frame, snapshot), *rows) if has_room else rows


def verdict_line(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw the word, and since when; filled like the row of the header."""
    wide, level = frame.width, snapshot.verdict.level
    quiet = "oncrit" if level == "stop" else "muted"
    row = _word(frame, snapshot, wide)
    since_s = snapshot.verdict.since_t - snapshot.run.started_at
    for when in (
        f"since {fmt.elapsed(since_s)}",
        fmt.elapsed(since_s),
        fmt.age(snapshot.t - snapshot.verdict.since_t),
    ):
        if width(row) + 1 + len(when) < wide:
            row = (*row, gap(1), Span(when, quiet))
            break
    return _filled(frame, snapshot, row)


def evidence_line(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw why, below the word and filled like it."""
    level = snapshot.verdict.level
    tokens = ("oncrit", "oncrit") if level == "stop" else ("text", "muted")
    row = (gap(1), *evidence(snapshot, *tokens, frame.width - 2, frame.glyphs))
    return _filled(frame, snapshot, row)


def narrow_memory(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw free memory, of how much, and the gauge where it has room; without a reading, that it is not observed."""
    g, wide, memory = frame.glyphs, frame.width, snapshot.memory
    row = _free(frame, snapshot)
    reading = memory.reading
    if reading is not None and reading.available_bytes is not None and reading.total_bytes:
        of: Row = (muted(f" of {fmt.gigabytes(reading.total_bytes)}"),)
        if width(row) + width(of) < wide:
            row = (*row, *of)
        cells = wide - 2 - width(row)
        if memory.oom_kills_in_run and width(row) + 8 < wide:
            row = (*row, gap(2), Span(f"OOM {memory.oom_kills_in_run}", "crit", True))
        elif cells >= MIN_GAUGE:
            level = memory.level
            row = (*row, gap(1), *gauge(
                reading.total_bytes, reading.available_bytes, memory.floor_bytes, cells, level, g
            ))  # fmt: skip
    return fit(row, wide, g.ellipsis)


def outlook_line(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw what memory will do; empty when that is not known."""
    row: Row = ()
    for part in consequence(snapshot, frame.glyphs):
        if width(row) + width(part) <= frame.width - 2:
            row = (*row, *part)
    return (gap(1), *row) if row else ()


def short_head(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw verdict and memory, the begin of the dashboard in a short pane."""
    return (_short_verdict(frame, snapshot), _short_memory(frame, snapshot))


def short_line(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw the header of any other screen in a short pane: the verdict, free memory, and whether this is live."""
    memory = (*_free(frame, snapshot)[1:], *((muted(" free"),) if frame.width >= CLOCK_CELLS else ()))
    return _short_verdict(frame, snapshot, (memory, mode(frame, snapshot)))


def _short_verdict(frame: Frame, snapshot: Snapshot, more: Sequence[Row] = ()) -> Row:
    g, wide, verdict = frame.glyphs, frame.width, snapshot.verdict
    stop = verdict.level == "stop"
    quiet, plain = ("oncrit", "oncrit") if stop else ("muted", "text")
    need = need_text(snapshot, brief=wide < 100)
    end: Row = (Span(need, "oncrit" if stop else "warn", True),) if need else ()
    if wide >= CLOCK_CELLS:
        playback = frame.playback
        now_t = snapshot.t if playback is None or playback.sample_t is None else playback.t
        clock: Row = (Span(fmt.clock(now_t, frame.zone), plain),)
        end = join(
            [part for part in (end, *(_on_band(each, snapshot) for each in more), clock) if part],
            2 if more and wide < 100 else 3,
        )
    elif more:
        end = join([_on_band(each, snapshot) for each in more], 2)
    row = _word(frame, snapshot, wide)
    since = f"since {fmt.elapsed(verdict.since_t - snapshot.run.started_at)}"
    if wide >= CLOCK_CELLS and width(row) + 1 + len(since) + 2 + width(end) < wide:
        row = (*row, gap(1), Span(since, quiet))
    room = wide - width(row) - width(end) - 5
    why = evidence(snapshot, plain, quiet, room, g)
    row = (*row, gap(2), *why) if why else row
    return _filled(frame, snapshot, spread(row, (*end, gap(1)), wide, g.ellipsis))


def _short_memory(frame: Frame, snapshot: Snapshot) -> Row:
    g, wide, memory = frame.glyphs, frame.width, snapshot.memory
    reading = memory.reading
    end = join([mode(frame, snapshot), up_count(snapshot, g)], 2)
    row = _free(frame, snapshot)
    if reading is not None and reading.total_bytes and reading.available_bytes is not None:
        row = (*row, muted(f" free of {fmt.gigabytes(reading.total_bytes)}"))
        word, *more = consequence(snapshot, g) or [()]
        spare = wide - width(row) - width(word) - width(end) - 8
        if (cells := min(spare, MOST_GAUGE)) >= MIN_GAUGE:
            drawn = gauge(reading.total_bytes, reading.available_bytes, memory.floor_bytes, cells, memory.level, g)
            row = (*row, gap(2), *drawn)
        row = (*row, gap(2), *word)
        for part in more:
            if width(row) + width(part) + width(end) + 4 <= wide:
                row = (*row, *part)
    if width(row) + 2 + width(end) > wide - 1:
        end = mode(frame, snapshot)
    if width(row) + 2 + width(end) > wide - 1:
        return fit(cut(row, wide - 1, g.ellipsis), wide, g.ellipsis)
    return fit((*spread(row, end, wide - 1, g.ellipsis), gap(1)), wide, g.ellipsis)


def _on_band(row: Row, snapshot: Snapshot) -> Row:
    """Draw words on the verdict's row; that of a stop has one colour."""
    return tuple([span._replace(token="oncrit") for span in row]) if snapshot.verdict.level == "stop" else row


def _free(frame: Frame, snapshot: Snapshot) -> Row:
    memory = snapshot.memory
    head: Row = (gap(1), level_mark(memory, frame.glyphs), gap(1))
    if memory.host and frame.width >= CLOCK_CELLS:
        head = (*head, muted(f"{shown_host(memory.host, snapshot, frame.glyphs)} "))
    if memory.reading is None or memory.reading.available_bytes is None:
        return (*head, *((muted("mem "),) if frame.width < CLOCK_CELLS else (muted("memory "),)), _not_observed())
    token = level_token(memory.level) if memory.level != "ok" else "strong"
    return (*head, Span(f"{fmt.gigabytes(memory.reading.available_bytes)} GB", token, True))


def _not_observed() -> Span:
    return Span("not observed", "unknown", True)


def _word(frame: Frame, snapshot: Snapshot, wide: int) -> Row:
    g, verdict = frame.glyphs, snapshot.verdict
    token, glyph = level_token(verdict.level), g.level(verdict.level)
    word = clip(verdict.title, max(0, wide - 4), g.ellipsis)
    if verdict.level == "stop":
        return (
            Span(" ", "oncritbadge", True, "critbadge"),
            mark(glyph, "oncritbadge", True, "critbadge"),
            Span(f" {word} ", "oncritbadge", True, "critbadge"),
        )
    if verdict.level == "caution":
        return (Span(f" {glyph} {word} ", "onwarn", True, "warnband"),)
    return (gap(1), mark(glyph, token), gap(1), Span(word, token, True), gap(1))


def _filled(frame: Frame, snapshot: Snapshot, row: Row) -> Row:
    background = "critband" if snapshot.verdict.level == "stop" else "surface"
    return on_row(fit(row, frame.width, frame.glyphs.ellipsis), background)


def time_line(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw elapsed time, mode and workers up; what does not fit is left out from the right."""
    playback = frame.playback
    now_t = snapshot.t if playback is None or playback.sample_t is None else playback.t
    up_s = snapshot.run.elapsed_s if snapshot.verdict.ended is not None else now_t - snapshot.run.started_at
    start: Row = (gap(1), Span(fmt.elapsed(up_s), "strong", True))
    end: Row = ()
    for part in (mode(frame, snapshot), up_count(snapshot, frame.glyphs)):
        longer = (*end, gap(1), *part) if end else part
        if width(start) + 1 + width(longer) < frame.width:
            end = longer
    return (*spread(start, end, frame.width - 1, frame.glyphs.ellipsis), gap(1))


def gate_line(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw the worst result of the gate's checks, with its count."""
    gate = snapshot.gate
    total = len(gate.checks)
    head: Row = (gap(1), muted("gate "))
    if gate.began_t is None:
        return (*head, text("not begun"))
    for result, token in (("FAIL", "crit"), ("PARTIAL", "warn")):
        if count := sum(check.result == result for check in gate.checks):
            return (*head, Span(f"{count}/{total} {result}", token, True))
    return (*head, Span(fmt.share(gate.count("PASS"), total), "strong"), muted(" passed"))
