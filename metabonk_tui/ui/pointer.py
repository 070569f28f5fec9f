"""Turns the mouse into what keys do: the wheel moves like the arrows, a click selects the worker that is drawn there.

Does not: act on the pool.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.effect import NO_EFFECT, Effect
from metabonk_tui.ui.frame import with_selected
from metabonk_tui.ui.style.spans import Row, cells, plain

BEFORE_CELLS = 4
"""The cursor and the glyph that stand before a worker's name belong to it."""


def scroll(controller: Controller, step: int, at_s: float, wide: int, high: int) -> Effect:
    """Turn the wheel up (-1) or down (1) at a time (monotonic), in a terminal of this size."""
    key = "up" if step < 0 else "down"
    return controller.press(key, None, at_s, wide, high)


def click(controller: Controller, x: int, y: int, wide: int, high: int) -> Effect:
    """Select the worker at a cell; nothing where none is drawn, or under a dialog."""
    if controller.dialog is None and controller.snapshot is not None:
        labels = {worker.ref.label: worker.ref for worker in controller.snapshot.workers}
        ref = worker_at(controller.rows(wide, high), x, y, labels)
        if ref is not None:
            controller.state = with_selected(controller.frame(wide, high), ref)
    return NO_EFFECT


def worker_at(rows: Sequence[Row], x: int, y: int, labels: Mapping[str, WorkerRef]) -> WorkerRef | None:
    """Return the worker whose name stands in this row or above it, left of the cell; a blank row ends the search."""
    for row in reversed(rows[: y + 1]):
        text = plain(row)
        if not text.strip():
            return None
        found = None
        for word in re.finditer(r"[^\s,]+", text):
            if word[0] in labels and cells(text[: word.start()]) <= x + BEFORE_CELLS:
                found = labels[word[0]]
        if found is not None:
            return found
    return None
