"""Draws the dashboard of a monitor that never saw the pool of the last run: its word, why, its end, what helps now.

A pool that ends before the eyes of the operator keeps its panels instead: they show what died, and when. Here nothing
was seen to die, and rows of workers that are not there would only be in the way; key `1` shows them.
Does not: write the sentences; `core.report.last_run` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from metabonk_tui.core.model.pool import PoolSearch
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.last_run import LastRunFact, is_end_watched, last_run, moment, ways_after_end
from metabonk_tui.core.run.no_pool import ELSEWHERE, LookedFor, Way, looked_for
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.density import SIDE_CELLS, is_side_pane
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, cut, fit, gap, join, left, mark, on_row, spread, width
from metabonk_tui.ui.views.bars.footer import footer
from metabonk_tui.ui.views.bars.header import doing_row, gate_row, header, verdict_badge, verdict_keys
from metabonk_tui.ui.views.bars.memory_row import memory_row
from metabonk_tui.ui.views.bars.queue import placed_rows
from metabonk_tui.ui.views.bars.summary import DEMO_CELLS, mode
from metabonk_tui.ui.views.dashboard.no_pool import every_text, found_rows, looked_mark
from metabonk_tui.ui.views.dashboard.pane_set import PaneSet
from metabonk_tui.ui.views.layout.panes import columns
from metabonk_tui.ui.views.layout.section import (
    VALUES,
    WIDE,
    bracket,
    has_hint,
    key_now,
    label,
    muted,
    paragraph,
    plain_text,
    strong,
    title,
    words,
)
from metabonk_tui.ui.views.run.alerts import alert_count
from metabonk_tui.ui.views.run.strip import MOST_ROWS, strip_rows

WHOLE, BRIEF, LEAST = 0, 2, 1
"""The most rows of one fact; `WHOLE`: as many as it needs."""


class PageForm(NamedTuple):
    """How much of the page is drawn."""

    strip: tuple[int, ...]
    """The rows of the strip of the run, by their places in the whole one."""
    fact_rows: int
    looks_whole: bool
    """Each thing that was looked for has a row of its own."""
    is_airy: bool
    """Blank rows separate the parts."""
    says_what: bool = True
    """A command says what it does also where that takes a row of its own."""


VERDICT, MEMORY, WORST, MARKS, AXIS = 1, 2, 3, 4, 5
"""The places of rows in the strip; its title is left out."""
FORMS = (
    PageForm((VERDICT, MEMORY, WORST, MARKS, AXIS), WHOLE, looks_whole=True, is_airy=True),
    PageForm((VERDICT, MEMORY, WORST, MARKS, AXIS), WHOLE, looks_whole=False, is_airy=True),
    PageForm((VERDICT, MEMORY, AXIS), WHOLE, looks_whole=False, is_airy=True),
    PageForm((VERDICT, MEMORY, AXIS), WHOLE, looks_whole=False, is_airy=False),
    PageForm((VERDICT, MEMORY, AXIS), BRIEF, looks_whole=False, is_airy=False),
    PageForm((VERDICT, MEMORY, AXIS), BRIEF, looks_whole=False, is_airy=False, says_what=False),
    PageForm((VERDICT, MEMORY), BRIEF, looks_whole=False, is_airy=False, says_what=False),
    PageForm((), BRIEF, looks_whole=False, is_airy=False, says_what=False),
    PageForm((), LEAST, looks_whole=False, is_airy=False, says_what=False),
)
"""The roomiest first."""
LEAST_PANES = 5
"""Rows from which on causes and events stand below the commands."""
AHEAD_CELLS = 30
"""Cells that a command leaves at least for what it does, in one row."""


def last_run_page(frame: Frame, snapshot: Snapshot) -> Page:
    """Draw the page; where it has no room, its rows scroll between header and keys."""
    wide, g = frame.width, frame.glyphs
    if is_side_pane(wide, frame.height):
        top: tuple[Row, ...] = header(frame, snapshot)
        body: Sequence[Row] = [
            *_facts(frame, last_run(snapshot, frame.zone), WHOLE),
            *_ways(frame, snapshot, says_what=True),
        ]
    else:
        doing = doing_row(frame, snapshot)
        placed = placed_rows(frame, snapshot) if snapshot.has_several_hosts else ()
        top = (
            *(_identity(frame, snapshot), _verdict(frame, snapshot), memory_row(frame, snapshot)),
            *(gate_row(frame, snapshot), *((doing,) if doing else ()), *placed, EMPTY),
        )
        body = _body(frame, snapshot, frame.height - len(top) - 1)
    return Page(top, tuple([fit(row, wide, g.ellipsis) for row in body]), (footer(frame),))


def _identity(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 1: the run, and since when there is no pool. Nothing counts up: the run is over."""
    wide, g, run = frame.width, frame.glyphs, snapshot.run
    name: Row = (strong("metabonk-tui", True),)
    if run.demo:
        name = (Span(f"DEMO {g.text(run.demo)}" if wide >= DEMO_CELLS else "DEMO", "accent", True),)
    start: Row = (*name, gap(2), muted(g.text(run.name)))
    if frame.read_only or snapshot.pool.read_only:
        start = (*start, gap(2), plain_text("read-only"))
    clock: Row = (plain_text(fmt.clock(snapshot.t, frame.zone)),)
    state = _no_pool(frame, snapshot) if frame.mode == "live" else mode(frame, snapshot)
    end = join([part for part in (state, alert_count(frame, snapshot), clock) if part], 2)
    return (gap(1), *spread(cut(start, max(0, wide - 4 - width(end)), g.ellipsis), end, wide - 2), gap(1))


