"""Draws the last row: the keys valid now, those that view at the left, those that act on the pool at the right."""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.ui.frame import Frame, Hint
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, cut, fit, gap, join, on_row, spread, width

MIN_IDLE_HINTS = 2
"""Keys that are off now and stay visible, as long as the valid keys have room."""


def footer(frame: Frame) -> Row:
    """Draw the footer of a screen, or its notice when there is one."""
    if frame.notice:
        return notice_row(frame.notice, frame.width, frame.glyphs)
    return keys_row(frame.hints, frame.width, frame.glyphs)


def notice_row(notice: str, wide: int, glyphs: Glyphs) -> Row:
    """Draw a notice in place of the footer."""
    row: Row = (gap(1), Span(notice, "strong"))
    return on_row(fit(cut(row, max(0, wide - 1), glyphs.ellipsis), wide), "surface")


def keys_row(hints: Sequence[Hint], wide: int, glyphs: Glyphs) -> Row:
    """Draw keys. Without room the middle of the left group goes first, then the right group from its left end."""
    view_hints = [hint for hint in hints if not hint.acts]
    acts = [hint for hint in hints if hint.acts]
    room = wide - 2
    while _width(view_hints, acts) > room:
        spare = [hint for hint in view_hints if not hint.keep and not hint.recommended]
        idle = [hint for hint in acts if hint.off]
        if len(idle) > MIN_IDLE_HINTS:
            acts.remove(idle[0])
        elif spare:
            # The eye reads the ends of a row first, so the middle of the left group is dropped before its end.
            view_hints.remove(spare[len(spare) // 2])
        elif idle:
            acts.remove(idle[0])
        elif len(acts) > 1:
            acts.remove(next(hint for hint in acts if not hint.recommended))
        elif len(view_hints) > 1:
            view_hints.pop()
        else:
            break
    row = spread((gap(1), *_group(view_hints)), (*_group(acts), gap(1)), wide, glyphs.ellipsis)
    return on_row(row, "surface")


def _width(view_hints: Sequence[Hint], acts: Sequence[Hint]) -> int:
    between = 2 if view_hints and acts else 0
    return width(_group(view_hints)) + between + width(_group(acts))


def _group(hints: Sequence[Hint]) -> Row:
    return join([_hint(hint) for hint in hints], 2)


def _hint(hint: Hint) -> Row:
    if hint.recommended:
        return (Span(f"{hint.key} {hint.label}", "onaccent", True, "accent"),)
    if hint.off:
        return (Span(f"{hint.key} {hint.label}", "track"),)
    return (Span(hint.key, "strong", True), Span(f" {hint.label}", "muted"))
