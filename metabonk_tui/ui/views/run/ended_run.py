"""Says in the header how the run that is over went: when it ended and how, how long it ran, the lowest memory.

Does not: find out why it ended; `core.run` does.
"""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.last_run import end_text, lowest_of_run
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
    said = end_text(snapshot, end, frame.zone)
    lowest = lowest_of_run(snapshot)
    if lowest is not None:
        said += f"; memory lowest {fmt.gigabytes(lowest[1])} GB"
    said += f"; run length {fmt.elapsed(snapshot.run.elapsed_s)}"
    rows = paragraph(frame.glyphs.text(said), frame.width - 1, "strong", indent=label("ENDED"))
    return tuple(rows[:MOST_ROWS])
