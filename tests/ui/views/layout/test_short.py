"""Pages in short panes: no row is blank while something is cut, and the first row says something."""

from __future__ import annotations

import pytest

from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.frame import Page
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.glyphs import UNICODE
from metabonk_tui.ui.style.spans import EMPTY, Span, gap, plain
from metabonk_tui.ui.views.layout.section import title
from metabonk_tui.ui.views.layout.short import short
from tests.support.rare_snapshots import ALL
from tests.ui.conftest import ScriptedMonitor, read_config

KEYS = {
    "memory": "m", "logs": "l", "obituary": "d", "events": "4", "verdict": "v", "help": "?", "environment": "e",
}  # fmt: skip
WIDE, TITLE = 60, (gap(1), *title("MEMORY", 58, UNICODE))


def texts(page: Page) -> list[str]:
    return [plain(row).strip() for row in page.body]


def row(text: str) -> tuple[Span, ...]:
    return (gap(1), Span(text))


def test_blank_rows_go_and_the_cursor_stays_on_its_row() -> None:
    page = Page(body=(TITLE, EMPTY, row("one"), EMPTY, row("two"), row("three")), show=(4, 5))
    short_page = short(page, WIDE, 6)
    assert texts(short_page)[1:] == ["one", "two", "three"]
    assert short_page.show == (2, 3)


def test_with_few_rows_the_title_stands_before_the_first_row_or_goes() -> None:
    assert texts(short(Page(body=(TITLE, row("one"))), WIDE, 2)) == ["MEMORY   one"]
    assert texts(short(Page(body=(TITLE, row("x" * 58))), WIDE, 2)) == ["x" * 58]
    assert len(short(Page(body=(TITLE, row("one"))), WIDE, 3).body) == 2
    assert len(short(Page(body=(TITLE, TITLE)), WIDE, 1).body) == 2, "a title before a title says more than none"
    assert texts(short(Page(body=(TITLE,)), WIDE, 1))[0].startswith("MEMORY")


@pytest.mark.parametrize("size", [(80, 6), (250, 3), (80, 3), (30, 6), (20, 5)], ids=str)
@pytest.mark.parametrize("screen", KEYS)
@pytest.mark.parametrize("scene", ["died", "mixed"])
def test_each_screen_shows_its_own_rows_between_verdict_and_keys(
    screen: str, size: tuple[int, int], scene: str
) -> None:
    snapshot = ALL[scene]()
    controller = Controller(ScriptedMonitor(snapshot), read_config(), all_screens())
    controller.update(snapshot)
    controller.press(KEYS[screen], KEYS[screen], 1.0, *size)
    controller.tick(60.0)
    lines = [plain(line).rstrip() for line in controller.rows(*size)]
    home = Controller(ScriptedMonitor(snapshot), read_config(), all_screens())
    home.update(snapshot)
    shown = {plain(line).rstrip() for line in home.rows(*size)}
    if screen == "obituary" and not snapshot.obituaries:
        return
    assert any(line not in shown for line in lines[1:-1]), lines
    body = lines[1:-1]
    assert "" not in [line.strip() for line in body[: len(body) // 2]], lines


@pytest.mark.parametrize("size", [(80, 6), (250, 3), (30, 6)], ids=str)
def test_a_paused_screen_says_so_in_its_header(size: tuple[int, int]) -> None:
    snapshot = ALL["died"]()
    controller = Controller(ScriptedMonitor(snapshot), read_config(), all_screens())
    controller.update(snapshot)
    for at_s, key in enumerate("mp", 1):
        controller.press(key, key, float(at_s), *size)
    assert any("PAUSED" in plain(line) for line in controller.rows(*size)[:2])
