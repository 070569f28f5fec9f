"""Shows the checks before a launch, live, with the output of the tests: page 1 of the launch form.

Does not: judge or launch. The next page asks.
"""

from __future__ import annotations

from metabonk_tui.core.launch.checklist import ChecklistItem, exit_code
from metabonk_tui.core.launch.preflight import PreflightView
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.ui.dialogs.base import BLANK, NEEDED, Dialog, DialogLine, Reply, box, labelled
from metabonk_tui.ui.dialogs.checklist import item_lines
from metabonk_tui.ui.dialogs.confirm import ConfirmDialog
from metabonk_tui.ui.frame import Frame, Hint
from metabonk_tui.ui.style.spans import Row, Span, gap, mark

TAIL = 8


class PreflightDialog(Dialog):
    """Shows the preflight; Enter opens the question that follows it."""

    def __init__(self, question: ConfirmDialog, monitor: Monitor, workers: int) -> None:
        self._question = question
        self._monitor = monitor
        self._workers = workers
        self._seen: PreflightView | None = None
        question.previous_page = self
        monitor.start_preflight(workers)

    def has_news(self) -> bool:
        """Return whether the preflight changed since it was drawn."""
        return self._monitor.preflight() is not self._seen

    def watch(self, frame: Frame) -> Dialog:
        """Pass the Snapshot to the next page."""
        self._question.watch(frame)
        return self

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        """Open the next page (Enter), run again (r), copy (y) or cancel (Esc)."""
        view = self._monitor.preflight()
        if key == "escape":
            going = view is not None and view.ended_t is None
            return Reply(None, notice="the preflight is still running" if going else "nothing was done")
        if key in ("enter", "pagedown"):
            self._question.enter_page(frame)
            return Reply(self._question)
        if character == "r" and view is not None and view.ended_t is not None:
            self._monitor.start_preflight(self._workers)
        if character == "y" and view is not None:
            return Reply(self, copy="\n".join(_text(item) for item in view.items), notice="copied the preflight")
        return Reply(self)

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the items, and the output of the failed or running test."""
        view = self._seen = self._monitor.preflight()
        items = view.items if view else ()
        title: Row = (Span("PREFLIGHT", "accent", True), gap(2), Span("page 1 of 2, then launch", "accent"))
        lines = [BLANK, *item_lines(items, frame), *_output(items, frame)]
        if view is not None and view.problem:
            lines.append(DialogLine((mark(frame.glyphs.caution, "warn"), gap(1), Span(view.problem)), 7))
        lines += [BLANK, DialogLine(self._outcome(view, frame), NEEDED), BLANK]
        hints = [Hint("Enter", "launch form", keep=True), Hint("Esc", "cancel", keep=True)]
        if view is not None and view.ended_t is not None:
            hints.append(Hint("r", "run again"))
        return box(rows, frame, title, lines, (*hints, Hint("y", "copy")))

    def _outcome(self, view: PreflightView | None, frame: Frame) -> Row:
        items, glyphs = (view.items if view else ()), frame.glyphs
        going = sum(item.standing in ("waiting", "running") for item in items)
        if view is None or view.ended_t is None:
            return (
                mark(glyphs.cursor, "accent"),
                gap(1),
                Span(f"{going} of {len(items)} checks not finished", "accent", True),
            )
        styles = (
            (glyphs.go, "ok", "no check failed: ready to launch"),
            (glyphs.unknown, "unknown", "some checks are unknown"),
            (glyphs.stop, "crit", "a check failed: a launch needs a typed reason"),
        )
        glyph, token, message = styles[exit_code(items)]
        return (mark(glyph, token), gap(1), Span(message, token, True))


def _output(items: tuple[ChecklistItem, ...], frame: Frame) -> list[DialogLine]:
    """Draw the last lines of the test that failed first, else of the one that runs."""
    for standing in ("FAIL", "running"):
        for item in items:
            if item.standing == standing and item.output:
                tail = item.output[-TAIL:]
                lines = [BLANK]
                for i, text in enumerate(tail):
                    rank = 3 + (i == len(tail) - 1) * 4
                    lines.append(DialogLine(labelled("output" if i == 0 else "", (Span(text, "muted"),), frame), rank))
                return lines
    return []


def _text(item: ChecklistItem) -> str:
    return "\n".join((f"{item.standing:<9} {item.title}", *(f"  {line}" for line in item.evidence)))
