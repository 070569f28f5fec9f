"""Lays out the dashboard in a side pane: tall and narrow, or short and wide.

The verdict, memory and the keys stay at every size of at least three rows. Does not: draw the head of a pane.
"""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.model.condition import needs_attention
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.drawn_once import once_a_snapshot
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.sorting import conditions, ill_workers
from metabonk_tui.ui.style.glyphs import level_token
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, clip, cut, fit, gap, join, mark, on_row, right, width
from metabonk_tui.ui.views.bars import side
from metabonk_tui.ui.views.bars.footer import footer
from metabonk_tui.ui.views.bars.header import doing_row, gate_row, shown_steps, step_key, steps_row
from metabonk_tui.ui.views.layout.section import bracket, muted, paragraph, shown_label, title
from metabonk_tui.ui.views.run.causes import cause_rows
from metabonk_tui.ui.views.run.events import event_mark, listed_events, sentence
from metabonk_tui.ui.views.workers.component import short_name, state_mark
from metabonk_tui.ui.views.workers.panel import attention_mark, fit_word, reach_mark, reach_word, worst

LEAST_WORKERS = 8
"""Lines of workers that come before the causes and events."""
LEAST_PANE = 4
"""Rows of a further pane: blank, title, two lines."""
MEMORY_FROM = 24
"""From this width on a worker's line has its memory."""
RATE_FROM = 16
RSS_CELLS, RATE_CELLS, JUMP_CELLS = 8, 7, 2
"""Cells of the numbers beside a state's word."""
WHOLE_NEXT_FROM = 20
"""From this height on the next step takes as many rows as it needs."""
TITLE_CELLS = 17
"""Cells of the workers' title without its note: name, gaps, key."""
WORD_FROM = 8
"""From this many cells on between glyphs and step rate, the state's word stands there."""


def tall_page(frame: Frame, snapshot: Snapshot) -> Page:
    """Lay out a narrow pane. Dropped first: events, causes, gate, column heads, workers."""
    high = frame.height
    verdict, memory = side.tall_head(frame, snapshot)
    bottom = (footer(frame),) if high >= 3 else ()
    if high < 9:
        room = high - 2 - len(bottom)
        why = (side.evidence_line(frame, snapshot),) if room >= 2 else ()
        drawn = _workers(frame, snapshot, max(0, room - len(why)))
        workers = tuple(fit(row, frame.width, frame.glyphs.ellipsis) for row in drawn)
        return Page((verdict, *why, memory)[:high], workers, bottom)
    outlook = side.outlook_line(frame, snapshot)
    head = (
        *(side.time_line(frame, snapshot), verdict, side.evidence_line(frame, snapshot), memory),
        *((outlook,) if outlook else ()),
    )
    rest = high - len(head) - 1
    gate = (side.gate_line(frame, snapshot),) if rest >= 9 else ()
    doing = _next(frame, snapshot, "") if rest >= 4 else ()
    head = tuple(fit(row, frame.width, frame.glyphs.ellipsis) for row in (*head, *gate, *doing))
    body = _sections(frame, snapshot, high - len(head) - 1)
    return Page(head, tuple(fit(row, frame.width, frame.glyphs.ellipsis) for row in body), bottom)


def _next(frame: Frame, snapshot: Snapshot, label: str) -> tuple[Row, ...]:
    """Draw the action under way, else the next steps behind a label; empty when there are none."""
    if doing := doing_row(frame, snapshot):
        return (doing,)
    steps = shown_steps(frame, snapshot)
    if not steps:
        return ()
    head: Row = (gap(1), muted(label)) if label else (gap(1),)
    row = steps_row(frame, snapshot, head, steps)
    many = len(steps)
    while many > 1 and width(row) >= frame.width:
        many -= 1
        row = steps_row(frame, snapshot, head, steps[:many])
    if not label and width(row) >= frame.width and frame.height >= WHOLE_NEXT_FROM:
        # A command that is cut cannot be typed; a tall pane has the rows for it.
        first = steps[0]
        key = step_key(frame, first)
        command = f": {first.command}" if first.command and first.key is None else ""
        return tuple(
            paragraph(frame.glyphs.text(f"{first.text}{command}"), frame.width - 1, "text", indent=(*head, *key))
        )
    return (cut(row, frame.width - 1, frame.glyphs.ellipsis),)


