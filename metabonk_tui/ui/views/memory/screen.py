"""Draws the memory screen: chart, processes by growth, worker counts that fit, kernel numbers.

Does not: judge. Levels, forecast and budget come with the Snapshot. A missing number reads "not observed", never 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from metabonk_tui.core.memory.capacity import SOON_S, falls_soon
from metabonk_tui.core.model.level_names import MemoryLevel
from metabonk_tui.core.model.memory import ForecastState, Growth, MemoryView
from metabonk_tui.core.model.refs import worker_ref
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.chart_span import span_name, span_s
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.plot_job import OWN_HISTORY_S
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, clip, cut, gap, left, mark, right, side_by_side, width
from metabonk_tui.ui.views.layout.line_plot import PlotPoints
from metabonk_tui.ui.views.layout.section import bracket, muted, paragraph, shown_host, shown_label, strong, title
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.memory.capacity import budget_pane, what_if_pane
from metabonk_tui.ui.views.memory.chart import chart, ghost_points, in_gigabytes, memory_axis

CHART = (7, 15)
"""The least and the most rows of the chart, including its title."""
LEAST_THEN_CELLS = 76
"""Below this width the title has no room for the number at the begin of the chart."""
TITLE_CELLS = len("AVAILABLE") + 6
"""Cells of the title beside its notes."""
NAME, PID, HELD, RATE, SINCE = 11, 8, 8, 8, 8
LABEL = 15
_LEVELS: Mapping[ForecastState, MemoryLevel] = {
    "LEARNING": "unknown",
    "SUSPENDED": "unknown",
    "WARNING": "warn",
    "CRITICAL": "crit",
}
"""The level of a forecast, by its state."""


def memory_rows(frame: Frame, snapshot: Snapshot, room: int) -> tuple[Row, ...]:
    """Draw everything below the header; `room` is the number of visible rows."""
    wide = max(10, frame.width - 2)
    if snapshot.has_several_hosts:
        snapshot = _of_one_host(frame, snapshot)
    held = held_rows(frame, snapshot)
    rows = [*chart_rows(frame, snapshot, wide, room)]
    g = frame.glyphs
    if wide >= 150:
        column = (wide - 8) // 3
        last = wide - 8 - 2 * column
        rows += side_by_side(
            [
                (_stack(column, g, held_pane(frame, held, snapshot, column)), column),
                (
                    _stack(column, g, what_if_pane(frame, snapshot, column), budget_pane(frame, snapshot, column)),
                    column,
                ),
                (_stack(last, g, kernel_pane(frame, snapshot, last)), last),
            ],
            4,
        )
    elif wide >= 76:
        far = 3 if wide >= 100 else 2
        half = (wide - far) // 2
        last = wide - far - half
        rows += side_by_side(
            [
                (_stack(half, g, held_pane(frame, held, snapshot, half), kernel_pane(frame, snapshot, half)), half),
                (_stack(last, g, what_if_pane(frame, snapshot, last), budget_pane(frame, snapshot, last)), last),
            ],
            far,
        )
    else:
        rows += _stack(
            wide,
            g,
            what_if_pane(frame, snapshot, wide),
            held_pane(frame, held, snapshot, wide),
            budget_pane(frame, snapshot, wide),
            kernel_pane(frame, snapshot, wide),
        )
    return tuple(cut((gap(1), *row), frame.width - 1, frame.glyphs.ellipsis) for row in rows)


def _of_one_host(frame: Frame, snapshot: Snapshot) -> Snapshot:
    """Return the Snapshot of the host of the selected worker; without a selection that of the worst host."""
    chosen = frame.selected
    name = chosen.ref.host if chosen is not None else snapshot.memory.host
    host = snapshot.hosts.get(name)
    return snapshot if host is None else replace(snapshot, hosts={name: host})


def chart_rows(frame: Frame, snapshot: Snapshot, wide: int, room: int) -> list[Row]:
    """Draw the chart and the outlook in words; without room only the words."""
    g, memory = frame.glyphs, snapshot.memory
    reading = memory.reading
    by = f", limited by {g.text(reading.limited_by)}" if reading and reading.limited_by else ""
    shown_s = span_s(frame.state.span, snapshot.run.elapsed_s)
    history, missing = _history(frame, snapshot, shown_s)
    high = min(max(room * 45 // 100, CHART[0]), CHART[1]) if room >= CHART[0] + 3 else 0
    _, axis_note = memory_axis(
        snapshot,
        (*in_gigabytes(history, snapshot.t, shown_s), *ghost_points(frame.ghost, snapshot, shown_s)),
        max(2, high - 2),
    )
    end: Row = bracket(frame, "+ -")
    forecast = memory.forecast
    if forecast is not None and forecast.known:
        slope = f"{fmt.signed(forecast.slope_bytes_per_min / fmt.MB)} MB/min"
        end = (muted("slope "), strong(slope), *((gap(3), *end) if end else ()))
    if then := _then(frame, snapshot, history, shown_s):
        # The header says what is available now.
        is_room = TITLE_CELLS + len(span_name(frame.state.span)) + width(then) + 3 + width(end) <= wide
        end = (*(then if is_room else then[:2]), *((gap(3), *end) if end else ()))
    span = span_name(frame.state.span) + (", dots: ghost" if frame.ghost is not None else "")
    axis_note = f", {axis_note}" if high and history else ""
    notes = (
        *(f"GB, {span}{missing}{axis_note}{by}", f"GB, {span}{missing}{axis_note}", f"{span}{axis_note}"),
        *(f"{span}{axis_note.partition(':')[0]}", span),
    )
    note = next((note for note in notes if len(note) + 16 + width(end) <= wide), notes[-1])
    name = f"AVAILABLE ON {shown_host(memory.host, snapshot, g)}" if memory.host else "AVAILABLE"
    rows: list[Row] = [title(name, wide, g, (muted(note),), end, focused=True)]
    if high and history:
        rows += chart(snapshot, wide, high - 1, g, frame.zone, shown_s, history, frame.ghost)
    rows += outlook(frame, snapshot, wide)
    return [*rows, EMPTY]


def _history(frame: Frame, snapshot: Snapshot, shown_s: float) -> tuple[PlotPoints, str]:
    """Return (t, available bytes) for the chart, and what is missing of the span that it shows.

    The last hour is the Snapshot's own; a longer span comes from the recording, a minute or more a point.
    """
    own, view = snapshot.memory.history, frame.plots
    if shown_s <= OWN_HISTORY_S or not own:
        return own, ""
    if snapshot.memory.host:
        return own, ": of one host the last hour is kept"
    if not view.of(None, shown_s) or view.is_reading:
        return own, f": {view.why_not or 'reading the recording'}"
    if view.why_not:
        return own, f": {view.why_not}"
    plotted = [(point.t, point.least) for point in view.series.get("available_bytes", ()) if point.t < own[0][0]]
    return (*plotted, *own), ""


def _then(frame: Frame, snapshot: Snapshot, history: PlotPoints, shown_s: float) -> Row:
    """Say what was available at the begin of the chart, beside now; empty where either is not known."""
    now, before = snapshot.memory.available_bytes, [point for point in history if point[0] >= snapshot.t - shown_s]
    if now is None or frame.width < LEAST_THEN_CELLS or not before or before[0][0] >= snapshot.t:
        return ()
    t, then_bytes = before[0]
    when = fmt.clock(t, frame.zone, with_seconds=False)
    now_gb = f"{now / fmt.GB:.1f}"
    return (text(f"{then_bytes / fmt.GB:.1f}"), muted(f" at {when}"), muted(", now "), strong(now_gb), muted(" GB"))


def outlook(frame: Frame, snapshot: Snapshot, wide: int) -> list[Row]:
    """Draw the forecast in words, with its range of times."""
    memory, g = snapshot.memory, frame.glyphs
    forecast = memory.forecast
    if memory.available_bytes is None:
        return [(Span("not observed: never counted as enough", "unknown"),)]
    if forecast is None:
        return []
    if forecast.state == "FALLING" and forecast.reaches_zero_t is not None and not falls_soon(memory, snapshot.t):
        is_late = forecast.reaches_zero_t - snapshot.t >= SOON_S
        why = f"within {fmt.about(SOON_S)}" if is_late else "yet: the time is too uncertain"
        return [(text(f"falls, no crossing seen {why}"),)]
    sentences = [g.text(forecast.text)] if forecast.text else []
    if forecast.floor_lo_t is not None and forecast.floor_hi_t is not None:
        sentences.append(f"below the floor {_between(frame, forecast.floor_lo_t, forecast.floor_hi_t)}")
    if forecast.zero_lo_t is not None and forecast.zero_hi_t is not None:
        sentences.append(f"at zero {_between(frame, forecast.zero_lo_t, forecast.zero_hi_t)}")
    if forecast.falling_since_t is not None:
        sentences.append(f"falling for {fmt.age(snapshot.t - forecast.falling_since_t)}")
    if not sentences:
        return []
    level = memory.level if forecast.raised else "unknown"
    glyph: Row = (mark(g.level(level), level_token(level)), gap(1)) if forecast.raised or not forecast.known else ()
    return paragraph(f" {g.dot} ".join(sentences), wide, "strong" if forecast.raised else "text", indent=glyph)


def _between(frame: Frame, low_t: float, high_t: float) -> str:
    low, high = (fmt.clock(t, frame.zone, with_seconds=False) for t in (low_t, high_t))
    return f"at {low}" if low == high else f"between {low} and {high}"


def held_rows(frame: Frame, snapshot: Snapshot) -> list[tuple[Growth, int | None]]:
    """List (growth, pid or None) of each process or owner, the fastest growing first."""
    pids = {worker.ref.label: worker.pid for worker in snapshot.workers}
    memory = snapshot.memory
    if memory.growth:
        return [(each, pids.get(each.name)) for each in memory.growth]
    known = [
        Growth(w.ref.label, w.tree_bytes or w.rss_bytes or 0, w.rss_growth_bytes_per_min, None)
        for w in snapshot.workers
        if (w.tree_bytes or w.rss_bytes) is not None
    ]
    others = [o for o in memory.owners if not (known and o.name.startswith("workers"))]
    known += [Growth(o.name, o.bytes, o.growth_bytes_per_min, None) for o in others]
    ranked = sorted(known, key=lambda each: -(each.bytes_per_min if each.bytes_per_min is not None else 0.0))
    return [(each, pids.get(each.name)) for each in ranked]


def held_pane(frame: Frame, held: Sequence[tuple[Growth, int | None]], snapshot: Snapshot, wide: int) -> list[Row]:
    """Draw the table of processes: pid, GB, MB/min, since when it grows."""
    g = frame.glyphs
    rows: list[Row] = [title("PROCESSES", wide, g, (muted("by growth"),))]
    if not held:
        return [*rows, (Span("not observed", "unknown"),)]
    pid = PID if wide >= NAME + PID + HELD + RATE + SINCE else 0
    since = SINCE if wide >= NAME + HELD + RATE + SINCE else 0
    head: list[Span] = [left("", NAME), *((right("PID", pid, "muted"),) if pid else ())]
    head += [right("HELD GB", HELD, "muted"), right("MB/MIN", RATE, "muted")]
    head += [right("SINCE", since, "muted")] if since else []
    rows.append(tuple(head))
    fastest = max((each.bytes_per_min or 0.0 for each, _ in held), default=0.0)
    for each, owner_pid in held:
        loud = each.since_t is not None and each.bytes_per_min == fastest
        ref = worker_ref(each.name)
        shown = each.name if ref is None else shown_label(ref, snapshot, g, NAME - 1)
        row: list[Span] = [left(g.text(shown), NAME - 1, "strong" if loud else "text", loud, g.ellipsis), gap(1)]
        row += [right("" if owner_pid is None else str(owner_pid), pid, "muted")] if pid else []
        row.append(right(fmt.short(each.bytes / fmt.GB, 2, HELD - 1), HELD, "strong"))
        rate = g.unobserved if each.bytes_per_min is None else fmt.signed(each.bytes_per_min / fmt.MB)
        row.append(right(rate, RATE, "text", loud))
        if since:
            row.append(right("" if each.since_t is None else fmt.age(snapshot.t - each.since_t), since, "muted"))
        rows.append(tuple(row))
    total = sum(each.bytes for each, _ in held)
    rates = [each.bytes_per_min for each, _ in held]
    summed = (
        fmt.signed(sum(rate for rate in rates if rate is not None) / fmt.MB) if None not in rates else g.unobserved
    )
    rows.append(
        (
            left("total", NAME + pid, "muted"),
            right(fmt.short(total / fmt.GB, 2, HELD - 1), HELD, "strong", True),
            right(summed, RATE, "strong"),
        )
    )
    return rows


def kernel_pane(frame: Frame, snapshot: Snapshot, wide: int) -> list[Row]:
    """Draw the kernel's numbers: limit, pressure, swap, OOM kills; and the GPUs."""
    g, memory = frame.glyphs, snapshot.memory
    rows: list[Row] = [title("PRESSURE", wide, g)]
    reading = memory.reading
    if reading is None:
        rows.append((Span("not observed", "unknown"),))
    else:
        limit = "no cgroup limit" if reading.limit_bytes is None else f"{fmt.gigabytes(reading.limit_bytes)} GB"
        rows.append(_fact("cgroup limit", (strong(limit) if reading.limit_bytes is not None else muted(limit),)))
        by = clip(g.text(reading.limited_by or ""), max(4, wide - LABEL), g.ellipsis)
        rows.append(_fact("limited by", (text(by) if by else _not_observed(),)))
        for name, value in (
            ("PSI some 10s", reading.pressure_some_avg10),
            ("PSI full 10s", reading.pressure_full_avg10),
        ):
            rows.append(_fact(name, (_not_observed(),) if value is None else (strong(f"{value:.1f}"), muted(" %"))))
    return [*rows, *_swap(memory, wide, g), _kills(snapshot, wide, g), *_gpus(memory, wide, g)]


