"""Draws in which settings two runs are not the same. Does not: find them."""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.report.run_setup import SetupDifference, sentence
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, gap, mark, width
from metabonk_tui.ui.views.layout.section import muted, paragraph

NOT_THE_SAME = "NOT THE SAME"
MOST_ROWS = 3


def badge(glyphs: Glyphs) -> Row:
    """Draw the words that warn of runs with other settings."""
    return (mark(glyphs.caution, "warn"), gap(1), Span(NOT_THE_SAME, "warn", True))


def setting_rows(differing: Sequence[SetupDifference], wide: int, glyphs: Glyphs) -> list[Row]:
    """Draw each difference, in at most `MOST_ROWS` rows; empty without one."""
    if not differing:
        return []
    head: Row = (*badge(glyphs), gap(2))
    said = f" {glyphs.dot} ".join(sentence(each) for each in differing)
    rows = paragraph(glyphs.text(said), wide, "text", indent=head)
    if len(rows) <= MOST_ROWS:
        return rows
    return [*rows[: MOST_ROWS - 1], (gap(width(head)), muted(f"{glyphs.ellipsis} {len(differing)} settings in all"))]
