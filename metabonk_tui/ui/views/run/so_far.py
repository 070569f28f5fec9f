"""Says the run so far in one sentence, where the header has no next step."""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.run.learning import so_far
from metabonk_tui.ui.drawn_once import once_a_snapshot
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, width
from metabonk_tui.ui.views.layout.section import label, strong


@once_a_snapshot
def so_far_rows(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw the longest form that fits; no row where the run is over."""
    if not snapshot.workers or snapshot.verdict.ended is not None:
        return ()
    for form in so_far(snapshot, frame.zone):
        sentence = [strong(words, True) if is_number else Span(frame.glyphs.text(words)) for words, is_number in form]
        row: Row = (*label("SO FAR"), *sentence)
        if width(row) < frame.width:
            return (row,)
    return ()
