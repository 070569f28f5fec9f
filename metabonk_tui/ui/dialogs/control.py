"""Shows which monitor asks for control of the pool; the person at the screen lets it act or refuses.

Does not: yield or refuse by itself. Without an answer the role yields, if no action is under way.
"""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.core.model.pool import RoleRequest
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.ui.dialogs.base import ASKED, BLANK, NEEDED, Dialog, DialogLine, Reply, box, inner_width, labelled
from metabonk_tui.ui.frame import Frame, Hint
from metabonk_tui.ui.style.spans import Row, Span, gap, mark
from metabonk_tui.ui.views.layout.section import words

READ_S = 0.7
"""Keys count only this long after the request appeared: a person may be typing something else."""


class ControlDialog(Dialog):
    """One request of another monitor."""

    answers_request: ClassVar[bool] = True

    def __init__(self, request: RoleRequest, monitor: Monitor) -> None:
        self._request = request
        self._first_left_s = request.left_s
        self._drawn_s = -1
        self._monitor = monitor

    def watch(self, frame: Frame) -> Dialog | None:
        """Close when the request has ended."""
        request = self._monitor.role_request()
        if request is None or request.number != self._request.number:
            return None
        self._request = request
        return self

    def has_news(self) -> bool:
        """Return whether the seconds left have changed."""
        return int(self._request.left_s) != self._drawn_s

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        """Yield (y), refuse (n), or close the question without an answer (Esc)."""
        if key == "escape":
            return Reply(None, notice=f"{self._request.by} still asks for control; without an answer it gets it")
        request = self._monitor.role_request()
        is_read = request is not None and self._first_left_s - request.left_s >= READ_S
        if character in ("y", "n") and is_read:
            self._monitor.answer_role(self._request.number, character == "y")
            return Reply(None, notice="control yielded" if character == "y" else "refused; this monitor keeps control")
        return Reply(self)

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw who asks, for what, and what happens without an answer."""
        request = self._request
        self._drawn_s = int(request.left_s)
        asks: Row = (mark(frame.glyphs.caution, "warn"), gap(1), Span(request.by, "strong", True))
        effects = [
            f"without an answer it gets control in {request.left_s:.0f} s, and gives it back when it has ended",
            "this monitor is read-only meanwhile",
        ]
        watch = frame.snapshot.memory.watch if frame.snapshot else None
        if watch is not None and watch.armed:
            effects.append("the memory watch is off meanwhile and armed again afterwards")
        lines = [
            BLANK,
            DialogLine(labelled("asks", asks, frame), NEEDED),
            DialogLine(labelled("wants to", (Span(request.want, "strong", True),), frame), NEEDED),
            BLANK,
        ]
        for i, effect in enumerate(effects):
            for part in words(effect, inner_width(frame) - 14):
                lines.append(DialogLine(labelled("", (Span(part),), frame), 8 - i))
        keys: Row = (
            Span("y", "strong", True),
            Span(" let it act"),
            gap(4),
            Span("n", "strong", True),
            Span(" refuse"),
        )
        lines += [BLANK, DialogLine(labelled("answer", keys, frame), ASKED), BLANK]
        hints = (Hint("y", "let it act", keep=True), Hint("n", "refuse", keep=True), Hint("Esc", "decide later"))
        return box(rows, frame, (Span("CONTROL OF THE POOL", "accent", True),), lines, hints)
