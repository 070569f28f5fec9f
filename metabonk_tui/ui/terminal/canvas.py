"""One widget that draws the whole terminal as rows of spans and repaints only the rows that changed.

Does not: know what the rows mean, or parse markup. Why there is one widget only: docs/decisions/0008.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest

from rich.segment import Segment
from textual.events import Resize
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from metabonk_tui.ui.style.spans import EMPTY, Row, Span, fit, printable
from metabonk_tui.ui.style.theme import Theme

MOST_RENDERED = 2048
"""Spans whose rendering is kept; a screen of 120x40 has about 500."""


class Canvas(Widget, can_focus=False, inherit_bindings=False):
    """The whole terminal as rows of spans."""

    DEFAULT_CSS = "Canvas { width: 1fr; height: 1fr; }"
    ALLOW_SELECT = False

    class Resized(Message):
        """The canvas has a new size; the app must draw again."""

    def __init__(self, theme: Theme, rows: tuple[Row, ...] = ()) -> None:
        """Draw these rows first."""
        super().__init__()
        self._theme = theme
        self._rows = rows
        self._strips: dict[int, Strip] = {}
        self._rendered: dict[Span, str] = {}
        """What draws a span in this theme: most spans of a changed row are as they were."""
        self.write_rows: Callable[[str], bool] = lambda data: False
        """Writes rows to the terminal at once; False: it cannot now, and Textual must draw them."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows on screen."""
        return self._rows

    def show(self, rows: tuple[Row, ...]) -> None:
        """Draw these rows, the first at the top; request a repaint of the rows that changed."""
        old, self._rows = self._rows, rows
        changed = [y for y, (before, after) in enumerate(zip_longest(old, rows)) if before != after]
        for y in changed:
            self._strips.pop(y, None)
        if not changed:
            return
        # Textual would draw them at its next frame, up to 8 ms later.
        if not self._write(changed):
            for y in changed:
                self.refresh(Region(0, y, self.size.width, 1))

    def write_again(self) -> bool:
        """Write every row as it is; return whether they could be written at once."""
        return self._write(range(self.size.height))

    def _write(self, places: Iterable[int]) -> bool:
        wide, high = self.size
        seen = [y for y in places if y < high]
        return bool(seen) and self.write_rows("".join([self._sequence(y, wide) for y in seen]))

    def _sequence(self, y: int, wide: int) -> str:
        """Return what draws one row, in the form in which Textual draws it."""
        row = fit(self._rows[y] if y < len(self._rows) else EMPTY, wide)
        known = self._rendered
        try:
            text = "".join([known[span] for span in row])
        except KeyError:
            text = self._rendered_anew(y, row)
        return f"\x1b[{y + 1};1H{text}"

    def _rendered_anew(self, y: int, row: Row) -> str:
        """Render a row with a span that is not known yet, and remember its spans."""
        console, style = self.app.console, self._theme.style
        if printable(row) is not row:
            return self.render_line(y).render(console)
        if len(self._rendered) >= MOST_RENDERED:
            self._rendered.clear()
        for span in row:
            if span not in self._rendered:
                self._rendered[span] = Strip([Segment(span.text, style(span))] if span.text else []).render(console)
        return "".join([self._rendered[span] for span in row])

    def set_theme(self, theme: Theme) -> None:
        """Draw everything again in another theme."""
        self._theme = theme
        self._strips.clear()
        self._rendered.clear()
        self.refresh()

    def on_resize(self, event: Resize) -> None:
        """Drop the strips of the old width."""
        self._strips.clear()
        self.post_message(self.Resized())

    def render_line(self, y: int) -> Strip:
        """Return one row as a strip, exactly as wide as the canvas."""
        strip = self._strips.get(y)
        if strip is None:
            wide = self.size.width
            style = self._theme.style
            row = self._rows[y] if y < len(self._rows) else EMPTY
            segments = [Segment(span.text, style(span)) for span in fit(printable(row), wide) if span.text]
            strip = self._strips[y] = Strip(segments, wide)
        return strip

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of the lines in the crop, without borders, CSS or colour filters."""
        x1, x2 = crop.column_span
        return [self.render_line(y).crop(x1, x2) for y in crop.line_range]
