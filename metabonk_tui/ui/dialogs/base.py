"""Lays a dialog over the rows of a screen: a box, the other rows dimmed, rows 1 to 5 unchanged.

Does not: know what a dialog asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from metabonk_tui.ui.frame import Frame, Hint, UiState
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import (
    Row,
    Span,
    cells,
    clip,
    cropped,
    cut,
    dimmed,
    fit,
    gap,
    mark,
    on_row,
    overlay,
    plain,
    width,
)
from metabonk_tui.ui.views.bars.footer import keys_row

if TYPE_CHECKING:
    # Imported with the first dialog: most monitors open none.
    from metabonk_tui.ui.dialogs.line_editor import LineEditor

CLEAR_ROWS = 5
"""The first rows are never dimmed: verdict, memory and next steps stay readable."""
BOX = 84
"""Width of the box in cells, where there is room."""


class DialogLine(NamedTuple):
    """One row of a dialog. Without room the row of the lowest `rank` is dropped first; of equals, the last one."""

    row: Row
    rank: int = 5


NEEDED, ASKED = 9, 10
"""The ranks of what a dialog cannot do without, and of what it asks."""
LABEL_CELLS = 9
"""A line that begins with so many blanks continues the line before it."""
FLAT_ROWS = 7
"""Below this height a dialog has no frame."""
BESIDE = 3
"""Cells between two lines of a dialog in one row."""
NO_PASTE = "pasted text was ignored: there is no field for it here"
BLANK = DialogLine((), 0)


class Reply(NamedTuple):
    """The result of a key press."""

    dialog: Dialog | None
    """The dialog that is open now: itself, another one, or None."""
    command: str = ""
    """A command to run after the dialog is closed."""
    state: UiState | None = None
    notice: str = ""
    copy: str = ""
    """A text for the clipboard."""
    run: tuple[str, ...] = ()
    """The words of a command that the program runs after the monitor is closed; (): it stays open."""


class Dialog:
    """Takes all keys while it is open, and draws over the screen."""

    shows_outcome: ClassVar[bool] = False
    """Closing it dismisses the outcome of the newest action."""
    answers_request: ClassVar[bool] = False
    """It asks what another monitor requests, and closes when the request ends."""

    def over(self, rows: tuple[Row, ...], frame: Frame) -> tuple[Row, ...]:
        """Return the screen's rows with the dialog drawn over them."""
        raise NotImplementedError

    def press(self, key: str, character: str | None, at_s: float, frame: Frame) -> Reply:
        """Take a key pressed at a time (seconds, monotonic)."""
        raise NotImplementedError

    def paste(self, text: str, frame: Frame) -> Reply:
        """Take pasted text; by default it is refused."""
        return Reply(self, notice=NO_PASTE)

    def passes(self, key: str, frame: Frame) -> bool:
        """Return whether the dialog closes at this key and leaves it to the screen."""
        return False

    def watch(self, frame: Frame) -> Dialog | None:
        """Take a newer Snapshot; return the dialog that is open afterwards. Most dialogs ignore it."""
        return self

    def has_news(self) -> bool:
        """Return whether the dialog must be redrawn without a newer Snapshot."""
        return False


