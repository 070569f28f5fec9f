"""Draws the list of the workers that a person should look at: one sentence each, the worst first.

Workers that share what is wrong with all others get one line together. Does not: judge.
"""

from __future__ import annotations

import re

from msgspec import Struct

from metabonk_tui.core.model.condition import WorkerCondition, component_condition
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Attention, Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.drawn_once import once_a_snapshot
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.sorting import conditions, ill_workers
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, clip, fit, gap, mark, width
from metabonk_tui.ui.views.layout.section import bracket, muted, shown_label, strong, title
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.workers.component import short_name
from metabonk_tui.ui.views.workers.legend import cell_names
from metabonk_tui.ui.views.workers.panel import attention_mark, reach_mark, worst

MARK_CELLS = 18
"""The most cells of glyph and word: "× OOM KILL 2m10s"."""
UNREACHED = (Reach.DOWN, Reach.STALE, Reach.BROKEN, Reach.STRANGER, Reach.UNOBSERVED)


class AttentionLine(Struct, frozen=True):
    """One line of the list."""

    workers: tuple[WorkerView, ...]
    """Those that have the same reason to be looked at, the worst first."""
    found: WorkerCondition
    is_shared: bool
    """Nothing sets them apart: what is wrong with them is wrong with all."""


_AGE = re.compile(r"\b\d+[smhd](\d+[smhd])?\b")


@once_a_snapshot
def attention_lines(frame: Frame, snapshot: Snapshot) -> tuple[AttentionLine, ...]:
    """Group the ill workers into lines, the worst first: those whose reasons differ in nothing but their age."""
    found = conditions(snapshot)
    alike: dict[tuple[WorkerCondition, str, str], list[WorkerView]] = {}
    for worker in ill_workers(snapshot):
        own = worst(worker)
        reason = ("", "") if own is None else (own.mark, _AGE.sub("", _sentence(worker, own)))
        alike.setdefault((found[worker.ref], *reason), []).append(worker)
    return tuple([AttentionLine(tuple(each), key[0], not key[1]) for key, each in alike.items()])


def attention_block(frame: Frame, snapshot: Snapshot, wide: int, high: int, has_cells: bool) -> list[Row]:
    """Draw title and lines in `high` rows; the title says how many more there are, and names the glyphs of a cell."""
    lines = attention_lines(frame, snapshot)
    shown = lines[: max(0, high - 1)]
    ill = len(ill_workers(snapshot))
    hidden = ill - sum([len(line.workers) for line in shown])
    g = frame.glyphs
    cells: Row = ()
    if has_cells and wide >= 60:
        cells = (gap(3), muted(cell_names(frame, snapshot)))
    more: Row = (mark(g.caution, "warn"), gap(1), strong(f"+{hidden} more", True)) if hidden else ()
    key = bracket(frame, "!")
    end = (*more, *((gap(2),) if more and key else ()), *key)
    return [
        title("ATTENTION", wide, g, (muted(str(ill)), *cells), end),
        *_rows(frame, snapshot, shown, wide),
    ]


def _rows(frame: Frame, snapshot: Snapshot, lines: tuple[AttentionLine, ...], wide: int) -> list[Row]:
    g = frame.glyphs
    named = [_name(line, snapshot, g) for line in lines]
    name_cells = max([len(name) for name in named], default=0) + 2
    marks = [_mark(snapshot, line.workers[0], line.found, worst(line.workers[0]), g) for line in lines]
    mark_cells = min(MARK_CELLS, wide // 4, max([width(marked) for marked in marks], default=0))
    rows: list[Row] = []
    for line, name, marked in zip(lines, named, marks, strict=True):
        worker, attention = line.workers[0], worst(line.workers[0])
        sentence = _shared_sentence(frame, line) if attention is None else _sentence(worker, attention)
        head: Row = (Span(name.ljust(name_cells), "strong", True), *fit(marked, mark_cells, g.ellipsis), gap(3))
        rows.append((*head, text(clip(g.text(sentence), max(0, wide - width(head)), g.ellipsis))))
    return rows


def _name(line: AttentionLine, snapshot: Snapshot, g: Glyphs) -> str:
    """Name a worker, two, or the first of several and how many more; what all share, by its number."""
    count, first = len(line.workers), shown_label(line.workers[0].ref, snapshot, g)
    if line.is_shared and count > 1:
        return f"all {count}" if count == len(snapshot.workers) else f"{count} others"
    if count == 2:
        return f"{first} {shown_label(line.workers[1].ref, snapshot, g)}"
    return first if count == 1 else f"{first} +{count - 1}"


def _mark(
    snapshot: Snapshot, worker: WorkerView, found: WorkerCondition, attention: Attention | None, g: Glyphs
) -> Row:
    if worker.reach in UNREACHED:
        word = "not seen" if worker.reach is Reach.UNOBSERVED else worker.reach.value.upper()
        if worker.health is not None and worker.reach is not Reach.DOWN:
            word = worker.health.state.short.upper()
        if attention is not None and attention.mark == "OOM KILL":
            word = attention.mark
        stale = worker.reach is Reach.STALE and worker.age_s is not None
        since_s = worker.age_s if stale and worker.age_s is not None else snapshot.t - worker.reach_since_t
        glyph = reach_mark(worker, g)
        return (glyph, gap(1), Span(f"{word} {fmt.age(since_s)}", glyph.token, True))
    if attention is not None:
        return attention_mark(attention, g)
    name, token = _SHARED_MARKS.get(found, ("caution", "warn"))
    return (mark(str(getattr(g, name)), token, True), gap(1), Span(_WORDS[found], token, True))


_SHARED_MARKS = {
    WorkerCondition.DOWN: ("down", "crit"),
    WorkerCondition.BAD: ("bad", "crit"),
    WorkerCondition.ABSENT: ("absent", "crit"),
    WorkerCondition.STALLED: ("stalled", "warn"),
    WorkerCondition.NOT_KNOWN: ("unproven", "unknown"),
}
_WORDS = {
    WorkerCondition.OK: "ok",
    WorkerCondition.STARTING: "starting",
    WorkerCondition.IDLE: "idle",
    WorkerCondition.NOT_KNOWN: "unproven",
    WorkerCondition.ERRATIC: "racing",
    WorkerCondition.STALLED: "stalled",
    WorkerCondition.ABSENT: "ABSENT",
    WorkerCondition.BAD: "BAD",
    WorkerCondition.DOWN: "DOWN",
}


def _sentence(worker: WorkerView, attention: Attention) -> str:
    """Return why, without the name and the word that stand before it; of an ended process how it ended."""
    life = worker.generations[-1] if worker.generations else None
    if worker.reach is Reach.DOWN and life is not None and life.ended is not None:
        peak = worker.rss_peak_bytes
        size = "" if peak is None else f", peak {fmt.gigabytes(peak, 2)} GB"
        return f"{life.ended.text}: {life.ended.evidence}{size}"
    return attention.text.removeprefix(f"{worker.ref.label} ").removeprefix(f"{attention.mark}: ")


def _shared_sentence(frame: Frame, line: AttentionLine) -> str:
    """Name the components that are in this condition on all of these workers."""
    worker = line.workers[0]
    names = [short_name(part, frame) for part in worker.components if component_condition(part) is line.found]
    where = f" on {len(line.workers)} workers" if len(line.workers) > 1 else ""
    if names:
        return f"{' '.join(names)}{where}"
    why = worker.health.why if worker.health is not None else "no component shows"
    return f"{why}{where}"
