"""Draws the ranked causes with their proofs; without causes, the sentences and evidence of the verdict.

The bar of a confidence has a neutral colour, because confidence is not a state.
"""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Cause, Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, cut, gap, left, mark
from metabonk_tui.ui.views.layout.section import muted, paragraph, strong
from metabonk_tui.ui.views.memory.gauge import bar

LABEL = 8
"""Cells of rank and confidence."""


def why_rows(snapshot: Snapshot, wide: int, high: int, glyphs: Glyphs) -> list[Row]:
    """Draw the causes, or the evidence without causes, in at most `high` rows."""
    if snapshot.causes:
        return cause_rows(snapshot.causes, wide, high, glyphs)
    return reason_rows(snapshot, wide, glyphs)[:high]


def reason_rows(snapshot: Snapshot, wide: int, glyphs: Glyphs, alone: bool = False) -> list[Row]:
    """Draw the verdict's sentences, then the evidence of the questions on its path.

    `alone`: leave out all evidence, which the caller draws elsewhere.
    """
    level = snapshot.verdict.level
    rows: list[Row] = []
    drawn: set[str] = set()
    elsewhere = {sentence for node in snapshot.verdict.nodes for sentence in node.evidence} if alone else set()
    for i, sentence in enumerate(snapshot.verdict.because):
        if i and sentence in elsewhere:
            continue
        head: Row = (mark(glyphs.level(level), level_token(level)) if i == 0 else muted(glyphs.dot), gap(1))
        rows += paragraph(glyphs.text(sentence), wide, "strong" if i == 0 else "text", i == 0, head)
        drawn.add(sentence)
    for node in () if alone else snapshot.verdict.nodes:
        if node.on_path:
            for sentence in node.evidence:
                if sentence not in drawn:
                    rows += paragraph(glyphs.text(sentence), wide, "muted", indent=(gap(2),))
                    drawn.add(sentence)
    return rows


def cause_rows(causes: tuple[Cause, ...], wide: int, high: int, glyphs: Glyphs) -> list[Row]:
    """Draw ranked causes: name, proof, and the fix of the first; one line each where rows are few and wide.

    Without room for everything, all names come before the details of the first cause.
    """
    if high < 2 * len(causes) + 1 and wide >= 64:
        lines = [_one_line(i, cause, wide, glyphs) for i, cause in enumerate(causes)]
        if high > len(causes) and causes[0].fix:
            fix = Span(glyphs.text(causes[0].fix), "text")
            lines.insert(1, cut((gap(LABEL), muted("fix "), fix), wide, glyphs.ellipsis))
        return lines[:high]
    airy = high >= 3 * len(causes) + 1
    blocks = [_cause_block(i, cause, wide, glyphs) for i, cause in enumerate(causes)]
    if sum(map(len, blocks)) > high:
        blocks = [blocks[0][: max(1, high - len(causes) + 1)], *(rows[:1] for rows in blocks[1:])]
    rows: list[Row] = []
    for block in blocks:
        if rows and airy:
            rows.append(())
        rows += block
    return rows[:high]


def _cause_block(i: int, cause: Cause, wide: int, glyphs: Glyphs) -> list[Row]:
    """Draw one cause: name, proof, and for the first cause its fix."""
    first = i == 0
    name = Span(glyphs.text(cause.name), "strong" if first else "text", first)
    proof = paragraph(glyphs.text(cause.because), wide, "text" if first else "muted", indent=(gap(LABEL),))
    rows = [cut((*_rank(i, cause), name), wide, glyphs.ellipsis), *proof[: 2 if first else 1]]
    if first and cause.fix:
        rows += paragraph(glyphs.text(cause.fix), wide, "text", indent=(gap(LABEL), muted("fix ")))[:2]
    return rows


def _rank(i: int, cause: Cause) -> Row:
    return (muted(f"{i + 1} "), strong(fmt.number(cause.confidence, 2), True), gap(2))


def _one_line(i: int, cause: Cause, wide: int, glyphs: Glyphs) -> Row:
    first = i == 0
    name = left(glyphs.text(cause.name), 28, "strong" if first else "text", first, glyphs.ellipsis)
    proof = Span(glyphs.text(cause.because), "text" if first else "muted")
    return cut((*_rank(i, cause), name, gap(1), proof), wide, glyphs.ellipsis)


def full_causes(causes: tuple[Cause, ...], wide: int, glyphs: Glyphs) -> list[Row]:
    """Draw every cause with confidence bar, proof, confirmation and fix."""
    rows: list[Row] = []
    for i, cause in enumerate(causes):
        if rows:
            rows.append(())
        first = i == 0
        head: Row = (
            muted(f"{i + 1}  "), strong(fmt.number(cause.confidence, 2), first), gap(2),
            *bar(cause.confidence, 8, glyphs, "text" if first else "spark", "track"), gap(1),
        )  # fmt: skip
        rows.append(
            cut((*head, Span(glyphs.text(cause.name), "strong" if first else "text", first)), wide, glyphs.ellipsis)
        )
        for name, sentence in (("proof", cause.because), ("confirm", cause.confirm), ("fix", cause.fix)):
            if sentence:
                token = "text" if first else "muted"
                rows += paragraph(glyphs.text(sentence), wide, token, indent=(gap(9), left(name, 9, "muted")))
    return rows
