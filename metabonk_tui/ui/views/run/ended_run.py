"""Says in the header how the run that is over went: when it ended and how, how long it ran, the lowest memory.

Does not: find out why it ended; `core.run` does.
"""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row
from metabonk_tui.ui.views.layout.section import label, paragraph

MOST_ROWS = 3


def ended_rows(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw the end of the run in whole sentences; nothing while it goes on."""
    end = snapshot.verdict.ended
    if end is None:
        return ()
    said = f"{end.text}, at {fmt.clock(end.t, frame.zone)} after {fmt.elapsed(end.t - snapshot.run.started_at)}"
    lowest = snapshot.memory.min_available_bytes
    if lowest is not None:
        said += f"; memory lowest {fmt.gigabytes(lowest)} GB"
    rows = paragraph(frame.glyphs.text(said), frame.width - 1, "strong", indent=label("ENDED"))
    return tuple(rows[:MOST_ROWS])
