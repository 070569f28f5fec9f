"""Draws checklist items as lines of a dialog: mark, title, standing, first evidence.

Does not: judge them.
"""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.launch.checklist import ChecklistItem
from metabonk_tui.ui.dialogs.base import NEEDED, DialogLine, inner_width, labelled
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, cells, clip, gap, mark
from metabonk_tui.ui.views.layout.section import paragraph

RANKS = {"PASS": 5, "SKIPPED": 4, "waiting": 4, "running": 6, "UNKNOWN": 7, "FAIL": NEEDED}
TITLE = 27
WORD = 8


def item_lines(
    items: Sequence[ChecklistItem], frame: Frame, label: str = "", needed: Sequence[ChecklistItem] = ()
) -> list[DialogLine]:
    """Draw each item on one line. Items in `needed` stay when there is little room."""
    lines = []
    for i, item in enumerate(items):
        row = item_row(item, frame)
        line = labelled(label if i == 0 else "", row, frame) if label else row
        lines.append(DialogLine(line, NEEDED if item in needed else RANKS[item.standing]))
        if not label and item.standing in ("FAIL", "UNKNOWN") and item.evidence:
            lines += _rest_of(item.evidence[0], frame)
    return lines


def _rest_of(evidence: str, frame: Frame) -> list[DialogLine]:
    """Draw, whole and below its item, evidence that the item's row cuts; it goes first when there is little room."""
    wide = inner_width(frame)
    before = 3 + (TITLE if wide >= 70 else 20) + WORD
    if before + cells(evidence) <= wide:
        return []
    return [DialogLine(row, 3) for row in paragraph(frame.glyphs.text(evidence), wide - 2, "text", indent=(gap(2),))]


def item_row(item: ChecklistItem, frame: Frame) -> Row:
    glyphs = frame.glyphs
    styles = {
        "waiting": (glyphs.to_come, "muted", False),
        "running": (glyphs.cursor, "accent", True),
        "PASS": (glyphs.go, "ok", False),
        "FAIL": (glyphs.stop, "crit", True),
        "UNKNOWN": (glyphs.unknown, "unknown", True),
        "SKIPPED": (glyphs.skipped, "muted", False),
    }
    glyph, token, bold = styles[item.standing]
    wide = TITLE if inner_width(frame) >= 70 else 20
    title = clip(item.title, wide, glyphs.ellipsis)
    quiet = item.standing in ("waiting", "SKIPPED")
    seen = item.evidence[0] if item.evidence else ""
    return (
        mark(glyph, token),
        gap(1),
        Span(title, "muted" if quiet else "text"),
        gap(1 + wide - cells(title)),
        Span(item.standing.ljust(WORD), token, bold),
        Span(seen, "muted" if item.standing in ("PASS", "SKIPPED") else "text"),
    )
