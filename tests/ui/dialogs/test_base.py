"""Dialogs in panes of few rows: no frame, the verdict above, what is asked in sight, the dialog's own keys below."""

from __future__ import annotations

import pytest

from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.dialogs.base import FLAT_ROWS
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import plain, width
from tests.support.rare_snapshots import ALL
from tests.support.samples import CONFIG
from tests.ui.conftest import ScriptedMonitor

SIZES = [(250, 3), (80, 3), (80, 6), (30, 6), (30, 3), (20, 5), (20, 2), (20, 1)]


def drawn(size: tuple[int, int], *keys: str, scene: str = "alarmed") -> list[str]:
    """Return the rows of a terminal after these keys."""
    snapshot = ALL[scene]()
    controller = Controller(ScriptedMonitor(snapshot), CONFIG, all_screens(), themes=("dark",))
    controller.update(snapshot)
    for key in keys:
        controller.press(key, key if len(key) == 1 else None, 1.0, *size)
    rows = controller.rows(*size)
    assert len(rows) == size[1]
    assert [plain(row) for row in rows if width(row) > size[0]] == []
    return [plain(row).rstrip() for row in rows]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("key", [":", "X", "L", "+", "W", "~", "c"])
def test_no_row_is_spent_on_a_frame(size: tuple[int, int], key: str) -> None:
    rows = drawn(size, key)
    assert not any(edge in "".join(rows) for edge in "╭╮╰╯│")
    if size[1] >= 3:
        assert "STOP" in rows[0], "the verdict stays"
    if size[1] >= 2:
        assert "Esc" in rows[-1] or key == "~", "the last row has the dialog's keys"
        assert "quit" not in rows[-1], "and not those of the screen behind it"


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_entry_that_enter_takes_is_in_sight(size: tuple[int, int]) -> None:
    first, later = drawn(size, ":"), drawn(size, ":", "down", "down")
    assert "?" in "".join(first[:-1] if len(first) > 1 else first)
    assert first != later, "the cursor moves in sight"


@pytest.mark.parametrize(
    ("size", "key", "said"),
    [
        ((250, 3), "X", ("STOP POOL", "ALL 5 workers", "type stop and press Enter", "Cancel")),
        ((80, 3), "X", ("STOP POOL", "type stop and press Enter")),
        ((80, 3), "L", ("LAUNCH POOL", "type 2 and press Enter")),
        ((80, 3), "W", ("ARM THE MEMORY WATCH", "type arm and press Enter")),
        ((80, 6), "X", ("STOP POOL", "ALL 5 workers", "type stop and press Enter", "Cancel")),
        ((30, 6), "X", ("STOP POOL", "confirm")),
    ],
    ids=str,
)
def test_what_is_asked_stays_longest(size: tuple[int, int], key: str, said: tuple[str, ...]) -> None:
    text = "\n".join(drawn(size, key))
    assert [words for words in said if words not in text] == []


def test_a_wide_pane_of_three_rows_fills_its_cells() -> None:
    (_, row, keys) = drawn((250, 3), ":")
    assert "COMMANDS  1-2 of " in row
    assert "Show every key" in row
    assert "Close the monitor" in row
    assert keys.split() == ["Enter", "run", "Esc", "close"]


def test_from_seven_rows_on_a_dialog_has_its_frame() -> None:
    assert any("╭" in row for row in drawn((80, FLAT_ROWS), ":"))
    assert not any("╭" in row for row in drawn((80, FLAT_ROWS - 1), ":"))


@pytest.mark.parametrize("size", [(250, 3), (80, 3), (80, 6)], ids=str)
def test_the_alerts_begin_with_an_alert_where_rows_are_few(size: tuple[int, int]) -> None:
    rows = drawn(size, "!")
    assert "MemCritical" in "".join(rows[1:4])
    assert "LASTS" not in "".join(rows), "the names of the columns take no row"
    assert "LASTS" in "".join(drawn((80, 24), "!"))


@pytest.mark.parametrize("size", [(30, 6), (30, 24), (20, 5)], ids=str)
def test_a_narrow_dialog_names_enter(size: tuple[int, int]) -> None:
    assert "Enter" in drawn(size, ":")[-1]
