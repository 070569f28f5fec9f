"""Draws one worker as a panel: the same rows and columns for every worker, so that the eye compares across.

Columns from its left edge: label 0, glyph 10, value right at 16, change right at 22, sparkline 24, expectation right.
"""

from __future__ import annotations

import re
from types import ModuleType

from metabonk_tui.core.config.schema import Motion
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Attention, ComponentState, HealthState, Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, cells, clip, cut, fit, gap, left, mark, on_row, right, spread, width
from metabonk_tui.ui.views.layout.highlight import freshen, worker_freshness
from metabonk_tui.ui.views.layout.section import LABEL_CELLS, muted, shown_label, strong
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.workers.component_rows import GLYPH, VALUE_END, component_rows

S = ComponentState
BESIDE_NAME = 24
"""Cells of a title beside the name of its worker: port, generation and a short rule."""


_REACH_MARKS = {
    Reach.UP: ("go", "ok"),
    Reach.STARTING: ("pending", "muted"),
    Reach.STALE: ("stale", "unknown"),
    Reach.DOWN: ("down", "crit"),
    Reach.UNOBSERVED: ("unobserved", "unknown"),
    Reach.BROKEN: ("bad", "crit"),
    Reach.STRANGER: ("stranger", "crit"),
}


def reach_mark(worker: WorkerView, glyphs: Glyphs, quiet: bool = False) -> Span:
    """Draw the glyph of the worker's health, or of its reach."""
    if worker.health is not None and worker.reach is Reach.UP:
        level = worker.health.state.level
        return mark(glyphs.level(level), level_token(level), level == "stop")
    if worker.health is not None and worker.health.state is HealthState.HUNG:
        return mark(glyphs.stale, "crit", True)
    name, token = _REACH_MARKS[worker.reach]
    token = "okdim" if quiet and worker.reach is Reach.UP else token
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
        # Without a process nothing shows that the worker is starting: perhaps nothing was launched.
        return muted("starting" if worker.pid is not None else "no answer")
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


def fit_word(word: Span, room: int, glyphs: Glyphs) -> Span:
    """Cut a worker's word to `room` cells; its age loses the smaller unit first: "DOWN 2m10s" becomes "DOWN 2m"."""
    text = glyphs.text(word.text)
    if cells(text) > room:
        text = re.sub(r"(\d+[smhd])\d+[smhd]$", r"\1", text)
    return word._replace(text=clip(text, room, glyphs.ellipsis))


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
    heads = [panel_title(frame.glyphs, snapshot, worker, wide, selected, frame.motion)]
    parts: list[Row] = []
    ghost_rows = _ghost_rows() if frame.ghost is not None else None
    for part in worker.components:
        drawn = component_rows(frame, snapshot, worker, part, wide, roomy)
        parts += drawn if ghost_rows is None else ghost_rows.of_component(frame, snapshot, worker, part, drawn, wide)
    rows: list[Row] = [()] if shape >= 16 else []
    numbers = (_step_row(frame.glyphs, worker, wide, roomy), _memory_row(frame, snapshot, worker, wide, shape <= 8))
    rows += numbers if ghost_rows is None else ghost_rows.of_numbers(frame, snapshot, worker, numbers, wide)
    if shape >= 16:
        rows.append(_env_row(frame.glyphs, worker, wide))
    if shape >= 9:
        rows.append(_error_row(frame, snapshot, worker, wide))
    ellipsis = frame.glyphs.ellipsis
    rows = [*(fit(row, wide, ellipsis) for row in heads), *parts, *(fit(row, wide, ellipsis) for row in rows)]
    edge = mark(frame.glyphs.bar, "accent") if selected else gap(1)
    framed = [(edge, *row, gap(1)) for row in rows]
    return tuple([on_row(row, "select") for row in framed] if selected else framed)


def _ghost_rows() -> ModuleType:
    # Imported late: most monitors never compare.
    from metabonk_tui.ui.views.workers import ghost_rows

    return ghost_rows


def panel_title(
    glyphs: Glyphs, snapshot: Snapshot, worker: WorkerView, wide: int, selected: bool, motion: Motion = "full"
) -> Row:
    """Draw the title: glyph, id, port, state, generation, rule, mark. The state is cut before the mark."""
    identity = "selectid" if selected else ""
    name = shown_label(worker.ref, snapshot, glyphs, max(LABEL_CELLS, wide - BESIDE_NAME))
    head: Row = (reach_mark(worker, glyphs), gap(1), Span(name, "strong", True, identity))
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
        how = worker_freshness(since_t, worker, snapshot, motion)
        word = freshen(word, how, worker.reach is not Reach.STALE)
    head = (*head, gap(1), word, *tail)
    rest = wide - width(head) - 1 - width(ends)
    if rest < 1:
        return fit((*cut(head, wide - width(ends), glyphs.ellipsis), *ends), wide, glyphs.ellipsis)
    return (*head, gap(1), mark(line * rest, token), *ends)


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
            (*row, gap(1), muted("gone") if worker.is_gone else Span("not observed", "unknown")), (), wide, g.ellipsis
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
