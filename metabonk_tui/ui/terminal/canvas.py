"""One widget that draws the whole terminal as rows of spans and repaints only the rows that changed.

Does not: know what the rows mean, or parse markup. Why there is one widget only: docs/decisions/0008.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.events import Resize
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from metabonk_tui.ui.style.spans import EMPTY, Row, fit
from metabonk_tui.ui.style.theme import Theme


class Canvas(Widget, can_focus=False, inherit_bindings=False):
    """The whole terminal as rows of spans."""

    DEFAULT_CSS = "Canvas { width: 1fr; height: 1fr; }"
    ALLOW_SELECT = False

    class Resized(Message):
        """The canvas has a new size; the app must draw again."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: tuple[Row, ...] = ()
        self._strips: dict[int, Strip] = {}

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows on screen."""
        return self._rows

    def show(self, rows: tuple[Row, ...]) -> None:
        """Draw these rows, the first at the top; request a repaint of the rows that changed."""
        old, self._rows = self._rows, rows
        wide = self.size.width
        for y in range(max(len(old), len(rows))):
            before = old[y] if y < len(old) else None
            after = rows[y] if y < len(rows) else None
            if before != after:
                self._strips.pop(y, None)
                self.refresh(Region(0, y, wide, 1))

    def set_theme(self, theme: Theme) -> None:
        """Draw everything again in another theme."""
        self._theme = theme
        self._strips.clear()
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
            if not all(span.text.isprintable() for span in row):
                row = tuple(span._replace(text=scrub(span.text)) for span in row)
            segments = [Segment(span.text, style(span)) for span in fit(row, wide) if span.text]
            strip = self._strips[y] = Strip(segments, wide)
        return strip

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of the lines in the crop, without borders, CSS or colour filters."""
        x1, x2 = crop.column_span
        return [self.render_line(y).crop(x1, x2) for y in crop.line_range]


def scrub(text: str) -> str:
    """Replace unprintable characters. Texts are cleaned on input; this is the second check."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