def _swap(memory: MemoryView, wide: int, g: Glyphs) -> list[Row]:
    swap, reading = memory.swap, memory.reading
    used = swap.used_bytes if swap is not None else reading.swap_used_bytes if reading is not None else None
    total = swap.total_bytes if swap is not None else reading.swap_total_bytes if reading is not None else None
    if total == 0:
        return [_fact("swap", (muted("none"),))]
    if used is None:
        return [_fact("swap", (_not_observed(),))]
    row: Row = (strong(fmt.gigabytes(used)), muted(f" of {fmt.gigabytes(total)} GB" if total is not None else " GB"))
    if swap is None or not swap.text:
        return [_fact("swap", row)]
    return _fact_with_sentences(_fact("swap", row), g.text(swap.text), swap.level, wide, g)


def _kills(snapshot: Snapshot, wide: int, g: Glyphs) -> Row:
    memory = snapshot.memory
    reading = memory.reading
    if memory.oom_kills_in_run:
        victims = f" ({g.text(memory.victims_text)})" if memory.victims_text else ""
        return _fact("OOM kills", (Span(f"{memory.oom_kills_in_run} in this run{victims}", "crit", True),))
    if reading is None or reading.oom_kills is None:
        return _fact("OOM kills", (_not_observed(),))
    where = "in this cgroup" if reading.oom_scope == "cgroup" else "on this host"
    total_kills = f", {reading.oom_kills} ever {where}"
    return _fact("OOM kills", (strong("0"), muted(f" in this run{total_kills if wide >= 56 else ''}")))


