"""Shows the page about one death; `[` and `]` walk through the deaths of the run, and to those of earlier runs."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import EARLIER_RUNS, Frame, Page, UiState
from metabonk_tui.ui.screens.base import HeadedScreen
from metabonk_tui.ui.style.spans import EMPTY, Row, clip, gap
from metabonk_tui.ui.views.layout.section import muted
from metabonk_tui.ui.views.run.earlier_deaths import earlier_rows
from metabonk_tui.ui.views.run.obituary import obituary_rows

STEPS = {"death_before": -1, "left": -1, "previous": -1, "death_after": 1, "right": 1, "next": 1}

NONE = "no death in this run, as far as it was watched"


class ObituaryScreen(HeadedScreen):
    """Shows how a process died, the newest death first."""

    name: ClassVar[str] = "obituary"

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        """Draw the selected death, or that none was seen."""
        death = frame.death
        if death is None:
            head: tuple[Row, ...] = ()
            if not snapshot.obituaries:
                head = ((gap(1), muted(clip(NONE, frame.width - 2, frame.glyphs.ellipsis))), EMPTY)
            return Page(body=(*head, *earlier_rows(frame)))
        return Page(body=obituary_rows(frame, snapshot, death, room))

    def do(self, command: str, frame: Frame) -> UiState | None:
        """Select the death before or after."""
        if command not in STEPS or frame.snapshot is None or not frame.snapshot.obituaries:
            return None
        deaths, death = frame.snapshot.obituaries, frame.death
        at = (-1 if death is None else deaths.index(death)) + STEPS[command]
        if at < 0:
            # Before the first death of this run come those of earlier runs.
            return replace(frame.state, death=EARLIER_RUNS)
        at = min(at, len(deaths) - 1)
        return replace(frame.state, death=deaths[at].key, ref=deaths[at].ref or frame.state.ref)
