"""Draws one worker as a panel: the same rows and columns for every worker, so that the eye compares across.

Columns from its left edge: label 0, glyph 10, value right at 16, change right at 22, sparkline 24, expectation right.
"""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Attention, ComponentState, ComponentView, HealthState, Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, cells, clip, cut, fit, gap, left, mark, on_row, right, spread, width
from metabonk_tui.ui.views.layout.highlight import freshen, worker_freshness
from metabonk_tui.ui.views.layout.section import muted, strong
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.layout.sparkline import sparkline
from metabonk_tui.ui.views.workers.component import (
    absent_since,
    change_text,
    expectation,
    fresh_value,
    state_mark,
    state_word,
    value_text,
    value_token,
    word_token,
)

GLYPH, VALUE_END, CHANGE_END, WORD, SPARK = 10, 17, 23, 18, 24
EXPECTED = 7
"""Cells for the expectation in a row with a sparkline."""
S = ComponentState


def reach_mark(worker: WorkerView, glyphs: Glyphs, quiet: bool = False) -> Span:
    """Draw the glyph of the worker's health, or of its reach."""
    if worker.health is not None and worker.reach is Reach.UP:
        level = worker.health.state.level
        return mark(glyphs.level(level), level_token(level), level == "stop")
    if worker.health is not None and worker.health.state is HealthState.HUNG:
        return mark(glyphs.stale, "crit", True)
    name, token = {
        Reach.UP: ("go", "okdim" if quiet else "ok"),
        Reach.STARTING: ("pending", "muted"),
        Reach.STALE: ("stale", "unknown"),
        Reach.DOWN: ("down", "crit"),
        Reach.UNOBSERVED: ("unobserved", "unknown"),
        Reach.BROKEN: ("bad", "crit"),
        Reach.STRANGER: ("stranger", "crit"),
    }[worker.reach]
    return mark(str(getattr(glyphs, name)), token, token == "crit")


def reach_word(worker: WorkerView, snapshot: Snapshot) -> Span:
    """Draw the worker's problem, else its UI state, else why there is none."""
    health = worker.health
    if worker.reach is Reach.UP and health is not None:
        return Span(health.state.short, level_token(health.state.level), True)
    if worker.reach is Reach.UP:
        return text(worker.ui_state or "state unknown")
    age = fmt.age(snapshot.t - worker.reach_since_t)
    if worker.reach is Reach.STARTING:
        return muted("starting")
    if worker.reach is Reach.UNOBSERVED:
        return Span("unobserved", "unknown", True)
    if worker.reach is Reach.STALE:
        aged = worker.age_s if worker.age_s is not None else snapshot.t - worker.reach_since_t
        if health is not None and health.state is HealthState.HUNG:
            return Span(f"HUNG {fmt.age(aged)}", "crit", True)
        return Span(f"STALE {fmt.age(aged)}", "unknown", True)
    if worker.reach is Reach.BROKEN:
        return Span("BROKEN", "crit", True)
    if worker.reach is Reach.STRANGER:
        return Span("STRANGER", "crit", True)
    return Span(f"DOWN {age}", "crit", True)


def state_since(worker: WorkerView) -> float | None:
    """Return the start of its reach or health state, when that is a problem; else None."""
    if worker.reach in (Reach.DOWN, Reach.BROKEN, Reach.STALE, Reach.STRANGER):
        return worker.reach_since_t
    return worker.health.since_t if worker.health is not None else None


def worst(worker: WorkerView) -> Attention | None:
    """Return the most severe attention; None when there is none."""
    return worker.attention[0] if worker.attention else None


_NAMED = {"unproven": "unproven", "stalled": "stalled", "BAD": "bad", "stale": "stale", "ABSENT": "absent"}


