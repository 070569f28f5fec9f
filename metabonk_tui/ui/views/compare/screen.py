"""Draws the comparison: the two runs, their first divergence, and every metric of both at one elapsed time.

Does not: find or read runs.
"""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.report.compare import Comparison, ComparisonLine, Divergence
from metabonk_tui.core.report.compare_metrics import ABSENT, NOT_RECORDED, MetricValue, Share
from metabonk_tui.core.report.run_setup import compare_setups, setup_of
from metabonk_tui.core.report.timeline import RunTimeline
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.compare_job import CompareView
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, cells, clip, cut, fit, gap, left, mark, side_by_side
from metabonk_tui.ui.views.compare.chart import traces
from metabonk_tui.ui.views.layout.section import bracket, facts, key_now, muted, paragraph, strong, title
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.run.settings import setting_rows

LABEL = 10
TITLE, SIDE, SINCE = 26, 18, 10
TABLE = TITLE + 2 * SIDE + SINCE
PARTED_CELLS = 30
"""Column of the two values at the divergence, where there is room."""
PANE, GAP = 36, 3
"""Least width of the charts beside the table, and the gap between."""
HERE, THERE = "here", "there"


def compare_head(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw the two runs and their first divergence; without a comparison, its progress."""
    view, g = frame.comparing, frame.glyphs
    wide = max(8, frame.width - 2)
    found = view.comparison
    rows: list[Row] = [title("COMPARE", wide, g, _note(view), bracket(frame, "c"), focused=True)]
    if found is None:
        rows += _nothing_yet(frame, view, wide)
    else:
        rows += [_run(HERE, found.a, wide, g), _run(THERE, found.b, wide, g)]
        rows += _first(found, wide, g)
        rows += setting_rows(compare_setups(setup_of(found.a.last), setup_of(found.b.last)).differences, wide, g)
        if view.doing:
            rows.append(_progress(view, wide, g))
        if view.problem:
            rows += paragraph(g.text(view.problem), wide, "crit")
        rows.append(EMPTY)
    return tuple(cut((gap(1), *row), frame.width, g.ellipsis) for row in rows)


def compare_rows(frame: Frame, room: int) -> tuple[Row, ...]:
    """Draw every metric, the differing ones first; beside them charts, where there is room."""
    found, g = frame.comparing.comparison, frame.glyphs
    if found is None:
        return ()
    wide = max(8, frame.width - 2)
    with_pane = wide >= TABLE + GAP + PANE
    parted_cells = (
        PARTED_CELLS
        if wide >= TABLE + PARTED_CELLS + GAP + PANE or (not with_pane and wide >= TABLE + PARTED_CELLS)
        else 0
    )
    table_wide = TABLE + parted_cells if with_pane else wide
    rows = _table(found, table_wide, parted_cells, g)
    if with_pane:
        pane = wide - table_wide - GAP
        rows = list(side_by_side([(rows, table_wide), (traces(found, pane, max(room, len(rows)), g), pane)], GAP))
    return tuple(cut((gap(1), *row), frame.width, g.ellipsis) for row in rows)


def pane_rows(frame: Frame, wide: int, high: int) -> list[Row]:
    """Draw for the dashboard, in at most `high` rows: the first divergence, and the metrics that differ first."""
    found, g = frame.comparing.comparison, frame.glyphs
    if found is None:
        return []
    rows = [row for row in _first(found, wide, g) if row]
    rows += setting_rows(compare_setups(setup_of(found.a.last), setup_of(found.b.last)).differences, wide, g)
    return [cut(row, wide, g.ellipsis) for row in (*rows, *_table(found, wide, 0, g))][: max(0, high)]


def headline(found: Comparison) -> str:
    """Return when the runs first differ, that they do not differ, or that they cannot be compared."""
    if not found.comparable:
        return f"not comparable: in {fmt.elapsed(found.common_s)} never both observed at the same elapsed time"
    if found.first is None:
        return f"no divergence within the {fmt.elapsed(found.common_s)} that both have"
    return f"first divergence {fmt.elapsed(found.first.at_s)}"


def _note(view: CompareView) -> Row:
    if view.comparison is None:
        return (muted("this run and a recorded one"),)
    known = "" if view.whole else ", this run only since this monitor opened"
    return (muted(f"at the same elapsed time{known}"),)


def _nothing_yet(frame: Frame, view: CompareView, wide: int) -> list[Row]:
    g = frame.glyphs
    if view.problem:
        return [*paragraph(g.text(view.problem), wide, "crit", indent=(mark(g.bad, "crit", True), gap(1)))]
    if view.doing:
        return [_progress(view, wide, g)]
    return [(muted("no run chosen yet"), gap(2), strong(key_now(frame, "c"), True), muted(" chooses a recorded run"))]


def _progress(view: CompareView, wide: int, g: Glyphs) -> Row:
    """Draw the progress of the reading, and the key that cancels it."""
    bar = min(24, max(0, wide - 56))
    filled = round(bar * view.done)
    leave: Row = (strong("Esc", True), muted(" stops reading"))
    gauge: Row = (mark(g.used * filled, "text"), mark(g.free * (bar - filled), "track")) if bar >= 8 else ()
    named: Row = (text(clip(g.text(view.doing), 40, g.ellipsis)),)
    return facts([named, gauge, (strong(f"{100 * view.done:.0f} %"),), leave], wide, 2)


def _run(side: str, timeline: RunTimeline, wide: int, g: Glyphs) -> Row:
    """Draw one of the two runs: name, verdict, length, workers, source."""
    run, verdict = timeline.last.run, timeline.last.verdict
    token = level_token(verdict.level)
    since = f" since {fmt.elapsed(verdict.since_t - run.started_at)}"
    workers = run.desired or len(timeline.last.workers)
    name_cells = max(12, min(34, wide - LABEL - 56))
    parts: list[Row] = [
        (strong(left(g.text(run.name), name_cells, ellipsis=g.ellipsis).text, True),),
        (mark(g.level(verdict.level), token), gap(1), Span(verdict.kind.value, token, True), muted(since)),
        (strong(fmt.elapsed(timeline.duration_s)), muted(" long")),
        (strong(str(workers)), muted(" workers")),
        (muted(g.text(run.shown_source)),),
    ]
    return (left(side, LABEL, "muted"), *facts(parts, wide - LABEL, 2))


def _first(found: Comparison, wide: int, g: Glyphs) -> list[Row]:
    """Draw the first divergence in bold."""
    diff = found.first
    if diff is None:
        token, glyph = ("ok", g.go) if found.comparable else ("unknown", g.unknown)
        return paragraph(headline(found), wide, "strong", True, (mark(glyph, token), gap(LABEL - 1)))
    parts = f"{g.text(diff.metric.title)}: {_value_text(diff.a, diff)} {HERE}, {_value_text(diff.b, diff)} {THERE}"
    shown_text = f"{headline(found)} {g.dot} {parts}"
    return [EMPTY, *paragraph(g.text(shown_text), wide, "strong", True, (mark(g.best, "accent", True), gap(1)))]


def _value_text(value: MetricValue, diff: Divergence) -> str:
    return str(diff.metric.write(value))


def _table(found: Comparison, wide: int, parted_cells: int, g: Glyphs) -> list[Row]:
    place = found.marks_s.index(found.common_s)
    order = {diff.metric.id: number for number, diff in enumerate(found.divergences)}
    apart = sorted((line for line in found.lines if line.divergence), key=lambda line: order[line.metric.id])
    apart += [line for line in found.lines if line not in apart and _is_absent_in_one(line, place)]
    compared = [line for line in found.lines if line.compared and line not in apart]
    differing_now = [line for line in compared if _differs_now(line, place)]
    alike = [line for line in compared if line not in differing_now]
    others = [line for line in found.lines if not line.compared and line not in apart]
    single = [line for line in others if line.pairs[place] != (None, None)]
    neither = [line.metric.title for line in others if line not in single]
    columns = _columns(wide)
    rows: list[Row] = [_heads(found, columns, parted_cells)]
    groups = (
        ("differs", apart),
        ("differs now, but not for long enough yet", differing_now),
        ("about the same", alike),
        ("not compared: never recorded in both at once", single),
    )
    for name, lines in groups:
        if lines:
            rows.append((muted(name),))
            rows += [_line(line, place, columns, parted_cells, g) for line in lines]
    if neither:
        rows += [EMPTY, *paragraph(g.text(f"not recorded in either: {', '.join(neither)}"), wide, "muted")]
    return [fit(row, wide, g.ellipsis) for row in rows]


def _is_absent_in_one(line: ComparisonLine, place: int) -> bool:
    a, b = line.pairs[place]
    return a is not None and b is not None and (a == ABSENT) != (b == ABSENT)


def _differs_now(line: ComparisonLine, place: int) -> bool:
    a, b = line.pairs[place]
    return a is not None and b is not None and line.metric.differs(a, b)


def _columns(wide: int) -> tuple[int, int, int]:
    """Divide the width. Below 60 cells the time is left out; then the titles shrink, then the values."""
    since = SINCE if wide >= 60 else 0
    side = min(SIDE, max(8, (wide - since) * 3 // 10))
    return max(8, min(TITLE, wide - since - 2 * side)), side, since


def _heads(found: Comparison, columns: tuple[int, int, int], parted_cells: int) -> Row:
    name, side, since = columns
    at = f"AT {fmt.elapsed(found.common_s)}"
    row: Row = (left(at, name, "muted"), left(HERE.upper(), side, "muted"), left(THERE.upper(), side, "muted"))
    row = (*row, left("FROM", since, "muted")) if since else row
    return (*row, left("AT THE DIVERGENCE", parted_cells, "muted")) if parted_cells else row


def _line(line: ComparisonLine, place: int, columns: tuple[int, int, int], parted_cells: int, g: Glyphs) -> Row:
    name, side, since = columns
    a, b = line.pairs[place]
    diff = line.divergence
    token = "strong" if diff else "text"
    row: Row = (left(f" {g.text(line.metric.title)}", name - 1, token, ellipsis=g.ellipsis), gap(1))
    row = (*row, *fit(_value(line, a, side - 1, g), side), *fit(_value(line, b, side - 1, g), side))
    if diff and since:
        row = (*row, left(fmt.elapsed(diff.at_s), since, "strong"))
        if parted_cells:
            parted = f"{_value_text(diff.a, diff)} {g.dot} {_value_text(diff.b, diff)}"
            row = (*row, muted(clip(g.text(parted), parted_cells, g.ellipsis)))
    return row


def _value(line: ComparisonLine, value: MetricValue | None, wide: int, g: Glyphs) -> Row:
    """Draw the value of one run, with a glyph where it has a state."""
    if value is None:
        return (mark(g.zero, "muted"), gap(1), muted(clip(NOT_RECORDED, wide - 2, g.ellipsis)))
    glyph, token = _state(line.metric.id, value, g)
    shown_text = clip(g.text(str(line.metric.write(value))), max(1, wide - 2), g.ellipsis)
    loud = token in ("warn", "crit")
    return (mark(glyph, token, loud), gap(1 + 1 - cells(glyph)), Span(shown_text, "strong" if loud else "text", loud))


def _state(metric: str, value: MetricValue, g: Glyphs) -> tuple[str, str]:
    """Return glyph and token of a value; a blank for a number without a state."""
    if metric == "verdict":
        level = VerdictKind(str(value)).level
        return g.level(level), level_token(level)
    if value == ABSENT:
        return g.absent, "crit"
    if isinstance(value, Share) and metric.endswith((".keys", ".showing", "workers_up")):
        if value.count == value.of:
            return g.active, "ok"
        if value.count:
            return g.stalled, "warn"
        return {"keys": (g.absent, "crit"), "workers_up": (g.down, "crit")}.get(
            metric.split(".")[-1], (g.zero, "muted")
        )
    if isinstance(value, Share) and metric == "conduct":
        return (g.caution, "warn") if value.count else (g.go, "ok")
    if metric == "oom_kills" and value:
        return g.stop, "crit"
    return " ", "muted"
