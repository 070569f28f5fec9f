"""Divides the log screen among its parts, and finds which lines are in sight. Pure.

Does not: draw.
"""

from __future__ import annotations

from msgspec import Struct

from metabonk_tui.core.logs.model import MERGED
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.log_view import LogChoice, LogView, cursor_of, follows
from metabonk_tui.ui.style.spans import cells
from metabonk_tui.ui.views.layout.section import WIDE

SIDE_CELLS = 40
"""The panel of a worker with its margins."""
NAME_AT, NAME_CELLS = 11, 7
FIND_ROWS, TITLE_ROWS, FROM_ROWS, LEVEL_ROWS, TALL = 5, 6, 20, 30, 30
"""The screen's heights from which search, title, counts, the errors over time and blank rows have room."""


class LogSpace(Struct, frozen=True):
    """The cells and rows of the parts of the log screen."""

    wide: int
    """Cells of the list, with its left margin."""
    text_at: int
    """Where the text of a line begins."""
    room: int
    """Rows of the list."""
    has_from: bool
    has_levels: bool
    has_side: bool
    has_blanks: bool

    @property
    def text_cells(self) -> int:
        """Cells of the text of a line, or of one of its rows where it is wrapped."""
        return max(8, self.wide - self.text_at)


def log_space(frame: Frame, header_rows: int) -> LogSpace:
    """Divide the screen below so many rows of header; the last row belongs to the keys."""
    is_merged = frame.logs.source == MERGED
    side = frame.width >= WIDE
    has_from = is_merged and frame.height >= FROM_ROWS
    has_levels = frame.height >= LEVEL_ROWS
    has_blanks = frame.height >= TALL
    head = (frame.height >= TITLE_ROWS) + has_from + 2 * has_levels + has_blanks
    foot = 2 + has_blanks + 1 if frame.height >= FROM_ROWS else 1 + (frame.height >= FIND_ROWS)
    return LogSpace(
        max(20, frame.width - SIDE_CELLS if side else frame.width - 1),
        NAME_AT + NAME_CELLS + 3 if is_merged else 12,
        max(1, frame.height - header_rows - head - foot),
        has_from,
        has_levels,
        side,
        has_blanks,
    )


def height_of(view: LogView, choice: LogChoice, space: LogSpace, place: int) -> int:
    """Return the rows of a line: one, or as many as it takes where lines are wrapped."""
    return -(-max(1, cells(view.lines[place].message)) // space.text_cells) if choice.wrap else 1


def first_in_sight(view: LogView, choice: LogChoice, space: LogSpace) -> int:
    """Return the place of the first line in sight; the cursor is in sight, in the middle where nothing else is set."""
    if not view.lines:
        return 0
    cursor = cursor_of(view, choice)
    if follows(view, choice):
        return _back(view, choice, space, cursor, space.room)
    if choice.top is None:
        top = _back(view, choice, space, cursor, max(1, space.room // 2))
    else:
        top = max(min(view.find(choice.top), cursor), _back(view, choice, space, cursor, space.room))
    return min(top, _back(view, choice, space, len(view.lines) - 1, space.room))


def _back(view: LogView, choice: LogChoice, space: LogSpace, last: int, rows: int) -> int:
    """Return the first line of those that end with a line and fit in some rows; at least that line."""
    first = last
    rows -= height_of(view, choice, space, last)
    while first > 0 and rows >= (tall := height_of(view, choice, space, first - 1)):
        first, rows = first - 1, rows - tall
    return first


def past_last_in_sight(view: LogView, choice: LogChoice, space: LogSpace, first: int) -> int:
    """Return the place after the last line of which a row is in sight."""
    rows, place = 0, first
    while place < len(view.lines) and rows < space.room:
        rows += height_of(view, choice, space, place)
        place += 1
    return place
