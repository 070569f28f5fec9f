"""Draws the rows of one component in a panel, and keeps them while nothing that they show changes.

Of the components of a healthy pool nine of ten look as they did a second ago. Does not: read a Snapshot when it
draws. What the rows show is an argument, so that a kept row can never be out of date.
"""

from __future__ import annotations

from datetime import tzinfo
from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, ComponentView, WorkerView
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, cells, clip, fit, gap, left, spread, width
from metabonk_tui.ui.views.layout.section import muted
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.layout.sparkline import sparkline
from metabonk_tui.ui.views.workers.component import (
    DueState,
    absent_since,
    change_text,
    due_state,
    emphasise,
    expectation,
    fresh_mark,
    state_mark,
    state_word,
    value_text,
    value_token,
    word_token,
)
from metabonk_tui.ui.views.workers.needs import needs

GLYPH, VALUE_END, CHANGE_END, WORD, SPARK = 10, 17, 23, 18, 24
MIN_SPARK = 6
EXPECTED = 7
"""Cells for the expectation in a row with a sparkline."""
MOST_KEPT = 256
"""Drawings that are kept: those of sixteen panels, and of their last changes."""
S = ComponentState


class _Facts(NamedTuple):
    """What the rows of a component show besides the component itself."""

    word: str
    how_fresh: str
    how_far: DueState
    needs: tuple[str, ...]
    bucket_s: float


def component_rows(
    frame: Frame, snapshot: Snapshot, worker: WorkerView, part: ComponentView, wide: int, roomy: bool
) -> tuple[Row, ...]:
    """Draw one component, `wide` cells: one row, or two with the sparkline in the second."""
    facts = _Facts(
        state_word(part, snapshot),
        fresh_mark(part, worker, snapshot, frame.motion),
        due_state(part, worker, snapshot),
        needs(part, worker, frame.config),
        snapshot.trend_bucket_s,
    )
    # The rows do not show the numbers of samples, which change every second; whether there was a key they do.
    shown = replace(part, samples=0, samples_with_key=min(part.samples_with_key, 1))
    return _drawn(shown, facts, frame.glyphs, frame.zone, wide, roomy)


@lru_cache(maxsize=MOST_KEPT)
def _drawn(
    part: ComponentView, facts: _Facts, glyphs: Glyphs, zone: tzinfo, wide: int, roomy: bool
) -> tuple[Row, ...]:
    rows = _rows(part, facts, glyphs, zone, wide, roomy)
    return tuple([fit(row, wide, glyphs.ellipsis) for row in rows])


def _rows(part: ComponentView, facts: _Facts, g: Glyphs, zone: tzinfo, wide: int, roomy: bool) -> tuple[Row, ...]:
    label = f"{clip(g.text(part.label), 7, g.ellipsis)} *" if part.derived else clip(g.text(part.label), 9, g.ellipsis)
    row: list[Span] = [left(label, GLYPH, "muted"), state_mark(part, g), gap(1)]
    room = (14 if roomy else EXPECTED) if wide >= 38 else max(0, wide - CHANGE_END - 1)
    word = Span(facts.word, word_token(part), part.state in (S.BAD, S.DOWN) and not _has_last_value(part))
    value = value_text(part, VALUE_END - GLYPH - 2)
    if part.state is not S.ACTIVE and value:
        room = min(room, wide - WORD - cells(word.text) - 1)
    note, emphasized = expectation(part, facts.how_far, room)
    if need := _need(part, facts, g, wide, value, roomy):
        note, emphasized = need, False
    end: Row = (text(note),) if emphasized else (muted(note),)
    if part.state is S.ABSENT or (not value and part.state is not S.ACTIVE):
        row += [emphasise(word._replace(bold=part.state is S.ABSENT), part, facts.how_fresh)]
        if part.state is S.ABSENT:
            row += [gap(1), muted(absent_since(part, zone))]
            if width(row) + 1 + cells(note) > wide and not emphasized:
                # The short form of the expectation, before the age is cut.
                end = (muted(expectation(part, facts.how_far, EXPECTED)[0]),)
        return _two(spread(tuple(row), end, wide, g.ellipsis), roomy)
    pad = VALUE_END - GLYPH - 2 - len(value)
    shown = Span(value, value_token(part), part.state is S.BAD)
    row += [gap(pad), emphasise(shown, part, facts.how_fresh)]
    if part.state is not S.ACTIVE:
        row += [gap(1), word]
        return _two(spread(tuple(row), end, wide, g.ellipsis), roomy)
    row.append(Span(change_text(part, CHANGE_END - VALUE_END - 1).rjust(CHANGE_END - VALUE_END), "muted"))
    counter = part.decimals == 0
    if roomy:
        line = (gap(GLYPH), *sparkline(part.trend, wide - GLYPH, facts.bucket_s, counter, g))
        return (spread(tuple(row), end, wide, g.ellipsis), line)
    spark = spark_cells(wide) - max(0, cells(note) - EXPECTED)
    if spark >= MIN_SPARK:
        row += [gap(1), *sparkline(part.trend, spark, facts.bucket_s, counter, g)]
    return (spread(tuple(row), end, wide, g.ellipsis),)


def spark_cells(wide: int) -> int:
    """Return the cells of the sparkline in a row: 6 at 38 cells and all further ones; 0 below."""
    room = wide - SPARK - EXPECTED - 1
    return room if room >= MIN_SPARK else 0


def _need(part: ComponentView, facts: _Facts, glyphs: Glyphs, wide: int, value: str, roomy: bool) -> str:
    """Return the longest text of what the component needs that fits; "" when it needs nothing, or no text fits."""
    if part.state is S.ACTIVE:
        room = wide - CHANGE_END - 1 if roomy else wide - SPARK - MIN_SPARK - 1
    elif value:
        room = wide - WORD - cells(facts.word) - 1
    else:
        room = wide - GLYPH - 2 - cells(f"{facts.word} never seen") - 1
    texts = (glyphs.text(each) for each in facts.needs)
    return next((each for each in texts if cells(each) <= room), "")


def _has_last_value(part: ComponentView) -> bool:
    return part.state is S.DOWN and part.last_value is not None


def _two(row: Row, roomy: bool) -> tuple[Row, ...]:
    return (row, ()) if roomy else (row,)
