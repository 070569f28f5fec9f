"""One list for every dialog that lists: what typing, moving and Enter do, whatever the entries are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pytest

from metabonk_tui.ui.dialogs.base import Reply
from metabonk_tui.ui.dialogs.list_dialog import MAX_TYPED, ROWS, ListDialog
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, plain
from tests.support import snapshots as scenes
from tests.support.draw import frame_of

NAMES = [f"run {i:02}" for i in range(30)]


class NamesDialog(ListDialog[str]):
    title: ClassVar[str] = "NAMES"
    takes: ClassVar[str] = "take it"

    def __init__(self) -> None:
        super().__init__()
        self.names = NAMES

    def entries(self, frame: Frame) -> Sequence[str]:
        return self.names

    def search_text(self, entry: str, frame: Frame) -> str:
        return entry.upper()

    def entry_row(self, entry: str, chosen: bool, wide: int, frame: Frame) -> Row:
        return (Span(entry),)

    def take(self, entry: str) -> Reply:
        return Reply(None, entry)

    def empty_text(self) -> str:
        return "none of them"


def frame(wide: int = 80, high: int = 24) -> Frame:
    return frame_of(scenes.healthy(), wide, high)


def press(dialog: ListDialog[str], *keys: str) -> Reply:
    reply = Reply(dialog)
    for key in keys:
        reply = dialog.press(key, key if len(key) == 1 else None, 0.0, frame())
    return reply


def drawn(dialog: ListDialog[str], wide: int = 80, high: int = 24) -> list[str]:
    return [plain(row) for row in dialog.over(((),) * high, frame(wide, high))]


@pytest.mark.parametrize(
    ("keys", "taken"),
    [
        ((), "run 00"),
        (("down", "tab"), "run 02"),
        (("up",), "run 00"),
        (("pagedown",), f"run {ROWS}"),
        (("pagedown",) * 5, "run 29"),
        (("down", "2"), "run 02"),
        (("2", "down", "down"), "run 20"),
        (("1", " ", "2"), "run 12"),
        (("9", "backspace"), "run 00"),
        (("R", "U"), "run 00"),
    ],
)
def test_enter_takes_the_entry_under_the_cursor(keys: tuple[str, ...], taken: str) -> None:
    assert press(NamesDialog(), *keys, "enter").command == taken


def test_enter_on_an_empty_list_keeps_the_dialog() -> None:
    dialog = NamesDialog()
    assert press(dialog, "z", "enter").dialog is dialog
    assert any("none of them" in row for row in drawn(dialog))


def test_a_list_that_became_shorter_keeps_its_cursor_inside() -> None:
    dialog = NamesDialog()
    press(dialog, *("pagedown",) * 5)
    dialog.names = NAMES[:2]
    assert any("run 01" in row for row in drawn(dialog))
    assert press(dialog, "enter").command == "run 01"


def test_the_input_has_an_end() -> None:
    dialog = NamesDialog()
    press(dialog, *"x" * (MAX_TYPED + 5))
    assert len(dialog.typed) == MAX_TYPED


def test_the_box_keeps_its_height_while_the_list_gets_shorter() -> None:
    heights = set()
    for typed in ("", "2", "29", "zz"):
        dialog = NamesDialog()
        press(dialog, *typed)
        heights.add(sum("│" in row for row in drawn(dialog, 120, 40)))
    assert len(heights) == 1


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12), (20, 5)])
def test_the_entry_under_the_cursor_is_in_sight_at_any_size(size: tuple[int, int]) -> None:
    dialog = NamesDialog()
    press(dialog, *("down",) * 17)
    rows = drawn(dialog, *size)
    assert len(rows) == size[1]
    assert size[1] < 10 or any("run 17" in row for row in rows)
