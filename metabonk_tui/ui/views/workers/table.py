"""Workers as rows, components as columns: labels once, numbers under each other, the odd one out shows.

Refuses to know how many rows there is room for; `plan` says how high each worker is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, ComponentView, Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, clip, fit, gap, mark, on_row, right, width
from metabonk_tui.ui.views.layout.highlight import freshen, worker_freshness
from metabonk_tui.ui.views.layout.section import muted
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.layout.sparkline import sparkline
from metabonk_tui.ui.views.workers.component import (
    absent_since,
    change_text,
    fresh_value,
    state_mark,
    state_word,
    value_text,
    value_token,
    word_token,
)
from metabonk_tui.ui.views.workers.panel import reach_mark, reach_word, state_since

S = ComponentState


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the columns of the table are, at one width."""

    state_at: int
    state_cells: int
    parts_at: int
    part_cells: int
    """From one component to the next; 2: only glyphs."""
    value_end: int
    """Behind the value, counted from the component's glyph."""
    change_end: int
    """Behind the change; 0: no change."""
    step_end: int
    rss_end: int
    """0: no memory."""
    tree_end: int = 0
    env_end: int = 0


def last_end(cols: Columns) -> int:
    """Say where the value of the last component ends: at 80 its column is narrower, the next one begins sooner."""
    return 6 if cols.part_cells == 10 else cols.value_end


def columns(wide: int, parts: int) -> Columns:
    """Choose the columns: 28 cells a component from 160 on, 17 from 110 on, 10 from 76 on, else glyphs only."""
    for at_least, columns_ in (
        (160, Columns(9, 12, 22, 28, 10, 25, 169, 179, 189, 199)),
        (110, Columns(9, 9, 19, 17, 8, 15, 111, 119)),
        (76, Columns(8, 9, 18, 10, 8, 0, 72, 79)),
    ):
        if wide >= at_least:
            ends = columns_.parts_at + (parts - 1) * columns_.part_cells + max(last_end(columns_), columns_.change_end)
            right_end = columns_.env_end or columns_.rss_end
            shift = wide - 1 - right_end
            step_end = columns_.step_end + shift
            if ends + 7 <= step_end + 1:
                return Columns(
                    columns_.state_at, columns_.state_cells, columns_.parts_at, columns_.part_cells,
                    columns_.value_end, columns_.change_end, step_end, columns_.rss_end + shift,
                    columns_.tree_end + shift if columns_.tree_end else 0,
                    columns_.env_end + shift if columns_.env_end else 0,
                )  # fmt: skip
    state = 9 if wide >= 30 + 2 * parts else 0
    at = 9 + (state + 1 if state else 0)
    step_end = at + 2 * parts + 8
    rss = step_end + 7
    return Columns(8, state, at, 2, 0, 0, step_end if step_end < wide else 0, rss if rss < wide else 0)


def lines_each(workers: int, wide: int, room: int) -> tuple[int, bool]:
    """Say how many lines a worker has, and whether a blank one follows; `room` is what there is for all."""
    if wide < 110 or workers > 8:
        return 1, False
    airy = workers <= (5 if wide >= 160 else 3)
    if airy and workers * 3 - 1 <= room:
        return 2, True
    return (2, False) if workers * 2 <= room else (1, False)


_HEADS = {
    "ui_exploration": ("UI EXPL", "UI EXPLORE", "UI EXPLORATION"),
    "intrinsic_reward": ("INTRINS", "INTRINSIC", "INTRINSIC REWARD"),
    "system2": ("SYSTEM2", "SYSTEM2", "SYSTEM2 ENGAGED"),
    "meta": ("META-SEQ", "META-SEQ", "META-SEQUENCES"),
    "ui_to_gameplay": ("UI→GP*", "UI→GAME *", "UI→GAMEPLAY *"),
}


def head_text(part: ComponentView, size: int, glyphs: Glyphs) -> str:
    """Write a component's column head: short, middle or long."""
    known = _HEADS.get(part.id)
    if known:
        return known[size].replace("→", glyphs.head_arrow)
    name = (part.label, part.label, part.title)[size].upper()
    return glyphs.text(name) + (" *"[size == 0 :] if part.derived else "")


