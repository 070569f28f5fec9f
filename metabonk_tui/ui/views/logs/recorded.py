"""Draws log lines that may show a cause, of one worker or of all, and the paths of the whole logs.

Does not: interpret a line or show its time, which is not recorded.
"""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.model.refs import WorkerRef, worker_names
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.status.decode import text as field_of
from metabonk_tui.core.status.log_lines import KEPT_LINES, is_from
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, cut, gap, left, mark, width
from metabonk_tui.ui.views.layout.section import muted, paragraph, title
from metabonk_tui.ui.views.layout.section import plain_text as text

DIRECTORY = "game_log_path"
"""The `/status` field with the directory of the logs."""
ERRORS = ("error", "traceback", "exception", "failed")
WORKER_CELLS = 5
MAX_WORKERS_CELLS = 20


def chosen(frame: Frame, snapshot: Snapshot) -> Sequence[WorkerView]:
    """Return the workers whose lines are shown: pane 0 is all workers, pane N is the Nth worker."""
    pane = frame.state.pane % (len(snapshot.workers) + 1)
    return snapshot.workers if pane == 0 else snapshot.workers[pane - 1 : pane]


def log_rows(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw everything below the header, in as many rows as needed."""
    g, wide = frame.glyphs, max(20, frame.width - 2)
    workers = chosen(frame, snapshot)
    selection = (
        f"{workers[0].ref.label} alone" if len(workers) < len(snapshot.workers) else f"all {len(workers)} workers"
    )
    end: Row = (Span(selection, "accent", True), muted("  Tab next")) if len(snapshot.workers) > 1 else ()
    note = muted("lines that may show a cause, newest last")
    rows: list[Row] = [title("LOGS", wide, g, (note,), end, focused=True)]
    if frame.logs.why_not:
        rows += paragraph(frame.logs.why_not, wide, "muted", indent=(mark(g.unobserved, "unknown"), gap(1)))
    slots_by_line = lines_of(snapshot, workers)
    if slots_by_line:
        rows += line_rows(slots_by_line, len(workers), wide, g)
        kept = f"kept: the first and last {KEPT_LINES // 2} such lines of each worker; their times are unknown"
        rows += [EMPTY, *paragraph(kept, wide, "muted")]
    else:
        none = "no such line found; logs that are not plain files here, or not readable, cannot show any"
        rows += paragraph(none, wide, indent=(mark(g.unobserved, "unknown"), gap(1)))
    rows += [EMPTY, title("WHOLE LOG", wide, g, (muted("files on the workers' machine"),))]
    for worker in workers:
        rows += _places(worker, wide, g)
    return tuple(cut((gap(1), *row), frame.width - 1, g.ellipsis) for row in rows)


def lines_of(snapshot: Snapshot, workers: Sequence[WorkerView]) -> dict[str, tuple[WorkerRef, ...]]:
    """Return the workers of each line. A line of several workers comes once, at its first place."""
    slots_by_line: dict[str, tuple[WorkerRef, ...]] = {}
    for worker in workers:
        name = field_of(worker.status, "instance_id")
        for line in (line for line in snapshot.log_lines.get(worker.ref, ()) if is_from(line, name)):
            slots_by_line[line] = (*slots_by_line.get(line, ()), worker.ref)
    return slots_by_line


def places(worker: WorkerView) -> tuple[str, ...]:
    """List the paths where the monitor looks for the worker's log."""
    # A process that has ended has no descriptors, and its pid may name another one.
    found = [f"/proc/{worker.pid}/fd/{n}" for n in (1, 2)] if worker.pid is not None and worker.alive else []
    directory = field_of(worker.status, DIRECTORY)
    return (*found, f"{directory}/logs/worker_{worker.slot}.log") if directory else tuple(found)


def line_rows(slots_by_line: dict[str, tuple[WorkerRef, ...]], workers: int, wide: int, g: Glyphs) -> list[Row]:
    """Draw each line behind the workers that wrote it, in as many rows as it takes."""
    names = {line: "all" if len(refs) == workers > 1 else worker_names(refs, None)
             for line, refs in slots_by_line.items()}  # fmt: skip
    worker_cells = (
        min(max(len(name) for name in names.values()) + 1, MAX_WORKERS_CELLS, max(4, wide // 4)) if workers > 1 else 0
    )
    rows: list[Row] = []
    for line, name in names.items():
        loud = any(word in line.lower() for word in ERRORS)
        glyph = mark(g.stop, "crit") if loud else mark(g.caution, "warn")
        head: Row = (
            *((left(name, worker_cells, "muted", False, g.ellipsis), gap(1)) if worker_cells else ()),
            glyph,
            gap(1),
        )
        rows += paragraph(g.text(line), wide, "text", indent=head)
    return rows


def _places(worker: WorkerView, wide: int, g: Glyphs) -> list[Row]:
    cells = max(WORKER_CELLS, len(worker.ref.label) + 1)
    head: Row = (left(worker.ref.label, cells, "muted"),)
    paths = places(worker)
    if not paths:
        return [(*head, Span("unknown: neither its process nor its log directory was found", "unknown"))]
    row = (*head, text(g.text("   ".join(paths))))
    if width(row) <= wide:
        return [row]
    rows = [paragraph(g.text(path), wide, indent=head if i == 0 else (gap(cells),)) for i, path in enumerate(paths)]
    return [line for each in rows for line in each]
