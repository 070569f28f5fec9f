"""Tracks what the terminal shows and writes only the cells that changed.

Does not: know widgets, or guess. Output it cannot parse is written unchanged and clears the tracked state.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from rich.cells import get_character_cell_size

_MOVE = re.compile(r"\x1b\[(\d+);(\d+)H")
_TOKEN = re.compile(r"\x1b\[([\d;]*)m|([^\x00-\x1f\x7f-\x9f\ud800-\udfff]+)|(?s:(.))")
_RESET = "\x1b[0m"
_PIECE = re.compile(r"(?:\x1b\[([\d;]*)m)?([^\x00-\x1f\x7f-\x9f\ud800-\udfff]*)")
"""What stands between two resets."""
_TOUCHES_NO_CELL = re.compile(
    r"(?:\x07|\x1b\[\?2026[hl]|\x1b\[2[23];2t|\x1b\][0-9]+;[^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\)"
    r"|\x1bPtmux;(?:\x1b\x1b|[^\x1b])*\x1b\\)+",
    re.ASCII,
)
"""Bell, synchronised output, window title, clipboard and notifications: they change no cell."""
_VISIBLE_ON_BLANKS = frozenset({"4", "7", "9", "21", "53"})
"""Underline, reverse and similar: with these a blank is visible."""
NEAR = 5
"""Runs of changed cells at most this far apart are one: a cursor move costs as many bytes as the cells between."""

BLOCK = 16
"""Cells that are compared at once: of a changed row most cells are as they were."""


class Pen(NamedTuple):
    """The style of a cell as SGR parameters; "" is the terminal's default."""

    marks: tuple[str, ...] = ()
    """Bold, dim, underline, reverse ..."""
    fore: str = ""
    back: str = ""


PLAIN = Pen()


class SentRow(NamedTuple):
    """What draws a part of a row; drawn from column 1 it is the whole row."""

    y: int
    x: int
    sent: str


class _SentLine(NamedTuple):
    sent: str
    text: str
    pens: list[Pen]


class ScreenDiff:
    """The rows the terminal shows, by row number."""

    def __init__(self) -> None:
        self._lines: dict[int, _SentLine] = {}

    def forget(self) -> None:
        """Drop the tracked state: the next output is written whole."""
        self._lines.clear()

    def difference(self, data: str) -> str:
        """Return the shortest output after which the terminal shows the same as after `data`."""
        if touches_no_cell(data):
            return data
        rows = _rows(data)
        if rows is None:
            self.forget()
            return data
        return self.difference_of(rows)

    def difference_of(self, rows: Iterable[SentRow]) -> str:
        """Return the shortest output after which the terminal shows these rows."""
        out, pen, last = [], PLAIN, ""
        for y, x, sent in rows:
            last = f"\x1b[{y};{x}H"
            old = self._lines.get(y)
            if not sent or (old is not None and x == 1 and old.sent == sent):
                continue
            line = _read(sent) if x == 1 else None
            if line is None:
                # A wide character, or a row that does not begin in column 1: written unchanged and not tracked.
                self._lines.pop(y, None)
                out.append(f"{_pen_change(pen, PLAIN)}{last}{sent}")
                pen = PLAIN
                continue
            self._lines[y] = line
            whole = old is None or len(old.text) != len(line.text)
            for start, end in ((0, len(line.text)),) if whole or old is None else _changed(old, line):
                out.append(f"\x1b[{y};{start + 1}H")
                pen = _write(out, line, start, end, pen)
        out.append(f"{_pen_change(pen, PLAIN)}{last}")
        return "".join(out)


def touches_no_cell(data: str) -> bool:
    """Return whether this output changes no cell: title, bell, notification, clipboard."""
    return _TOUCHES_NO_CELL.fullmatch(data) is not None


def whole_rows(data: str) -> list[SentRow] | None:
    """Return the rows that this output draws, without the cursor's last place; None: it does something else too."""
    rows = [row for row in _rows(data) or () if row.sent]
    return rows if rows and all(row.x == 1 for row in rows) else None


def _rows(data: str) -> list[SentRow] | None:
    head, *parts = _MOVE.split(data)
    if head or not parts:
        return None
    moves = zip(parts[0::3], parts[1::3], parts[2::3], strict=True)
    return [SentRow(int(y), int(x), chunk.rstrip("\r\n")) for y, x, chunk in moves]