def _sections(frame: Frame, snapshot: Snapshot, high: int) -> list[Row]:
    """Draw workers, causes and events in this many rows."""
    g, inner = frame.glyphs, frame.width - 2
    total = len(snapshot.workers)
    ill = len(ill_workers(snapshot))
    rows: list[Row] = [EMPTY] if high >= 6 else []
    note = f"{ill} of {total} ill" if ill else str(total)
    note = f"{ill}/{total} ill" if ill and TITLE_CELLS + len(note) > inner else note
    if frame.state.filter:
        note = f"{len(frame.workers)} of {total} match"
    rows.append((gap(1), *title("WORKERS", inner, g, (muted(note),), bracket(frame, "a"), focused=True, ruled=False)))
    if high >= 5:
        rows.append(_heads(frame, snapshot))
    room = max(0, high - len(rows))
    least = min(room, total, max(LEAST_WORKERS, min(ill, room)))
    spare = room - least - (1 if total > least else 0)
    least_causes = max(3, frame.height // 4)
    causes, events = _causes(frame, snapshot, inner, least_causes), _events(frame, snapshot, inner)
    given = []
    for pane in (causes, events):
        rows_of = min(len(pane) + 1, spare) if pane and spare >= LEAST_PANE else 0
        given.append(rows_of)
        spare -= rows_of
    lines = min(total, least + max(0, spare))
    if lines < total:
        lines = least
    elif all(given) and (spare := spare - (lines - least)) > 0:
        # No sentence is cut while rows stay blank: the causes come first.
        causes = _causes(frame, snapshot, inner, given[0] - 2 + spare)
        spare -= len(causes) + 1 - given[0]
        events = _events(frame, snapshot, inner, given[1] - 1 + spare)
        given = [len(causes) + 1, len(events) + 1]
    rows += _workers(frame, snapshot, room - sum(given) if lines < total else lines)
    for pane, rows_of in zip((causes, events), given, strict=True):
        rows += [EMPTY, *pane[: rows_of - 1]] if rows_of else []
    return rows


@once_a_snapshot
def _causes(frame: Frame, snapshot: Snapshot, inner: int, high: int) -> tuple[Row, ...]:
    if not snapshot.causes:
        return ()
    head = title("WHY", inner, frame.glyphs, (), bracket(frame, "v"))
    found = cause_rows(snapshot.causes, inner, high, frame.glyphs)
    return tuple((gap(1), *row) for row in (head, *found))


@once_a_snapshot
def _events(frame: Frame, snapshot: Snapshot, inner: int, high: int = 0) -> tuple[Row, ...]:
    """Draw the newest events, a row each; in `high` rows with the title as many of them whole as fit."""
    found = listed_events(frame, snapshot)[-frame.height :]
    g = frame.glyphs
    rows: list[Row] = [title("EVENTS", inner, g)]
    spare = high - 1 - len(found)
    for event in reversed(found):
        head: Row = (muted(fmt.clock(event.t, frame.zone, with_seconds=False)), gap(1), event_mark(event, g), gap(1))
        said = paragraph(g.text(sentence(event)), inner, indent=head)
        if len(said) - 1 > spare:
            said = [(*head, Span(clip(g.text(sentence(event)), inner - width(head), g.ellipsis), "text"))]
        spare -= len(said) - 1
        rows += said
    return tuple((gap(1), *row) for row in rows) if found else ()


def _id_cells(frame: Frame, snapshot: Snapshot) -> int:
    return max([len(shown_label(worker.ref, snapshot, frame.glyphs)) for worker in snapshot.workers], default=2)


def _heads(frame: Frame, snapshot: Snapshot) -> Row:
    parts = snapshot.workers[0].components if snapshot.workers else ()
    initials = "".join([short_name(part, frame)[:1] for part in parts])
    row: Row = (gap(3 + _id_cells(frame, snapshot)), muted(initials))
    return fit(_with_numbers(frame, row, "STEP/S", "RSS GB"), frame.width, frame.glyphs.ellipsis)


def _with_numbers(frame: Frame, row: Row, rate: str, rss: str, token: str = "muted", is_jumped: bool = False) -> Row:
    """Append step rate and memory at the right edge, as far as the pane is wide enough."""
    wide = frame.width
    rss_cells = 8 if wide >= MEMORY_FROM + 4 else 6 if wide >= MEMORY_FROM else 0
    rate_room = wide - 1 - rss_cells - width(row)
    if wide < RATE_FROM or rate_room < 5:
        return row
    lead: Row = (mark(frame.glyphs.caution, "warn", True), gap(1)) if is_jumped and rate_room >= 8 else ()
    number = Span(clip(rate, rate_room - 1, frame.glyphs.ellipsis), "warn" if is_jumped else token, is_jumped)
    row = (*row, gap(rate_room - width(lead) - width((number,))), *lead, number)
    return (*row, right(rss, rss_cells, token, False, frame.glyphs.ellipsis)) if rss_cells else row


def _workers(frame: Frame, snapshot: Snapshot, room: int) -> list[Row]:
    """Draw the workers line by line, with the selected one among them; the last line says how many are not drawn."""
    workers = frame.workers
    if room < 1:
        return []
    if not workers:
        return [(gap(1), muted("no worker matches" if snapshot.workers else "no workers yet"))]
    shown = room if len(workers) <= room else max(1, room - 1)
    chosen = frame.selected
    at = workers.index(chosen) if chosen is not None else 0
    first = max(0, at - shown + 1)
    rows = [_worker_line(frame, snapshot, worker, worker is chosen) for worker in workers[first : first + shown]]
    left_out = len(workers) - len(rows)
    if left_out and room > 1:
        rest = (*workers[:first], *workers[first + shown :])
        ill = sum([needs_attention(conditions(snapshot)[worker.ref]) for worker in rest])
        rows.append((gap(1), muted(f"+{left_out} more, "), Span(f"{ill or 'none'} ill", "warn" if ill else "muted")))
    return rows


def _worker_line(frame: Frame, snapshot: Snapshot, worker: WorkerView, selected: bool) -> Row:
    g = frame.glyphs
    is_ill = needs_attention(conditions(snapshot)[worker.ref])
    name = shown_label(worker.ref, snapshot, g).ljust(_id_cells(frame, snapshot))
    token = "strong" if is_ill or selected else "muted"
    row: Row = (
        *(mark(g.cursor, "accent") if selected else gap(1), gap(1), Span(name, token, is_ill), gap(1)),
        *(state_mark(part, g, quiet=True) for part in worker.components),
    )
    is_old = worker.reach is not Reach.UP
    missing = "gone" if worker.is_gone else "?"
    # The last rate of a worker that does not answer is no rate of now.
    rate = missing if is_old or worker.step_rate is None else fmt.short(worker.step_rate, 2, 6)
    rss = missing if worker.rss_bytes is None else fmt.short(worker.rss_bytes / fmt.GB, 2, 6)
    is_jumped = worker.step_rate_ratio is not None and not is_old
    room = frame.width - width(row) - RSS_CELLS - RATE_CELLS - (JUMP_CELLS if is_jumped else 0) - 3
    if room >= WORD_FROM:
        row = (*row, gap(1), fit_word(_state_word(frame, snapshot, worker, is_ill), room, g))
    row = _with_numbers(frame, row, rate, rss, "muted" if is_old else "strong", is_jumped)
    row = fit(row, frame.width, g.ellipsis)
    return on_row(row, "select") if selected else row


def _state_word(frame: Frame, snapshot: Snapshot, worker: WorkerView, is_ill: bool) -> Span:
    """Return what is worst about a worker in one word, else its state."""
    attention = worst(worker)
    if attention is not None and worker.reach is Reach.UP and worker.health is None:
        return Span(frame.glyphs.text(attention.mark), level_token(attention.level), True)
    word = reach_word(worker, snapshot)
    return word if is_ill else word._replace(token="muted", bold=False)


def short_page(frame: Frame, snapshot: Snapshot) -> Page:
    """Lay out a short pane: verdict, memory, gate, workers, why, next, keys. Dropped first: gate, why, next."""
    high, g = frame.height, frame.glyphs
    head = side.short_head(frame, snapshot)[:high]
    bottom = (footer(frame),) if high >= 3 else ()
    room = high - len(head) - len(bottom)
    after = _next(frame, snapshot, "next  ") if room >= 2 else ()
    why = _why(frame, snapshot) if room >= 2 + len(after) else ()
    gate = (gate_row(frame, snapshot),) if room >= 2 + len(after) + len(why) else ()
    lines = room - len(after) - len(why) - len(gate)
    workers = _worker_runs(frame, snapshot, lines)
    events = _events(frame, snapshot, frame.width - 2)[1 : 1 + lines - len(workers)]
    rows = (*head, *gate, *workers, *events, *why, *after)
    return Page(tuple(fit(row, frame.width, g.ellipsis) for row in rows), (), bottom)


@once_a_snapshot
def _why(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw the first cause in one row; empty without causes."""
    if not snapshot.causes:
        return ()
    cause, g = snapshot.causes[0], frame.glyphs
    row: Row = (
        *(gap(1), muted("why   "), Span(fmt.number(cause.confidence, 2), "strong"), gap(1)),
        *(Span(g.text(cause.name), "strong", True), gap(2), Span(g.text(cause.because), "text")),
    )
    return (cut(row, frame.width - 1, g.ellipsis),)


def _worker_runs(frame: Frame, snapshot: Snapshot, lines: int) -> Sequence[Row]:
    """Draw the workers one after the other in this many rows; the last says how many are not drawn."""
    workers = frame.workers
    rows: list[Row] = []
    at = 0
    for line in range(lines):
        if line and at == len(workers):
            break
        is_last = line == lines - 1
        row: Row = (gap(1),)
        if frame.state.filter and not line:
            row = (gap(1), muted(f"{len(workers)} of {len(snapshot.workers)} match"), gap(2))
        begun = at
        while at < len(workers):
            cell = _cell(frame, snapshot, workers[at], frame.selected is workers[at], at == 0)
            left_out = len(workers) - at - 1
            after = len(f"   +{left_out} more") if is_last and left_out else 0
            longer = join([row, cell], 3) if at > begun else (*row, *cell)
            if at > begun and width(longer) + after > frame.width - 1:
                break
            row, at = longer, at + 1
        if is_last and at < len(workers):
            row = (*row, gap(3), muted(f"+{len(workers) - at} more"))
        rows.append(row)
    return rows


def _cell(frame: Frame, snapshot: Snapshot, worker: WorkerView, selected: bool, is_first: bool) -> Row:
    """Draw a worker: id, one glyph per component, its mark, step rate."""
    g = frame.glyphs
    is_ill = needs_attention(conditions(snapshot)[worker.ref])
    attention = worst(worker)
    row: Row = (
        *((mark(g.cursor, "accent"),) if selected else ()),
        Span(shown_label(worker.ref, snapshot, g), "strong" if is_ill else "muted", is_ill),
    )
    if is_first and is_ill:
        row = (*row, gap(1), reach_mark(worker, g), gap(1), reach_word(worker, snapshot))
    row = (*row, gap(1), *(state_mark(part, g, quiet=True) for part in worker.components))
    if attention is not None and worker.reach is Reach.UP:
        row = (*row, gap(1), *attention_mark(attention, g))
    if worker.step_rate is not None and worker.reach is Reach.UP and frame.width >= 60:
        row = (*row, gap(1), Span(fmt.short(worker.step_rate, 2, 5), "muted"), muted("/s"))
    return row
