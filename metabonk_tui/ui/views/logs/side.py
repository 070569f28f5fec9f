"""Draws the panel of a worker beside its log, with the causes that name it, how to confirm them and the fix."""

from __future__ import annotations

from metabonk_tui.core.logs.model import MERGED
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.log_view import cursor_of, follows
from metabonk_tui.ui.sorting import WORST, in_order
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, cut, gap, on_row
from metabonk_tui.ui.views.layout.section import bracket, muted, paragraph, strong, title
from metabonk_tui.ui.views.logs.space import SIDE_CELLS
from metabonk_tui.ui.views.workers.panel import panel

SHAPE = 9
CAUSES = 3


def worker_beside(frame: Frame, snapshot: Snapshot) -> WorkerView | None:
    """Return the worker of the line at the cursor, that of a log that is followed, else the worst."""
    view = frame.logs
    names = [view.source]
    if view.source == MERGED and view.lines and not follows(view, frame.state.log):
        names.insert(0, view.lines[cursor_of(view, frame.state.log)].id.source)
    by_name = {worker.ref.label: worker for worker in snapshot.workers}
    for name in names:
        if name in by_name:
            return by_name[name]
    if frame.state.ref is not None:
        return frame.worker
    return next(iter(in_order(snapshot, "", WORST, False)), None)


def side_rows(frame: Frame, snapshot: Snapshot, high: int) -> list[Row]:
    """Draw at most so many rows of `SIDE_CELLS` cells."""
    worker = worker_beside(frame, snapshot)
    if worker is None:
        return []
    wide, g = SIDE_CELLS - 2, frame.glyphs
    rows: list[Row] = list(panel(frame, snapshot, worker, wide, SHAPE, False))
    causes = [cause for cause in snapshot.causes if worker.ref in cause.workers or not cause.workers][:CAUSES]
    below: list[Row] = []
    if causes:
        below += [EMPTY, title(f"CAUSE {worker.ref.label}", wide, g, end=bracket(frame, "v"))]
        for i, cause in enumerate(causes):
            below.append((strong(fmt.number(cause.confidence, 2)), gap(1), Span(g.text(cause.name), "strong", i == 0)))
            below += paragraph(g.text(cause.because), wide, "text" if i == 0 else "muted", indent=(gap(5),))
        for name, text in (("CONFIRM BY", causes[0].confirm), ("FIX", causes[0].fix)):
            if text:
                below += [EMPTY, title(name, wide, g), *paragraph(g.text(text), wide)]
    elif worker.attention:
        below += [EMPTY, *paragraph(g.text(worker.attention[0].text), wide)]
    else:
        below += [EMPTY, (muted("no cause found for this worker"),)]
    rows += [(gap(1), *cut(row, wide, g.ellipsis)) for row in below]
    return [on_row(row, "") for row in rows[:high]]
