"""Asks what to search in a log and to which time to go, and shows one line whole."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from msgspec.structs import replace

from metabonk_tui.core.logs.model import LogLine
from metabonk_tui.core.ports.logs import LogMove
from metabonk_tui.core.recordings.seek import Edge, Elapsed, SeekTarget, Shift, WallClock, parse
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.dialogs.base import Dialog, DialogLine, Reply, box, editor_field, inner_width
from metabonk_tui.ui.dialogs.line_editor import LineEditor, history_of, with_history
from metabonk_tui.ui.frame import Frame, Hint
from metabonk_tui.ui.log_view import FIRST, LogChoice, at_time, cursor_of, follows
from metabonk_tui.ui.style.spans import Row, Span, cells, cropped, cut, fit, gap, mark, on_row, width
from metabonk_tui.ui.views.layout.section import muted, strong

LONGEST = 60
FIND_HISTORY, TIME_HISTORY = "log find", "log time"
"""The names of the fields in the history."""
FORMS = "14:32, 14:32:07, 3m ago, +5m, 00:55:04 of the run, start, end"


def make_dialog(command: str, frame: Frame) -> Dialog:
    """Make the dialog of a command of the log screen."""
    if command == "log_time":
        return LogTimeDialog(frame)
    if command == "log_line":
        return LogLineDialog(frame)
    return LogFindDialog(frame)


def _asking(sign: str, editor: LineEditor, after: Row, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
    """Draw an input in place of the footer."""
    entry = editor_field(editor, max(8, min(LONGEST, frame.width // 3)))
    row: Row = (gap(1), Span(sign, "accent", True), gap(1), *entry, gap(2))
    row = (*row, *cut(after, max(0, frame.width - width(row) - 1), frame.glyphs.ellipsis))
    return (*rows[:-1], on_row(fit(row, frame.width, frame.glyphs.ellipsis), "surface"))


class LogFindDialog(Dialog):
    """Takes a text; its hits are marked with every key. Enter goes to the newest hit, Esc restores the text before."""

    def __init__(self, frame: Frame) -> None:
        self._before = frame.state.log.wanted
        self._editor = LineEditor(self._before, LONGEST, history_of(frame.state, FIND_HISTORY))

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the input in place of the footer, with the count of hits."""
        count = len(frame.logs.hits)
        found = f"{count} hit{'' if count == 1 else 's'}  " if self._editor.text else ""
        after: Row = (strong(found), strong("Enter", True), muted(" go  "), strong("Esc", True), muted(" cancel"))
        return _asking("/", self._editor, after, rows, frame)

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        choice = frame.state.log
        if key == "escape":
            return Reply(None, state=replace(frame.state, log=replace(choice, wanted=self._before)))
        if key == "enter":
            state = with_history(frame.state, FIND_HISTORY, self._editor.text)
            return Reply(None, state=replace(state, log=self._at_hit(frame)))
        self._editor.press(key, character)
        return self._searching(frame)

    def paste(self, text: str, frame: Frame) -> Reply:
        """Search for the text."""
        self._editor.paste(text)
        return self._searching(frame)

    def _searching(self, frame: Frame) -> Reply:
        log = replace(frame.state.log, wanted=self._editor.text)
        return Reply(self, state=replace(frame.state, log=log))

    def _at_hit(self, frame: Frame) -> LogChoice:
        """Put the cursor on the newest hit that is not below it."""
        view, choice = frame.logs, frame.state.log
        if not self._editor.text or not view.hits:
            return choice
        cursor = cursor_of(view, choice)
        place = next((i for i in reversed(view.hits) if i <= cursor), view.hits[-1])
        return replace(choice, cursor=view.anchor(place), top=None, follow=False, to_hit="")


