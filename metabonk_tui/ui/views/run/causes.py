"""Draws the ranked causes with their proofs; without causes, the sentences and evidence of the verdict.

The bar of a confidence has a neutral colour, because confidence is not a state.
"""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Cause, Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, cells, cut, fit, gap, left, mark, width
from metabonk_tui.ui.views.layout.section import muted, paragraph, strong, words
from metabonk_tui.ui.views.memory.gauge import bar

LABEL = 8
"""Cells of rank and confidence."""


FIX_ABOVE = "the first step of NEXT"
"""Stands for a fix that the header shows whole: the rows belong to the proof then."""


def why_rows(snapshot: Snapshot, wide: int, high: int, glyphs: Glyphs, in_next: bool = False) -> list[Row]:
    """Draw the causes, or the evidence without causes, in at most `high` rows."""
    if snapshot.causes:
        return cause_rows(snapshot.causes, wide, high, glyphs, in_next)
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


def cause_rows(causes: tuple[Cause, ...], wide: int, high: int, glyphs: Glyphs, in_next: bool = False) -> list[Row]:
    """Draw ranked causes: name, proof, and the fix of the first; one line each where rows are few and wide.

    Without room for everything, all names come before the details of the first cause. `in_next`: the header shows
    the first fix.
    """
    if in_next:
        causes = (replace(causes[0], fix=FIX_ABOVE), *causes[1:])
    # A single proof gets the row that its fix does not need.
    is_brief = high < 2 * len(causes) + 1 and wide >= 64 and not (in_next and len(causes) == 1)
    if is_brief:
        lines = [_one_line(i, cause, wide, glyphs) for i, cause in enumerate(causes)]
        if high > len(causes) and causes[0].fix and not in_next:
            fix = Span(glyphs.text(causes[0].fix), "text")
            lines.insert(1, cut((gap(LABEL), muted("fix "), fix), wide, glyphs.ellipsis))
        return lines[:high]
    first = _first_block(causes[0], wide, high - (len(causes) - 1), glyphs)
    others = [_block(i, cause, wide, glyphs) for i, cause in enumerate(causes) if i]
    whole = [_block(i, cause, wide, glyphs, whole=True) for i, cause in enumerate(causes) if i]
    others = whole if len(first) + sum(map(len, whole)) <= high else others
    if len(first) + sum(map(len, others)) > high:
        others = [rows[:1] for rows in others]
    blocks = [first, *others]
    airy = sum(map(len, blocks)) + len(blocks) - 1 <= high
    rows: list[Row] = []
    for block in blocks:
        if rows and airy:
            rows.append(())
        rows += block
    return rows[:high]


def _first_block(cause: Cause, wide: int, high: int, glyphs: Glyphs) -> list[Row]:
    """Draw the first cause: name, proof and fix, whole where they fit. The proof is cut before the fix."""
    name = Span(glyphs.text(cause.name), "strong", True)
    head = cut((*_rank(0, cause), name), wide, glyphs.ellipsis)
    proof = paragraph(glyphs.text(cause.because), wide, "text", indent=(gap(LABEL),))
    fix = paragraph(glyphs.text(cause.fix), wide, "text", indent=(gap(LABEL), muted("fix "))) if cause.fix else []
    if cause.fix == FIX_ABOVE and 1 + len(proof) + len(fix) > high:
        fix = []
    kept = max(1, high - 1 - len(fix))
    if len(proof) > kept:
        flowing = _flowing(cause, wide, glyphs)
        # Behind the name stand as many cells again: there the proof begins where its own rows are too few.
        rows = shorten(flowing, 1 + kept, wide, glyphs)
        return [*rows, *shorten(fix, max(0, high - len(rows)), wide, glyphs)]
    proof = shorten(proof, kept, wide, glyphs)
    return [head, *proof, *shorten(fix, max(0, high - 1 - len(proof)), wide, glyphs)]


def _flowing(cause: Cause, wide: int, glyphs: Glyphs) -> list[Row]:
    """Draw the first cause with its proof behind its name, in as many rows as they need."""
    name = glyphs.text(cause.name)
    lines = words(f"{name}: {glyphs.text(cause.because)}", max(1, wide - LABEL))
    if not lines[0].startswith(f"{name}:"):
        return paragraph(f"{name}: {glyphs.text(cause.because)}", wide, "text", indent=_rank(0, cause))
    first: Row = (*_rank(0, cause), Span(name, "strong", True), Span(lines[0][len(name) :], "text"))
    return [first, *((gap(LABEL), Span(line, "text")) for line in lines[1:])]


def _block(i: int, cause: Cause, wide: int, glyphs: Glyphs, whole: bool = False) -> list[Row]:
    """Draw a cause after the first: name, and one row of its proof, or the whole proof."""
    name = Span(glyphs.text(cause.name), "text")
    proof = paragraph(glyphs.text(cause.because), wide, "muted", indent=(gap(LABEL),))
    return [
        cut((*_rank(i, cause), name), wide, glyphs.ellipsis),
        *(proof if whole else shorten(proof, 1, wide, glyphs)),
    ]


def shorten(rows: list[Row], high: int, wide: int, glyphs: Glyphs) -> list[Row]:
    """Return at most `high` rows of a paragraph; an ellipsis marks text that is left out."""
    if len(rows) <= high or high < 1:
        return rows[: max(0, high)]
    *kept, last = rows[:high]
    room = max(0, wide - cells(glyphs.ellipsis))
    return [*kept, (*fit(last, min(width(last), room), ""), Span(glyphs.ellipsis, "muted"))]


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
