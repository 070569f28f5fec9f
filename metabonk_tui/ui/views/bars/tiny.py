"""Draws the pool in a side pane below 40 cells: verdict, memory, gate, and one glyph per component.

Every colour also has a glyph or a word.
"""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, Reach
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import CHECK_TOKENS, level_token
from metabonk_tui.ui.style.spans import Row, Span, cells, clip, fit, gap, mark, on_row, width
from metabonk_tui.ui.views.layout.section import facts, muted, strong
from metabonk_tui.ui.views.workers.component import state_mark


def tiny_rows(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw at most `frame.height` rows, the verdict first."""
    rows = (*tiny_head(frame, snapshot), _gate(frame, snapshot), *_workers(frame, snapshot))
    return tuple(fit(row, frame.width, frame.glyphs.ellipsis) for row in rows[: frame.height])


def tiny_head(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw verdict and memory, the header of any screen in a side pane."""
    return (_verdict(frame, snapshot), fit(_memory(frame, snapshot), frame.width, frame.glyphs.ellipsis))


def _verdict(frame: Frame, snapshot: Snapshot) -> Row:
    g, verdict, wide = frame.glyphs, snapshot.verdict, frame.width
    level = verdict.level
    token = level_token(level)
    word, glyph = verdict.title, g.level(level)
    loud = {"stop": ("oncritbadge", "critbadge"), "caution": ("onwarn", "warnband")}.get(level)
    label_text = clip(word, max(0, wide - 2 - (2 if wide > 12 else 0)), g.ellipsis)
    head: Row
    if loud:
        head = (Span(f" {glyph} {label_text} ", loud[0], True, loud[1]),)
    else:
        head = (gap(1), mark(glyph, token), gap(1), Span(label_text, token, True), gap(1))
    up = sum(worker.reach is Reach.UP for worker in snapshot.workers)
    absent = len({p.id for w in snapshot.workers for p in w.components if p.state is ComponentState.ABSENT})
    quiet = "oncrit" if level == "stop" else "muted"
    parts: list[Row] = [
        (Span(fmt.age(snapshot.t - verdict.since_t), quiet),),
        (Span(f"{fmt.share(up, len(snapshot.workers))}up", quiet),),
        (Span(f"{absent}abs", quiet),) if absent else (),
    ]
    row: Row = (*head, *facts(parts, wide - width(head) - 1, 1))
    return on_row(fit(row, wide, g.ellipsis), "critband" if level == "stop" else "surface")


def _memory(frame: Frame, snapshot: Snapshot) -> Row:
    memory = snapshot.memory
    reading = memory.reading
    token = level_token(memory.level)
    if reading is None or reading.available_bytes is None:
        return (gap(1), muted("mem "), Span("not observed", "unknown", True))
    glyph: Row = (mark(frame.glyphs.level(memory.level), token),)
    value = f"{fmt.gigabytes(reading.available_bytes)}GB"
    head: Row = (gap(1), *glyph, gap(1), Span(value, "strong" if memory.level == "ok" else token, True))
    parts: list[Row] = []
    if memory.oom_kills_in_run:
        parts.append((Span(f"OOM{memory.oom_kills_in_run}", "crit", True),))
    if memory.below_floor_since_t is not None:
        parts.append((Span("<floor", token, True),))
    if reading.pressure_some_avg10 is not None:
        parts.append((muted(f"PSI{reading.pressure_some_avg10:.0f}"),))
    more = facts(parts, frame.width - width(head) - 2, 1)
    return (*head, gap(1), *more)


def _gate(frame: Frame, snapshot: Snapshot) -> Row:
    gate = snapshot.gate
    row: list[Span] = [gap(1)]
    if len(gate.checks) <= 12:
        row += [mark(frame.glyphs.check(check.result), CHECK_TOKENS[check.result]) for check in gate.checks]
        row.append(gap(1))
    failed = gate.count("FAIL")
    label_text = f"{failed}/{len(gate.checks)} FAIL" if failed else f"{gate.count('PASS')}/{len(gate.checks)} passed"
    row.append(Span(label_text, "crit" if failed else "muted", bool(failed)))
    return tuple(row)


def _workers(frame: Frame, snapshot: Snapshot) -> list[Row]:
    """Draw every worker as its number and one glyph per component, as many per row as fit."""
    rows: list[Row] = []
    row: list[Span] = [gap(1)]
    for worker in snapshot.workers:
        unhealthy = bool(worker.attention) or worker.reach is not Reach.UP
        name = f"{worker.slot}"
        cell: Row = (
            strong(name, True) if unhealthy else muted(name),
            *(state_mark(p, frame.glyphs) for p in worker.components),
        )
        if width(row) > 1 and width(row) + width(cell) + 1 > frame.width:
            rows.append(tuple(row))
            row = [gap(1)]
        row += [*cell, gap(1)]
    if cells("".join(span.text for span in row)) > 1:
        rows.append(tuple(row))
    return rows
