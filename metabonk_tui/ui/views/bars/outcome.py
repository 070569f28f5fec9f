"""Draws how the newest action on the pool ended, one row above the keys, until the operator dismisses it.

Does not: decide which action that is; the controller does.
"""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, cut, fit, gap, mark, on_row, width
from metabonk_tui.ui.views.layout.section import key_now, muted, strong

MIN_ROWS = 10
"""Below this many rows the outcome has no room; `o` shows it."""
MIN_WORDS_CELLS = 12


def frame_above_outcome(frame: Frame) -> Frame:
    """Return the frame that is left for the screen, one row less with an outcome."""
    return replace(frame, height=frame.height - 1) if _has_outcome(frame) else frame


def with_outcome(rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
    """Insert the outcome above the last row of a screen."""
    return (*rows[:-1], outcome_row(frame), rows[-1]) if _has_outcome(frame) else rows


def outcome_row(frame: Frame) -> Row:
    """Draw the mark, the action, its result, and the keys that show and dismiss it; the keys are never cut."""
    operation, g, wide = frame.outcome, frame.glyphs, frame.width
    if operation is None:
        return ()
    glyph, token = (g.go, "ok") if operation.ok else (g.stop, "crit")
    result = operation.message or ("done" if operation.ok else "failed")
    details = key_now(frame, "o")
    keys: Row = (strong(details, True), muted(" details  "), strong("Esc", True), muted(" dismisses"), gap(1))
    if wide < width(keys) + 2 * MIN_WORDS_CELLS:
        keys = (strong(details, True), gap(1), strong("Esc", True), gap(1))
    what: Row = (
        *(gap(1), mark(glyph, token), gap(1), Span(g.text(operation.action), token, True)),
        *(muted(": "), Span(g.text(result), "text")),
    )
    room = max(0, wide - width(keys) - 2)
    return on_row((*fit(cut(what, room, g.ellipsis), room, g.ellipsis), gap(2), *keys), "surface")


def _has_outcome(frame: Frame) -> bool:
    return frame.outcome is not None and not frame.past and frame.height >= MIN_ROWS