def heads(snapshot: Snapshot, cols: Columns, wide: int, glyphs: Glyphs, section: Row = ()) -> Row:
    """Draw the column heads; `section` is the section's own title where heads and title share the row."""
    parts = snapshot.workers[0].components if snapshot.workers else ()
    row: list[Span] = list(section) if section else [gap(5), *((muted("WORKER"),) if cols.state_cells else ())]
    if cols.part_cells == 2:
        at = cols.parts_at - width(row)
        name = "STATES" if cols.step_end else ""
        row += [gap(max(1, at)), muted(name)]
    else:
        size = 0 if cols.part_cells == 10 else 1 if cols.part_cells == 17 else 2
        for i, part in enumerate(parts):
            at = cols.parts_at + i * cols.part_cells
            row += [gap(max(1, at - width(row)))]
            name = clip(head_text(part, size, glyphs), cols.part_cells - 1, glyphs.ellipsis)
            row.append(muted(name))
            if cols.change_end:
                row.append(right("/5m", max(0, at + cols.change_end - width(row)), "muted"))
    for name, end in (
        ("STEP/S", cols.step_end), ("RSS GB", cols.rss_end), ("TREE GB", cols.tree_end), ("ENV", cols.env_end),
    ):  # fmt: skip
        if end:
            row.append(right(name, max(0, end - width(row)), "muted"))
    return fit(tuple(row), wide, glyphs.ellipsis)


def worker_lines(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, cols: Columns, lines: int, selected: bool
) -> tuple[Row, ...]:
    """Draw one worker in one or two lines."""
    rows = [_first(frame, snapshot, worker, cols, selected, lines)]
    if lines == 2:
        rows.append(_second(frame, snapshot, worker, cols, selected))
    fitted = [fit(row, frame.width, frame.glyphs.ellipsis) for row in rows]
    return tuple(on_row(row, "select") for row in fitted) if selected else tuple(fitted)


def _first(frame: Frame, snapshot: Snapshot, worker: WorkerView, cols: Columns, selected: bool, lines: int) -> Row:
    g = frame.glyphs
    identity = "selectid" if selected else ""
    cursor = mark(g.cursor, "accent") if selected else gap(1)
    name = worker.ref.label
    # A longer id begins further left, so that the state keeps its column.
    at = max(4, min(5, cols.state_at - 1 - len(name)))
    row: list[Span] = [gap(1), cursor, gap(at - 4), reach_mark(worker, g), gap(1)]
    row += [Span(name, "strong", True, identity), Span(" " * max(1, cols.state_at - at - len(name)), on=identity)]
    if cols.state_cells:
        word = reach_word(worker, snapshot)
        room = cols.parts_at - 1 - width(row)
        if width((word,)) > room:
            word = word._replace(text=re.sub(r"(\d+[smhd])\d+[smhd]$", r"\1", word.text))
        cell_text = clip(g.text(word.text), room, g.ellipsis)
        since_t = state_since(worker)
        how = worker_freshness(since_t, worker, snapshot) if since_t is not None else ""
        row.append(freshen(word._replace(text=cell_text, on=identity), how, worker.reach is not Reach.STALE))
    for i, part in enumerate(worker.components):
        at = cols.parts_at + i * cols.part_cells
        row.append(gap(at - width(row)))
        end = last_end(cols) if i == len(worker.components) - 1 else cols.value_end
        row += _cell(frame, snapshot, worker, part, cols, lines, end)
    row += _numbers(g, worker, cols, width(row), lines)
    return tuple(row)


def _cell(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, part: ComponentView, cols: Columns, lines: int, end: int
) -> list[Span]:
    g = frame.glyphs
    glyph = state_mark(part, g)
    if cols.part_cells == 2:
        return [fresh_value(glyph, part, worker, snapshot)]
    if part.state is S.PENDING and not cols.change_end:
        return [glyph]
    if part.state in (S.ABSENT, S.PENDING, S.UNOBSERVED) or (part.state is S.BAD and not part.bad):
        word = Span(state_word(part, snapshot), word_token(part), part.state in (S.ABSENT, S.BAD))
        word = word._replace(text=clip(word.text, cols.part_cells - 3, g.ellipsis))
        return [glyph, gap(1), fresh_value(word, part, worker, snapshot)]
    if part.state in (S.DOWN, S.STALE) and not cols.change_end:
        return [glyph]
    value = value_text(part, end - 2)
    shown = fresh_value(Span(value, value_token(part), part.state is S.BAD), part, worker, snapshot)
    row = [glyph, gap(end - 1 - len(value)), shown]
    if cols.change_end:
        room = cols.change_end - end
        change = Span(change_text(part, room - 1), "muted")
        if part.state is not S.ACTIVE:
            word_text = state_word(part, snapshot)
            fits = len(word_text) < room
            change = Span(word_text if fits else "" if lines == 2 else word_text.split()[0], word_token(part))
            change = change._replace(text=clip(change.text, room - 1, g.ellipsis))
        row += [gap(room - width((change,))), change]
    return row


