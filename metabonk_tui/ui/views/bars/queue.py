"""Draws the workers that wait for a place on a cluster, with the engine's reason. Does not: say for how long."""

from __future__ import annotations

from metabonk_tui.core.model.refs import WorkerRef, worker_ranges
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, fit, gap, mark
from metabonk_tui.ui.views.bars.hosts import host_rows
from metabonk_tui.ui.views.layout.section import muted, strong

MOST_REASONS = 2


def placed_rows(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw the hosts that have names, and below them the workers that have none yet."""
    hosts = host_rows(frame, snapshot) if snapshot.has_several_hosts else ()
    return (*hosts, *queue_rows(frame, snapshot))


def queue_rows(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw one row, and none while every worker has a place."""
    waiting = snapshot.pool.waiting
    if not waiting:
        return ()
    g = frame.glyphs
    since = min((each.since_t for each in waiting if each.since_t is not None), default=None)
    reasons = list(dict.fromkeys(each.reason for each in waiting))
    why = ", ".join(reasons[:MOST_REASONS]) + (" ..." if len(reasons) > MOST_REASONS else "")
    row: Row = (
        *(gap(1), strong("queue"), gap(1), mark(g.level("unknown"), "unknown"), gap(1)),
        Span(f"{count_of(len(waiting), 'worker')} wait{'s' if len(waiting) == 1 else ''}", "unknown", True),
        muted(f" {g.text(worker_ranges(WorkerRef(slot=each.slot) for each in waiting))}"),
        *(gap(2), Span(g.text(why), "unknown")),
        muted("" if since is None else f" for {fmt.age(max(0.0, snapshot.t - since))}"),
        muted("" if snapshot.pool.engine_error is None else ", when the cluster last answered"),
    )
    return (fit(row, frame.width, g.ellipsis),)
