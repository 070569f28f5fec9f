"""Draws many workers as cells of glyphs: quiet dots, so that unhealthy workers stand out.

Does not: know how many rows fit.
"""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.model.refs import WorkerRef, worker_ranges
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, HealthState, Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import STATE_TOKENS, STATE_WORDS, Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, clip, fit, gap, join, left, mark, on_row, right, width
from metabonk_tui.ui.views.layout.section import muted, strong
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.workers.component import fresh_value, short_name, state_mark
from metabonk_tui.ui.views.workers.panel import attention_mark, reach_mark, worst

S = ComponentState


def grid_columns(wide: int, parts: int) -> tuple[int, int, int]:
    """Return cells per row, the width of one with its gap, and the extra gap after the fourth."""
    cell = 3 + parts
    per_row = (
        8 if wide >= 2 + 8 * (cell + 1) else 4 if wide >= 2 + 4 * (cell + 1) else max(1, (wide - 2) // (cell + 1))
    )
    if per_row < 8:
        return per_row, cell + 1, 0
    pitch = max(cell + 1, min(26, (wide - 8) // 8))
    return per_row, pitch, min(5, wide - 2 - 8 * pitch) if wide - 2 - 8 * pitch > 0 else 0


def cell_rows(frame: Frame, snapshot: Snapshot, workers: Sequence[WorkerView], chosen: WorkerRef | None) -> list[Row]:
    """Draw all workers: id and one glyph per component; step rate and memory where a cell has room."""
    parts = len(workers[0].components) if workers else 0
    per_row, pitch, between = grid_columns(frame.width, parts)
    rows: list[Row] = []
    for start in range(0, len(workers), per_row):
        row: list[Span] = [gap(1)]
        for i, worker in enumerate(workers[start : start + per_row]):
            if i == 4:
                row.append(gap(between))
            row += fit(_cell(frame, snapshot, worker, pitch, worker.ref == chosen), pitch, frame.glyphs.ellipsis)
        rows.append(fit(tuple(row), frame.width, frame.glyphs.ellipsis))
    return rows


def _cell(frame: Frame, snapshot: Snapshot, worker: WorkerView, pitch: int, selected: bool) -> Row:
    g = frame.glyphs
    unhealthy = worker.reach is not Reach.UP or bool(worker.attention)
    lead = mark(g.cursor, "accent") if selected else gap(1)
    name = Span(
        f"{worker.slot:02d}", "strong" if unhealthy or selected else "muted", unhealthy, "selectid" if selected else ""
    )
    row: list[Span] = [lead, name, gap(1)]
    for part in worker.components:
        row.append(fresh_value(state_mark(part, g, quiet=True), part, worker, snapshot))
    room = pitch - width(row)
    if room >= 7 and worker.step_rate is not None:
        row.append(right(fmt.short(worker.step_rate, 2, 5), 6, "warn" if worker.step_rate_ratio else "muted"))
        room -= 6
    if room >= 7 and worker.rss_bytes is not None:
        row.append(right(fmt.short(worker.rss_bytes / fmt.GB, 2, 5), 6, "muted"))
    return on_row(tuple(row), "select") if selected else tuple(row)


def counts(workers: Sequence[WorkerView], glyphs: Glyphs) -> Row:
    """Draw the counts of workers: ok, warn, crit, unknown."""
    crit = [w for w in workers if w.reach in (Reach.DOWN, Reach.BROKEN, Reach.STRANGER) or _level(w) == "stop"]
    unknown = [w for w in workers if w not in crit and (w.reach is not Reach.UP or _level(w) == "unknown")]
    warn = [w for w in workers if w not in crit and w not in unknown and _level(w) == "caution"]
    healthy = len(workers) - len(crit) - len(unknown) - len(warn)
    parts = [
        (healthy, glyphs.go, "ok", "ok"), (len(warn), glyphs.caution, "warn", "warn"),
        (len(crit), glyphs.stop, "crit", "crit"), (len(unknown), glyphs.unknown, "unknown", "unknown"),
    ]  # fmt: skip
    return join([
        (mark(glyph, token), gap(1), strong(str(n)), muted(f" {name}")) for n, glyph, token, name in parts if n
    ], 2)  # fmt: skip


def _level(worker: WorkerView) -> str:
    attention = worst(worker)
    return attention.level if attention else ""


def grid_legend(frame: Frame, workers: Sequence[WorkerView]) -> Row:
    """Draw the legend: the order of glyphs in a cell, and the states now on screen."""
    if not workers:
        return ()
    wide, glyphs = frame.width, frame.glyphs
    names = [short_name(part, frame) for part in workers[0].components]
    row: Row = (gap(2), muted("cell  "), muted(" ".join(names)))
    states = {part.state for worker in workers for part in worker.components}
    parts: list[Row] = []
    for state in ComponentState:
        if state in states:
            token = "okdim" if state is S.ACTIVE else STATE_TOKENS[state]
            word = STATE_WORDS[state].lower()
            parts.append((mark(glyphs.state(state), token), muted(f" {word}")))
    slots_by_health: dict[HealthState, list[WorkerRef]] = {}
    for worker in workers:
        if worker.health is not None:
            slots_by_health.setdefault(worker.health.state, []).append(worker.ref)
    # Without room the first entries are dropped; the most severe is last.
    for health in reversed(HealthState):
        if health in slots_by_health:
            where = slots_by_health[health]
            named = worker_ranges(where) if len(where) <= 2 else str(len(where))
            token = level_token(health.level)
            parts.append((Span(str(health), token, True), muted(f" {named}")))
    while parts and width(row) + 3 + width(join(parts, 2)) > wide - 1:
        parts.pop(0)
    end = join(parts, 2)
    return (*row, gap(wide - 1 - width(row) - width(end)), *end)


def attention_rows(frame: Frame, snapshot: Snapshot, workers: Sequence[WorkerView], wide: int) -> list[Row]:
    """Draw one sentence per worker that needs attention; a repeated one becomes "same as wN"."""
    g = frame.glyphs
    rows: list[Row] = []
    before: tuple[str, str, WorkerRef] | None = None
    for worker in workers:
        attention = worst(worker)
        if attention is None:
            continue
        same = before is not None and (attention.mark, attention.text) == before[:2]
        token = level_token(attention.level)
        if worker.reach in (Reach.DOWN, Reach.STALE, Reach.BROKEN, Reach.STRANGER):
            word = worker.reach.value.upper()
            if worker.health is not None and worker.reach is not Reach.DOWN:
                word = worker.health.state.short.upper()
            marked: Row = (reach_mark(worker, g), gap(1), Span(word, token, True))
            since_s = snapshot.t - worker.reach_since_t
            age_s = since_s if worker.reach is not Reach.STALE or worker.age_s is None else worker.age_s
            sentence = f"{fmt.age(age_s)}, {attention.text}"
        else:
            marked = attention_mark(attention, g)
            sentence = attention.text
        if same and before is not None:
            sentence = f"same as {before[2].label}"
        head: Row = (left(worker.ref.label, 4, "strong", True), gap(1), *fit(marked, 10, g.ellipsis))
        rows.append((*head, text(clip(g.text(sentence), max(0, wide - width(head)), g.ellipsis))))
        if not same:
            before = (attention.mark, attention.text, worker.ref)
    return rows


def top_memory(snapshot: Snapshot, wide: int) -> Row:
    """Draw the workers whose memory grows fastest, and Ollama."""
    measured = [w for w in snapshot.workers if w.rss_bytes is not None]
    ranked = sorted(measured, key=lambda w: (-(w.rss_growth_bytes_per_min or 0.0), w.ref))
    facts: list[Row] = []
    for worker in ranked[:4]:
        grown = worker.rss_growth_bytes_per_min
        change = "" if grown is None else f" {fmt.signed(grown / fmt.MB)}"
        size = fmt.gigabytes(worker.rss_bytes or 0, 2)
        facts.append((muted(f"{worker.ref.label} "), strong(size), muted(change)))
    for owner in snapshot.memory.owners:
        if owner.name == "ollama":
            change = (
                "" if owner.growth_bytes_per_min is None else f" {fmt.signed(owner.growth_bytes_per_min / fmt.MB)}"
            )
            facts.append((muted("ollama "), strong(fmt.gigabytes(owner.bytes, 2)), muted(change)))
    if not facts:
        return ()
    while len(facts) > 1 and 8 + width(join(facts, 3)) + 6 > wide:
        facts.pop(-2)
    row: Row = (muted("TOP GB  "), *join(facts, 3))
    return (*row, gap(max(1, wide - width(row) - 3)), muted("M/m"))
