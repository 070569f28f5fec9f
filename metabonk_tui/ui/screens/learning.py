"""Shows what episodes were like over the run: play, length and reward, of all workers or of the selected one."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.run import learning
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.screens.base import HeadedScreen
from metabonk_tui.ui.style.spans import EMPTY, Row, fit, gap, side_by_side
from metabonk_tui.ui.views.layout.section import muted, strong, title
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.run.learning import (
    INTRINSIC,
    LENGTH,
    PLAY,
    Curve,
    curve_rows,
    gameplay_rows,
    longest_rows,
    named,
)

CHART_ROWS = 11
LEAST_CHART = 5
MOST_LONGEST = 12
WIDE = 110


class LearningScreen(HeadedScreen):
    """Shows the curves, then a row for each worker. Tab goes from worker to worker."""

    name: ClassVar[str] = "learning"

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        """Draw the curves; without episodes, why there are none and what is derived."""
        if not learning.observed(snapshot):
            return Page(
                body=tuple(fit(row, frame.width, frame.glyphs.ellipsis) for row in _unobserved(frame, snapshot))
            )
        wide = frame.width - 2
        half = (wide - 2) // 2
        share = max(LEAST_CHART, min(CHART_ROWS, (room - 2) // 2))
        rows: list[Row] = [*_curve(frame, snapshot, PLAY, wide, share), EMPTY]
        if frame.width >= WIDE:
            pair = [
                (_curve(frame, snapshot, LENGTH, half, share), half),
                (_curve(frame, snapshot, INTRINSIC, half, share), half),
            ]
            tables = [(_gameplay(frame, snapshot, half), half), (_longest(frame, snapshot, half), half)]
            rows += [*side_by_side(pair, 2), EMPTY, *side_by_side(tables, 2)]
        else:
            rows += [*_gameplay(frame, snapshot, wide), EMPTY, *_longest(frame, snapshot, wide), EMPTY]
            rows += [*_curve(frame, snapshot, LENGTH, wide, share), EMPTY]
            rows += _curve(frame, snapshot, INTRINSIC, wide, share)
        return Page(body=tuple(fit((gap(1), *row), frame.width, frame.glyphs.ellipsis) for row in rows))


def _unobserved(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    rows: list[Row] = [
        (gap(1), *title("LEARNING", frame.width - 2, frame.glyphs, focused=True)),
        (gap(1), muted(learning.why_not(snapshot))),
        EMPTY,
    ]
    derived = learning.transitions(snapshot)
    rows += [
        (gap(1), strong(named(name), True), text(count_of(count, "transition")), muted(" to the game *"))
        for name, count in derived
    ]
    if derived:
        rows.append((gap(1), muted("* derived by the monitor from the worker's flags and rewards")))
    return tuple(rows)


def _curve(frame: Frame, snapshot: Snapshot, curve: Curve, wide: int, high: int) -> list[Row]:
    chosen = frame.selected
    of = chosen.ref.label if chosen is not None else "all workers"
    note = f"{curve.note}, mean of {learning.MEAN_OF}, {of}"
    if _is_cut(snapshot):
        note += "; the newest of each"
    head = title(curve.title, wide, frame.glyphs, (muted(note),))
    return [head, *curve_rows(frame, snapshot, curve, chosen.ref if chosen is not None else None, wide, high - 1)]


def _is_cut(snapshot: Snapshot) -> bool:
    return any(one.known > len(one.kept) for one in learning.observed(snapshot))


def _gameplay(frame: Frame, snapshot: Snapshot, wide: int) -> list[Row]:
    head = title("GAMEPLAY", wide, frame.glyphs, (muted("episodes that reach it"),))
    return [head, *gameplay_rows(frame, snapshot, wide, 3 + len(snapshot.workers))]


def _longest(frame: Frame, snapshot: Snapshot, wide: int) -> list[Row]:
    head = title("LONGEST", wide, frame.glyphs, (muted("play, and its reward"),))
    return [head, *longest_rows(frame, snapshot, wide, MOST_LONGEST)]
