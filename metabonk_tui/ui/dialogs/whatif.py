"""How many workers would fit: a few numbers beside the one that is asked for, what each needs and leaves.

Refuses to guess: without a budget there is no table.
"""

from __future__ import annotations

from metabonk_tui.core.format import gigabytes
from metabonk_tui.core.preflight import how_known
from metabonk_tui.ui.dialogs.base import Line, labelled
from metabonk_tui.ui.screens.base import Frame
from metabonk_tui.ui.spans import Row, Span, gap, mark

ROWS = 4


def whatif_lines(frame: Frame, workers: int | None) -> list[Line]:
    """Draw the table: N, needs, leaves, verdict."""
    budget = frame.snapshot.memory.budget if frame.snapshot else None
    if budget is None or workers is None:
        return []
    near = {number for number in (workers - 1, workers, workers + 1, budget.fits) if number >= 1}
    chosen = sorted(sorted(near, key=lambda number: abs(number - workers))[:ROWS])
    each = f"worker {gigabytes(budget.worker_bytes, 2)} {how_known(budget.worker_measured)}"
    ollama = f", Ollama {gigabytes(budget.ollama_bytes)} {how_known(budget.ollama_measured)}"
    known = f"GB: {each}{ollama if budget.ollama_bytes else ''}, {gigabytes(budget.budget_bytes)} to have measured"
    head: Row = (Span("  N  needs  leaves  ", "muted"), Span(known, "muted"))
    lines = [Line(labelled("what if", head, frame), 6)]
    for number in chosen:
        leaves = budget.leaves_bytes(number)
        fits = leaves >= budget.floor_bytes
        here = number == workers
        said = "fits" if fits else "below the floor" if leaves >= 0 else "does not fit"
        token = "ok" if fits else "warn" if leaves >= 0 else "crit"
        glyph = frame.glyphs.go if fits else frame.glyphs.caution if leaves >= 0 else frame.glyphs.stop
        row: Row = (
            Span(
                f"{number:>3} {gigabytes(budget.needs_bytes(number)):>6} {gigabytes(leaves):>7}  ",
                "strong" if here else "muted",
                here,
            ),
            mark(glyph, token),
            gap(1),
            Span(said, token, here),
        )
        lines.append(Line(labelled("", row, frame), 6 if here else 4))
    return lines
