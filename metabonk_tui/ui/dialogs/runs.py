"""Lists the recorded runs; Enter compares one with the run on screen.

Does not: read a recording; the comparison job does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from metabonk_tui.core.model.snapshot import VerdictKind
from metabonk_tui.core.ports.recordings import RecordedRun
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.compare_job import CompareJob, own_recording
from metabonk_tui.ui.dialogs.base import Reply
from metabonk_tui.ui.dialogs.list_dialog import ListDialog
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import level_token
from metabonk_tui.ui.style.spans import Row, gap, left, right

ROOMY = 74
"""From this width on the number of workers has its whole head."""


class RunsDialog(ListDialog[RecordedRun]):
    """Chooses a recorded run to compare with."""

    title: ClassVar[str] = "COMPARE WITH"
    takes: ClassVar[str] = "compare"

    def __init__(self, comparing: CompareJob) -> None:
        super().__init__()
        self._comparing = comparing
        comparing.list_runs()

    def entries(self, frame: Frame) -> Sequence[RecordedRun]:
        """List every recorded run but the one on screen: the last that was a success, then the newest first."""
        runs = self._comparing.view.runs or ()
        seen = frame.snapshot
        own = own_recording(runs, (seen.run.name, seen.run.started_at) if seen else None)
        others = [run for run in runs if run is not own]
        trusted = next((run for run in others if run.is_success), None)
        return sorted(others, key=lambda run: run is not trusted)

    def search_text(self, entry: RecordedRun, frame: Frame) -> str:
        """Search name, verdict, source and day."""
        return f"{entry.name} {entry.verdict} {entry.source} {fmt.day(entry.started_at, frame.zone)}"

    def heads(self, wide: int) -> tuple[Row, ...]:
        workers = "WORKERS" if wide - 2 >= ROOMY else "W"
        return ((gap(2), *_columns(("RUN", "BEGAN", "LENGTH", "VERDICT", workers), wide - 2, "muted")),)

    def entry_row(self, entry: RecordedRun, chosen: bool, wide: int, frame: Frame) -> Row:
        g = frame.glyphs
        began = (
            f"{fmt.day(entry.started_at, frame.zone)} {fmt.clock(entry.started_at, frame.zone, with_seconds=False)}"
        )
        workers = "" if entry.workers is None else str(entry.workers)
        level = VerdictKind(entry.verdict).level if entry.verdict in tuple(VerdictKind) else "unknown"
        verdict = f"{g.level(level)} {entry.verdict}"
        texts = (g.text(entry.name), began, fmt.elapsed(entry.duration_s), verdict, workers)
        return _columns(texts, wide, "strong" if chosen else "text", level_token(level))

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        """Take a key. Enter before the runs are listed takes the first one as soon as they are."""
        if key == "enter" and self._comparing.view.runs is None and self._comparing.view.doing:
            self._comparing.choose_when_listed(lambda: next(iter(self._found(frame)), None))
            return Reply(None)
        return super().press(key, character, at_s, frame)

    def take(self, entry: RecordedRun) -> Reply:
        """Close and start reading the run."""
        self._comparing.choose(entry)
        return Reply(None)

    def cancel(self) -> Reply:
        """Close and stop listing."""
        self._comparing.leave()
        return Reply(None)

    def empty_text(self) -> str:
        """Return why no run is listed."""
        view = self._comparing.view
        if view.problem:
            return view.problem
        if view.runs is None:
            return "listing the runs"
        return "no run matches" if self.typed else "no other recorded run; metabonk-tui import adds some"


def _columns(texts: tuple[str, str, str, str, str], wide: int, token: str, verdict_token: str = "") -> Row:
    """Set the columns. Below 70 cells the start is left out, below 58 also the number of workers."""
    began, length, verdict, workers = 18 if wide >= 70 else 0, 10, 18, _workers_cells(wide)
    name = max(6, wide - began - length - verdict - workers)
    row: Row = (left(texts[0], name - 1, token), gap(1))
    for text, cells in zip(texts[1:3], (began, length), strict=True):
        row = (*row, left(text, cells, token)) if cells else row
    row = (*row, left(texts[3], verdict, verdict_token or token))
    return (*row, right(texts[4], workers, token)) if workers else row


def _workers_cells(wide: int) -> int:
    if wide >= ROOMY:
        return 8
    return 4 if wide >= 58 else 0
