"""A ghost: each number beside the same minute of a recorded run, and what was not recorded is said."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.ghost import (
    RSS,
    STEP_RATE,
    Ghost,
    GhostWord,
    beside,
    component_beside,
    make_ghost,
    sum_up,
)
from metabonk_tui.core.report.ghost_json import ghost_json, ghost_text
from metabonk_tui.core.report.timeline import RunTimelineBuilder
from tests.support.samples import Answer, coarse, header, healthy, last, play, playing, room, worker

MIN = 60.0


def life(slot: int, t: float) -> Answer:
    """Half as quick as `healthy`, and never silent."""
    answer = (playing if t >= 40 * MIN else healthy)(slot, t)
    return answer | {"dynamic_ui_exploration_actions": int(t // 20)}


def ghost_of(*, blind_min: tuple[int, int] = (0, 0)) -> Ghost:
    builder = RunTimelineBuilder()
    for snapshot in play(
        coarse(
            life,
            for_s=60 * MIN,
            workers=2,
            run=header(0.0, 2, 30.0, name="yesterday"),
            memory=lambda _: room(4.0),
            blind=lambda t: blind_min[0] * MIN < t < blind_min[1] * MIN,
        )
    ):
        builder.add(snapshot)
    timeline = builder.timeline()
    assert timeline is not None
    return make_ghost(timeline)


def now(minutes: int, workers: int = 2) -> Snapshot:
    return last(
        coarse(lambda slot, t: (playing if t > 20 * MIN else healthy)(slot, t), for_s=minutes * MIN, workers=workers)
    )


def test_a_number_stands_beside_the_same_minute_and_names_when_the_ghost_had_it() -> None:
    found = component_beside(ghost_of(), now(15), worker(now(15)))["ui_exploration"]

    assert (found.value, found.word) == (90.0, GhostWord.AHEAD)
    assert found.ghost == pytest.approx(46.5, abs=1.5)
    assert found.there_s == pytest.approx(30 * MIN, abs=MIN)
    assert found.lead_s == pytest.approx(15 * MIN, abs=MIN)


@pytest.mark.parametrize(
    ("number", "value", "run_min", "word", "never"),
    [
        ("ui_exploration", 10.0, 15, GhostWord.BEHIND, False),
        ("ui_exploration", 46.0, 15, GhostWord.LEVEL, False),
        ("ui_exploration", 1e6, 15, GhostWord.AHEAD, True),
        ("ui_exploration", 10.0, 61, GhostWord.NOT_RECORDED, False),
        ("unknown", 10.0, 15, GhostWord.NOT_RECORDED, False),
        (STEP_RATE, 0.1, 15, GhostWord.BEHIND, False),
        (RSS, 1e9, 15, GhostWord.NOT_RECORDED, False),
        ("meta", 0.0, 15, GhostWord.LEVEL, False),
    ],
)
def test_ahead_behind_level_never_and_not_recorded(
    number: str, value: float, run_min: int, word: GhostWord, never: bool
) -> None:
    found = beside(ghost_of(), worker(now(15)), number, value, run_min * MIN)

    assert found is not None
    assert (found.word, found.never) == (word, never)


def test_a_minute_that_nobody_watched_is_not_recorded() -> None:
    ghost = ghost_of(blind_min=(10, 20))

    assert ghost.at("w0", "ui_exploration", 15 * MIN) is None
    assert ghost.available_at(15 * MIN) is None
    assert ghost.at("w0", "ui_exploration", 25 * MIN) is not None


def test_a_worker_that_the_ghost_had_not_is_not_recorded() -> None:
    snapshot = now(15, workers=3)

    words = {each.word for each in component_beside(ghost_of(), snapshot, worker(snapshot, 2)).values()}

    assert words == {GhostWord.NOT_RECORDED}


def test_the_sum_counts_and_compares_the_first_play() -> None:
    ghost, snapshot = ghost_of(), now(30)

    found = sum_up(ghost, snapshot)

    assert found.compared == 10
    assert (found.gameplay_s, found.ghost_gameplay_s) == (pytest.approx(20.5 * MIN), pytest.approx(40 * MIN))
    assert found.ahead >= 2
    assert "gameplay 19m earlier" in ghost_text(ghost, snapshot)
    public = ghost_json(ghost, snapshot)
    assert public["workers"]["w0"]["ui_exploration"]["word"] == "ahead"
    assert RSS not in public["workers"]["w0"], "memory of the worker is not observed"


def test_without_anything_recorded_the_text_says_so() -> None:
    snapshot = replace(now(15), workers=())

    assert ghost_text(ghost_of(), snapshot) == "ghost yesterday (SUCCESS) at the same minute: not recorded"


def test_a_ghost_with_other_settings_is_not_the_same() -> None:
    ghost, snapshot = ghost_of(), now(30)
    assert ghost_json(ghost, snapshot)["not_the_same"] == {}
    other = replace(snapshot, run=replace(snapshot.run, desired=5))
    assert ghost_json(ghost, other)["not_the_same"] == {"workers": {"here": "5", "there": "2"}}
    assert ghost_json(ghost, other)["environment_known"] is False
    assert "at the same minute: NOT THE SAME (workers 5, there 2): ahead in" in ghost_text(ghost, other)


def test_its_curve_has_a_point_a_minute_between_two_times_and_none_where_nothing_was_recorded() -> None:
    ghost = ghost_of(blind_min=(20, 25))
    curve = ghost.curve("w0", "ui_exploration", 1000.0, 1000.0 + 18 * MIN, 1000.0 + 27 * MIN)
    minutes = [round((t - 1000.0) / MIN) for t, _ in curve]
    assert minutes[0] in (18, 19)
    assert minutes == sorted(minutes)
    assert not {22, 23, 24} & set(minutes)
    assert [value for _, value in curve] == sorted(value for _, value in curve)
    assert ghost.curve("w9", "ui_exploration", 0.0, 0.0, 600.0) == ()
    assert len(ghost.available_curve(0.0, 0.0, 600.0)) == 10
    assert ghost.available_curve(0.0, 10 * 3600.0, 11 * 3600.0) == ()
