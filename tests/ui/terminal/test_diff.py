"""What goes to the terminal: less than Textual sends, and the terminal shows the same for it."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabonk_tui.ui.terminal.diff import ScreenDiff, _read, _read_slowly

WIDE, HIGH = 14, 4
STYLES = (
    "",
    "38;2;1;2;3;48;2;9;9;9",
    "38;2;4;5;6;48;2;9;9;9",
    "1;38;2;4;5;6;48;2;9;9;9",
    "38;2;4;5;6;48;2;7;7;7",
    "2;31",
    "4;37;44",
    "7",
    "93;100",
    "38;5;12;48;5;200",
    "1;3;4;7;38;2;1;1;1",
)

texts = st.text("ab  ●━", min_size=1, max_size=6)
segments = st.tuples(texts, st.sampled_from(STYLES))


def row(parts: list[tuple[str, str]], wide: int = WIDE) -> str:
    """Spell a row as Rich does: every segment with the whole of its style, and a reset."""
    frame_text, left = "", wide
    for text, style in [*parts, (" " * wide, STYLES[1])]:
        cut = text[:left]
        left -= len(cut)
        frame_text += f"\x1b[{style}m{cut}\x1b[0m" if style and cut else cut
    return frame_text


pages = st.dictionaries(st.integers(0, HIGH - 1), st.lists(segments, max_size=4).map(row), min_size=1, max_size=HIGH)


def drawn(page: dict[int, str]) -> str:
    """Spell a picture as Textual does: rows at their places, the cursor back in its own."""
    return "\n".join(f"\x1b[{y + 1};1H{frame_text}" for y, frame_text in sorted(page.items())) + "\x1b[1;1H"


class Terminal:
    """What a person sees."""

    def __init__(self, wide: int = WIDE) -> None:
        self.screen = pyte.Screen(wide, HIGH)
        self._stream = pyte.Stream(self.screen)
        self.characters = 0

    def write(self, data: str) -> None:
        self.characters += len(data)
        self._stream.feed(data)

    def shown(self) -> list[list[tuple[object, ...]]]:
        """Every cell with its looks; the colour of letters says nothing where there is none."""
        seen = []
        for y in range(HIGH):
            cells = [self.screen.buffer[y][x] for x in range(self.screen.columns)]
            seen.append([
                (c.data, c.bg) if c.data == " " and not (c.reverse or c.underscore) else tuple(c) for c in cells
            ])  # fmt: skip
        return seen


@given(st.lists(pages, min_size=1, max_size=5))
def test_less_is_written_and_the_same_is_seen(sequence: list[dict[int, str]]) -> None:
    plain, spare, picture = Terminal(), Terminal(), ScreenDiff()
    for page in sequence:
        data = drawn(page)
        plain.write(data)
        spare.write(picture.difference(data))
        assert spare.shown() == plain.shown()
        assert (spare.screen.cursor.y, spare.screen.cursor.x) == (plain.screen.cursor.y, plain.screen.cursor.x)
        assert picture.difference(data) == "\x1b[1;1H", "what is there is not sent again"
    assert spare.characters <= plain.characters + 20 * HIGH * len(sequence)


@pytest.mark.parametrize("wide", ["日本 a", "e\u0301 f", "\ufe0f", "👩‍🚀"])
def test_a_row_that_is_not_one_character_a_cell_goes_out_as_it_is(wide: str) -> None:
    picture = ScreenDiff()
    before, after = f"\x1b[1;1H{wide} 1\x1b[1;1H", f"\x1b[1;1H{wide} 2\x1b[1;1H"
    assert picture.difference(before) == before
    assert picture.difference(after) == after
    # And what comes after it believes nothing of it.
    assert "abcdef" in picture.difference("\x1b[1;1Habcdef\x1b[1;1H")


def test_one_number_changes() -> None:
    picture = ScreenDiff()
    style = "\x1b[38;2;1;2;3;48;2;9;9;9m"
    picture.difference(f"\x1b[2;1H{style}steps     199\x1b[0m\x1b[1;1H")
    assert picture.difference(f"\x1b[2;1H{style}steps     200\x1b[0m\x1b[1;1H") == (
        f"\x1b[2;11H{style}200\x1b[0m\x1b[1;1H"
    )


@pytest.mark.parametrize("harmless", ["\x07", "\x1b[?2026h", "\x1b]2;title ●\x07", "\x1b]52;c;YWI=\x07", "\x1b[22;2t"])
def test_what_touches_no_cell_forgets_none(harmless: str) -> None:
    picture = ScreenDiff()
    picture.difference("\x1b[1;1Habc\x1b[1;1H")
    assert picture.difference(harmless) == harmless
    assert picture.difference("\x1b[1;1Habc\x1b[1;1H") == "\x1b[1;1H"


@pytest.mark.parametrize("other", ["\x1b[?1049h", "\x1b[2J", "hello", "\x1b]2;title", "\x1b]2;a\x07\x1b[2J", "\n"])
def test_after_anything_else_everything_is_sent_again(other: str) -> None:
    picture = ScreenDiff()
    frame_text = "\x1b[1;1Habc\x1b[2;1Hdef\x1b[1;1H"
    picture.difference(frame_text)
    assert picture.difference(other) == other
    again = picture.difference(frame_text)
    assert "abc" in again
    assert "def" in again


@pytest.mark.parametrize(
    "odd", ["\x1b[Kabc", "\x1b[38;7mabc\x1b[0m", "\x1b[1mabc\x1b[31mdef\x1b[0m", "\tabc", "\x1b[1mabc"]
)
def test_what_is_not_understood_goes_out_as_it_is(odd: str) -> None:
    picture = ScreenDiff()
    frame_text = f"\x1b[1;1H{odd}\x1b[1;1H"
    for _ in range(2):
        assert picture.difference(frame_text) == frame_text
    assert "abc" in picture.difference("\x1b[1;1Habc\x1b[1;1H")


def test_another_size_is_another_row() -> None:
    picture = ScreenDiff()
    picture.difference(f"\x1b[1;1H{row([('a', '')], 10)}\x1b[1;1H")
    narrow = picture.difference(f"\x1b[1;1H{row([('a', '')], 8)}\x1b[1;1H")
    assert narrow.startswith("\x1b[1;1Ha")


def test_forgotten_is_unknown() -> None:
    picture = ScreenDiff()
    frame_text = "\x1b[1;1Habc\x1b[1;1H"
    picture.difference(frame_text)
    picture.forget()
    assert picture.difference(frame_text) == frame_text


sent = st.lists(
    st.one_of(
        texts, st.sampled_from([f"\x1b[{style}m" for style in (*STYLES, "0", "99")] + ["\x1b[0m", "\x1b[2J", "宽"])
    ),
    max_size=8,
).map("".join)


@given(sent)
def test_a_row_is_read_in_pieces_as_it_is_in_whole(line: str) -> None:
    assert _read(line) == _read_slowly(line)
