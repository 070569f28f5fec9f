"""Draws the lines of a log: time, log, sign, text with the hits of the search. Draws only lines in sight."""

from __future__ import annotations

from datetime import datetime

from metabonk_tui.core.logs.model import MERGED, LogLine
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.log_view import cursor_of, follows
from metabonk_tui.ui.style.spans import Row, Span, cropped, cut, fit, gap, left, mark, on_row, width
from metabonk_tui.ui.views.layout.section import muted, paragraph
from metabonk_tui.ui.views.logs.space import NAME_CELLS, LogSpace, first_in_sight

TIME_CELLS = 8
MARKS = {"error": ("stop", "crit"), "warning": ("caution", "warn"), "note": ("unknown", "unknown")}
VOICES = {"error": ("text", True), "warning": ("text", True), "trace": ("text", False), "note": ("unknown", False)}


def list_rows(frame: Frame, space: LogSpace) -> list[Row]:
    """Draw the lines in sight, in at most `space.room` rows."""
    view, choice = frame.logs, frame.state.log
    if not view.lines:
        return [(gap(1), *row) for row in _nothing(frame, space.wide - 2)][: space.room]
    held = not follows(view, choice)
    cursor = cursor_of(view, choice)
    rows: list[Row] = []
    place = first_in_sight(view, choice, space)
    while place < len(view.lines) and len(rows) < space.room:
        drawn = _line_rows(frame, space, view.lines[place], held and place == cursor)
        rows += [on_row(fit(row, space.wide), "select") for row in drawn] if held and place == cursor else drawn
        place += 1
    return rows[: space.room]


def _nothing(frame: Frame, wide: int) -> list[Row]:
    """Say why there is no line."""
    view, g = frame.logs, frame.glyphs
    if view.doing or not view.windows:
        return [(muted("reading ..." if not view.late_s else "the disk does not answer"),)]
    found = [window for window in view.windows if not window.problem]
    if found:
        if frame.state.log.filter == "errors":
            return paragraph("no error and no warning in the lines that were read; E shows all lines", wide, "muted")
        if view.polls:
            return paragraph(f"nothing but {view.polls} answers to polls; E shows them", wide, "muted")
        return paragraph(f"the log is empty: {found[0].path}", wide, "muted")
    rows: list[Row] = []
    for window in view.windows:
        text = f"{window.place.name}: {window.problem}"
        text = f"{text}; {window.place.otherwise}" if window.place.otherwise else text
        rows += paragraph(g.text(text), wide, indent=(mark(g.unobserved, "unknown"), gap(1)))
    return rows


def _line_rows(frame: Frame, space: LogSpace, line: LogLine, is_current: bool) -> list[Row]:
    view, choice, g = frame.logs, frame.state.log, frame.glyphs
    head: list[Span] = [*_time(frame, line), gap(2)]
    if view.source == MERGED:
        is_worker = any(window.place.name == line.id.source and window.place.ref for window in view.windows)
        head.append(left(line.id.source, NAME_CELLS, "strong" if is_worker else "muted", True, g.ellipsis))
        head.append(gap(1))
    else:
        head.pop()
        head.append(gap(1))
    name, token = MARKS.get(line.level, ("", ""))
    head += [mark(getattr(g, name), token) if name else gap(1), gap(1)]
    token, bold = VOICES.get(line.level, ("muted", False))
    text = _with_hits(g.text(line.message), choice.wanted, token, bold, is_current)
    length: Row = (Span(f" {size_text(line.bytes)} in all", "unknown"),) if line.is_cut else ()
    before = fit(tuple(head), space.text_at)
    if not choice.wrap:
        return [(*before, *cut(text, space.text_cells - width(length), g.ellipsis), *length)]
    text = (*text, *length)
    whole, wide = max(1, width(text)), space.text_cells
    pieces = [cropped(text, at, at + wide) for at in range(0, whole, wide)]
    return [(*(before if i == 0 else (gap(space.text_at),)), *piece) for i, piece in enumerate(pieces)]


def _time(frame: Frame, line: LogLine) -> Row:
    """Draw the time that a line states; after `~` when the monitor saw it; `~` alone where neither is known."""
    t = line.t if line.t is not None else line.seen_t
    if t is None:
        return (gap(TIME_CELLS), muted("~"))
    text = fmt.clock(t, frame.zone)
    if frame.snapshot is not None and fmt.day(t, frame.zone) != fmt.day(frame.snapshot.t, frame.zone):
        text = f"{datetime.fromtimestamp(t, frame.zone):%d %H:%M}"
    return (gap(1) if line.t is not None else muted("~"), muted(text))


def _with_hits(text: str, wanted: str, token: str, bold: bool, is_current: bool) -> Row:
    """Draw a text with each hit of the search marked, filled on the current line."""
    lowered, sought = text.lower(), wanted.lower()
    if not sought or len(lowered) != len(text):
        return (Span(text, token, bold),)
    row: list[Span] = []
    at = 0
    while (found := lowered.find(sought, at)) >= 0:
        hit = text[found : found + len(sought)]
        row += [Span(text[at:found], token, bold)] if found > at else []
        row.append(Span(hit, "onaccent", True, "accent") if is_current else Span(hit, "accent", True))
        at = found + len(sought)
    return (*row, Span(text[at:], token, bold)) if at < len(text) else tuple(row)


def size_text(size_bytes: int) -> str:
    """Format the size of a file or a line, with its unit."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size_bytes >= limit:
            return f"{size_bytes / limit:.1f} {unit}"
    return f"{size_bytes} bytes"
