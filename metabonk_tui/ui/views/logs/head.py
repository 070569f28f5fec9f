"""Draws what stands above and below the lines of a log: title, lines of each log, errors over time, search."""

from __future__ import annotations

from metabonk_tui.core.logs.model import MERGED
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.log_view import cursor_of, follows
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, cells, cut, fit, gap, join, mark, spread, width
from metabonk_tui.ui.views.layout.section import VALUES, bracket, facts, label, muted, strong, title
from metabonk_tui.ui.views.logs.list import size_text
from metabonk_tui.ui.views.logs.space import LogSpace, first_in_sight, past_last_in_sight

FILTERED = {"no polls": "", "errors": "errors and warnings only", "all": "every line"}
TAIL_CELLS = 12
SHORT_S = 900.0
"""A shorter axis has seconds."""


def title_row(frame: Frame, space: LogSpace) -> Row:
    """Draw the title: which log, from which file, and whether the newest line stays in sight."""
    view, g, wide = frame.logs, frame.glyphs, max(20, frame.width - 2)
    found = [window for window in view.windows if not window.problem]
    if view.source == MERGED:
        note = f"{count_of(len(found), 'file')}, by time; ~ a line without a time of its own"
        if view.lines and not view.is_timed:
            note = f"{count_of(len(found), 'file')}, one after another: no line has a time"
        elif wide < 100:
            note = f"{count_of(len(found), 'file')}, by time"
        if view.left_out:
            note = f"{note}; {view.left_out} more are not merged"
    elif found:
        path = "/".join(found[0].path.split("/")[-2:])
        note = f"{g.text(path)}  {size_text(found[0].size_bytes)}"
    else:
        note = "no file"
    if view.opened_why and frame.state.log.follow is None:
        note = f"{view.opened_why}  {note}"
    end: Row
    if not found:
        end = (mark(g.unobserved, "unknown"), Span(" NOTHING TO FOLLOW", "unknown", True))
    elif follows(view, frame.state.log):
        end = (mark(g.go, "ok"), strong(" FOLLOW"))
    else:
        below = len(view.lines) - past_last_in_sight(
            view, frame.state.log, space, first_in_sight(view, frame.state.log, space)
        )
        more = "+" if view.has_newer else ""
        end = (mark(g.unknown, "unknown"), Span(" HELD", "unknown", True), muted(f"  {below}{more} below"))
    if view.late_s:
        late = f"not read for {fmt.age(view.late_s)}"
        end = (mark(g.unobserved, "unknown"), Span(f" {late}", "unknown", True), gap(2), *end)
    keys = bracket(frame, "E")
    row = title(f"LOG {view.source}", wide, g, (muted(note),), (*end, gap(2), *keys) if keys else end, focused=True)
    return (gap(1), *row)


def from_row(frame: Frame) -> Row:
    """Draw how many lines of each log are in memory, and how many errors."""
    view, g = frame.logs, frame.glyphs
    parts: list[Row] = []
    for window in view.windows:
        lines, errors = view.counts.get(window.place.name, (0, 0))
        name = Span(window.place.name, "strong" if window.place.ref else "muted", True)
        if window.problem:
            parts.append((name, gap(1), muted(g.absent)))
            continue
        part: Row = (name, muted(f" {lines}"))
        parts.append((*part, gap(1), mark(g.stop, "crit"), Span(f" {errors}", "crit", True)) if errors else part)
    end = muted(f"lines since {fmt.clock(view.since_t, frame.zone, False)}" if view.since_t else "lines")
    room = frame.width - VALUES - 2 - cells(end.text) - 2
    kept = facts(parts, room, 3)
    if width(join(parts, 3)) > room:
        kept = cut((*facts(parts, room - 3, 3), gap(1), muted(g.ellipsis)), room, g.ellipsis)
    return fit((*label("from"), *kept, gap(2), end), frame.width, g.ellipsis)


