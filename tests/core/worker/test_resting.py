"""Components that move only in menus: while their worker plays they rest, and nothing warns of it."""

from typing import Any

import pytest

from metabonk_tui.core.model.worker import ComponentState
from tests.support.samples import (
    MIN,
    PLAYING,
    Fields,
    Life,
    changes,
    coarse,
    configured,
    healthy,
    kinds,
    last,
    node,
    part,
    phases,
    play,
    script,
    state,
    with_fields,
    without,
)

ACTIVE, RESTING, STALLED, ZERO = (
    ComponentState.ACTIVE, ComponentState.RESTING, ComponentState.STALLED, ComponentState.ZERO,
)  # fmt: skip
STAND = {"dynamic_ui_exploration_actions": 90, "intrinsic_reward_total": 1.185}
"""What a healthy worker's menu components show while it plays."""


def in_game(slot: int, t: float) -> Fields:
    """A healthy worker that plays: its menu components stand."""
    return healthy(slot, t) | PLAYING | STAND


def plays_from(t: float, life: Life = in_game) -> Life:
    return phases((0, healthy), (t, life))


@pytest.mark.parametrize(
    ("life", "found"),
    [
        (in_game, RESTING),
        (with_fields(in_game, dynamic_ui_state_type="uncertain"), RESTING),  # corroborated, and not in a menu
        (with_fields(in_game, dynamic_ui_state_type="menu_ui"), STALLED),
        (with_fields(in_game, gameplay_started=False), STALLED),
        (with_fields(in_game, hud_present=False, dynamic_ui_state_type="uncertain"), STALLED),  # the flag alone
        (with_fields(in_game, gameplay_started=False, dynamic_ui_state_type="uncertain"), STALLED),
        (with_fields(in_game, step=700), STALLED),  # its step has stood for more than 10 min
        (with_fields(in_game, intrinsic_reward_total="1.5"), ComponentState.BAD),
        (with_fields(in_game, intrinsic_reward_total=None), ComponentState.ABSENT),
        (without(in_game, "intrinsic_reward_total"), ComponentState.ABSENT),
        (with_fields(in_game, intrinsic_reward_total=lambda t: t), ACTIVE),
    ],
)
def test_when_a_component_rests(life: Life, found: ComponentState) -> None:
    assert state(last(coarse(plays_from(600, life), for_s=600 + 11 * MIN)), "intrinsic_reward") is found


def test_what_never_showed_in_this_generation_never_rests() -> None:
    life = with_fields(in_game, intrinsic_reward_total=0.0)
    assert state(last(coarse(life, for_s=25 * MIN)), "intrinsic_reward") is ZERO
    unproven = without(in_game, "dynamic_ui_text_density")
    proven_late = phases((0, unproven), (900, in_game))
    assert state(last(coarse(proven_late, for_s=25 * MIN)), "ui_exploration") is STALLED
    again = phases((0, healthy), (600, lambda s, t: in_game(s, t) | {"step": t - 600, "intrinsic_reward_total": 0.0}))
    assert state(last(coarse(again, for_s=25 * MIN)), "intrinsic_reward") is ZERO


def test_what_moves_always_does_not_rest() -> None:
    life = with_fields(in_game, system2_trigger_engaged_count=30, vlm_hints_used=24)
    assert state(last(coarse(plays_from(600, life), for_s=25 * MIN)), "system2") is STALLED


def test_the_value_of_a_resting_component_is_shown() -> None:
    resting = part(last(coarse(plays_from(600), for_s=25 * MIN)), "ui_exploration")
    assert (resting.state, resting.value, resting.last_value) == (RESTING, 90, 90)


def test_resting_counts_as_showing_for_question_a() -> None:
    # System2 falls silent in gameplay as well: nothing grows for longer than the window.
    still = with_fields(in_game, system2_trigger_engaged_count=30, vlm_hints_used=24)
    snapshots = play(coarse(plays_from(600, still), workers=2, for_s=60 * MIN))
    assert node(snapshots[-1], "components").answer == "no"
    assert "STOP" not in [word for _, word in changes(snapshots[-1])]
    assert part(snapshots[-1], "system2").window_activity == "silent"


def test_a_worker_that_does_not_answer_for_a_moment_does_not_end_the_rest() -> None:
    hung = phases((0, healthy), (600, in_game), (3000, lambda _s, _t: "timeout"))
    seen = last(script(hung, workers=2, every_s=30, for_s=3090))
    assert state(seen, "ui_exploration") is ComponentState.STALE
    assert part(seen, "ui_exploration").window_activity == "showing"


def test_a_healthy_pool_in_gameplay_fires_no_alert_in_45_minutes() -> None:
    def life(slot: int, t: float) -> Fields:
        play_s = in_game(slot, t) | {"meta_success_sequences": 1.0}
        return play_s if t >= 96 else healthy(slot, t)

    seen = last(script(life, workers=2, every_s=16, for_s=96 + 45 * MIN))
    assert [alert.name for alert in seen.alerts] == []
    assert kinds(seen, "component.silent", "worker.conduct", "alert.firing") == []
    assert state(seen, "meta") is STALLED, "it reads like the others; only no alert fires"


def test_a_component_that_stands_in_the_menu_still_warns() -> None:
    life = phases((0, healthy), (300, with_fields(healthy, intrinsic_reward_total=0.3)))
    seen = last(coarse(life, workers=2, for_s=45 * MIN))
    assert [alert.name for alert in seen.alerts if alert.state == "firing"] == ["ComponentStalled"]


def test_where_a_component_moves_is_configured() -> None:
    config = configured(
        '[[component]]\nid = "x"\nlabel = "x"\ntitle = "x"\nfield = "x"\nkind = "counter"\nmoves = "gameplay"'
    )

    def life(slot: int, t: float) -> Fields:
        fields: dict[str, Any] = healthy(slot, t) | {"x": min(t, 300.0)}
        return fields | PLAYING if t < 300 else fields | {"gameplay_started": True}

    assert state(last(coarse(life, for_s=25 * MIN), config), "x") is RESTING


def test_a_short_silence_of_the_worker_announces_no_state_anew() -> None:
    gone = without(healthy, "intrinsic_reward_total", "dynamic_ui_text_density")
    hung = phases(
        (0, gone), (400, lambda _s, _t: "timeout"), (460, gone), (500, lambda _s, _t: "refused"), (530, gone)
    )
    seen = last(script(hung, for_s=700))
    assert len(kinds(seen, "component.silent")) == 2
    back = phases((0, gone), (400, lambda _s, _t: "timeout"), (460, healthy))
    assert len(kinds(last(script(back, for_s=700)), "component.active")) > len(
        kinds(last(script(gone, for_s=700)), "component.active")
    )
