"""Draws the last row: the keys valid now, those that view at the left, those that act on the pool at the right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from metabonk_tui.ui.density import SIDE_CELLS
from metabonk_tui.ui.frame import Frame, Hint
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, cut, fit, gap, join, on_row, spread, width
from metabonk_tui.ui.views.layout.section import paragraph, with_keys_now

KEYS_FIRST = "?vmle!ac/"
"""The keys that a narrow pane shows first, in this order."""
KEYS_LAST = ("Enter", "v", "/", "!", "e", "l", "m")
"""The keys that a short row drops last, the first of them first; `v` also stands in the verdict row."""
MOST_NOTICE_ROWS = 8
"""The most rows of a notice that is longer than a row."""


def footer(frame: Frame) -> Row:
    """Draw the footer of a screen, or its notice when there is one."""
    if frame.notice:
        return notice_row(with_keys_now(frame, frame.notice), frame.width, frame.glyphs)
    return keys_row(frame.hints, frame.width, frame.glyphs)


def notice_row(notice: str, wide: int, glyphs: Glyphs) -> Row:
    """Draw a notice in place of the footer."""
    row: Row = (gap(1), Span(notice, "strong"))
    return on_row(fit(cut(row, max(0, wide - 1), glyphs.ellipsis), wide), "surface")


def with_whole_notice(rows: tuple[Row, ...], frame: Frame, notice: str) -> tuple[Row, ...]:
    """Draw a notice that the footer cuts whole, over the last rows of the screen: it may name a file.

    `notice`: the one that ends by itself, "" for none; what it covers must come back.
    """
    room = min(MOST_NOTICE_ROWS, frame.height - 1)
    if not notice or frame.height < 3 or width((Span(notice),)) <= frame.width - 2:
        return rows
    lines = paragraph(with_keys_now(frame, notice), max(1, frame.width - 2), "strong")
    shown = [(gap(1), *line) for line in lines[:room]]
    if len(lines) > room:
        shown[-1] = (*cut(shown[-1], max(0, frame.width - 3), frame.glyphs.ellipsis), Span(frame.glyphs.ellipsis))
    return (*rows[: -len(shown)], *(on_row(fit(row, frame.width), "surface") for row in shown))


@lru_cache(maxsize=16)
def keys_row(hints: tuple[Hint, ...], wide: int, glyphs: Glyphs) -> Row:
    """Draw keys. Without room the middle of the left group goes first, then the labels of the right group."""
    if wide < SIDE_CELLS:
        return _narrow_row(hints, wide, glyphs)
    view_hints = [hint for hint in hints if not hint.acts]
    acts = [hint for hint in hints if hint.acts]
    # A margin at each end, and one cell before the right group, which may be empty.
    room = wide - 2 if acts else wide - 3
    are_short = False
    while _width(view_hints, acts, are_short) > room:
        spare = [hint for hint in view_hints if not hint.keep and not hint.recommended]
        looking = [hint for hint in spare if hint.key in KEYS_LAST]
        middle = [hint for hint in spare if hint.key not in KEYS_LAST]
        if middle:
            # The eye reads the ends of a row first, so the middle of the left group is dropped before its end.
            view_hints.remove(middle[len(middle) // 2])
        elif acts and not are_short:
            are_short = True
        elif looking:
            view_hints.remove(min(looking, key=lambda hint: KEYS_LAST.index(hint.key)))
        elif len(acts) > 1:
            acts.remove(next(hint for hint in acts if not hint.recommended))
        elif len(view_hints) > 1:
            view_hints.pop()
        else:
            break
    row = spread((gap(1), *_group(view_hints)), (*_acts(acts, are_short), gap(1)), wide, glyphs.ellipsis)
    return on_row(row, "surface")


def _narrow_row(hints: Sequence[Hint], wide: int, glyphs: Glyphs) -> Row:
    """Draw only keys, those of the other screens first; what the verdict recommends keeps its label."""
    views = [hint.key for hint in hints if not hint.acts and not hint.recommended]
    acts = [hint for hint in hints if hint.acts and not hint.recommended]
    end: Row = join([_hint(hint) for hint in hints if hint.recommended], 1)
    room = wide - 2
    if width(end) > room:
        return on_row(fit(end, wide, glyphs.ellipsis), "surface")
    order = {key: at for at, key in enumerate(KEYS_FIRST)}
    kept = sorted([key for key in views if len(key) == 1], key=lambda key: order.get(key, len(order)))
    # The key that leads back from a screen or out of a dialog comes before all others but help.
    helps = int(kept[:1] == ["?"])
    leads = [
        hint.key for hint in hints if hint.key == "Enter" and hint.keep and not hint.acts and not hint.recommended
    ]
    kept[helps:helps] = [*leads, *[key for key in views if key == "Esc"]]
    while kept and _keys_width(kept) + 1 + width(end) > room:
        kept.pop()
    left_room = room - _keys_width(kept) - 1 - width(end)
    more: list[str] = []
    for hint in reversed(acts):
        if len(hint.key) + 1 <= left_room:
            more.insert(0, hint.key)
            left_room -= len(hint.key) + 1
    row: Row = (gap(1), *join([(Span(key, "strong", True),) for key in kept], 1))
    if left_room >= 6:
        row = (*row, Span(" keys", "muted"))
    end = join([*((Span(key, "strong", True),) for key in more), end], 1)
    return on_row(fit(spread(row, (*end, gap(1)), wide, glyphs.ellipsis), wide, glyphs.ellipsis), "surface")


def _keys_width(keys: Sequence[str]) -> int:
    return len(" ".join(keys))


def _width(view_hints: Sequence[Hint], acts: Sequence[Hint], are_short: bool) -> int:
    between = 2 if view_hints and acts else 0
    return width(_group(view_hints)) + between + width(_acts(acts, are_short))


def _acts(acts: Sequence[Hint], are_short: bool) -> Row:
    """Draw the acting keys; short ones have no label, except the recommended one."""
    if not are_short:
        return _group(acts)
    return join([_hint(hint) if hint.recommended else (Span(hint.key, "strong", True),) for hint in acts], 1)


def _group(hints: Sequence[Hint]) -> Row:
    return join([_hint(hint) for hint in hints], 2)


def _hint(hint: Hint) -> Row:
    if hint.recommended:
        return (Span(f"{hint.key} {hint.label}", "onaccent", True, "accent"),)
    return (Span(hint.key, "strong", True), Span(f" {hint.label}", "muted"))
