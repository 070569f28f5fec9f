"""The list of recorded runs: type to narrow it, Enter puts one beside the run on screen."""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import VerdictKind
from metabonk_tui.core.ports.recordings import RecordedRun
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.compare_job import CompareJob, own_recording
from metabonk_tui.ui.dialogs.base import BLANK, NEEDED, Dialog, DialogLine, Reply, box, field, inner_width
from metabonk_tui.ui.frame import Frame, Hint
from metabonk_tui.ui.style.glyphs import LEVEL_TOKENS
from metabonk_tui.ui.style.spans import Row, Span, gap, left, mark, on_row, right, width

ROWS = 12


class RunsDialog(Dialog):
    """A list that shrinks while one types."""

    def __init__(self, comparing: CompareJob) -> None:
        self._comparing = comparing
        self._typed = ""
        self._at = 0
        comparing.list_runs()

    def _found(self, frame: Frame) -> list[RecordedRun]:
        runs = self._comparing.view.runs or ()
        seen = frame.snapshot
        own = own_recording(runs, (seen.run.name, seen.run.started_at) if seen else None)
        wanted = self._typed.lower().split()
        return [run for run in runs if run is not own and all(word in _text(run, frame) for word in wanted)]

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        """Type, move, choose or close."""
        found = self._found(frame)
        if key == "escape":
            self._comparing.leave()
            return Reply(None)
        if key == "enter":
            if found:
                self._comparing.choose(found[min(self._at, len(found) - 1)])
            return Reply(None if found else self)
        steps = {"up": -1, "down": 1, "tab": 1, "shift+tab": -1, "pageup": -ROWS, "pagedown": ROWS}
        if key in steps:
            self._at = max(0, min(self._at + steps[key], len(found) - 1))
        elif key == "backspace":
            self._typed, self._at = self._typed[:-1], 0
        elif character is not None and character.isprintable():
            self._typed, self._at = (self._typed + character)[:40], 0
        return Reply(self)

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the input and the part of the list around the cursor."""
        found = self._found(frame)
        at = min(self._at, max(0, len(found) - 1))
        room = max(1, min(ROWS, frame.height - 12))
        start = max(0, min(at - room // 2, len(found) - room))
        wide = inner_width(frame)
        lines = [
            DialogLine(
                (mark(frame.glyphs.cursor, "accent"), gap(1), *field(self._typed, min(40, wide - 4), True)), NEEDED
            ),
            BLANK,
            DialogLine(_cells(("RUN", "BEGAN", "LENGTH", "VERDICT", "W"), wide, "muted"), 6),
        ]
        for place, run in enumerate(found[start : start + room], start):
            lines.append(DialogLine(_entry(run, place == at, wide, frame), NEEDED if place == at else 5))
        if not found:
            lines.append(DialogLine((gap(2), Span(self._why_empty(), "muted")), NEEDED))
        lines += [DialogLine((), 1)] * (room - max(1, len(found)))
        hints = (Hint("Enter", "compare with it", keep=True), Hint("Esc", "close", keep=True))
        return box(rows, frame, (Span("COMPARE WITH", "accent", True),), lines, hints)

    def _why_empty(self) -> str:
        view = self._comparing.view
        if view.problem:
            return view.problem
        if view.runs is None:
            return "looking which runs there are"
        return "no run is called that" if self._typed else "no other run was recorded; metabonk-tui import brings some"


def _text(run: RecordedRun, frame: Frame) -> str:
    return f"{run.name} {run.verdict} {run.source} {fmt.day(run.started_at, frame.zone)}".lower()


def _cells(texts: tuple[str, str, str, str, str], wide: int, token: str, verdict_token: str = "") -> Row:
    """Set the columns: what is too narrow loses when it began, then its workers."""
    began, length, verdict, workers = 18 if wide >= 72 else 0, 10, 18, 4 if wide >= 60 else 0
    name = max(6, wide - 2 - began - length - verdict - workers)
    row: Row = (gap(2), left(texts[0], name - 1, token), gap(1))
    for text, cells in zip(texts[1:3], (began, length), strict=True):
        row = (*row, left(text, cells, token)) if cells else row
    row = (*row, left(texts[3], verdict, verdict_token or token))
    return (*row, right(texts[4], workers, token)) if workers else row


def _entry(run: RecordedRun, chosen: bool, wide: int, frame: Frame) -> Row:
    g = frame.glyphs
    began = f"{fmt.day(run.started_at, frame.zone)} {fmt.clock(run.started_at, frame.zone, with_seconds=False)}"
    workers = "" if run.workers is None else str(run.workers)
    level = VerdictKind(run.verdict).level if run.verdict in tuple(VerdictKind) else "unknown"
    texts = (g.text(run.name), began, fmt.elapsed(run.duration_s), f"{g.level(level)} {run.verdict}", workers)
    cells = _cells(texts, wide, "strong" if chosen else "text", LEVEL_TOKENS[level])
    row: Row = ((mark(g.cursor, "accent") if chosen else gap(1)), gap(1), *cells[1:])
    return on_row((*row, gap(wide - width(row))), "select") if chosen else row
