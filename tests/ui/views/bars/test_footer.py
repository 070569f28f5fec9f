"""The footer's notice: one that is longer than a row is drawn whole, over the rows above."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.ui.style.glyphs import ASCII, UNICODE, Glyphs
from metabonk_tui.ui.style.spans import plain, width
from tests.support import snapshots
from tests.ui.person import Person

PATH = f"~/{'a-long-folder/' * 6}metabonk-005504.txt"


def shown(notice: str, size: tuple[int, int], glyphs: Glyphs = UNICODE) -> list[str]:
    person = Person(snapshots.stop(), size, glyphs, open_logs=lambda: pytest.fail("no log is read"))
    before = person.rows
    person.controller.show_notice(notice, 1.0)
    rows = person.rows
    assert len(rows) == len(before) == size[1]
    assert max(map(width, rows)) <= size[0]
    return [plain(row).strip() for row in rows]


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (200, 60)])
def test_a_path_is_whole(size: tuple[int, int]) -> None:
    rows = shown(f"not copied (linux): {PATH}; the console has no clipboard", size)
    at = next(place for place, row in enumerate(rows) if row.startswith("not copied"))
    assert PATH in "".join(rows[at:])
    assert rows[-1].endswith("clipboard")


def test_a_path_that_fits_a_row_is_not_broken() -> None:
    rows = shown(f"not copied (the terminal is a linux console): {PATH[:70]}", (80, 24))
    assert rows[-1] == PATH[:70]


def test_a_short_notice_is_one_row_and_an_endless_one_is_cut() -> None:
    before, after = shown("", (80, 24)), shown("copied", (80, 24))
    assert after[:-1] == before[:-1]
    assert after[-1] == "copied"
    rows = shown("a word " * 500, (80, 24), ASCII)
    assert rows[-1].endswith(ASCII.ellipsis)
    assert not any(row.startswith("a word") for row in rows[:10])


@pytest.mark.parametrize("size", [(20, 5), (80, 2), (30, 1)])
def test_a_tiny_terminal_keeps_its_size(size: tuple[int, int]) -> None:
    shown(f"copied and in {PATH}", size)


def test_a_lasting_notice_covers_nothing() -> None:
    scene = replace(snapshots.stop(), recording=False)
    failed = snapshots.event(scene.t, "crit", f"not recorded: {PATH} is full", "recorder.error")
    person = Person(replace(scene, events=(failed,)), (80, 24), open_logs=lambda: pytest.fail("no log is read"))
    rows = [plain(row).strip() for row in person.rows]
    assert rows[-1].startswith("not recorded: ")
    assert rows[-1].endswith(UNICODE.ellipsis)