def _second(frame: Frame, snapshot: Snapshot, worker: WorkerView, cols: Columns, selected: bool) -> Row:
    g = frame.glyphs
    port = f":{worker.port} " if worker.port is not None else ""
    port_span = Span(f"{port}", "muted", on="selectid" if selected else "")
    generation = Span(f"gen {worker.generation}", "text" if worker.generation > 1 else "muted")
    generation = generation._replace(on="selectid" if selected else "")
    row: list[Span] = [gap(5), port_span, generation]
    for i, part in enumerate(worker.components):
        at = cols.parts_at + i * cols.part_cells
        row.append(gap(at - width(row)))
        if part.state is S.ACTIVE:
            counter = part.decimals == 0
            row += sparkline(part.trend, cols.change_end, snapshot.trend_bucket_s, counter, g)
            continue
        note = _remark(frame, snapshot, worker, part, cols)
        row += [gap(2), note._replace(text=clip(note.text, cols.part_cells - 3, g.ellipsis))]
    return (*row, *_second_numbers(g, worker, cols, width(row)))


def _remark(frame: Frame, snapshot: Snapshot, worker: WorkerView, part: ComponentView, cols: Columns) -> Span:
    """Say under a component that is not active why there is no trend."""
    if part.state is S.ABSENT:
        return muted(absent_since(part, snapshot, frame.zone))
    if part.state is S.ZERO:
        early = part.due == "gameplay" and not worker.gameplay.corroborated
        return muted("not due yet" if early else "never grew")
    if part.state is S.UNPROVEN:
        return muted("proof absent")
    word = state_word(part, snapshot)
    if part.state in (S.STALLED, S.BAD) and len(word) >= cols.change_end - cols.value_end:
        return Span(word, word_token(part))
    return muted("")


def _numbers(g: Glyphs, worker: WorkerView, cols: Columns, at: int, lines: int) -> list[Span]:
    row: list[Span] = []
    if not cols.step_end:
        return row
    quiet = worker.reach in (Reach.DOWN, Reach.STALE)
    rate = "" if worker.step_rate is None else fmt.short(worker.step_rate, 2, 6)
    jumped = worker.step_rate_ratio is not None and not quiet
    step = Span(rate, "warn" if jumped else "muted" if quiet else "strong", jumped)
    if worker.reach in (Reach.DOWN, Reach.BROKEN) and lines == 1 and (worker.last_error or worker.error):
        room = max(0, cols.step_end - at - 1)
        clause = (worker.last_error or "").split(",")[0]
        texts = [g.text(cell_text) for cell_text in (worker.last_error, clause, worker.error) if cell_text]
        cell_text = next(
            (cell_text for cell_text in texts if width((Span(cell_text),)) <= room), clip(texts[-1], room, g.ellipsis)
        )
        row += [gap(cols.step_end - at - width((Span(cell_text),))), text(cell_text)]
    else:
        ahead: list[Span] = [mark(g.caution, "warn", True), gap(1)] if jumped and lines == 1 else []
        row += [gap(cols.step_end - at - width((*ahead, step))), *ahead, step]
    rss = "" if worker.rss_bytes is None else fmt.short(worker.rss_bytes / fmt.GB, 2, 6)
    tree = "" if worker.tree_bytes is None else fmt.short(worker.tree_bytes / fmt.GB, 2, 6)
    for value, end in ((rss, cols.rss_end), (tree, cols.tree_end)):
        if end:
            row.append(right(value, end - at - width(row), "muted" if quiet else "strong"))
    if cols.env_end and worker.env:
        env = worker.env
        bad = env.error is None and env.right < env.required
        cell_text = env.error or fmt.share(env.right, env.required)
        row.append(
            right(g.text(cell_text), cols.env_end - at - width(row), "crit" if bad else "text", bad, g.ellipsis)
        )
    return row


def _second_numbers(g: Glyphs, worker: WorkerView, cols: Columns, at: int) -> list[Span]:
    row: list[Span] = []
    if worker.step_rate_ratio is not None:
        cell_text = f"{g.times}{fmt.short(worker.step_rate_ratio, 0, 4)}"
        marked = (mark(g.caution, "warn", True), gap(1), Span(cell_text, "warn", True))
        row += [gap(cols.step_end - at - width(marked)), *marked]
    elif worker.epsilon is not None and worker.reach is Reach.UP:
        cell_text = f"eps {fmt.number(worker.epsilon, 2)}"
        row.append(right(cell_text, cols.step_end - at, "muted"))
    if cols.rss_end and worker.rss_growth_bytes_per_min is not None:
        room = cols.rss_end - at - width(row)
        row.append(right(fmt.growth(worker.rss_growth_bytes_per_min), room, "muted"))
    return row
