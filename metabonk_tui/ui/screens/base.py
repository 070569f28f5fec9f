"""Screens under the common header: header rows on top, the screen's own rows, the keys at the bottom.

Does not: draw the rows between; every screen draws its own.
"""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.density import SIDE_ROWS
from metabonk_tui.ui.frame import Frame, MonitorScreen, Page
from metabonk_tui.ui.style.spans import EMPTY, Row
from metabonk_tui.ui.views.bars.footer import footer
from metabonk_tui.ui.views.bars.header import header
from metabonk_tui.ui.views.verdict.screen import nothing_seen

BLANK_FROM = 14
"""A blank row follows the header in terminals of at least this many rows."""


class HeadedScreen(MonitorScreen):
    """A screen of header, body and keys. Most subclasses write only `body`."""

    def page(self, frame: Frame) -> Page:
        """Draw the Snapshot; before the first one, a waiting page."""
        if frame.snapshot is None:
            return Page(top=nothing_seen(frame), bottom=(footer(frame),))
        return self.draw(frame, frame.snapshot)

    def draw(self, frame: Frame, snapshot: Snapshot) -> Page:
        """Put the body between header and keys."""
        top, bottom = self.top(frame, snapshot), self.bottom(frame)
        room = frame.height - len(top) - len(bottom)
        body = self.body(frame, snapshot, room)
        if frame.height < SIDE_ROWS:
            # Imported late: most terminals are higher.
            from metabonk_tui.ui.views.layout.short import short

            body = short(body, frame.width, room - len(body.top))
        return replace(body, top=(*top, *body.top), bottom=bottom)

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        """Draw the rows between header and keys; `room` of them are in sight.

        Rows in the page's `top` stay when the body scrolls.
        """
        raise NotImplementedError

    def top(self, frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
        """Draw the rows that stay at the top."""
        return with_blank(frame, header(frame, snapshot))

    def bottom(self, frame: Frame) -> tuple[Row, ...]:
        """Draw the rows that stay at the bottom."""
        return (footer(frame),)


def with_blank(frame: Frame, rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Add a blank row below these rows where the terminal is high enough."""
    return (*rows, EMPTY) if frame.height >= BLANK_FROM else rows
