"""Ranked causes on every screen that has room for them, and only on the workers that have them."""

import re

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import VerdictKind
from tests.support.draw import chosen, text_of
from tests.support.snapshots import accused, healthy, stop

SIZES = ((80, 24), (120, 40), (200, 60))


@pytest.mark.parametrize("size", SIZES)
def test_the_dashboard_ranks_them_whether_it_is_stop_or_not(size: tuple[int, int]) -> None:
    screen_text = text_of(accused(), *size)
    assert "CAUSES" in screen_text
    assert "1 0.97  import or init failed" in screen_text
    assert "intrinsic reward absent" in screen_text
    assert "EVENTS" in screen_text
    stopped = text_of(stop(), *size)
    assert "WHY" in stopped
    assert "CAUSES" not in stopped
    for ranked in ("1 0.93  config not loaded", "2 0.60  classifier stuck", "3 0.20  polling the wrong names"):
        rank, share, name = ranked.split(maxsplit=2)
        assert re.search(rf"{rank} +{re.escape(share)} .*{name}", stopped)


@pytest.mark.parametrize("size", SIZES[1:])
def test_where_there_is_room_the_first_is_reported_with_its_fix_and_the_second_by_name(size: tuple[int, int]) -> None:
    screen_text = text_of(accused(), *size)
    assert "fix repair what the log says" in screen_text
    assert "2 0.85  classifier stuck, no frames" in screen_text


@pytest.mark.parametrize("size", SIZES)
def test_without_causes_there_is_no_such_pane(size: tuple[int, int]) -> None:
    assert "CAUSES" not in text_of(healthy(), *size)
    assert "CAUSES" not in text_of(replace(accused(), causes=()), *size)


def test_the_verdict_screen_reports_all_of_them_whole() -> None:
    screen_text = text_of(accused(), 120, 60, "verdict")
    for cause in accused().causes:
        assert cause.name in screen_text
        assert cause.confirm in screen_text
        assert cause.fix in screen_text


@pytest.mark.parametrize(("slot", "own"), [(0, None), (1, "classifier stuck"), (2, "import or init failed")])
def test_a_worker_shows_its_own(slot: int, own: str | None) -> None:
    screen_text = text_of(accused(), 120, 60, "worker", state=chosen(slot))
    names = {"classifier stuck", "import or init failed"}
    assert {name for name in names if name in screen_text} == ({own} if own else set())
    assert ("CAUSES" in screen_text) == (own is not None)


def test_the_scene_is_no_stop() -> None:
    assert accused().verdict.kind is VerdictKind.VALIDATING
