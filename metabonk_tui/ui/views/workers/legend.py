"""Draws one muted row that explains the glyphs now on screen; it spells out that absent is not zero."""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.model.worker import ComponentState, WorkerView
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, join, width
from metabonk_tui.ui.views.layout.section import muted

S = ComponentState
_MEANINGS: tuple[tuple[ComponentState, str, str], ...] = (
    (S.ABSENT, "absent: key not in /status, not 0", "key not in /status, not 0"),
    (S.ZERO, "zero", "zero"),
    (S.UNPROVEN, "above zero, proof absent", "proof absent"),
    (S.STALLED, "no growth for 10 min", "stalled"),
    (S.BAD, "not a number", "not a number"),
    (S.STALE, "last value", "last value"),
    (S.DOWN, "not reachable", "down"),
    (S.UNOBSERVED, "not recorded by this source", "not observed"),
)
_CALM_STATES = (S.ACTIVE, S.ZERO, S.PENDING)


def legend(workers: Sequence[WorkerView], wide: int, glyphs: Glyphs, numbers: bool = True) -> Row:
    """Draw the legend; empty while every state on screen is active, zero or pending."""
    states = {part.state for worker in workers for part in worker.components}
    if all(state in _CALM_STATES for state in states):
        return ()
    derived = any(part.derived for worker in workers for part in worker.components)
    respawned = numbers and any(worker.generation > 1 for worker in workers)
    for size in (1, 2):
        parts: list[Row] = [
            (muted(f"{glyphs.state(meaning[0])} {meaning[size]}"),) for meaning in _MEANINGS if meaning[0] in states
        ]
        if respawned and size == 1:
            parts.append((muted("gen 2: process respawned, counters reset"),))
        if derived:
            parts.append((muted("* derived"),))
        for far in (4, 3, 2):
            if width(join(parts, far)) <= wide:
                return join(parts, far)
    while parts and width(join(parts, 2)) > wide:
        parts.pop()
    return join(parts, 2)
