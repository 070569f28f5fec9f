"""Marks changes without blinking: a state is new for two polls, then bold until it is a minute old, then plain.

Pure: needs only the time the state began and the Snapshot's time. Does not: remember earlier drawings.
"""

from __future__ import annotations

from metabonk_tui.core.config.schema import Motion
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.ui.style.spans import Span

NEW_POLLS = 2
RECENT_S = 60.0


def freshness(since_t: float, snapshot: Snapshot, first_t: float | None = None, motion: Motion = "full") -> str:
    """Return "new", "recent" or "" for a state that began at `since_t`.

    With reduced motion nothing is "new": it is "recent" at once. A state already there at the first sample
    (`first_t`) or during start-up is no change.
    """
    interval_s = snapshot.run.interval_s
    first = snapshot.run.started_at if first_t is None else first_t
    if snapshot.gate.began_t is None or since_t <= max(first, snapshot.gate.began_t) + NEW_POLLS * interval_s:
        return ""
    passed = snapshot.t - since_t
    if passed <= NEW_POLLS * interval_s and motion == "full":
        return "new"
    return "recent" if passed <= max(RECENT_S, NEW_POLLS * interval_s) else ""


def worker_freshness(since_t: float, worker: WorkerView, snapshot: Snapshot, motion: Motion) -> str:
    """Return the freshness of a state of one worker; its first state is no change."""
    first = worker.generations[0].began_t if worker.generations else None
    return freshness(since_t, snapshot, first, motion)


def freshen(span: Span, how: str, loud: bool = False) -> Span:
    """Emphasise a span: "new" is reversed (`loud`: on the critical badge), "recent" is bold."""
    if how == "new":
        if loud:
            return Span(span.text, "oncritbadge", True, "critbadge")
        return Span(span.text, "strong", True, span.on, span.glyph, reverse=True)
    return span._replace(bold=True) if how == "recent" else span