def box(
    rows: tuple[Row, ...],
    frame: Frame,
    title: Row,
    lines: Sequence[DialogLine],
    hints: tuple[Hint, ...],
    title_rank: int = ASKED,
) -> tuple[Row, ...]:
    """Lay a box with these lines over a screen; the last row shows the dialog's keys.

    `title_rank`: when the title goes where there is no room for a box; in a box it stays.
    """
    wide, high, glyphs = frame.width, frame.height, frame.glyphs
    if is_flat(frame):
        return _flat(rows, frame, DialogLine(title, title_rank), lines, hints)
    clear = CLEAR_ROWS if high >= CLEAR_ROWS + 12 else min(2, max(0, high - 10))
    room = high - clear - 1
    box_wide = min(wide, BOX if wide >= BOX + 4 else wide)
    drawn = _framed(title, _kept(lines, room - 2), box_wide, glyphs)[: max(room, 0)]
    x = (wide - box_wide) // 2
    y = max(clear, min((high - len(drawn)) // 2, high - 1 - len(drawn)))
    result = [row if i < CLEAR_ROWS else dimmed(row) for i, row in enumerate((*rows, *((),) * high)[:high])]
    for i, row in enumerate(drawn):
        result[y + i] = overlay(result[y + i], row, x, wide)
    result[-1] = keys_row(hints, wide, glyphs)
    return tuple(result)


def is_flat(frame: Frame) -> bool:
    """Return whether a dialog has no frame here: its edges would take the rows of what it asks."""
    return frame.height < FLAT_ROWS


def flat_room(frame: Frame) -> int:
    """Return how many whole lines of a dialog without a frame are in sight, beside its title and its input."""
    rows = frame.height - (1 if frame.height >= 3 else 0) - 1
    beside = (frame.width - 1) // (inner_width(frame) + BESIDE)
    return max(1, rows * beside - 1) if frame.width >= 60 else max(1, rows - 2)


def _flat(
    rows: tuple[Row, ...], frame: Frame, title: DialogLine, lines: Sequence[DialogLine], hints: tuple[Hint, ...]
) -> tuple[Row, ...]:
    """Lay the lines over all rows but the first, as many in a row as fit; the last row has the dialog's keys."""
    wide, high, glyphs = frame.width, frame.height, frame.glyphs
    first, last = (1 if high >= 3 else 0), (1 if high >= 2 else 0)
    room = high - first - last
    kept = [title, *[line for line in lines if plain(line.row).strip()]]
    packed = _packed(kept, wide)
    while len(packed) > room and len(kept) > 1:
        lowest = min(line.rank for line in kept)
        kept.pop(max(i for i, line in enumerate(kept) if line.rank == lowest))
        packed = _packed(kept, wide)
    body = [fit(row, wide, glyphs.ellipsis) for row in packed[:room]]
    body += [(gap(wide),)] * (room - len(body))
    keys = (keys_row(hints, wide, glyphs),) if last else ()
    return (*rows[:first], *[on_row(row, "raised") for row in body], *keys)


def _packed(lines: Sequence[DialogLine], wide: int) -> list[Row]:
    """Put lines side by side, as many in a row as fit; one without a label continues the sentence before it."""
    packed: list[Row] = []
    for row, _ in lines:
        blank = len(text := plain(row)) - len(text.lstrip())
        beside = _without_blanks(row, at_start=True)
        longer: Row = (*packed[-1], gap(1 if blank >= LABEL_CELLS else BESIDE), *beside) if packed else ()
        if packed and width(longer) < wide:
            packed[-1] = longer
        else:
            packed.append((gap(1), *_without_blanks(row)))
    return packed


def _without_blanks(row: Row, *, at_start: bool = False) -> Row:
    """Return a row without blanks at its end, and at its start; an input keeps its empty cells."""
    kept = list(row)
    while at_start and kept and not kept[0].on and not kept[0].text.strip():
        kept.pop(0)
    while kept and not kept[-1].on and not kept[-1].text.strip():
        kept.pop()
    if at_start and kept and not kept[0].on:
        kept[0] = kept[0]._replace(text=kept[0].text.lstrip())
    return tuple(kept)


def inner_width(frame: Frame) -> int:
    """Return the cells of a line inside the box."""
    box_wide = BOX if frame.width >= BOX + 4 else frame.width
    return max(1, box_wide - _margin(box_wide) - 2)


def _margin(box_wide: int) -> int:
    return 2 if box_wide >= 60 else 0


def _kept(lines: Sequence[DialogLine], room: int) -> list[Row]:
    kept = list(lines)
    while len(kept) > max(room, 0):
        lowest = min(line.rank for line in kept)
        kept.pop(max(i for i, line in enumerate(kept) if line.rank == lowest))
    return [line.row for line in kept]


def _framed(title: Row, lines: Sequence[Row], wide: int, glyphs: Glyphs) -> list[Row]:
    def edge(text: str) -> Span:
        return mark(text, "accent")

    inside = wide - 2
    margin = _margin(wide)
    head = cut((gap(1), *title, gap(1)), inside - 2, glyphs.ellipsis)
    rest = inside - 1 - sum(cells(span.text) for span in head)
    framed: list[Row] = [
        (edge(glyphs.top_left + glyphs.rule), *head, edge(glyphs.rule * rest + glyphs.top_right)),
    ]
    for line in lines:
        body = fit((gap(margin), *line), inside, glyphs.ellipsis)
        framed.append((edge(glyphs.vertical), *body, edge(glyphs.vertical)))
    framed.append((edge(glyphs.bottom_left + glyphs.rule * inside + glyphs.bottom_right),))
    return [on_row(row, "raised") for row in framed]


def labelled(label: str, row: Row, frame: Frame) -> Row:
    """Draw a line with its label in the label column."""
    column = 12 if inner_width(frame) >= 56 else 9
    return (Span(clip(label, column - 1, frame.glyphs.ellipsis).ljust(column), "muted"), *row)


def field(text: str, wide: int, focused: bool, cursor: int | None = None) -> Row:
    """Draw an input of `wide` cells; with a text cursor when it has the focus, behind the text for None.

    Of a text that is too long the cells around the cursor are shown.
    """
    at = len(text) if cursor is None else cursor
    before = cells(text[:at])
    start = max(0, before - (wide - 1))
    row = fit((Span(text, "strong", True, "field"), Span(" ", on="field")), before + wide, "", "field")
    row = cropped(row, start, start + wide)
    if not focused:
        return row
    under = cropped(row, before - start, before - start + 1)
    wide_under = cells(text[at]) if at < len(text) else 1
    if wide_under > 1 and before - start + wide_under <= wide:
        under = cropped(row, before - start, before - start + wide_under)
    caret = tuple(span._replace(reverse=True, token="text") for span in under)
    return (*cropped(row, 0, before - start), *caret, *cropped(row, before - start + width(under), wide))


def editor_field(editor: LineEditor, wide: int, focused: bool = True) -> Row:
    """Draw the input of an editor."""
    return field(editor.text, wide, focused, editor.cursor)