def level_rows(frame: Frame) -> tuple[Row, Row]:
    """Draw the errors and warnings over time, and the axis, to see where to go with `t`."""
    view, g = frame.logs, frame.glyphs
    head: Row = (gap(1), mark(g.caution, "warn"), gap(1), mark(g.stop, "crit"), gap(VALUES - 4))
    timed = [(t, error) for t, error in view.marks if t > float("-inf")]
    if not timed:
        return (*head, muted("no error and no warning in the lines that were read")), EMPTY
    cell_count = max(10, frame.width - VALUES - 2 - TAIL_CELLS)
    first_t = (
        view.since_t
        if view.since_t is not None
        else min(view.order_t[0] if view.order_t else timed[0][0], timed[0][0])
    )
    last_t = max(view.newest_t, timed[-1][0])
    if last_t <= first_t:
        return (*head, muted(f"{len(timed)}, all at {fmt.clock(last_t, frame.zone)}")), EMPTY
    step_s = (last_t - first_t) / cell_count
    counts = [0] * cell_count
    for t, _ in timed:
        counts[min(cell_count - 1, max(0, int((t - first_t) / step_s)))] += 1
    most = max(counts)
    bars = "".join(" " if not n else g.sparks[max(1, n * (len(g.sparks) - 1) // most)] for n in counts)
    tail = muted(f"  {len(timed)} in {fmt.about(last_t - first_t)}")
    return (*head, mark(bars, "spark"), tail), _axis(frame, first_t, last_t, cell_count)


def _axis(frame: Frame, first_t: float, last_t: float, cell_count: int) -> Row:
    """Draw clock times at thirds of the axis, "now" at its end."""
    g = frame.glyphs
    with_seconds = last_t - first_t < SHORT_S
    row: list[Span] = [gap(VALUES)]
    at = 0
    for part in range(3):
        begin = part * cell_count // 3
        text = fmt.clock(first_t + (last_t - first_t) * begin / cell_count, frame.zone, with_seconds)
        row += [mark(g.rule * (begin - at), "line"), muted(text)]
        at = begin + cells(text)
    end = fmt.clock(last_t, frame.zone, with_seconds)
    row += [mark(g.rule * max(0, cell_count - at - cells(end)), "line"), muted(end)]
    return tuple(row)


def find_row(frame: Frame, space: LogSpace) -> Row:
    """Draw what is searched and which hit this is; at the right what is left out, and which line this is."""
    view, choice = frame.logs, frame.state.log
    cursor = cursor_of(view, choice)
    if not choice.wanted:
        start: Row = (*label("find"), muted("/ searches"))
    else:
        start = (*label("find"), Span(frame.glyphs.text(choice.wanted), "strong", True), gap(3), *_hit(frame, cursor))
    shown = FILTERED[choice.filter] or (f"without {count_of(view.polls, 'poll')}" if view.polls else "all lines")
    cut_at = "wrapped" if choice.wrap else f"cut at {space.text_cells}"
    read = " read" if view.has_older or view.has_newer else ""
    line: Row = (muted("line "), strong(str(min(cursor + 1, len(view.lines)))), muted(f" of {len(view.lines)}{read}"))
    wide = frame.width - 1
    room = wide - width(start) - 3
    end = facts((line, (muted(shown),), (muted(cut_at),)), room)
    return spread(start, end, wide, frame.glyphs.ellipsis)


def _hit(frame: Frame, cursor: int) -> Row:
    """Draw which hit the cursor is on, and which key searches outside the lines in memory."""
    view, choice = frame.logs, frame.state.log
    key = ""
    if not view.hits:
        row: Row = (muted("no hit in the lines that were read"),)
        key = "N" if view.has_older else "n" if view.has_newer else ""
    elif cursor in view.hits and not follows(view, choice):
        number = view.hits.index(cursor) + 1
        row = (muted("hit "), strong(str(number), True), muted(f" of {len(view.hits)}"))
        key = "N" if number == 1 and view.has_older else ""
        key = "n" if number == len(view.hits) and view.has_newer else key
    else:
        row = (strong(str(len(view.hits)), True), muted(" hit" if len(view.hits) == 1 else " hits"))
    searched_to = [window.searched_to for window in view.windows if window.searched_to is not None]
    if searched_to and choice.to_hit:
        where = "above" if choice.to_hit == "before" else "below"
        ends = {window.size_bytes if where == "below" else 0 for window in view.windows}
        so_far = "" if ends >= set(searched_to) else f" as far as byte {searched_to[0]}"
        return (*row, muted(f"   none {where}{so_far}"))
    return (*row, muted("   "), strong(key, True), muted(" searches on")) if key else row
