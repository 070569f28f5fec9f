"""Asks for the filter in the last row; the workers above follow every key, and the row says what is wrong with it."""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.worker.filters import Filter, components_of, parse_filter
from metabonk_tui.ui.dialogs.base import Dialog, Reply, editor_field
from metabonk_tui.ui.dialogs.line_editor import LineEditor, history_of, with_history
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, cut, fit, gap, mark, on_row, width
from metabonk_tui.ui.views.layout.section import facts, muted, strong

LONGEST = 120
FIELD_CELLS = 40
HISTORY = "filter"
"""The name of the field in the history."""
READY = ("down", "ill")
"""What Up offers where nothing was filtered before, the last one first."""
EXAMPLES = ("w3", "rss>1g", "state=menu", "meta=absent", "up<5m", "!down")
"""Those that fit are drawn, none is cut."""


class FilterDialog(Dialog):
    """Takes conditions that workers must meet. Enter keeps them; Esc restores the filter before."""

    def __init__(self, frame: Frame) -> None:
        self._before = frame.state.filter
        before = history_of(frame.state, HISTORY)
        # Each text once: after "ill" was used, Up still goes from it to "down".
        ready = [text for text in READY if text not in before]
        self._editor = LineEditor(self._before, LONGEST, (*ready, *before))
        self._was_refused = False
        """Enter was pressed on a filter that has an error."""

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Draw the input in place of the footer, with the count of workers or the error."""
        entry = editor_field(self._editor, max(8, min(FIELD_CELLS, frame.width // 3)))
        row: Row = (gap(1), Span("/", "accent", True), gap(1), *entry, gap(2))
        room = max(0, frame.width - width(row) - 1)
        row = (*row, *cut(self._after(frame, room), room, frame.glyphs.ellipsis))
        return (*rows[:-1], on_row(fit(row, frame.width, frame.glyphs.ellipsis), "surface"))

    def _after(self, frame: Frame, room: int) -> Row:
        wanted = _parsed(self._editor.text, frame)
        if wanted.error:
            token = "warn" if self._was_refused else "muted"
            return (mark(frame.glyphs.caution, token), gap(1), Span(frame.glyphs.text(wanted.error), "text"))
        keys: Row = (strong("Enter", True), muted(" keep  "), strong("Esc", True), muted(" cancel  "))
        if not wanted.conditions:
            offered: Row = (strong("Up", True), muted(f" {', '.join(reversed(READY))}  "))
            start: Row = (*offered, *keys) if width((*offered, *keys)) <= room else keys
            return (*start, *facts([(muted(example),) for example in EXAMPLES], room - width(start), 2))
        return (*_count(wanted, frame), gap(2), *keys)

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        if key == "escape":
            return Reply(None, state=replace(frame.state, filter=self._before))
        text = self._editor.text
        if key == "enter":
            if _parsed(text, frame).error:
                self._was_refused = True
                return Reply(self)
            state = with_history(frame.state, HISTORY, text)
            return Reply(None, state=replace(state, filter=text.strip()))
        self._editor.press(key, character)
        return self._shown(frame)

    def paste(self, text: str, frame: Frame) -> Reply:
        """Insert the text."""
        self._editor.paste(text)
        return self._shown(frame)

    def _shown(self, frame: Frame) -> Reply:
        """Filter by what is typed; of a condition with an error nothing is known yet."""
        self._was_refused = False
        return Reply(self, state=replace(frame.state, filter=self._editor.text))


def _parsed(text: str, frame: Frame) -> Filter:
    return parse_filter(text, components_of(frame.snapshot) if frame.snapshot else ())


def _count(wanted: Filter, frame: Frame) -> Row:
    """Count the workers that match, and those of which a number is not known."""
    snapshot = frame.snapshot
    if snapshot is None:
        return ()
    results = [wanted.matches(worker, snapshot.t) for worker in snapshot.workers]
    found, unknown = results.count(True), results.count(None)
    row: Row = (strong(f"{found} of {len(results)}", True), muted(" match"))
    return (*row, muted(f", {unknown} not known")) if unknown else row
