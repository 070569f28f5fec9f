"""Draws how many workers would fit: the asked number and a few near it, with what each needs and leaves.

Does not: guess. Without a budget there is no table.
"""

from __future__ import annotations

from metabonk_tui.core.memory.capacity import describe_source, judge_observed
from metabonk_tui.core.text.numbers import gigabytes
from metabonk_tui.ui.dialogs.base import DialogLine, inner_width, labelled
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, gap, mark
from metabonk_tui.ui.views.memory.capacity import FITS, observed_against

ROWS = 4
HEADS = "  N  needs  leaves  "
LABEL = 12
"""Cells of the label column."""


def whatif_lines(frame: Frame, workers: int | None) -> list[DialogLine]:
    """Draw the table: number of workers, GB needed, GB left, verdict."""
    budget = frame.snapshot.memory.budget if frame.snapshot else None
    if budget is None or workers is None or (frame.snapshot is not None and frame.snapshot.pool.placed):
        return []
    against, tried = observed_against(frame.snapshot) if frame.snapshot is not None else ("", 0)
    near = {number for number in (workers - 1, workers, workers + 1, budget.fits) if number >= 1}
    chosen = sorted(sorted(near, key=lambda number: abs(number - workers))[:ROWS])
    known = [f"worker {gigabytes(budget.worker_bytes, 2)} {describe_source(budget.worker_source, brief=True)}"]
    if budget.ollama_bytes:
        known.append(f"Ollama {gigabytes(budget.ollama_bytes)} {describe_source(budget.ollama_source, brief=True)}")
    known.append(f"{gigabytes(budget.budget_bytes)} to share")
    room = inner_width(frame) - LABEL - len(HEADS)
    while len(known) > 1 and len(", ".join(known)) > room:
        known.pop()
    head: Row = (Span(HEADS, "muted"), Span(", ".join(known), "muted"))
    lines = [DialogLine(labelled("what if GB", head, frame), 6)]
    for number in chosen:
        verdict = judge_observed(budget, number, tried, against)
        name, token = FITS[verdict]
        here = number == workers
        needs, leaves = gigabytes(budget.needs_bytes(number)), gigabytes(budget.leaves_bytes(number))
        row: Row = (
            Span(
                f"{number:>3} {needs:>6} {leaves:>7}  ",
                "strong" if here else "muted",
                here,
            ),
            mark(str(getattr(frame.glyphs, name)), token),
            gap(1),
            Span(verdict, token, here),
        )
        lines.append(DialogLine(labelled("", row, frame), 6 if here else 4))
    return lines