def _no_pool(frame: Frame, snapshot: Snapshot) -> Row:
    end = snapshot.verdict.ended
    row: Row = (mark(frame.glyphs.unknown, "unknown"), gap(1), strong("NO POOL"))
    if end is None or not is_end_watched(snapshot, end):
        return row
    return (*row, muted(f" since {moment(end.t, snapshot.t, frame.zone, with_seconds=False)}"))


def _verdict(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw row 2: the run's word, as loud as it was, and when it ended."""
    g, wide, stop = frame.glyphs, frame.width, snapshot.verdict.level == "stop"
    end = snapshot.verdict.ended
    assert end is not None, "only a run that is over has this page"
    quiet, loud = ("oncrit", "oncrit") if stop else ("muted", "text")
    watched = is_end_watched(snapshot, end)
    when = moment(end.t if watched else end.last_seen_t, snapshot.t, frame.zone)
    long = f"your last run, {fmt.elapsed(snapshot.run.elapsed_s)} long"
    said: Row = (
        *(gap(1), Span("at " if watched else "last seen ", quiet), Span(when, "oncrit" if stop else "strong")),
        *(gap(2), Span(long if watched else "your last run", loud)),
    )
    keys = verdict_keys(frame, snapshot)
    row: Row = (*verdict_badge(frame, snapshot, snapshot.verdict.title), *said)
    row = (*fit(row, wide - 1 - width(keys), g.ellipsis), *keys, gap(1))
    return on_row(fit(row, wide, g.ellipsis), "critband" if stop else "surface")


def _body(frame: Frame, snapshot: Snapshot, room: int) -> Sequence[Row]:
    """Draw everything, shorter until it fits: first the search, then the strip, long sentences and blank rows."""
    facts = last_run(snapshot, frame.zone)
    whole = strip_rows(frame, snapshot, MOST_ROWS)
    rows: list[Row] = []
    for form in FORMS:
        strip = [whole[place] for place in form.strip] if whole else []
        between = (EMPTY,) if form.is_airy else ()
        found = _looked_for(frame, snapshot, is_whole=form.looks_whole)
        rows = [
            *(_title(frame, snapshot), *_facts(frame, facts, form.fact_rows), *strip, *between),
            *(*found, *(between if found else ()), *_ways(frame, snapshot, says_what=form.says_what)),
        ]
        if len(rows) <= room:
            return _with_panes(frame, snapshot, rows, room)
    return rows


def _with_panes(frame: Frame, snapshot: Snapshot, rows: list[Row], room: int) -> Sequence[Row]:
    """Add causes and events below, where there is room: the page has no `…` while rows are empty."""
    high, wide = room - len(rows) - 1, frame.width
    if high < LEAST_PANES:
        return rows
    panes = PaneSet(frame, snapshot)
    reasons = (panes.whole_why,) if snapshot.causes else (panes.decision,)
    if wide < WIDE:
        return [*rows, EMPTY, *columns([((*reasons, panes.events), wide - 2)], 0, wide, high, panes.ellipsis)]
    half = (wide - 4) // 2
    parts = [(reasons, half), ((panes.events,), wide - 4 - half)]
    return [*rows, EMPTY, *columns(parts, 2, wide, high, panes.ellipsis)]


def _title(frame: Frame, snapshot: Snapshot) -> Row:
    note: Row = (muted("no later run is recorded"),)
    return (
        gap(1),
        *title("YOUR LAST RUN", frame.width - 2, frame.glyphs, note, bracket(frame, "v", "d"), focused=True),
    )


def _facts(frame: Frame, facts: Sequence[LastRunFact], most: int) -> list[Row]:
    """Draw a fact a row or more, each at most `most` rows; 0: each whole."""
    g, wide = frame.glyphs, frame.width - 1
    rows: list[Row] = []
    for fact in facts:
        if frame.width < SIDE_CELLS:
            first, *more = words(g.text(f"{fact.name} {fact.text}"), wide - 1)
            rows.append((gap(1), muted(fact.name), plain_text(first.removeprefix(fact.name))))
            rows += [(gap(2), plain_text(line)) for line in more]
            continue
        head: Row = label(fact.name)
        if fact.is_grave:
            head = (*head, mark(g.down if fact.name == "end" else g.stop, "crit"), gap(1))
        token = "text" if fact.name in ("ran", "deaths") else "strong"
        drawn = paragraph(g.text(fact.text), wide, token, indent=head)
        if 0 < most < len(drawn):
            kept = drawn[most - 1]
            drawn = [*drawn[: most - 1], (*cut(kept, wide - 1, g.ellipsis), Span(g.ellipsis, token))]
        rows += drawn
    return rows


def _looked_for(frame: Frame, snapshot: Snapshot, *, is_whole: bool) -> list[Row]:
    """Draw what was looked for: a row each, or as many facts as fit in one row."""
    search = frame.search
    # Of several hosts the header has a row each: agents look there, and no port of this machine says anything.
    if search is None or snapshot.has_several_hosts:
        return []
    if is_whole:
        return found_rows(frame, snapshot, search, "LOOKED FOR A POOL")
    g, wide = frame.glyphs, frame.width - 2
    every = muted(f"again every {every_text(frame, snapshot)}")
    looked = looked_for(snapshot, frame.config, search)
    parts = [_brief(frame, row) for row in looked if row.brief]
    row: Row = (gap(1),)
    for part in parts:
        longer = (*row, gap(3), *part) if len(row) > 1 else (*row, *part)
        row = longer if width(longer) <= frame.width - 1 else row
    rows: list[Row] = [(gap(1), *title("LOOKED FOR A POOL", wide, g, (every,))), row]
    for each in looked:
        if each.what == ELSEWHERE:
            rows += paragraph(g.text(each.text), wide, "text", indent=(gap(1), looked_mark(each, g), gap(1)))
    return rows


def _brief(frame: Frame, row: LookedFor) -> Row:
    return (looked_mark(row, frame.glyphs), gap(1), plain_text(frame.glyphs.text(row.brief)))


def _ways(frame: Frame, snapshot: Snapshot, *, says_what: bool) -> list[Row]:
    """Draw the commands that help, each with its key where it works; what it does stands beside it or below."""
    g, wide = frame.glyphs, frame.width - 2
    search = frame.search or PoolSearch("", has_file=False, is_local=True)
    ways = ways_after_end(snapshot, frame.config, search)
    how = "press the key, or type the command" if any(_key(frame, way) for way in ways) else "type the command"
    rows: list[Row] = [(gap(1), *title("WHAT TO DO NEXT", wide, g, (muted(how),)))]
    for way in ways:
        head: Row = (gap(1), left(_key(frame, way), VALUES - 1, "accent", True))
        command, what = g.text(way.command), g.text(way.what)
        free = wide - width(head) - len(command) - 2
        if free >= min(len(what), AHEAD_CELLS) and len(what) <= free:
            rows.append((*head, strong(command, True), gap(free + 2 - len(what)), muted(what)))
        else:
            rows += paragraph(command, frame.width - 1, "strong", True, head)
            rows += [] if not says_what else paragraph(what, frame.width - 1, "muted", indent=(gap(VALUES),))
    return rows


def _key(frame: Frame, way: Way) -> str:
    """Return the key of a command as it is now; "" where it does not work."""
    if way.words:
        return way.key if frame.search is not None and frame.search.runs_verbs else ""
    return key_now(frame, way.key) if way.key and has_hint(frame, way.key) else ""