def _read(sent: str) -> _SentLine | None:
    """Parse a row of single-width characters and SGR sequences; None when it contains anything else."""
    # Textual writes a style, a text and a reset in turn, and most of these are as in the last row.
    texts: list[str] = []
    pens: list[Pen] = []
    for sent_piece in sent.split(_RESET):
        piece = _piece(sent_piece)
        if piece is None:
            return _read_slowly(sent)
        texts.append(piece[0])
        pens += [piece[1]] * len(piece[0])
    # A style without a reset after it goes on in what is drawn next.
    return _SentLine(sent, "".join(texts), pens) if piece is not None and piece[1] is PLAIN else None


@lru_cache(maxsize=2048)
def _piece(sent: str) -> tuple[str, Pen] | None:
    """Parse a text with at most one style, before it; None when it contains anything else."""
    found = _PIECE.fullmatch(sent)
    pen = None if found is None else _pen(found[1] or "")
    if found is None or pen is None or not (found[2].isascii() or _is_single_width(found[2])):
        return None
    return found[2], pen


def _read_slowly(sent: str) -> _SentLine | None:
    """Parse a row in any form; the same result as of `_read`."""
    texts: list[str] = []
    pens: list[Pen] = []
    pen = PLAIN
    for code, text, other in _TOKEN.findall(sent):
        if text and (text.isascii() or _is_single_width(text)):
            texts.append(text)
            pens += [pen] * len(text)
            continue
        # Textual writes the whole style before each segment and a reset after it.
        following = _pen(code) if pen is PLAIN or code in ("", "0") else None
        if text or other or following is None:
            return None
        pen = following
    return _SentLine(sent, "".join(texts), pens) if pen is PLAIN else None


@lru_cache(maxsize=1024)
def _is_single_width(text: str) -> bool:
    return all(get_character_cell_size(character) == 1 for character in text)


@lru_cache(maxsize=512)
def _pen(code: str) -> Pen | None:
    """Parse the parameters of one SGR sequence; None when one is unknown."""
    marks: list[str] = []
    fore = back = ""
    numbers = iter(code.split(";")) if code not in ("", "0") else iter(())
    for number in numbers:
        if number in ("38", "48"):
            kind = next(numbers, "")
            color = [next(numbers, "") for _ in range({"2": 3, "5": 1}.get(kind, 0))]
            if not color or not all(color):
                return None
            parameters = ";".join((number, kind, *color))
            fore, back = (parameters, back) if number == "38" else (fore, parameters)
        elif number.isdigit() and (30 <= int(number) <= 37 or 90 <= int(number) <= 97):
            fore = number
        elif number.isdigit() and (40 <= int(number) <= 47 or 100 <= int(number) <= 107):
            back = number
        elif number in ("1", "2", "3", "4", "5", "7", "8", "9", "21", "53"):
            marks.append(number)
        else:
            return None
    return Pen(tuple(marks), fore, back) if marks or fore or back else PLAIN


def _changed(old: _SentLine, new: _SentLine) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the changed runs of cells; runs at most `NEAR` cells apart are one."""
    start = end = -1
    for block in range(0, len(new.text), BLOCK):
        until = block + BLOCK
        texts, pens = new.text[block:until], new.pens[block:until]
        if texts == old.text[block:until] and pens == old.pens[block:until]:
            continue
        cells = zip(old.text[block:until], texts, old.pens[block:until], pens, strict=True)
        for at, (a, b, p, q) in enumerate(cells, block):
            if a == b and (p is q or p == q):
                continue
            if start >= 0 and at - end > NEAR:
                yield start, end
                start = at
            elif start < 0:
                start = at
            end = at + 1
    if start >= 0:
        yield start, end


def _write(out: list[str], line: _SentLine, start: int, end: int, pen: Pen) -> Pen:
    """Append the cells of a row to `out`; return the pen the terminal has afterwards."""
    at = start
    for wanted, cells in groupby(line.pens[start:end]):
        until = at + len(list(cells))
        text = line.text[at:until]
        at = until
        if text.isspace() and wanted.back == pen.back and _VISIBLE_ON_BLANKS.isdisjoint((*wanted.marks, *pen.marks)):
            out.append(text)
            continue
        out.append(_pen_change(pen, wanted))
        out.append(text)
        pen = wanted
    return pen


@lru_cache(maxsize=2048)
def _pen_change(pen: Pen, wanted: Pen) -> str:
    """Return the shortest SGR sequence from one pen to another."""
    if pen == wanted:
        return ""
    if wanted == PLAIN:
        return "\x1b[0m"
    if pen.marks != wanted.marks or (pen.fore and not wanted.fore) or (pen.back and not wanted.back):
        parts = (*(("0",) if pen != PLAIN else ()), *wanted.marks, wanted.fore, wanted.back)
    else:
        parts = (wanted.fore if wanted.fore != pen.fore else "", wanted.back if wanted.back != pen.back else "")
    return f"\x1b[{';'.join(part for part in parts if part)}m"