def attention_mark(attention: Attention, glyphs: Glyphs) -> Row:
    """Draw the mark at the end of a title: at most 10 cells, with its glyph where that fits."""
    token = level_token(attention.level)
    word = glyphs.text(attention.mark)
    name = next((glyph for start, glyph in _NAMED.items() if word.startswith(start)), None)
    glyph = str(getattr(glyphs, name or attention.level))
    if cells(word) > 7 and name is None:
        return (Span(clip(word, 10, glyphs.ellipsis), token, True),)
    return (mark(glyph, token, True), gap(1), Span(clip(word, 8, glyphs.ellipsis), token, True))


def panel(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, wide: int, shape: int, selected: bool
) -> tuple[Row, ...]:
    """Draw a panel of a shape (16, 14, 9 or 8), `wide` + 2 cells including its margins."""
    roomy = shape >= 14
    rows: list[Row] = [panel_title(frame.glyphs, snapshot, worker, wide, selected)]
    for part in worker.components:
        rows += component_rows(frame, snapshot, worker, part, wide, roomy)
    if shape >= 16:
        rows.append(())
    rows += [_step_row(frame.glyphs, worker, wide, roomy), _memory_row(frame, snapshot, worker, wide, shape <= 8)]
    if shape >= 16:
        rows.append(_env_row(frame.glyphs, worker, wide))
    if shape >= 9:
        rows.append(_error_row(frame, snapshot, worker, wide))
    rows = [fit(row, wide, frame.glyphs.ellipsis) for row in rows]
    edge = mark(frame.glyphs.bar, "accent") if selected else gap(1)
    framed = [(edge, *row, gap(1)) for row in rows]
    return tuple(on_row(row, "select") for row in framed) if selected else tuple(framed)


def panel_title(glyphs: Glyphs, snapshot: Snapshot, worker: WorkerView, wide: int, selected: bool) -> Row:
    """Draw the title: glyph, id, port, state, generation, rule, mark. The state is cut before the mark."""
    identity = "selectid" if selected else ""
    head: Row = (reach_mark(worker, glyphs), gap(1), Span(worker.ref.label, "strong", True, identity))
    if worker.port is not None:
        head = (*head, Span(" ", on=identity), Span(f":{worker.port}", "muted", on=identity))
    tail: Row = (gap(1), Span(f"gen {worker.generation}", "text" if worker.generation > 1 else "muted"))
    attention = worst(worker)
    token, line = "line", glyphs.rule
    ends: Row = ()
    if attention is not None:
        token, line = level_token(attention.level), glyphs.heavy
        is_in_title = worker.reach is Reach.STALE and attention.mark.lower().startswith("stale")
        is_in_title = is_in_title or (worker.reach is Reach.DOWN and attention.mark == "DOWN")
        # A word that is already in the title is not repeated.
        is_in_title = is_in_title or (
            worker.health is not None and attention.mark.lower() == worker.health.state.short
        )
        ends = () if is_in_title else (gap(1), *attention_mark(attention, glyphs))
    word = reach_word(worker, snapshot)
    room = wide - width(head) - 1 - width(tail) - 2 - width(ends)
    word = word._replace(text=clip(glyphs.text(word.text), max(room, 3), glyphs.ellipsis))
    since_t = state_since(worker)
    if since_t is not None:
        word = freshen(word, worker_freshness(since_t, worker, snapshot), worker.reach is not Reach.STALE)
    head = (*head, gap(1), word, *tail)
    rest = wide - width(head) - 1 - width(ends)
    if rest < 1:
        return fit((*cut(head, wide - width(ends), glyphs.ellipsis), *ends), wide, glyphs.ellipsis)
    return (*head, gap(1), mark(line * rest, token), *ends)


