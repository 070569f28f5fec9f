"""Draws one muted row that explains the glyphs now on screen; it spells out that absent is not zero."""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, Reach, WorkerView
from metabonk_tui.ui.drawn_once import once_a_snapshot
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import STATE_TOKENS, STATE_WORDS, Glyphs
from metabonk_tui.ui.style.spans import Row, gap, join, mark, width
from metabonk_tui.ui.views.layout.section import muted
from metabonk_tui.ui.views.workers.component import short_name

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
    (S.RESTING, "has shown, does not move where its worker is", "resting"),
    (S.STRANGER, "no MetaBonk worker answers", "stranger"),
)
GHOST_SIGNS = "+ ahead of the ghost  - behind  = level"
_CALM_STATES = (S.ACTIVE, S.ZERO, S.PENDING)


def legend(workers: Sequence[WorkerView], wide: int, glyphs: Glyphs, numbers: bool = True, ghost: bool = False) -> Row:
    """Draw the legend; empty while every state on screen is active, zero or pending, and there is no ghost.

    `ghost`: signs say how values compare with those of a ghost.
    """
    states = {part.state for worker in workers for part in worker.components}
    if all(state in _CALM_STATES for state in states):
        return (muted(GHOST_SIGNS),) if ghost and len(GHOST_SIGNS) <= wide else ()
    derived = any(part.derived for worker in workers for part in worker.components)
    respawned = numbers and any(worker.generation > 1 for worker in workers)
    for size in (1, 2):
        parts: list[Row] = [
            (muted(f"{glyphs.state(meaning[0])} {meaning[size]}"),) for meaning in _MEANINGS if meaning[0] in states
        ]
        if respawned and size == 1:
            parts.append((muted("gen 2: process respawned, counters reset"),))
        if not numbers and any(worker.last_error and worker.reach is Reach.UP for worker in workers):
            parts.append((muted(f"{glyphs.caution} error reported"),))
        if ghost:
            parts.append((muted(GHOST_SIGNS),))
        if derived:
            parts.append((muted("* derived"),))
        for far in (4, 3, 2):
            if width(join(parts, far)) <= wide:
                return join(parts, far)
    while parts and width(join(parts, 2)) > wide:
        parts.pop()
    return join(parts, 2)


_GRID_WORDS = {S.ABSENT: "absent, not 0", S.BAD: "not a number"}
"""Where the word alone could mislead."""
_CALM_FIRST = sorted(ComponentState, key=lambda state: STATE_TOKENS[state] in ("crit", "warn", "unknown"))


@once_a_snapshot
def grid_legend(frame: Frame, snapshot: Snapshot, names_cells: bool, has_cells: bool) -> Row:
    """Draw the order of the glyphs in a cell, and the states in the grid other than active and not judged yet."""
    states = {part.state for worker in snapshot.workers for part in worker.components}
    signs: Row = (muted(GHOST_SIGNS),) if frame.ghost is not None and has_cells else ()
    shown = [] if states <= {S.ACTIVE, S.PENDING} else [state for state in ComponentState if state in states]
    names: Row = (muted(cell_names(frame, snapshot)),) if names_cells and snapshot.workers else ()
    # Without room the names of the glyphs go first, then the states that need no action.
    for head, left_out in ((names, 0), ((), 0), *(((), count) for count in range(1, len(shown) + 1))):
        kept = sorted(shown, key=_CALM_FIRST.index)[left_out:] if left_out else shown
        for far in (3, 2):
            for words in (_GRID_WORDS, {}):
                parts = [_state(state, words.get(state, STATE_WORDS[state].lower()), frame.glyphs) for state in kept]
                row = join([head, *([signs] if signs else []), *parts], far)
                if row and width(row) <= frame.width - 2:
                    return (gap(1), *row)
    return ()


def cell_names(frame: Frame, snapshot: Snapshot) -> str:
    """Name the glyphs of a cell in their order."""
    return "cell  " + " ".join([short_name(part, frame) for part in snapshot.workers[0].components])


def _state(state: ComponentState, word: str, glyphs: Glyphs) -> Row:
    token = "okdim" if state is S.ACTIVE else STATE_TOKENS[state]
    return (mark(glyphs.state(state), token), muted(f" {word}"))
