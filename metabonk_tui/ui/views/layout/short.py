"""Fits the page of a screen into a short pane: no blank rows, and no row for a title alone where there are only two.

Does not: draw, or shorten a page that is drawn row by row as it is read.
"""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.ui.frame import Page
from metabonk_tui.ui.style.spans import Row, gap, plain, width

FEW_ROWS = 2
"""So many rows below the header are too few for a title."""
RULE = "line"
"""The token of the rule behind a title."""


def short(page: Page, wide: int, room: int) -> Page:
    """Leave out the blank rows; with few rows put the title before the row below it, or leave it out."""
    if not isinstance(page.body, tuple):
        return page
    kept = [place for place, row in enumerate(page.body) if plain(row).strip()]
    rows = [page.body[place] for place in kept]
    if room <= FEW_ROWS and len(rows) > 1 and _is_title(rows[0]) and not _is_title(rows[1]):
        joined = _joined(rows[0], rows[1])
        rows = [joined if width(joined) <= wide else rows[1], *rows[2:]]
        kept = kept[1:]
    shown = page.show
    if shown is not None:
        first = sum(place < shown[0] for place in kept)
        shown = (first, first + sum(shown[0] <= place < shown[1] for place in kept))
    return replace(page, body=tuple(rows), show=shown)


def _is_title(row: Row) -> bool:
    return any([span.token == RULE for span in row])


def _joined(title: Row, row: Row) -> Row:
    """Put a row behind its title, without the rule and the margins of both."""
    head = list(title)
    while head and (head[-1].token == RULE or not head[-1].text.strip()):
        head.pop()
    row = row[1:] if row and not row[0].text.strip() else row
    return (*[span for span in head if span.token != RULE], gap(3), *row)
