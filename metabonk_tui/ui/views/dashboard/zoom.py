"""Shows one pane of the dashboard alone, on the whole screen; what does not fit scrolls.

Does not: draw a pane, or zoom the workers, which have a layout of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.density import SIDE_ROWS
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.style.spans import EMPTY, Row, fit, gap
from metabonk_tui.ui.views.dashboard import panes
from metabonk_tui.ui.views.layout.panes import Pane
from metabonk_tui.ui.views.layout.section import muted, title, with_keys_now
from metabonk_tui.ui.views.layout.short import short
from metabonk_tui.ui.views.run.events import listed_events, selected_event

MOST_ROWS = 400
"""The most rows of a pane, which scrolls."""


def zoomed(frame: Frame, snapshot: Snapshot, head: tuple[Row, ...], bottom: tuple[Row, ...]) -> Page:
    """Draw the header, the chosen panes one under the other, and the keys."""
    airy: tuple[Row, ...] = (EMPTY,) if frame.height >= 14 else ()
    wide = frame.width - 2
    room = max(1, frame.height - len(head) - len(airy) - len(bottom))
    rows: list[Row] = []
    for pane in PANES[frame.state.zoom](frame, snapshot):
        rows += [EMPTY] if rows else []
        # What grows, like a chart, takes what the panes under it leave.
        high = max(pane.least, room * 2 // 3) if pane.grows else MOST_ROWS
        drawn = pane.draw(wide, high)
        # The title of the first pane says that it has the keys.
        rows += drawn if rows else [(drawn[0][0]._replace(token="accent"), *drawn[0][1:]), *drawn[1:]]
    if not rows:
        none = muted(with_keys_now(frame, "no log line names a cause; l reads the logs"))
        rows = [title("LOG", wide, frame.glyphs, focused=True), (none,)]
    shown = _cursor(frame, snapshot)
    ellipsis = frame.glyphs.ellipsis
    page = Page((*head, *airy), tuple(fit((gap(1), *row), frame.width, ellipsis) for row in rows), bottom, shown)
    return page if frame.height >= SIDE_ROWS else short(page, frame.width, room)


def _cursor(frame: Frame, snapshot: Snapshot) -> tuple[int, int] | None:
    """Return the row of the cursor in the list of events, with the title above the first one; None: no cursor."""
    events = listed_events(frame, snapshot)
    if (chosen := selected_event(frame, events)) is None:
        return None
    at = len(events) - 1 - next(place for place, event in enumerate(events) if event is chosen)
    return (at + 1 if at else 0, at + 2)


def _present(*found: Pane | None) -> Sequence[Pane]:
    return [pane for pane in found if pane is not None]


def _why(frame: Frame, snapshot: Snapshot) -> Sequence[Pane]:
    reasons = panes.why(frame, snapshot) if snapshot.verdict.level == "stop" else panes.causes(frame, snapshot)
    return _present(reasons, panes.decision(frame, snapshot))


def _memory(frame: Frame, snapshot: Snapshot) -> Sequence[Pane]:
    return _present(panes.memory(frame, snapshot), panes.owners(frame, snapshot), panes.fits(frame, snapshot))


PANES: Mapping[str, Callable[[Frame, Snapshot], Sequence[Pane]]] = {
    "why": _why,
    "memory": _memory,
    "events": lambda frame, snapshot: [panes.events(frame, snapshot)],
    "log": lambda frame, snapshot: _present(panes.log(frame, snapshot)),
    "gate": lambda frame, snapshot: _present(panes.gate(frame, snapshot), panes.file_and_process(frame, snapshot)),
}
"""By the name of a zoom."""