def _gpus(memory: MemoryView, wide: int, g: Glyphs) -> list[Row]:
    if not memory.gpus:
        none = "no GPU" if memory.gpus == () else "none, or not readable"
        return [_fact("GPU memory", (muted(none),))]
    rows: list[Row] = []
    for gpu in memory.gpus:
        row: Row = (strong(fmt.gigabytes(gpu.used_bytes)), muted(f" of {fmt.gigabytes(gpu.total_bytes)} GB used"))
        forecast, level = gpu.forecast, _LEVELS.get(gpu.forecast.state, "ok")
        rows += _fact_with_sentences(_fact(f"GPU {gpu.index} memory", row), g.text(forecast.text), level, wide, g)
    return rows


def _fact_with_sentences(fact: Row, sentences: str, level: MemoryLevel, wide: int, g: Glyphs) -> list[Row]:
    """Add a sentence to a fact, with its level unless that is ok: in the same row where it fits, else below."""
    if not sentences:
        return [fact]
    token = level_token(level)
    glyph: Row = () if level == "ok" else (mark(g.level(level), token), gap(1))
    text_token = "muted" if level in ("ok", "unknown") else token
    if width(fact) + 2 + width(glyph) + len(sentences) <= wide:
        return [(*fact, gap(2), *glyph, Span(sentences, text_token))]
    return [fact, *paragraph(sentences, wide, text_token, indent=(gap(2), *glyph))]


def _fact(name: str, value: Row) -> Row:
    return (left(name, LABEL, "muted"), *value)


def _not_observed() -> Span:
    return Span("not observed", "unknown")


def _stack(wide: int, g: Glyphs, *panes: Sequence[Row]) -> list[Row]:
    """Stack panes of at most `wide` cells with a blank row between."""
    rows: list[Row] = []
    for pane in panes:
        if pane:
            rows += [*([EMPTY] if rows else []), *(cut(row, wide, g.ellipsis) for row in pane)]
    return rows
