"""Draws how many workers fit: a table of worker counts, and the budget with the source of each number.

Does not: calculate; `core.memory.capacity` does.
"""

from __future__ import annotations

from metabonk_tui.core.memory.capacity import (
    Contradiction,
    ObservedFit,
    arithmetic,
    contradiction,
    counts,
    describe_source,
    judge_observed,
    most_observed,
    what_if,
)
from metabonk_tui.core.model.memory import PeakSource
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.text.phrases import plural
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, gap, left, mark, right, width
from metabonk_tui.ui.views.layout.section import muted, paragraph, strong, title
from metabonk_tui.ui.views.layout.section import plain_text as text

ROWS = 8
MARK_CELLS = 2
PEAKS_RISE = "workers at the peaks so far"
NARROW = 44
PANE = 34
"""Below this many cells the pane stands in a side pane."""
FITS: dict[ObservedFit, tuple[str, str]] = {
    "fits": ("go", "ok"),
    "fits so far": ("unknown", "unknown"),
    "below floor": ("caution", "warn"),
    "runs out": ("caution", "warn"),
    "does not fit": ("stop", "crit"),
    "OOM kill": ("stop", "crit"),
}
"""Glyph and token of each answer."""
SHORT: dict[ObservedFit, str] = {
    "fits": "fits", "fits so far": "so far", "below floor": "low", "runs out": "out", "does not fit": "over",
    "OOM kill": "kill",
}  # fmt: skip
"""The answers where a side pane cuts the long ones."""


def observed_against(snapshot: Snapshot) -> tuple[Contradiction, int]:
    """Return what was observed against a fit on the host on screen, and with how many workers; 0: with none."""
    memory = snapshot.memory
    against = contradiction(memory, snapshot.t)
    here = [worker for worker in snapshot.workers if worker.ref.host == memory.host]
    # A worker that the kernel killed may not run now; it ran beside the others.
    return against, len(here) if against == "OOM kill" else sum([worker.alive for worker in here])


def fits_words(snapshot: Snapshot, brief: bool = False) -> Row:
    """Draw how many workers fit; marked when the worker's peak is assumed or still growing. Empty without a budget."""
    budget = snapshot.memory.budget
    if budget is None:
        return ()
    against, tried = observed_against(snapshot)
    if against and tried:
        most = most_observed(budget, tried, against)
        return (
            muted("fits "),
            text("at most "),
            strong(str(most)),
            text("" if brief else f" {plural(most, 'worker')}"),
        )
    sure = budget.worker_source in ("this run", "earlier run") and not against
    if brief and not sure:
        return (muted("fits "), strong(f"~{budget.fits}"), text(f" {plural(budget.fits, 'worker')}"))
    row: Row = (muted("fits "), strong(str(budget.fits)), text(f" {plural(budget.fits, 'worker')}"))
    if against == "runs out":
        return (*row, muted(" so far"))
    return row if sure else (*row, muted(f" {describe_source(budget.worker_source, brief=True)}"))


def what_if_pane(frame: Frame, snapshot: Snapshot, wide: int) -> list[Row]:
    """Draw the GB that each number of workers would need and leave."""
    g, budget = frame.glyphs, snapshot.memory.budget
    if budget is None:
        return [title("WHAT IF", wide, g, (muted("workers"),)), (Span("memory not observed", "unknown"),)]
    against, tried = observed_against(snapshot)
    most, name_of_most = most_observed(budget, tried, against), " most" if against == "runs out" else " best"
    now = sum([worker.alive for worker in snapshot.workers if worker.ref.host == snapshot.memory.host])
    count, size, far = (6, 8, 2) if wide < NARROW else (9, 9, 3)
    # In a side pane the answer gets the cells that the gaps can spare.
    size, far = (7, 1) if wide < PANE else (size, far)
    asked = [n for n in (now, frame.config.pool.workers) if n]
    shown = what_if(budget, counts(asked, budget.fits, ROWS))
    count = max([count, *(len(str(row.workers)) + 4 for row in shown)])
    rows: list[Row] = [
        title("WHAT IF", wide, g, (muted(PEAKS_RISE if against == "runs out" else "workers at their peak"),)),
        (left("W", count, "muted"), right("NEED GB", size, "muted"), right("LEAVES", size, "muted")),
    ]
    words: list[ObservedFit] = [judge_observed(budget, row.workers, tried, against) for row in shown]
    longest = max([len(word) for word in words], default=0)
    if count + 2 * size + far + 2 + longest + MARK_CELLS > wide:
        # The mark of the row to choose needs the cells of a gap.
        far = 1
    is_cut = count + 2 * size + far + 2 + longest > wide
    for row, word in reversed([*zip(shown, words, strict=True)]):
        best = row.workers == most
        bold = best or row.workers == now
        name, token = FITS[word]
        line: list[Span] = [
            left(str(row.workers), count - 3, "strong" if bold else "text", bold),
            left("now" if row.workers == now else "", 3, "muted"),
            right(fmt.short(row.needs_bytes / fmt.GB, 1, size - 1), size, "text"),
            right(fmt.short(row.leaves_bytes / fmt.GB, 1, size - 1), size, "text"),
            gap(far),
            mark(str(getattr(g, name)), token),
            gap(1),
            Span(SHORT[word] if is_cut else word, token, bold),
        ]
        if best:
            label: Row = (gap(1), mark(g.best, "accent"), Span(name_of_most, "accent", True))
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
