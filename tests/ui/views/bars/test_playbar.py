"""A story has its caption at a fixed place above the play bar, and each chapter opens its screen once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.recordings.playback import Caption, Playback
from metabonk_tui.ui.screen_stack import ScreenStack
from metabonk_tui.ui.style.spans import plain
from metabonk_tui.ui.views.bars.playbar import frame_above_bar, with_bar
from tests.support.draw import frame_of

CAPTION = Caption(2, 9, ("Memory falls.", "The monitor forecasts the kill."), "memory")
PLAYBACK = Playback(5.0, 0.0, 10.0, 10.0, True, True, 60.0, caption=CAPTION)


def drawn(wide: int, high: int, playback: Playback = PLAYBACK) -> list[str]:
    frame = frame_of(None, wide, high, mode="replay", playback=playback)
    rows = ((),) * frame_above_bar(frame).height
    shown = [plain(row).rstrip() for row in with_bar(rows, frame)]
    assert len(shown) == high
    return shown


@pytest.mark.parametrize(("wide", "high"), [(80, 24), (120, 40), (80, 14)])
def test_the_caption_has_two_rows_above_the_bar(wide: int, high: int) -> None:
    rows = drawn(wide, high)
    assert rows[-4:-2] == ["  2/9  Memory falls.", "       The monitor forecasts the kill."]
    assert rows[-2].startswith(" STORY ")
    assert rows[:-4] == [""] * (high - 4)


def test_a_small_terminal_and_a_usual_replay_have_only_the_bar() -> None:
    assert drawn(80, 13)[-2].startswith(" STORY ")
    assert drawn(80, 13)[-3] == ""
    rows = drawn(80, 24, replace(PLAYBACK, caption=None))
    assert rows[-2].startswith(" REPLAY ")
    assert rows[-3] == ""


def test_a_chapter_opens_its_screen_once_and_the_next_one_closes_it() -> None:
    stack = ScreenStack()
    stack.follow(PLAYBACK)
    assert stack.names == ["dashboard", "memory"]
    stack.open("help")
    stack.follow(PLAYBACK)
    assert stack.front == "help", "the operator may open others meanwhile"
    stack.follow(replace(PLAYBACK, caption=replace(CAPTION, number=3, screen="dashboard")))
    assert stack.names == ["dashboard"]
    stack.follow(None)
    assert stack.names == ["dashboard"]
