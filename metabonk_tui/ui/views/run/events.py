"""Draws events, the newest first: time, glyph, sentence. Events of the last minute are bold.

Does not: judge. The severity comes with the event.
"""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.event import EventKind, without_duplicates
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.drawn_once import once_a_snapshot
from metabonk_tui.ui.frame import EVENTS, Frame
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, cells, clip, fit, gap, mark, on_row
from metabonk_tui.ui.views.layout.highlight import RECENT_S
from metabonk_tui.ui.views.layout.section import muted, paragraph

_WORDS: tuple[tuple[str, str, str], ...] = (
    ("DOWN", "down", "crit"),
    ("STALE", "stale", "unknown"),
    ("NaN", "bad", "crit"),
    ("stalled", "stalled", "warn"),
    ("ABSENT", "absent", "crit"),
)
"""Words in the text of a worker's event, with their glyph and token."""


@once_a_snapshot
def listed_events(frame: Frame, snapshot: Snapshot) -> tuple[Event, ...]:
    """Return the events to show, oldest first; of those of one moment the most severe comes last, above the others."""
    return tuple(
        sorted(without_duplicates(snapshot.events), key=lambda event: (event.t, levels.order(event.severity)))
    )


def event_mark(event: Event, glyphs: Glyphs) -> Span:
    """Draw the glyph of an event: of its verdict or its state, else of its severity."""
    if event.kind == EventKind.VERDICT and "word" in event.facts:
        word = next((word for word in VerdictKind if word.value == event.facts["word"]), None)
        if word is not None:
            return mark(glyphs.level(word.level), level_token(word.level))
    if event.kind.startswith(("worker", "component")) and event.severity in ("warn", "crit"):
        for needle, name, token in _WORDS:
            if needle in event.text:
                return mark(str(getattr(glyphs, name)), token)
    if event.severity == "info":
        return mark(glyphs.dot, "muted")
    return mark(glyphs.level(event.severity), level_token(event.severity))


def sentence(event: Event) -> str:
    """Return the event's text, with the worker in front."""
    if event.worker is None or event.text.startswith(f"{event.worker.label} "):
        return event.text
    return f"{event.worker.label} {event.text}"


def is_about_worker(event: Event, ref: WorkerRef) -> bool:
    """Return whether an event is about this worker, alone or among others."""
    refs = event.facts.get("workers")
    return event.worker == ref or (isinstance(refs, list | tuple) and ref.written in refs)


def is_new(event: Event, snapshot: Snapshot) -> bool:
    """Return whether the event is less than a minute old; events of the gate's first minute never are new."""
    began = snapshot.gate.began_t
    return began is not None and began + RECENT_S < event.t and snapshot.t - event.t <= RECENT_S


def selected_event(frame: Frame, events: Sequence[Event]) -> Event | None:
    """Return the event under the cursor, else the newest one; None where the list is not shown alone, or is empty."""
    if frame.state.zoom != EVENTS or not events:
        return None
    return next((event for event in reversed(events) if (event.t, event.text) == frame.state.event), events[-1])


def event_rows(frame: Frame, snapshot: Snapshot, events: Sequence[Event], wide: int, high: int) -> list[Row]:
    """Draw the newest events; where they are shown alone, with a cursor."""
    g = frame.glyphs
    rows: list[Row] = []
    chosen = selected_event(frame, events)
    if chosen is not None:
        wide -= 2
    shown = events[-high:] if high > 0 else ()
    # Rows that would stay blank hold what a row cuts of the newest events; a list with a cursor has a row for each.
    spare = high - len(shown) if chosen is None else 0
    for event in reversed(shown):
        new = is_new(event, snapshot)
        clock = Span(fmt.clock(event.t, frame.zone), "strong" if new else "muted", new)
        said = g.text(sentence(event))
        if spare > 0 and cells(said) > wide - 12:
            head: Row = (clock, gap(2), event_mark(event, g), gap(1))
            whole = paragraph(said, wide, "strong" if new else "text", new, indent=head)
            if len(whole) - 1 <= spare:
                spare -= len(whole) - 1
                rows += whole
                continue
        clipped = clip(said, max(0, wide - 12), g.ellipsis)
        row: Row = (clock, gap(2), event_mark(event, g), gap(1), Span(clipped, "strong" if new else "text", new))
        if event is chosen:
            row = on_row(fit((mark(g.cursor, "accent"), gap(1), *row), wide + 2, g.ellipsis), "select")
        rows.append(row if chosen is None or event is chosen else (gap(2), *row))
    return rows or [(muted("no events yet"),)]


def new_count(snapshot: Snapshot, events: Sequence[Event]) -> Row:
    """Draw the number of new events; empty for none."""
    n = sum(is_new(event, snapshot) for event in events)
    return (muted(f"{n} new"),) if n else ()
