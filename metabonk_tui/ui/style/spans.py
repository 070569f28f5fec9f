"""Builds rows of spans, which every screen consists of: text, tokens and cell widths.

Does not: know colours (`theme` does) or widgets, or parse markup. A text is drawn as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, ParamSpec, TypeVar, cast

from rich.cells import cell_len, set_cell_size

P = ParamSpec("P")
T = TypeVar("T")
REMEMBERED = 256
"""Results that a small function of this module keeps: most labels and words of a second are those of the last."""


def remembered(function: Callable[P, T]) -> Callable[P, T]:
    """Keep the last results of a pure function of texts and numbers."""
    return cast(Callable[P, T], lru_cache(maxsize=REMEMBERED)(function))


class Span(NamedTuple):
    """A text in one style. `token` and `on` are names of `theme.TOKENS`, never colours."""

    text: str
    token: str = "text"
    bold: bool = False
    on: str = ""
    """Background token; "" takes the row's (see `on_row`), else the screen's `bg`."""
    glyph: bool = False
    """A glyph, gauge, chart dot or border: coloured even in themes that leave words uncoloured (ansi-16)."""
    reverse: bool = False
    """Foreground and background swapped, for "new" marks."""
    dim: bool = False
    """Drawn faintly, behind a dialog."""


Row = tuple[Span, ...]
EMPTY: Row = ()


@remembered
def mark(text: str, token: str, bold: bool = False, on: str = "") -> Span:
    """Make a span for a glyph, gauge or border."""
    return Span(text, token, bold, on, True)


def width(row: Iterable[Span]) -> int:
    """Return the cells of a row."""
    return sum(map(cells, map(_text_of, row)))


_text_of = itemgetter(0)


@lru_cache(maxsize=8192)
def cells(text: str) -> int:
    """Return the cells of a text."""
    return len(text) if text.isascii() else cell_len(text)


@remembered
def clip(text: str, limit: int, ellipsis: str = "…") -> str:
    """Cut a text to at most `limit` cells; a cut text ends with the ellipsis."""
    if limit <= 0:
        return ""
    if cells(text) <= limit:
        return text
    end = ellipsis if cells(ellipsis) <= limit else ""
    return set_cell_size(text, limit - cells(end)).rstrip() + end


def cut(row: Row, limit: int, ellipsis: str = "…") -> Row:
    """Cut a row to at most `limit` cells; the ellipsis takes the style of the cut span."""
    kept: list[Span] = []
    left = limit
    for i, span in enumerate(row):
        wide = cells(span.text)
        if wide > left or (wide == left and width(row[i + 1 :])):
            text = clip(span.text + (" " * 9 if wide == left else ""), left, ellipsis)
            if text:
                kept.append(span._replace(text=text))
            break
        kept.append(span)
        left -= wide
    return tuple(kept)


def fit(row: Row, wide: int, ellipsis: str = "…", pad_on: str = "") -> Row:
    """Make a row exactly `wide` cells: cut it, or pad it at the right on background `pad_on`."""
    short = wide - width(row)
    if short == 0:
        return row
    if short < 0:
        row = cut(row, wide, ellipsis)
        short = wide - width(row)
    return (*row, Span(" " * short, on=pad_on)) if short > 0 else row


@remembered
def left(
    text: str, wide: int, token: str = "text", bold: bool = False, ellipsis: str = "…", glyph: bool = False
) -> Span:
    """Make a span of exactly `wide` cells, left-aligned."""
    text = clip(text, wide, ellipsis)
    return Span(text + " " * (wide - cells(text)), token, bold, "", glyph)


@remembered
def right(
    text: str, wide: int, token: str = "text", bold: bool = False, ellipsis: str = "…", glyph: bool = False
) -> Span:
    """Make a span of exactly `wide` cells, right-aligned."""
    text = clip(text, wide, ellipsis)
    return Span(" " * (wide - cells(text)) + text, token, bold, "", glyph)


@lru_cache(maxsize=512)
def gap(wide: int) -> Span:
    """Make a span of `wide` blanks."""
    return Span(" " * max(0, wide))


def spread(start: Row, end: Row, wide: int, ellipsis: str = "…", gap_cells: int = 1) -> Row:
    """Put one row at the left edge and one at the right, `wide` cells in all; `start` is cut when both do not fit."""
    room = wide - width(end)
    if room <= 0:
        return fit(end, wide, ellipsis)
    if width(start) > room - gap_cells:
        start = cut(start, max(0, room - gap_cells), ellipsis)
    return (*start, gap(room - width(start)), *end)


def join(parts: Sequence[Row], gap_cells: int = 3) -> Row:
    """Join rows with a gap between; empty ones leave no gap."""
    joined: list[Span] = []
    for part in parts:
        if part:
            if joined:
                joined.append(gap(gap_cells))
            joined.extend(part)
    return tuple(joined)


def side_by_side(columns: Sequence[tuple[Sequence[Row], int]], gap_cells: int = 1) -> tuple[Row, ...]:
    """Put blocks of (rows, width) side by side; shorter blocks are filled with blanks."""
    high = max((len(rows) for rows, _ in columns), default=0)
    lines: list[Row] = []
    for y in range(high):
        line: list[Span] = []
        for i, (rows, wide) in enumerate(columns):
            if i:
                line.append(gap(gap_cells))
            line.extend(fit(rows[y] if y < len(rows) else EMPTY, wide))
        lines.append(tuple(line))
    return tuple(lines)


def on_row(row: Row, background: str) -> Row:
    """Set the background of every span that has none."""
    return tuple([span if span[3] else Span(span[0], span[1], span[2], background, *span[4:]) for span in row])


def dimmed(row: Row) -> Row:
    """Dim a row, for a screen behind a dialog."""
    return tuple(span._replace(dim=True) for span in row)


def cropped(row: Row, start: int, end: int) -> Row:
    """Return the cells from `start` up to `end`; a wide character cut in half becomes blanks."""
    taken: list[Span] = []
    x = 0
    for span in row:
        wide = cells(span.text)
        a, b = max(start - x, 0), min(end - x, wide)
        if a < b:
            text = span.text[a:b] if span.text.isascii() else _slice(span.text, a, b)
            taken.append(span._replace(text=text))
        x += wide
        if x >= end:
            break
    return tuple(taken)


def _slice(text: str, start: int, end: int) -> str:
    piece: list[str] = []
    x = 0
    for character in text:
        wide = cells(character)
        if x >= start and x + wide <= end:
            piece.append(character)
        elif x < end and x + wide > start and wide > 1:
            piece.append(" " * (min(x + wide, end) - max(x, start)))
        x += wide
    return "".join(piece)


def overlay(under: Row, over: Row, x: int, wide: int) -> Row:
    """Draw `over` onto `under` from cell `x`; return `wide` cells."""
    under = fit(under, wide)
    over_wide = min(width(over), wide - x)
    return (*cropped(under, 0, x), *cropped(over, 0, over_wide), *cropped(under, x + over_wide, wide))


def plain(row: Iterable[Span]) -> str:
    """Return the text of a row without styles: for tests, the clipboard and the window title."""
    return "".join(span.text for span in row)


def printable(row: Row) -> Row:
    """Replace unprintable characters. Texts are cleaned on input; this is the second check."""
    if all(span.text.isprintable() for span in row):
        return row
    return tuple(
        span._replace(text="".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in span.text))
        for span in row
    )
