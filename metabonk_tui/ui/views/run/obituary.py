"""Draws the page about one death: cause, memory, last answer, the seconds around it, log lines, what to do.

Does not: judge. Everything comes with the page; only what happened to the worker since comes from the Snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.obituary import LastComponent, Obituary, Remedy
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState
from metabonk_tui.core.report import obituary_text as texts
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.text.phrases import cut_list
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import STATE_TOKENS, STATE_WORDS, Glyphs
from metabonk_tui.ui.style.spans import (
    EMPTY,
    Row,
    Span,
    cells,
    clip,
    cut,
    fit,
    gap,
    join,
    left,
    mark,
    right,
    side_by_side,
    width,
)
from metabonk_tui.ui.views.layout.section import bracket, facts, muted, paragraph, strong, title
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.memory.death_chart import death_chart
from metabonk_tui.ui.views.run.earlier_deaths import earlier_note, earlier_sentences, same_earlier_rows
from metabonk_tui.ui.views.run.events import event_mark, sentence

WIDE, ROOMY = 100, 28
"""From this width and this many rows on the page has two columns."""
PANE = 6
"""Rows of a pane in two columns, below its title."""
LABEL = 10
MOST_LINES = 20
"""The most rows of one event around a death."""
SAME_ROWS = 4
"""The most rows of deaths of the same kind."""
BETWEEN = 3
LOUD = ("warn", "error", "traceback", "exception", "failed", "killed", "memory")


def obituary_rows(frame: Frame, snapshot: Snapshot, page: Obituary, room: int) -> tuple[Row, ...]:
    """Draw the page below the header in `room` rows; more rows scroll."""
    wide = max(10, frame.width - 2)
    is_wide = frame.width >= WIDE and room >= ROOMY
    rows = _two_columns(frame, snapshot, page, wide, room) if is_wide else _narrow(frame, snapshot, page, wide, room)
    return tuple((gap(1), *cut(row, wide, frame.glyphs.ellipsis)) for row in rows)


def _title(frame: Frame, snapshot: Snapshot, page: Obituary, wide: int) -> Row:
    kept = snapshot.obituaries
    place = snapshot.earlier_obituaries + kept.index(page) + 1
    total = snapshot.earlier_obituaries + len(kept)
    made = f"   made {fmt.clock(page.t, frame.zone)}, kept in the recording" if wide >= WIDE else ""
    dropped = f", {snapshot.earlier_obituaries} older dropped" if snapshot.earlier_obituaries else ""
    note = (muted(f"{place} of {total} in this run{dropped}{earlier_note(frame)}{made}"),)
    return title(f"OBITUARY {page.label}", wide, frame.glyphs, note, focused=True)


def _head(frame: Frame, page: Obituary, wide: int, after: str = "") -> Row:
    """Draw the cause in one line: the cross and how it ended, then what stood out."""
    g = frame.glyphs
    row: Row = (mark(g.down, "crit", True), gap(1), Span(g.text(texts.headline(page)), "crit", True))
    return cut((*row, text(g.text(after))), wide, g.ellipsis)


def _two_columns(frame: Frame, snapshot: Snapshot, page: Obituary, wide: int, room: int) -> list[Row]:
    g = frame.glyphs
    lead = page.signs[0] if page.signs else ""
    says = f". {lead[:1].upper()}{lead[1:]}." if lead else "."
    about: list[Row] = [(muted(f"{label} "), text(value)) for label, value in texts.identity(page, _start(snapshot))]
    after = texts.restart(page, snapshot)
    about += [(muted(after),)] if after else []
    spare = max(0, room - ROOMY)
    pane = PANE + min(4, spare // 8)
    half = (wide - BETWEEN) // 2
    last = wide - BETWEEN - half
    rows = [_title(frame, snapshot, page, wide), _head(frame, page, wide, says), facts(about, wide), EMPTY]
    cause = [title("CAUSE", half, g, (muted(texts.certainty(page)),)), *_cause(frame, snapshot, page, half)[:pane]]
    chart = [title("MEMORY", last, g, (muted(f"{page.label} and available, GB"),), bracket(frame, "m"))]
    chart += death_chart(page, last, pane, g, frame.zone)
    rows += [*side_by_side([(cause, half), (chart, last)], BETWEEN), EMPTY]
    answer = _answer(frame, page, half)[: pane + 1]
    bottom = side_by_side([(_same(frame, snapshot, page, half), half), (_remedies(frame, page, last), last)], BETWEEN)
    # What the log does not need is left for the events: without the titles, two blank rows and one for "no such line".
    spare_rows = room - len(rows) - len(bottom) - 3 - (1 + max(1, len(page.log)))
    around = _around(frame, page, last, pane, max(pane, spare_rows))
    rows += [*side_by_side([(answer, half), (around, last)], BETWEEN), EMPTY]
    kept = room - len(rows) - len(bottom) - 1
    return [*rows, *_log(frame, page, wide, max(2, kept)), EMPTY, *bottom]


def _start(snapshot: Snapshot) -> float:
    return snapshot.run.started_at


def _cause(frame: Frame, snapshot: Snapshot, page: Obituary, wide: int) -> list[Row]:
    """Draw the evidence, then the other signs; without any, that nothing says why."""
    g = frame.glyphs
    clock = partial(fmt.clock, zone=frame.zone)
    proofs = texts.evidence(page, clock, snapshot.run.interval_s)
    rows: list[Row] = []
    for i, proof in enumerate(proofs):
        head = left("proof" if i == 0 and texts.certainty(page) == "proved" else "sign", LABEL, "muted")
        rows += paragraph(g.text(proof), wide, "strong" if i == 0 else "text", indent=(head,))
    if not proofs:
        rows += paragraph("nothing says why: no log of the launcher, no kernel message", wide, "unknown",
                          indent=(left("proof", LABEL, "muted"),))  # fmt: skip
    for sign in page.signs[1:] if frame.width >= WIDE else page.signs:
        rows += paragraph(g.text(sign), wide, "text", indent=(left("also", LABEL, "muted"),))
    return rows


def _answer(frame: Frame, page: Obituary, wide: int) -> list[Row]:
    """Draw the last answer: components at the left, numbers at the right."""
    g, answer = frame.glyphs, page.answer
    if answer is None:
        never = "never answered" if page.ref is not None else "this process has no /status"
        return [title("LAST ANSWER", wide, g), (mark(g.unobserved, "unknown"), gap(1), Span(never, "unknown"))]
    note = f"{fmt.clock(answer.t, frame.zone)}, {fmt.age(page.t - answer.t)} before"
    numbers = texts.answer_facts(page)
    room = 20
    rows = [title("LAST ANSWER", wide, g, (muted(note),), bracket(frame, "Enter"))]
    for i in range(max(len(answer.components), len(numbers))):
        row: Row = _component(answer.components[i], g, frame) if i < len(answer.components) else ()
        end: Row = ()
        if i < len(numbers):
            label, value = numbers[i]
            end = (muted(label), right(value, room - cells(label), "unknown" if value.startswith("not ") else "text"))
        rows.append((*fit(row, wide - room, g.ellipsis), *end))
    return rows


def _component(part: LastComponent, g: Glyphs, frame: Frame) -> Row:
    label = f"{clip(g.text(part.label), 7, g.ellipsis)} *" if part.derived else clip(g.text(part.label), 9, g.ellipsis)
    token = STATE_TOKENS[part.state]
    glyph = mark(g.state(part.state), token)
    head: Row = (left(label, LABEL, "muted"), glyph, gap(1))
    word = STATE_WORDS[part.state]
    if part.state is ComponentState.ABSENT:
        when = f"since {fmt.clock(part.since_t, frame.zone)}" if part.shown else "never seen"
        return (*head, Span(word, token, True), gap(2), muted(when))
    value = "" if part.value is None else fmt.short(part.value, part.decimals, 8)
    shown = "" if part.state is ComponentState.ACTIVE and value else word
    return (*head, strong(value), *((gap(2),) if value and shown else ()), Span(shown, token))


def _around(frame: Frame, page: Obituary, wide: int, high: int, most: int) -> list[Row]:
    """Draw the `high` events nearest to the death, oldest first, whole if `most` rows suffice; the death is bold."""
    g = frame.glyphs
    if not page.around:
        return [title("AROUND IT", wide, g), (muted("no event"),)]
    near = sorted(page.around, key=lambda event: (event is not _own_event(page), abs(event.t - page.t)))[:high]
    shown = [event for event in page.around if event in near]
    note = f"{fmt.clock(page.around[0].t, frame.zone)} to {fmt.clock(page.around[-1].t, frame.zone)}"
    more = len(page.around) - len(shown)
    note += f", {more} more" if more else ""
    rows = [title("AROUND IT", wide, g, (muted(note),), bracket(frame, "t"))]
    whole: list[Row] = []
    for event in shown:
        own = event is _own_event(page)
        head: Row = (right(texts.offset(event.t - page.t), 6, "muted"), gap(2), event_mark(event, g), gap(1))
        said, token = g.text(sentence(event)), "strong" if own else "text"
        rows.append((*head, Span(clip(said, max(0, wide - 10), g.ellipsis), token, own)))
        whole += paragraph(said, wide, token, own, indent=head)
    return [rows[0], *whole] if len(whole) <= most else rows


def _own_event(page: Obituary) -> Event | None:
    """Return the event that reports this death."""
    for event in page.around:
        if event.kind == EventKind.PROCESS_EXIT and event.facts.get("pid") == page.pid:
            return event
    about = (event for event in page.around if event.worker is not None and event.worker == page.ref)
    return next((event for event in about if event.kind in (EventKind.WORKER_DOWN, EventKind.WORKER_GENERATION)), None)


def _log(frame: Frame, page: Obituary, wide: int, high: int) -> list[Row]:
    """Draw the lines of the log in at most `high` rows with the title: the newest lines that fit."""
    g = frame.glyphs
    rows = [title(f"LOG {page.label}", wide, g, (muted(texts.log_note(page)),), bracket(frame, "l"))]
    if not page.log:
        rows.append((mark(g.unobserved, "unknown"), gap(1), Span("no such line", "unknown")))
    for line in page.log[-max(1, high - 1) :]:
        loud = any(word in line.lower() for word in LOUD)
        glyph = mark(g.caution, "warn") if loud else gap(1)
        rows.append(
            (glyph, gap(1), Span(clip(g.text(line), wide - 2, g.ellipsis), "strong" if loud else "muted", loud))
        )
    return rows


def _same(frame: Frame, snapshot: Snapshot, page: Obituary, wide: int) -> list[Row]:
    clock = partial(fmt.clock, zone=frame.zone)
    same = texts.same_before(page, snapshot, clock)
    before = " and before it" if frame.plots.deaths else ""
    rows = [title("THE SAME DEATH", wide, frame.glyphs, (muted(f"earlier in this run{before}"),))]
    more = len(same) - 2
    rows += [*((text(line),) for line in same[:2]), *([(muted(f"{more} more"),)] if more > 0 else [])]
    rows += same_earlier_rows(frame, page, SAME_ROWS - (len(rows) - 1))
    return rows if len(rows) > 1 else [*rows, (muted("none"),)]


def _remedies(frame: Frame, page: Obituary, wide: int) -> list[Row]:
    rows = [title("DO", wide, frame.glyphs, (muted("what may prevent the next one"),))]
    for remedy in page.remedies:
        rows += paragraph(frame.glyphs.text(remedy.text), wide, "text", indent=_key(frame, remedy))
    return rows


def _key(frame: Frame, remedy: Remedy) -> Row:
    """Draw the key of a remedy; empty where it would do nothing: in the past, or for a reader."""
    key = remedy.key
    acts = key is not None and not key.islower()
    if key is None or (acts and (frame.past or frame.read_only)):
        return ()
    return (Span(key, "accent", True), gap(1))


def _narrow(frame: Frame, snapshot: Snapshot, page: Obituary, wide: int, room: int) -> list[Row]:
    """Draw one column: whole where the rows suffice, else cause and remedies whole, else a row each.

    The log takes the rows that are left.
    """
    for around in (_every_event(frame, page, wide), [_around_row(frame, page, wide)]):
        whole = [*_whole_column(frame, snapshot, page, wide), *((EMPTY, *around) if any(around) else ())]
        if len(whole) <= room:
            return whole
    rows = _column(frame, snapshot, page, wide, room, wraps=True)
    return rows if len(rows) <= room else _column(frame, snapshot, page, wide, room, wraps=False)


def _labelled(label: str, row: Row) -> Row:
    return (left(label, LABEL, "muted"), *row)


def _whole_column(frame: Frame, snapshot: Snapshot, page: Obituary, wide: int) -> list[Row]:
    """Draw one column in as many rows as its sentences need, without the events around the death."""
    g = frame.glyphs
    clock = partial(fmt.clock, zone=frame.zone)
    cross: Row = (mark(g.down, "crit", True), gap(1))
    head = g.text(texts.headline(page) + _life(page))
    rows = [_title(frame, snapshot, page, wide), *paragraph(head, wide, "crit", True, indent=cross)]
    proofs = texts.evidence(page, clock, snapshot.run.interval_s) or ("nothing says why",)
    said = texts.answer_sentence(page, clock)
    same = (*texts.same_before(page, snapshot, clock), *earlier_sentences(frame, page))
    curves = _curves(page, wide - LABEL, g)
    rows += _sentences("cause", proofs, wide, g)
    rows += _sentences("also", page.signs, wide, g)
    if page.memory:
        drawn = [join(curves, 3)] if width(join(curves, 3)) <= wide - LABEL else curves
        rows += [_labelled("" if i else "memory", row) for i, row in enumerate(drawn)]
    rows += _sentences("answer", (said or "never answered",), wide, g, "text" if said else "unknown")
    rows += _sentences("before", (f"same death: {cut_list(same)}",) if same else (), wide, g)
    rows += _sentences("then", (texts.restart(page, snapshot),), wide, g)
    log = _log(frame, page, wide, len(page.log) + 1)
    if page.log:
        log = [log[0], *(row for line in page.log for row in _log_rows(line, wide, g))]
    return [*rows, *_remedy_rows(frame, page, wide), EMPTY, *log]


def _every_event(frame: Frame, page: Obituary, wide: int) -> list[Row]:
    count = len(page.around)
    return _around(frame, page, wide, count, count * MOST_LINES) if count else []


def _sentences(label: str, said: Sequence[str], wide: int, g: Glyphs, token: str = "text") -> list[Row]:
    together = g.text("; ".join([each for each in said if each]))
    return paragraph(together, wide, token, indent=_labelled(label, ())) if together else []


def _life(page: Obituary) -> str:
    life = "" if page.lived_s is None else f", after {fmt.age(page.lived_s)}"
    return life + ("" if page.generation is None else f" of gen {page.generation}")


def _log_rows(line: str, wide: int, g: Glyphs) -> list[Row]:
    """Draw a line of the log in as many rows as it needs; one that may name a cause is bold."""
    loud = any(word in line.lower() for word in LOUD)
    glyph = mark(g.caution, "warn") if loud else gap(1)
    return paragraph(g.text(line), wide, "strong" if loud else "muted", loud, indent=(glyph, gap(1)))


def _column(frame: Frame, snapshot: Snapshot, page: Obituary, wide: int, room: int, *, wraps: bool) -> list[Row]:
    """Draw one column; `wraps`: cause and remedies take as many rows as they need."""
    g = frame.glyphs
    clock = partial(fmt.clock, zone=frame.zone)
    labelled = _labelled

    rows = [_title(frame, snapshot, page, wide), _head(frame, page, wide, _life(page))]
    proofs = texts.evidence(page, clock, snapshot.run.interval_s) or ("nothing says why",)
    cause = g.text("; ".join(proofs))
    rows += paragraph(cause, wide, indent=labelled("cause", ())) if wraps else [labelled("cause", (text(cause),))]
    above = len(rows)
    after = texts.restart(page, snapshot)
    optional: list[Row] = []
    if page.signs:
        optional.append(labelled("also", (text(g.text("; ".join(page.signs))),)))
    if page.memory:
        rows.append(labelled("memory", join(_curves(page, wide - LABEL, g), 3)))
    said = texts.answer_sentence(page, clock)
    rows.append(labelled("answer", (text(said),) if said else (Span("never answered", "unknown"),)))
    same = (*texts.same_before(page, snapshot, clock), *earlier_sentences(frame, page))
    if same:
        optional.append(labelled("before", (text(f"same death: {cut_list(same)}"),)))
    if after:
        optional.append(labelled("then", (text(after),)))
    remedies = _remedy_rows(frame, page, wide) if wraps else [labelled("do", _remedy_row(frame, page))]
    around = _around_row(frame, page, wide)
    least = len(rows) + len(remedies) + 4
    kept = optional[: max(0, room - least - 2)]
    rows[above:above] = kept[:1] if page.signs else []
    rows += [*(kept[1:] if page.signs else kept), *remedies]
    log_room = room - len(rows) - 1 - (2 if around else 0)
    tail = [EMPTY, around] if around and log_room >= 3 else []
    return [*rows, EMPTY, *_log(frame, page, wide, max(3, room - len(rows) - 1 - len(tail))), *tail]


def _remedy_rows(frame: Frame, page: Obituary, wide: int) -> list[Row]:
    """Draw each remedy whole, the label before the first."""
    rows: list[Row] = []
    for remedy in page.remedies:
        head = left("" if rows else "do", LABEL, "muted")
        rows += paragraph(frame.glyphs.text(remedy.text), wide, indent=(head, *_key(frame, remedy)))
    return rows or [(left("do", LABEL, "muted"),)]


def _remedy_row(frame: Frame, page: Obituary) -> Row:
    parts: list[Row] = []
    for remedy in page.remedies:
        parts.append((*_key(frame, remedy), text(frame.glyphs.text(remedy.text))))
    return join(parts, 2)


def _curves(page: Obituary, wide: int, g: Glyphs) -> list[Row]:
    """Draw what it held and what was available as bars, each with its first and last number."""
    before = [point for point in page.memory if point.t < page.t]
    held = [point.held_bytes / fmt.GB for point in before if point.held_bytes is not None]
    free = [point.available_bytes / fmt.GB for point in before if point.available_bytes is not None]
    bars = max(4, (wide - 34) // 2)
    parts: list[Row] = []
    for name, values in ((page.label, held), ("free", free)):
        if values:
            head: Row = (muted(f"{name} "), text(fmt.short(values[0], 2, 4)), gap(1))
            tail: Row = (mark(g.down, "crit"), gap(1), strong(fmt.short(values[-1], 2, 4)))
            parts.append((*head, mark(_bars(values, bars, g), "spark"), *tail))
    return parts or [(Span("not observed", "unknown"),)]


def _bars(values: list[float], wide: int, g: Glyphs) -> str:
    """Draw values from 0 to their highest, one cell each."""
    top = max(max(values), 1e-9)
    chosen = [values[min(len(values) - 1, i * len(values) // wide)] for i in range(wide)]
    steps = g.sparks[:7]
    return "".join(steps[min(len(steps) - 1, max(0, round(value / top * len(steps)) - 1))] for value in chosen)


def _around_row(frame: Frame, page: Obituary, wide: int) -> Row:
    """Draw the events nearest to the death in one row; empty without room."""
    g = frame.glyphs
    own = _own_event(page)
    parts: list[Row] = []
    for event in page.around:
        said = clip(g.text(sentence(event)), 28, g.ellipsis)
        offset = muted(f"{texts.offset(event.t - page.t)} ")
        parts.append((offset, event_mark(event, g), gap(1), Span(said, "strong" if event is own else "text")))
    # The farthest goes first; the death itself stays.
    order = sorted(range(len(parts)), key=lambda i: (page.around[i] is not own, abs(page.around[i].t - page.t)))
    kept = len(parts)
    while kept and width(_of(parts, order[:kept])) > wide:
        kept -= 1
    return _of(parts, order[:kept])


def _of(parts: list[Row], chosen: list[int]) -> Row:
    return join([parts[i] for i in sorted(chosen)], 2)
