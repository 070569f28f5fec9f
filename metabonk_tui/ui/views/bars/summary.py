"""Draws the facts that the header and the side panes share: mode, workers up, evidence, workers that need someone.

Does not: place them.
"""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.sorting import ill_workers
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, cut, gap, mark, width
from metabonk_tui.ui.views.layout.section import muted, strong
from metabonk_tui.ui.views.layout.section import plain_text as text

CUT_SENTENCE_CELLS = 20
"""A sentence after the first is cut to at least this many cells, else left out."""
SHOW_PREVIOUS_S = 300.0
DEMO_CELLS = 76
"""From this width on a demo says its scenario and how its time runs in words."""


def mode(frame: Frame, snapshot: Snapshot) -> Row:
    """Draw the mode: live, paused, late, or replay."""
    g = frame.glyphs
    if frame.past:
        return (mark(g.best, "accent", True), gap(1), Span("REPLAY", "accent", True))
    if frame.mode == "paused":
        return (mark(g.unknown, "unknown"), gap(1), strong("PAUSED"))
    if frame.mode == "lag":
        return (mark(g.stale, "unknown"), gap(1), Span(f"LAG {fmt.age(frame.late_s)}", "unknown", True))
    if snapshot.run.demo and frame.speed != 1 and frame.width >= DEMO_CELLS:
        return (mark(g.go, "ok"), gap(1), strong("LIVE"), text(f" 1 min = {60 / frame.speed:.2g}s"))
    every = f" {round(snapshot.run.interval_s / frame.speed, 1):g}s"
    fast = f" {g.times}{frame.speed:g}" if frame.speed != 1 else ""
    return (mark(g.go, "ok"), gap(1), strong("LIVE"), muted(every), text(fast))


def up_count(snapshot: Snapshot, glyphs: Glyphs) -> Row:
    """Count the workers that answer."""
    up = sum(worker.reach is Reach.UP for worker in snapshot.workers)
    share = fmt.share(up, len(snapshot.workers))
    if up < len(snapshot.workers) and not any(w.reach is Reach.STARTING for w in snapshot.workers):
        return (mark(glyphs.caution, "warn"), gap(1), Span(share, "warn", True), muted(" up"))
    return (strong(share), muted(" up"))


def need_text(snapshot: Snapshot, brief: bool) -> str:
    """Say how many workers a person should look at; "" for none, and while no pool runs."""
    verdict = snapshot.verdict
    ill = len(ill_workers(snapshot)) if verdict.ended is None and verdict.kind is not VerdictKind.WAITING else 0
    if not ill:
        return ""
    if brief:
        return f"{ill} ill"
    return f"{ill} workers need you" if ill > 1 else "1 worker needs you"


def evidence(snapshot: Snapshot, text_token: str, quiet: str, room: int, g: Glyphs) -> Row:
    """Join as many sentences as fit; the first is cut, not left out, and another is cut where it still says much."""
    verdict = snapshot.verdict
    parts: list[Row] = [(Span(g.text(sentence), text_token),) for sentence in verdict.because]
    if verdict.would_be is not None:
        parts.insert(1, (Span("would be ", quiet), Span(str(verdict.would_be), text_token)))
    if (
        verdict.was is not None
        and 0 <= snapshot.t - verdict.since_t < SHOW_PREVIOUS_S
        and verdict.since_t > snapshot.run.started_at
    ):
        parts.append((Span(f"was {verdict.was}", quiet),))
    dot: Row = (Span(f" {g.dot} ", quiet),)
    row: Row = ()
    for part in parts:
        longer = (*row, *dot, *part) if row else part
        if width(longer) > room:
            is_much = room - width(row) - width(dot) >= CUT_SENTENCE_CELLS
            return cut(longer, room, g.ellipsis) if (is_much if row else room >= 8) else row
        row = longer
    return row
