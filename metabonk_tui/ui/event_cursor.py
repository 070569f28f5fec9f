"""Moves the cursor in the list of events, and says where Enter goes from there.

Does not: draw the list, or open a recording.
"""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.obituary import AROUND_S, Obituary
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.seek import Edge, EventMoment, SeekTarget
from metabonk_tui.ui.frame import Frame, UiState, with_selected
from metabonk_tui.ui.views.run.events import listed_events, selected_event

PAGE = 10
"""Events that a page key moves the cursor by."""
ENDS = (EventKind.WORKER_DOWN, EventKind.WORKER_GENERATION)
"""Kinds of event by which a death is seen where no process was."""


def moved(frame: Frame, command: str) -> UiState | None:
    """Return the state after a key that moves; None for another command. The newest event is the first row."""
    events = listed_events(frame, frame.snapshot) if frame.snapshot is not None else ()
    chosen = selected_event(frame, events)
    steps = {"up": 1, "previous": 1, "down": -1, "next": -1, "page_up": PAGE, "page_down": -PAGE}
    steps |= {"home": len(events), "end": -len(events)}
    if chosen is None or command not in steps:
        return None
    at = next(place for place, event in enumerate(events) if event is chosen)
    event = events[min(max(at + steps[command], 0), len(events) - 1)]
    # Before a key moved it, the cursor stays on the newest event, whichever that is.
    return replace(frame.state, event=None if event is events[-1] else (event.t, event.text))


def jump(frame: Frame) -> tuple[UiState, Obituary | SeekTarget, bool]:
    """Return where Enter goes: the state, the page about a death or else the moment, whether a worker is concerned."""
    snapshot = frame.snapshot
    event = selected_event(frame, listed_events(frame, snapshot)) if snapshot is not None else None
    if snapshot is None or event is None:
        return frame.state, Edge("end"), False
    ref = event.worker
    state = with_selected(frame, ref) if ref is not None else frame.state
    return state, death_of(event, snapshot) or EventMoment(event.t), ref is not None


def death_of(event: Event, snapshot: Snapshot) -> Obituary | None:
    """Return the page about the death that an event reports; None: it reports none, or the page is dropped."""
    for page in reversed(snapshot.obituaries):
        if abs(page.t - event.t) > AROUND_S:
            continue
        if event.kind == EventKind.PROCESS_EXIT and event.facts.get("pid") == page.pid:
            return page
        if event.kind in ENDS and event.worker is not None and event.worker == page.ref:
            return page
    return None
