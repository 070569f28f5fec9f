"""Draws which processes use memory, and how many workers fit.

Does not: forecast. Words mark each number as measured or assumed.
"""

from __future__ import annotations

from metabonk_tui.core.memory.capacity import describe_source, most_observed
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.text.phrases import plural
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, gap, left, right, spread
from metabonk_tui.ui.views.layout.section import muted, shown_label, strong
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.memory.capacity import observed_against
from metabonk_tui.ui.views.memory.gauge import bar

NAME, VALUE_END = 13, 17


def owner_rows(snapshot: Snapshot, wide: int, high: int, glyphs: Glyphs) -> list[Row]:
    """Draw owners, the largest first; then single workers by growth, where there is room."""
    owners = snapshot.memory.owners
    if not owners:
        return [(muted("not observed"),)]
    entries = [(o.name, o.bytes, o.growth_bytes_per_min, False) for o in sorted(owners, key=lambda o: -o.bytes)]
    measured = [w for w in snapshot.workers if (w.tree_bytes or w.rss_bytes) is not None]
    if high >= len(entries) + 2 and measured:
        ranked = sorted(measured, key=lambda w: (-(w.rss_growth_bytes_per_min or 0.0), w.ref))
        room = high - len(entries)
        for w in ranked[:room]:
            name = shown_label(w.ref, snapshot, glyphs, NAME - 2)
            entries.append((name, w.tree_bytes or w.rss_bytes or 0, w.rss_growth_bytes_per_min, True))
    largest = max((size for _, size, _, _ in entries), default=1) or 1
    long = max(0, wide - VALUE_END - 1 - 10)
    rows: list[Row] = []
    for raw, size, grown, single in entries[:high]:
        name = glyphs.text(raw if single else _counted(raw, len(snapshot.workers)))
        change = "" if grown is None else fmt.growth(grown)
        text_token = "muted" if single else "text"
        shown = left(f"  {name}" if single else name, NAME, text_token, False, glyphs.ellipsis)
        number = fmt.short(size / fmt.GB, 2 if single else 1, VALUE_END - NAME - 1)
        row: Row = (shown, right(number, VALUE_END - NAME, "text" if single else "strong"), gap(1))
        if long >= 6:
            row = (*row, *bar(size / largest, long, glyphs))
        rows.append(spread(row, (muted(change),), wide, glyphs.ellipsis))
    return rows


def _counted(name: str, total: int) -> str:
    """Say of how many workers the memory is known: "workers 1" of five processes is "workers 1/5"."""
    kind, _, held = name.partition(" ")
    if kind != "workers" or not held.isdecimal() or int(held) >= total:
        return name
    share = f"{held}/{total}"
    return f"{name}/{total}" if len(f"{name}/{total}") < NAME else f"w {share}"


def fits_note(snapshot: Snapshot) -> Row:
    """Draw how many workers fit and the GB they leave, for the pane's title."""
    budget = snapshot.memory.budget
    if budget is None:
        return ()
    against, tried = observed_against(snapshot)
    most = most_observed(budget, tried, against)
    head: Row = (text("at most "),) if against and tried else ()
    row: Row = (*head, strong(str(most), True), text(f" {plural(most, 'worker')}"))
    if most > 0:
        row = (*row, muted(", leaves "), strong(fmt.gigabytes(budget.leaves_bytes(most))), muted(" GB"))
    return (*row, muted(" so far")) if against == "runs out" and not head else row


def fits_rows(snapshot: Snapshot) -> list[Row]:
    """Draw the numbers behind the workers that fit, each with its source."""
    budget = snapshot.memory.budget
    if budget is None:
        return []
    facts = (
        ("worker", budget.worker_bytes, f"GB each, {describe_source(budget.worker_source, brief=True)}"),
        ("ollama", budget.ollama_bytes, f"GB, {describe_source(budget.ollama_source, brief=True)}"),
        ("floor", budget.floor_bytes, "GB must stay free"),
        ("in all", budget.budget_bytes, "GB to share out"),
    )
    return [
        (left(name, NAME, "text"), right(_amount(size), 4, "strong"), gap(1), muted(how)) for name, size, how in facts
    ]


def _amount(size: float) -> str:
    """Format GB in 4 cells; an amount that would read as 0 keeps its second decimal."""
    text = fmt.short(size / fmt.GB, 1, 4)
    return fmt.gigabytes(size) if text == "0.0" else text