def component_rows(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, part: ComponentView, wide: int, roomy: bool
) -> list[Row]:
    """Draw one component: one row, or two with the sparkline in the second."""
    g = frame.glyphs
    label = f"{clip(g.text(part.label), 7, g.ellipsis)} *" if part.derived else clip(g.text(part.label), 9, g.ellipsis)
    row: list[Span] = [left(label, GLYPH, "muted"), state_mark(part, g), gap(1)]
    room = (14 if roomy else EXPECTED) if wide >= 38 else max(0, wide - CHANGE_END - 1)
    word = Span(
        state_word(part, snapshot), word_token(part), part.state in (S.BAD, S.DOWN) and not _has_last_value(part)
    )
    value = value_text(part, VALUE_END - GLYPH - 2)
    if part.state is not S.ACTIVE and value:
        room = min(room, wide - WORD - cells(word.text) - 1)
    note, emphasized = expectation(part, worker, snapshot, room)
    end: Row = (text(note),) if emphasized else (muted(note),)
    if part.state is S.ABSENT or (not value and part.state is not S.ACTIVE):
        row += [fresh_value(word._replace(bold=part.state is S.ABSENT), part, worker, snapshot)]
        if part.state is S.ABSENT:
            row += [gap(1), muted(absent_since(part, snapshot, frame.zone))]
        return _two(spread(tuple(row), end, wide, g.ellipsis), roomy)
    pad = VALUE_END - GLYPH - 2 - len(value)
    shown = Span(value, value_token(part), part.state is S.BAD)
    row += [gap(pad), fresh_value(shown, part, worker, snapshot)]
    if part.state is not S.ACTIVE:
        row += [gap(1), word]
        return _two(spread(tuple(row), end, wide, g.ellipsis), roomy)
    row.append(Span(change_text(part, CHANGE_END - VALUE_END - 1).rjust(CHANGE_END - VALUE_END), "muted"))
    counter = part.decimals == 0
    if roomy:
        line = (gap(GLYPH), *sparkline(part.trend, wide - GLYPH, snapshot.trend_bucket_s, counter, g))
        return [spread(tuple(row), end, wide, g.ellipsis), line]
    spark = spark_cells(wide)
    if spark:
        row += [gap(1), *sparkline(part.trend, spark, snapshot.trend_bucket_s, counter, g)]
    return [spread(tuple(row), end, wide, g.ellipsis)]


def spark_cells(wide: int) -> int:
    """Return the cells of the sparkline in a row: 6 at 38 cells and all further ones; 0 below."""
    room = wide - SPARK - EXPECTED - 1
    return room if room >= 6 else 0


def _has_last_value(part: ComponentView) -> bool:
    return part.state is S.DOWN and part.last_value is not None


def _two(row: Row, roomy: bool) -> list[Row]:
    return [row, ()] if roomy else [row]


def _number(label: str, value: str, token: str = "strong", bold: bool = False) -> Row:
    return (left(label, GLYPH, "muted"), right(value, VALUE_END - GLYPH, token, bold))


def _step_row(glyphs: Glyphs, worker: WorkerView, wide: int, roomy: bool) -> Row:
    rate = "" if worker.step_rate is None else fmt.short(worker.step_rate, 2, 6)
    if worker.reach in (Reach.DOWN, Reach.STALE):
        word = muted("last") if worker.reach is Reach.DOWN else Span("stale", "unknown")
        row = (*_number("step/s", rate, "muted"), gap(1), word) if rate else _number("step/s", "")
        return spread(row, () if roomy or worker.reach is Reach.DOWN else _env(glyphs, worker), wide, glyphs.ellipsis)
    jumped = worker.step_rate_ratio is not None
    row = _number("step/s", rate, "warn" if jumped else "strong", jumped)
    if jumped and worker.step_rate_ratio is not None:
        jump = f"{glyphs.times}{fmt.short(worker.step_rate_ratio, 0, 4)}"
        row = (*row, gap(1), mark(glyphs.caution, "warn", True), gap(1), Span(jump, "warn", True))
    elif not rate and worker.reach is Reach.UP:
        row = (*row, gap(1), muted("not yet"))
    elif worker.epsilon is not None:
        row = (*row, gap(1), muted("eps "), text(fmt.number(worker.epsilon, 2)))
    end = _env(glyphs, worker)
    if roomy:
        end = ()
        if worker.frames_rate is not None:
            end = (muted("frames "), text(fmt.short(worker.frames_rate, 0, 4)), muted("/s"))
    return spread(row, end, wide, glyphs.ellipsis)


