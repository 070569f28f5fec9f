"""Shows a launch, stop or resize in progress: its steps, the last lines of output, the outcome.

Esc hides the view; the operation continues. Once it has ended, every other key reaches the screen behind it. Does not:
stop the operation.
"""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Operation, OperationStep
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.dialogs.base import BLANK, NEEDED, Dialog, DialogLine, Reply, box, inner_width, labelled
from metabonk_tui.ui.frame import Frame, Hint
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, gap, mark
from metabonk_tui.ui.views.layout.section import words

TAIL = 8


class OperationDialog(Dialog):
    """Shows the operation of `Snapshot.pool`, once it is newer than the one that started at `after_t`."""

    shows_outcome: ClassVar[bool] = True

    def __init__(self, after_t: float | None = None, since_t: float | None = None) -> None:
        """`since_t`: when the plan was submitted, on the run's clock; a later refusal is the outcome."""
        self._after_t = after_t
        self._since_t = since_t

    def _operation(self, frame: Frame) -> Operation | None:
        operation = (frame.snapshot.pool.operation if frame.snapshot else None) or frame.outcome
        if operation is not None and operation.started_at != self._after_t:
            return operation
        return self._refusal(frame)

    def _refusal(self, frame: Frame) -> Operation | None:
        """Return the refusal of the submitted plan as an ended operation; None: it was not refused."""
        if frame.snapshot is None or self._since_t is None:
            return None
        refused = [e for e in frame.snapshot.events if e.kind == EventKind.POOL_REFUSED and e.t >= self._since_t]
        if not refused:
            return None
        return Operation("refused", refused[-1].t, (), ended_at=refused[-1].t, ok=False, message=refused[-1].text)

    def passes(self, key: str, frame: Frame) -> bool:
        """Return whether the key is for the screen: after the end only the dialog's own keys are not."""
        operation = self._operation(frame)
        has_ended = operation is not None and operation.ok is not None
        return has_ended and key not in ("escape", "enter", "y")

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        """Hide the view (Esc), or copy its text (y)."""
        operation = self._operation(frame)
        if key == "escape" or (key == "enter" and operation is not None and operation.ok is not None):
            going = operation is None or operation.ok is None
            return Reply(None, notice="still running; o shows it again" if going else "")
        if character == "y" and operation is not None:
            text = "\n".join((operation.action, operation.message, *operation.output_tail))
            return Reply(self, copy=text, notice="copied the last lines")
        return Reply(self)

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        operation = self._operation(frame)
        if operation is None:
            asked = [
                BLANK,
                DialogLine(labelled("", (Span("requested; waiting for the first step"),), frame), NEEDED),
                BLANK,
            ]
            return box(rows, frame, (Span("POOL", "accent", True),), asked, (Hint("Esc", "hide", keep=True),))
        now = (
            operation.ended_at
            if operation.ended_at is not None
            else (frame.snapshot.t if frame.snapshot else operation.started_at)
        )
        age = fmt.age(max(0.0, now - operation.started_at))
        title: Row = (Span(operation.action.upper(), "accent", True), gap(2), Span(age, "accent"))
        lines = [BLANK]
        for i, step in enumerate(operation.steps):
            rank = 5 if step.state in ("done", "skipped", "waiting") else NEEDED
            lines.append(DialogLine(labelled("steps" if i == 0 else "", _step(step, frame.glyphs), frame), rank))
        tail = operation.output_tail[-TAIL:]
        if tail:
            lines.append(BLANK)
        for i, text in enumerate(tail):
            rank = (6 if operation.ok is False else 3) + (i == len(tail) - 1)
            lines.append(DialogLine(labelled("output" if i == 0 else "", (Span(text, "muted"),), frame), rank))
        lines += [BLANK, *_outcome(operation, frame), BLANK]
        hide = Hint("Esc", "hide, keeps running" if operation.ok is None else "close", keep=True)
        return box(rows, frame, title, lines, (hide, Hint("y", "copy")))


def _step(step: OperationStep, glyphs: Glyphs) -> Row:
    styles = {
        "waiting": (glyphs.to_come, "muted", False),
        "running": (glyphs.cursor, "accent", True),
        "done": (glyphs.go, "ok", False),
        "failed": (glyphs.stop, "crit", True),
        "skipped": (glyphs.skipped, "muted", False),
    }
    glyph, token, bold = styles[step.state]
    name_token = "muted" if step.state in ("waiting", "skipped") else "text"
    note: Row = (gap(2), Span(step.detail, "muted")) if step.detail else ()
    return (mark(glyph, token), gap(1), Span(step.name, name_token, bold), *note)


def _outcome(operation: Operation, frame: Frame) -> list[DialogLine]:
    glyphs = frame.glyphs
    if operation.ok is None:
        return [DialogLine(labelled("outcome", (Span("still running", "muted"),), frame), NEEDED)]
    glyph, token = (glyphs.go, "ok") if operation.ok else (glyphs.stop, "crit")
    message = operation.message or ("done" if operation.ok else "failed")
    lines: list[DialogLine] = []
    for i, line in enumerate(words(message, inner_width(frame) - 14)):
        row: Row = (
            (mark(glyph, token), gap(1), Span(line, token, True)) if i == 0 else (gap(2), Span(line, token, True))
        )
        lines.append(DialogLine(labelled("outcome" if i == 0 else "", row, frame), NEEDED))
    if operation.log_path:
        lines.append(DialogLine(labelled("log", (Span(operation.log_path, "muted"),), frame), 7))
    return lines