class LogTimeDialog(Dialog):
    """Takes a time. Enter shows the lines of that time; Esc closes."""

    def __init__(self, frame: Frame) -> None:
        self._editor = LineEditor("", LONGEST, history_of(frame.state, TIME_HISTORY))
        self._error = ""

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the input in place of the footer."""
        after: Row = (strong("Enter", True), muted(" go  "), strong("Esc", True), muted(" cancel  "), muted(FORMS))
        if self._error:
            g = frame.glyphs
            after = (mark(g.caution, "warn"), gap(1), Span(self._error, "text"), gap(2), muted(FORMS))
        return _asking("t", self._editor, after, rows, frame)

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        typed = self._editor.text
        if key == "escape" or (key == "enter" and not typed.strip()):
            return Reply(None)
        if key != "enter":
            self._editor.press(key, character)
            self._error = ""
            return Reply(self)
        target = parse(typed)
        choice = None if target is None else _moved(frame, target)
        if choice is None:
            self._error = "not valid; type"
            return Reply(self)
        return Reply(None, state=replace(with_history(frame.state, TIME_HISTORY, typed), log=choice))

    def paste(self, text: str, frame: Frame) -> Reply:
        """Insert the text."""
        self._editor.paste(text)
        self._error = ""
        return Reply(self)


def _moved(frame: Frame, target: SeekTarget) -> LogChoice | None:
    """Return the choice that shows a time of the log; None: it names none."""
    choice, number = replace(frame.state.log, to_hit=""), frame.state.log.move.number + 1
    if target == Edge("end"):
        return replace(choice, cursor=None, top=None, follow=True, move=LogMove("follow", number))
    if target == Edge("start"):
        return replace(choice, cursor=FIRST, top=FIRST, follow=False, move=LogMove("start", number))
    t = target_t(frame, target)
    if t is None:
        return None
    return replace(choice, cursor=at_time(t), top=None, follow=False, move=LogMove("time", number, t))


def target_t(frame: Frame, target: SeekTarget) -> float | None:
    """Return the time that a text names, on the run's clock; None: a log has no such place."""
    snapshot = frame.snapshot
    if snapshot is None:
        return None
    match target:
        case Shift(s):
            return _cursor_t(frame, snapshot.t) + s
        case Elapsed(s):
            return snapshot.run.started_at + s
        case WallClock(hour, minute, second):
            return _last_clock(snapshot.t, hour, minute, second, frame.zone)
    return None


def _cursor_t(frame: Frame, now_t: float) -> float:
    """Return the time at the cursor; the present while the newest line is followed."""
    view, choice = frame.logs, frame.state.log
    if follows(view, choice) or not view.lines:
        return now_t
    t = view.order_t[cursor_of(view, choice)]
    return t if t > float("-inf") else now_t


def _last_clock(now_t: float, hour: int, minute: int, second: int, zone: tzinfo) -> float:
    """Return the newest past time with this time of day."""
    now = datetime.fromtimestamp(now_t, zone)
    wanted = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
    return (wanted if wanted <= now else wanted - timedelta(days=1)).timestamp()


class LogLineDialog(Dialog):
    """Shows one line whole, with where it stands. Arrows scroll, `y` copies it."""

    HINTS = (Hint("Esc", "close", keep=True), Hint("y", "copy"))

    def __init__(self, frame: Frame) -> None:
        view = frame.logs
        self._line = view.lines[cursor_of(view, frame.state.log)] if view.lines else None
        self._path = next(
            (w.path for w in view.windows if self._line is not None and w.place.name == self._line.id.source), ""
        )
        self._first = 0

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the line in a box."""
        lines = [DialogLine((muted("there is no line"),))]
        if self._line is not None:
            text = _pieces(self._line, inner_width(frame), frame)
            self._first = max(0, min(self._first, len(text) - 1))
            lines = [*self._place(self._line, frame), DialogLine((), 6)]
            lines += [DialogLine(row, 5) for row in text[self._first :]]
        return box(rows, frame, (Span("LINE", "accent", True),), lines, self.HINTS)

    def _place(self, line: LogLine, frame: Frame) -> list[DialogLine]:
        if line.t is not None:
            time = f"{fmt.day(line.t, frame.zone)} {fmt.clock(line.t, frame.zone)}"
        else:
            time = "it has no time of its own"
            if line.seen_t is not None:
                time += f"; first seen at {fmt.clock(line.seen_t, frame.zone)}"
        where = f"{self._path}, byte {line.id.offset}" if line.id.offset >= 0 else "a remark of the monitor"
        size = f"{line.bytes} bytes" + (", of which the first are shown" if line.is_cut else "")
        return [DialogLine((muted(frame.glyphs.text(text)),), 6) for text in (time, where, size)]

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        if character == "y" and self._line is not None:
            return Reply(None, copy=self._line.text, notice="copied the line")
        step = {"down": 1, "j": 1, "up": -1, "k": -1, "pagedown": 10, "pageup": -10}.get(key)
        if step is not None:
            self._first += step
            return Reply(self)
        return Reply(None) if key in ("escape", "enter", "q", "backspace") else Reply(self)


def _pieces(line: LogLine, wide: int, frame: Frame) -> list[Row]:
    text = frame.glyphs.text(line.text)
    row: Row = (Span(text, "text"),)
    return [cropped(row, at, at + wide) for at in range(0, max(1, cells(text)), max(1, wide))]
