"""Draws the dashboard of a monitor that has no pool: what was looked for, what was found, which commands help.

Does not: decide that there is none; `core.run.no_pool` does, and writes every sentence.
"""

from __future__ import annotations

from metabonk_tui.core.model.pool import PoolSearch
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.run.no_pool import LookedFor, looked_for, ways
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.density import is_side_pane
from metabonk_tui.ui.frame import Frame, Hint, Page
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, cut, fit, gap, join, left, mark, on_row, spread, width
from metabonk_tui.ui.views.bars.footer import keys_row, notice_row
from metabonk_tui.ui.views.bars.header import header
from metabonk_tui.ui.views.bars.memory_row import memory_row
from metabonk_tui.ui.views.bars.summary import mode
from metabonk_tui.ui.views.layout.section import (
    WIDE,
    key_now,
    label,
    muted,
    paragraph,
    plain_text,
    strong,
    title,
    with_keys_now,
)
from metabonk_tui.ui.views.memory.capacity import fits_words
from metabonk_tui.ui.views.run.alerts import alert_count

NAME_CELLS = 18
"""The column of what was looked for."""
HINTS = "?qmy!L"
"""The usual keys that make sense without a pool, besides those of themes and commands."""


def no_pool_page(frame: Frame, snapshot: Snapshot) -> Page:
    """Draw the page; where it has no room, its rows scroll between header and keys."""
    search, wide, g = frame.search, frame.width, frame.glyphs
    assert search is not None, "only a monitor that looks for a pool has this page"
    if is_side_pane(wide, frame.height):
        top, body = (
            header(frame, snapshot),
            (*_ways(frame, search, roomy=False), EMPTY, *found_rows(frame, snapshot, search)),
        )
    else:
        top = (_identity(frame, snapshot), _verdict(frame, snapshot), memory_row(frame, snapshot), EMPTY)
        body = _body(frame, snapshot, search, frame.height - len(top) - 1)
    return Page(top, tuple(fit(row, wide, g.ellipsis) for row in body), (_keys(frame),))


def _body(frame: Frame, snapshot: Snapshot, search: PoolSearch, room: int) -> tuple[Row, ...]:
    """Draw what was looked for above the commands; where that does not fit, the commands are in sight first."""
    found = found_rows(frame, snapshot, search)
    for between in (1, 0):
        whole = (*found, EMPTY, *_ways(frame, search, roomy=True, between=between))
        if len(whole) <= room:
            return whole
    brief = _ways(frame, search, roomy=False)
    return (*found, EMPTY, *brief) if len(found) + 1 + len(brief) <= room else (*brief, EMPTY, *found)


def _identity(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 1 without a run: there is none whose name or time could be said."""
    wide, g = frame.width, frame.glyphs
    clock: Row = (plain_text(fmt.clock(snapshot.t, frame.zone)),)
    every = every_text(frame, snapshot)
    looking: Row = (mark(g.unknown, "unknown"), gap(1), strong("LOOKING"), muted(f" {every}"))
    state = looking if frame.mode == "live" else mode(frame, snapshot)
    end = join([part for part in (state, alert_count(frame, snapshot), clock) if part], 2)
    read_only: Row = (gap(2), plain_text("read-only")) if frame.read_only or snapshot.pool.read_only else ()
    start: Row = (strong("metabonk-tui", True), gap(2), muted("no pool"), *read_only)
    return (gap(1), *spread(cut(start, max(0, wide - 4 - width(end)), g.ellipsis), end, wide - 2), gap(1))


def _verdict(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 2 without a time: the verdict stands since the monitor opened."""
    g, verdict = frame.glyphs, snapshot.verdict
    token = level_token(verdict.level)
    row: Row = (*label("VERDICT"), mark(g.level(verdict.level), token), gap(1), Span(verdict.title, token, True))
    if verdict.because:
        row = (*row, gap(2), plain_text(g.text(verdict.because[0])))
    return on_row(fit(row, frame.width, g.ellipsis), "surface")


def found_rows(frame: Frame, snapshot: Snapshot, search: PoolSearch, name: str = "LOOKED FOR") -> list[Row]:
    """Draw what was looked for; a sentence that is too long goes on below its beginning."""
    g, wide = frame.glyphs, max(10, frame.width - 2)
    # The header of a last run says how many fit.
    has_fits = snapshot.verdict.ended is None and wide >= 2 * NAME_CELLS + 10
    fits = fits_words(snapshot, brief=frame.width < WIDE) if has_fits else ()
    rows: list[Row] = [(gap(1), *title(name, wide, g, (muted(f"again every {every_text(frame, snapshot)}"),), fits))]
    for row in looked_for(snapshot, frame.config, search):
        head: Row = (gap(1), looked_mark(row, g), gap(1))
        if wide >= 2 * NAME_CELLS + 10:
            head = (*head, left(row.what, NAME_CELLS, "muted"))
            rows += paragraph(g.text(row.text), wide, "text", indent=head)
        else:
            rows += paragraph(g.text(f"{row.what}: {row.text}"), wide, "text", indent=head)
    return rows


def every_text(frame: Frame, snapshot: Snapshot) -> str:
    """Say after how many real seconds the monitor looks again."""
    return f"{round(snapshot.run.interval_s / frame.speed, 1):g}s"


def looked_mark(row: LookedFor, g: Glyphs) -> Span:
    """Draw whether it was found."""
    if row.found is None:
        return mark(g.unknown, "unknown")
    return mark(g.go, "ok") if row.found else mark(g.zero, "muted")


def _ways(frame: Frame, search: PoolSearch, *, roomy: bool, between: int = 0) -> list[Row]:
    """Draw the commands that help; where it is `roomy` each with what it does, and blank rows between them."""
    g, wide = frame.glyphs, max(10, frame.width - 2)
    numbered = search.runs_verbs
    how = "press the number, or type the command" if numbered else "quit, and type the command"
    rows: list[Row] = [(gap(1), *title("WHAT TO DO NEXT", wide, g, (muted(how),)))]
    for place, way in enumerate(ways(search)):
        rows += [EMPTY] * (between if place else 0)
        head: Row = (gap(1),)
        if numbered:
            head = (gap(1), Span(way.key or " ", "accent", True), gap(1))
        rows += paragraph(g.text(way.command), wide, "strong", True, head)
        if roomy:
            rows += paragraph(g.text(way.what), wide, "muted", indent=(gap(3),))
    return rows


def _keys(frame: Frame) -> Row:
    """Draw the keys that make sense without a pool; the theme is one of them here."""
    if frame.notice:
        return notice_row(with_keys_now(frame, frame.notice), frame.width, frame.glyphs)
    kept = {key_now(frame, key) for key in HINTS}
    hints = [hint for hint in frame.hints if hint.key in kept]
    hints += [Hint(key_now(frame, "T"), "theme", keep=True), Hint(key_now(frame, ":"), "commands")]
    return keys_row(tuple(hints), frame.width, frame.glyphs)
