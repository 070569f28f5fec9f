"""Draws how many workers fit: a table of worker counts, and the budget with the source of each number.

Does not: calculate; `core.memory.capacity` does.
"""

from __future__ import annotations

from metabonk_tui.core.memory.capacity import CapacityFit, arithmetic, counts, describe_source, what_if
from metabonk_tui.core.model.memory import Budget, PeakSource
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.text.phrases import plural
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, gap, left, mark, right, width
from metabonk_tui.ui.views.layout.section import muted, paragraph, strong, title
from metabonk_tui.ui.views.layout.section import plain_text as text

ROWS = 8
NARROW = 44
PANE = 34
"""Below this many cells the pane stands in a side pane."""
FITS: dict[CapacityFit, tuple[str, str]] = {
    "fits": ("go", "ok"),
    "below floor": ("caution", "warn"),
    "does not fit": ("stop", "crit"),
}
"""Glyph and token of each answer."""
SHORT: dict[CapacityFit, str] = {"fits": "fits", "below floor": "low", "does not fit": "over"}
"""The answers where a side pane cuts the long ones."""


def fits_words(budget: Budget, brief: bool = False) -> Row:
    """Draw how many workers fit; marked when the worker's peak is assumed or still growing."""
    sure = budget.worker_source in ("this run", "earlier run")
    if brief and not sure:
        return (muted("fits "), strong(f"~{budget.fits}"), text(f" {plural(budget.fits, 'worker')}"))
    row: Row = (muted("fits "), strong(str(budget.fits)), text(f" {plural(budget.fits, 'worker')}"))
    return row if sure else (*row, muted(f" {describe_source(budget.worker_source, brief=True)}"))


def what_if_pane(frame: Frame, snapshot: Snapshot, wide: int) -> list[Row]:
    """Draw the GB that each number of workers would need and leave."""
    g, budget = frame.glyphs, snapshot.memory.budget
    if budget is None:
        return [title("WHAT IF", wide, g, (muted("workers"),)), (Span("memory not observed", "unknown"),)]
    now = sum(worker.alive for worker in snapshot.workers)
    count, size, far = (6, 8, 2) if wide < NARROW else (9, 9, 3)
    # In a side pane the answer gets the cells that the gaps can spare.
    size, far = (7, 1) if wide < PANE else (size, far)
    asked = [n for n in (now, frame.config.pool.workers) if n]
    tried = what_if(budget, counts(asked, budget.fits, ROWS))
    count = max([count, *(len(str(row.workers)) + 4 for row in tried)])
    rows: list[Row] = [
        title("WHAT IF", wide, g, (muted("workers at their peak"),)),
        (left("W", count, "muted"), right("NEED GB", size, "muted"), right("LEAVES", size, "muted")),
    ]
    longest = max([len(row.verdict) for row in tried], default=0)
    is_cut = count + 2 * size + far + 2 + longest > wide
    for row in reversed(tried):
        best = row.workers == budget.fits
        bold = best or row.workers == now
        name, token = FITS[row.verdict]
        line: list[Span] = [
            left(str(row.workers), count - 3, "strong" if bold else "text", bold),
            left("now" if row.workers == now else "", 3, "muted"),
            right(fmt.short(row.needs_bytes / fmt.GB, 1, size - 1), size, "text"),
            right(fmt.short(row.leaves_bytes / fmt.GB, 1, size - 1), size, "text"),
            gap(far),
            mark(str(getattr(g, name)), token),
            gap(1),
            Span(SHORT[row.verdict] if is_cut else row.verdict, token, bold),
        ]
        if best:
            label: Row = (gap(1), mark(g.best, "accent"), Span(" best", "accent", True))
            line += next((part for part in (label, label[:2]) if width(line) + width(part) <= wide), ())
        rows.append(tuple(line))
    if budget.fits == 0:
        rows += paragraph("not even one worker fits above the floor", wide, "crit", True)
    return rows


def budget_pane(frame: Frame, snapshot: Snapshot, wide: int) -> list[Row]:
    """Draw the budget: what is available, what each part needs, and the source of each number."""
    g, budget = frame.glyphs, snapshot.memory.budget
    if budget is None:
        return []
    up = sum(worker.alive for worker in snapshot.workers)
    asked = up or frame.config.pool.workers
    rows: list[Row] = [
        title("BUDGET", wide, g, (muted("GB"),)),
        _part("available", budget.available_bytes, "measured now"),
        _part("pool holds", budget.held_bytes, "measured now"),
        _part("each worker", budget.worker_bytes, _mark(budget.worker_source, budget.worker_peak_t, frame, wide)),
        _part("ollama", budget.ollama_bytes, _mark(budget.ollama_source, budget.ollama_peak_t, frame, wide)),
        _part("floor", budget.floor_bytes, "must stay free"),
    ]
    return [*rows, *paragraph(arithmetic(budget, asked), wide, "text")]


def _part(name: str, size: int, how: str) -> Row:
    return (left(name, 12, "muted"), right(fmt.short(size / fmt.GB, 2, 7), 7, "strong"), gap(2), muted(how))


def _mark(source: PeakSource, t: float | None, frame: Frame, wide: int) -> str:
    label = describe_source(source, brief=wide < 60)
    return (
        label if t is None else f"{label} {fmt.day(t, frame.zone)}" if wide >= 44 else f"run {fmt.day(t, frame.zone)}"
    )
