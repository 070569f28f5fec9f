"""The generations of a worker on its screen: how each ended, and which ends were not seen."""

from __future__ import annotations

import re

from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Generation, Reach
from tests.support.draw import chosen, text_of
from tests.support.rare_snapshots import killed
from tests.support.snapshots import START, healthy


def lived(*lives: Generation, alive: bool = True) -> Snapshot:
    base = healthy()
    one = replace(base.workers[0], generations=lives)
    if not alive:
        one = replace(one, reach=Reach.DOWN, rss_bytes=None)
    return replace(base, workers=(one, *base.workers[1:]))


def drawn(snapshot: Snapshot, slot: int = 0) -> str:
    return text_of(snapshot, 120, 90, "worker", state=chosen(slot))


FIRST, SECOND = Generation(1, START, 7, "first seen"), Generation(2, START + 60, 8, "new pid 7 → 8")


def test_a_life_that_goes_on_alone_is_no_list() -> None:
    assert "GENERATIONS" not in drawn(lived(FIRST))


def test_what_ended_unseen_is_said_and_what_lives_has_no_end() -> None:
    screen_text = drawn(lived(FIRST, SECOND))
    assert screen_text.count("its end was not observed") == 1
    assert screen_text.index("gen 2   14:03:03") < screen_text.index("its end was not observed")


def test_a_worker_that_is_down_does_not_live_on() -> None:
    screen_text = drawn(lived(FIRST, SECOND, alive=False))
    assert screen_text.count("its end was not observed") == 2
    assert "for 29m" not in screen_text, "how long it lived is not known"
    assert re.search(r"process +gone, was 41207", screen_text)
    assert "for 29m" in drawn(lived(FIRST, SECOND))


def test_the_newest_come_first_and_the_others_are_counted() -> None:
    lives = tuple(Generation(n, START + n, n, "step fell") for n in range(1, 13))
    screen_text = drawn(lived(*lives))
    assert screen_text.index("gen 12") < screen_text.index("gen 3 ")
    assert "gen 2 " not in screen_text
    assert "and 2 earlier" in screen_text


def test_an_end_by_our_own_hand_is_no_alarm() -> None:
    screen_text = drawn(killed(), 2)
    assert "○ stopped by us" in screen_text
    assert "■ OOM-killed" in screen_text
    assert "▲ exited 3" in screen_text
    assert "◌ cause unknown" in screen_text
