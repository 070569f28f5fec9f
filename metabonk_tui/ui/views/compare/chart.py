"""Draws metrics of two runs over the time both have: two lines on one scale, one above the other.

The lines show levels, not growth; 0 is the bottom. Time without samples stays empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from metabonk_tui.core.report.compare import Comparison, ComparisonLine
from metabonk_tui.core.report.compare_metrics import MetricValue, Share
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, gap, left, mark, right
from metabonk_tui.ui.views.layout.section import muted, title

NAME, VALUE = 6, 10
BLOCK = 4
"""Rows of one metric, including the blank row below."""
ALWAYS_SHOWN = ("step_rate.median", "available_memory", "workers_memory", "uncertain")
"""Metrics drawn even where the runs do not differ."""


def traces(found: Comparison, wide: int, high: int, g: Glyphs) -> list[Row]:
    """Draw as many metrics as fit, the differing ones first."""
    rows: list[Row] = [title("OVER TIME", wide, g, (muted("same scale for both"),))]
    plot = wide - NAME - VALUE
    for line in _chosen(found)[: max(0, (high - 2) // BLOCK)]:
        rows += [*_block(found, line, plot, g), EMPTY]
    if len(rows) > 1:
        end = fmt.elapsed(found.common_s)
        rows[-1] = (
            gap(NAME),
            Span("00:00:00", "muted"),
            mark(g.rule * max(0, plot - 8 - len(end)), "line"),
            muted(end),
        )
    return rows


def _chosen(found: Comparison) -> list[ComparisonLine]:
    drawn = [line for line in found.lines if line.compared and line.metric.kind != "word"]
    order = {one.metric.id: place for place, one in enumerate(found.divergences)}
    apart = [line for line in drawn if line.metric.id in order and not line.metric.id.endswith(".keys")]
    apart.sort(key=lambda line: (line.metric.kind == "share", order[line.metric.id]))
    others = [line for line in drawn if line not in apart and line.metric.id in ALWAYS_SHOWN]
    return apart + others


def _block(found: Comparison, line: ComparisonLine, plot: int, g: Glyphs) -> list[Row]:
    series = _series(found, line, plot)
    levels = [[_level(pair[side]) for pair in series] for side in (0, 1)]
    top = max((level for side in levels for level in side if level is not None), default=0.0)
    last = line.pairs[found.marks_s.index(found.common_s)]
    since = f"from {fmt.elapsed(line.divergence.at_s)}" if line.divergence else ""
    rows: list[Row] = [
        (left(g.text(line.metric.title), max(8, NAME + plot + VALUE - 14), "strong"), right(since, 14, "muted"))
    ]
    for name, side in (("here", 0), ("there", 1)):
        value = last[side]
        value_text = "" if value is None else _short(line, value)
        bars = "".join(_bar(level, top, g) for level in levels[side])
        rows.append((left(name, NAME, "muted"), mark(bars, "spark"), right(g.text(value_text), VALUE, "text")))
    return rows


@lru_cache(maxsize=32)
def _series(
    found: Comparison, line: ComparisonLine, points: int
) -> Sequence[tuple[MetricValue | None, MetricValue | None]]:
    return found.series(line.metric, max(1, points))


def _level(value: MetricValue | None) -> float | None:
    if isinstance(value, Share):
        return value.count / value.of
    return value if isinstance(value, float) else None


def _bar(level: float | None, top: float, g: Glyphs) -> str:
    if level is None:
        return " "
    steps = g.sparks[:7]
    if top <= 0:
        return steps[0]
    return steps[min(len(steps) - 1, int(max(0.0, level) / top * len(steps)))]


def _short(line: ComparisonLine, value: MetricValue) -> str:
    return f"{value.count}/{value.of}" if isinstance(value, Share) else str(line.metric.write(value))