def _env(glyphs: Glyphs, worker: WorkerView) -> Row:
    if worker.env is None:
        return ()
    if worker.env.error:
        return (muted("env "), muted(clip(worker.env.error, 9, glyphs.ellipsis)))
    share = fmt.share(worker.env.right, worker.env.required)
    if worker.env.right < worker.env.required:
        return (muted("env "), mark(glyphs.stop, "crit"), gap(1), Span(share, "crit", True))
    return (muted("env "), text(share))


def _memory_row(frame: Frame, snapshot: Snapshot, worker: WorkerView, wide: int, smallest: bool) -> Row:
    g = frame.glyphs
    rss = "" if worker.rss_bytes is None else fmt.short(worker.rss_bytes / fmt.GB, 2, 6)
    down = worker.reach is Reach.DOWN
    row = _number("rss GB", rss, "muted" if down else "strong")
    killed = next((a for a in worker.attention if a.mark == "OOM KILL"), None)
    if not rss:
        return spread(
            (*row, gap(1), Span("not observed", "unknown") if not down else muted("gone")), (), wide, g.ellipsis
        )
    if down:
        end: Row = (Span("oom_kill", "crit", True),) if killed else ()
        return spread((*row, gap(1), muted("last")), end, wide, g.ellipsis)
    if worker.rss_growth_bytes_per_min is not None:
        row = (*row, gap(1), muted(clip(fmt.growth(worker.rss_growth_bytes_per_min), 10, g.ellipsis)))
    if smallest:
        age = ""
        if worker.last_error is not None:
            age = "now" if worker.last_error_t is None else f"{fmt.about(snapshot.t - worker.last_error_t)} ago"
        return spread(row, (muted("err "), text(age) if age else muted("none")), wide, g.ellipsis)
    if worker.tree_bytes is None:
        return spread(row, (), wide, g.ellipsis)
    return spread(row, (muted("tree "), text(fmt.short(worker.tree_bytes / fmt.GB, 2, 6))), wide, g.ellipsis)


def _env_row(glyphs: Glyphs, worker: WorkerView, wide: int) -> Row:
    env = worker.env
    head: Row = (left("env", GLYPH, "muted"),)
    if env is None:
        head = (*head, mark(glyphs.unobserved, "unknown"), gap(1), Span("not read", "unknown"))
    elif env.error:
        head = (*head, mark(glyphs.unobserved, "unknown"), gap(1), Span(glyphs.text(env.error), "unknown"))
    else:
        good = env.right >= env.required
        share = fmt.share(env.right, env.required)
        glyph = mark(glyphs.go, "ok") if good else mark(glyphs.stop, "crit")
        head = (*head, glyph, *((right(share, 6),) if good else (right(share, 6, "crit", True),)))
    pid: Row = () if worker.pid is None else (muted("pid "), text(str(worker.pid)))
    return spread(head, pid, wide, glyphs.ellipsis)


def _error_row(frame: Frame, snapshot: Snapshot, worker: WorkerView, wide: int) -> Row:
    g = frame.glyphs
    if worker.last_error:
        error_text = g.text(worker.last_error)
        if worker.last_error_t is not None and worker.reach is Reach.UP:
            error_text = f"{error_text}, {fmt.about(snapshot.t - worker.last_error_t)} ago"
        room = wide - GLYPH
        if cells(error_text) > room:
            error_text = g.text(worker.last_error)
        return (left("error", GLYPH, "muted"), text(clip(error_text, room, g.ellipsis)))
    absent_proof = next((part.proof for part in worker.components if part.state is S.UNPROVEN and part.proof), None)
    if absent_proof:
        return (left("proof", GLYPH, "muted"), text(f"{absent_proof} gone"))
    if worker.error:
        detail = f"{worker.error}: {worker.detail}" if worker.detail else worker.error
        return (left("error", GLYPH, "muted"), text(g.text(detail)))
    return (left("error", GLYPH, "muted"), muted("none"), strong(""))
