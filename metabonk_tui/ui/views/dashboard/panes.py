"""Makes the titled panes of the dashboard, each with the least and the most rows it can use.

Does not: place them.
"""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.model.event import without_duplicates
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import EMPTY, Row
from metabonk_tui.ui.views.layout.panes import Pane
from metabonk_tui.ui.views.layout.section import bracket, muted, title
from metabonk_tui.ui.views.memory.chart import HISTORY_S, chart
from metabonk_tui.ui.views.memory.owners import fits_note, fits_rows, owner_rows
from metabonk_tui.ui.views.run.causes import cause_rows, why_rows
from metabonk_tui.ui.views.run.events import event_rows, new_count
from metabonk_tui.ui.views.verdict.matrix import changes_rows, decision_rows
from metabonk_tui.ui.views.workers.grid import attention_rows


def memory(frame: Frame, snapshot: Snapshot) -> Pane:
    """Make the chart of available memory over time."""

    def draw(wide: int, high: int) -> Sequence[Row]:
        note = f"available GB, last {HISTORY_S / 60:.0f} min" if wide >= 44 else "available GB"
        head = title("MEMORY", wide, frame.glyphs, (muted(note),), bracket(frame, "m"))
        return (head, *chart(snapshot, wide, high - 1, frame.glyphs, frame.zone))

    return Pane(draw, 6, 40, grows=True)


def decision(frame: Frame, snapshot: Snapshot) -> Pane:
    """Make the decision matrix, one question a row, and what would change the verdict."""

    def draw(wide: int, high: int) -> Sequence[Row]:
        rows = decision_rows(snapshot, wide, frame.glyphs)
        changes = changes_rows(snapshot, wide, frame.glyphs)
        more = (EMPTY, *changes) if changes and high >= len(rows) + len(changes) + 2 else ()
        return (title("DECISION", wide, frame.glyphs, (), bracket(frame, "v")), *rows, *more)

    return Pane(draw, 1 + len(snapshot.verdict.nodes), 12)


def why(frame: Frame, snapshot: Snapshot, brief: bool = False) -> Pane:
    """Make the ranked causes, or the evidence of the verdict; `brief`: one row per cause, one for the first fix."""
    causes = len(snapshot.causes)
    note = "ranked causes of silence" if snapshot.causes else "evidence of the verdict"

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("WHY", wide, frame.glyphs, (muted(note),), bracket(frame, "v"))
        return (head, *why_rows(snapshot, wide, high - 1, frame.glyphs))

    least = 2 + causes if brief and causes else 3 * causes + 1 if causes else 4
    most = least if brief and causes else 5 * causes + 1 if causes else 12
    return Pane(draw, least, most, first=not brief)


def causes(frame: Frame, snapshot: Snapshot) -> Pane | None:
    """Make the ranked causes of silent components while the run is no STOP; None without causes."""
    found = snapshot.causes
    if not found:
        return None

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("CAUSES", wide, frame.glyphs, (muted("why components are silent, ranked"),), bracket(frame, "v"))
        return (head, *cause_rows(found, wide, high - 1, frame.glyphs))

    return Pane(draw, 2, 1 + 5 * len(found), first=True)


def owners(frame: Frame, snapshot: Snapshot) -> Pane:
    """Make the table of memory owners."""

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("MEMORY OWNERS", wide, frame.glyphs, (muted("GB, growth"),))
        return (head, *owner_rows(snapshot, wide, high - 1, frame.glyphs))

    held = len(snapshot.memory.owners)
    single = len(snapshot.workers) if held else 0
    return Pane(draw, 1 + max(1, min(held, 3)), 1 + held + single)


def fits(frame: Frame, snapshot: Snapshot) -> Pane | None:
    """Make the budget of workers that fit; None while the budget is unknown."""
    if snapshot.memory.budget is None:
        return None
    rows = fits_rows(snapshot)

    def draw(wide: int, high: int) -> Sequence[Row]:
        return (title("FITS", wide, frame.glyphs, fits_note(snapshot)), *rows)

    return Pane(draw, 1 + len(rows), 1 + len(rows))


def events(frame: Frame, snapshot: Snapshot) -> Pane:
    """Make the list of events."""
    shown_events = without_duplicates(snapshot.events)

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("EVENTS", wide, frame.glyphs, new_count(snapshot, shown_events))
        return (head, *event_rows(frame, snapshot, shown_events, wide, high - 1))

    return Pane(draw, 2, 1 + max(1, len(shown_events)), stays=True)


def attention(frame: Frame, snapshot: Snapshot) -> Pane | None:
    """Make one sentence per worker that needs attention; None when no worker does."""
    found = [worker for worker in snapshot.workers if worker.attention]
    if not found:
        return None

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("ATTENTION", wide, frame.glyphs, (muted(str(len(found))),), bracket(frame, "a"))
        return (head, *attention_rows(frame, snapshot, found, wide)[: high - 1])

    return Pane(draw, 2, 1 + len(found))
