"""Section 2 of the verdict's definition: what one component is doing on one worker, each line with what breaks it."""

import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metabonk_tui.core.model.sample import BadValue, WorkerStatus
from metabonk_tui.core.model.worker import ComponentState as S
from metabonk_tui.core.worker import component as components
from metabonk_tui.core.worker import quick
from metabonk_tui.core.worker.component import ComponentTrack
from tests.support.samples import (
    CONFIG,
    MIN,
    Life,
    at,
    coarse,
    configured,
    down,
    header,
    healthy,
    last,
    part,
    phases,
    play,
    script,
    silent,
    state,
    unseen,
    with_fields,
    without,
    worker,
)

UI, INTRINSIC, SYSTEM2, META, TO_GAMEPLAY = "ui_exploration", "intrinsic_reward", "system2", "meta", "ui_to_gameplay"
BEARING = {
    S.ACTIVE: "showing", S.ZERO: "silent", S.ABSENT: "silent", S.UNPROVEN: "silent", S.BAD: "unknown",
    S.UNOBSERVED: "unknown",
}  # fmt: skip


@pytest.mark.parametrize(
    ("component", "change", "expected"),
    [
        (UI, {}, S.ACTIVE),
        (UI, {"dynamic_ui_exploration_actions": 0}, S.ZERO),
        (UI, {"dynamic_ui_exploration_actions": None}, S.ABSENT),
        (UI, {"dynamic_ui_exploration_actions": math.nan}, S.BAD),
        (UI, {"dynamic_ui_exploration_actions": math.inf}, S.BAD),
        (UI, {"dynamic_ui_exploration_actions": "many"}, S.BAD),
        (UI, {"dynamic_ui_exploration_actions": True}, S.BAD),
        (UI, {"dynamic_ui_exploration_actions": [1]}, S.BAD),
        (UI, {"dynamic_ui_exploration_actions": -3}, S.BAD),
        (UI, {"dynamic_ui_exploration_actions": ...}, S.ABSENT),
        (UI, {"dynamic_ui_text_density": ...}, S.UNPROVEN),
        (UI, {"dynamic_ui_text_density": ..., "dynamic_ui_exploration_actions": 0}, S.ZERO),
        (UI, {"dynamic_ui_text_density": 0.0}, S.ACTIVE),
        (INTRINSIC, {}, S.ACTIVE),
        (INTRINSIC, {"intrinsic_reward_total": 0.0}, S.ZERO),
        (INTRINSIC, {"intrinsic_reward_total": ...}, S.ABSENT),
        (INTRINSIC, {"intrinsic_reward_total": math.nan}, S.BAD),
        (SYSTEM2, {"system2_trigger_engaged_count": 0.0}, S.ACTIVE),
        (SYSTEM2, {"system2_trigger_engaged_count": 0.0, "vlm_hints_used": 0}, S.ZERO),
        (SYSTEM2, {"system2_trigger_engaged_count": ...}, S.ABSENT),
        (SYSTEM2, {"vlm_hints_used": ...}, S.ACTIVE),
        (META, {}, S.ZERO),
        (META, {"meta_success_sequences": 1.0}, S.ACTIVE),
        (META, {"meta_success_sequences": None, "meta_learner_sequences_learned": None}, S.ABSENT),
        (META, {"meta_success_sequences": None, "meta_learner_sequences_learned": 1.0}, S.ACTIVE),
        (SYSTEM2, {"system2_trigger_engaged_count": None}, S.ABSENT),
        (TO_GAMEPLAY, {"gameplay_started": None, "intrinsic_reward_total": None}, S.ABSENT),
        (META, {"meta_success_sequences": ..., "meta_learner_sequences_learned": 1.0}, S.ACTIVE),
        (META, {"meta_success_sequences": ..., "meta_learner_sequences_learned": 0.0}, S.ZERO),
        (META, {"meta_success_sequences": 0.0, "meta_learner_sequences_learned": 1.0}, S.ZERO),
        (META, {"meta_success_sequences": ..., "meta_learner_sequences_learned": ...}, S.ABSENT),
        (TO_GAMEPLAY, {}, S.ZERO),
        (TO_GAMEPLAY, {"gameplay_started": True}, S.UNPROVEN),
        (TO_GAMEPLAY, {"gameplay_started": 1}, S.UNPROVEN),
        (TO_GAMEPLAY, {"gameplay_started": True, "phase_gameplay": True}, S.ACTIVE),
        (TO_GAMEPLAY, {"gameplay_started": True, "hud_present": True}, S.ACTIVE),
        (TO_GAMEPLAY, {"gameplay_started": True, "dynamic_ui_state_type": "gameplay"}, S.ACTIVE),
        (TO_GAMEPLAY, {"gameplay_started": True, "reward": 9.0}, S.UNPROVEN),
        (TO_GAMEPLAY, {"gameplay_started": ...}, S.ZERO),
        (TO_GAMEPLAY, {"gameplay_started": ..., "intrinsic_reward_total": ...}, S.ABSENT),
        (TO_GAMEPLAY, {"gameplay_started": "yes", "intrinsic_reward_total": ...}, S.BAD),
    ],
)  # fmt: skip
def test_what_one_component_is_doing(component: str, change: dict[str, Any], expected: S) -> None:
    gone = [name for name, value in change.items() if value is ...]
    life = with_fields(without(healthy, *gone), **{k: v for k, v in change.items() if v is not ...})
    seen = last(script(life, for_s=300))
    assert state(seen, component) is expected
    assert part(seen, component).window_activity == BEARING[expected]
    assert (part(seen, component).bad is not None) == (expected is S.BAD)


def test_one_bad_field_costs_no_other() -> None:
    seen = last(script(with_fields(healthy, intrinsic_reward_total=math.nan), for_s=300))
    assert (state(seen, UI), state(seen, SYSTEM2)) == (S.ACTIVE, S.ACTIVE)
    bad = part(seen, INTRINSIC).bad
    assert bad is not None
    assert bad.why == "nan"
    assert part(seen, INTRINSIC).value is None


def test_a_missing_value_is_never_a_number() -> None:
    seen = last(script(silent, for_s=300))
    for name in (INTRINSIC, META):
        view = part(seen, name)
        assert (view.value, view.last_value, view.change_5m) == (None, None, None)
        assert (view.samples, view.samples_with_key) == (31, 0)


# Absent, and when it may be called so


def test_absent_within_the_start_up_grace_is_not_yet_anything() -> None:
    waiting = phases((0, lambda slot, t: silent(slot, t) if slot else "refused"))
    snapshots = play(script(waiting, for_s=300))
    assert state(at(snapshots, 170), INTRINSIC, slot=1) is S.PENDING
    assert part(at(snapshots, 170), INTRINSIC, slot=1).window_activity == "unknown"
    assert state(at(snapshots, 170), INTRINSIC, slot=0) is S.PENDING
    assert state(at(snapshots, 200), INTRINSIC, slot=1) is S.ABSENT
    assert state(at(snapshots, 200), INTRINSIC, slot=0) is S.DOWN


def test_absent_once_every_worker_answered() -> None:
    snapshots = play(script(silent, for_s=20))
    assert state(snapshots[-1], INTRINSIC) is S.ABSENT


def test_a_field_that_vanishes_in_mid_run_is_absent_and_remembers_that_it_was_there() -> None:
    life = phases((0, healthy), (100, without(healthy, "intrinsic_reward_total")))
    seen = last(script(life, for_s=200))
    view = part(seen, INTRINSIC)
    assert view.state is S.ABSENT
    assert view.since_t == 100
    assert view.value is None
    assert (view.samples, view.samples_with_key) == (21, 10)
    assert view.window_activity == "showing", "it did grow within the window"
    assert view.shown_in_run


def test_a_field_that_appears_late_is_seen() -> None:
    life = phases((0, silent), (600, healthy))
    seen = last(script(life, for_s=620))
    assert state(seen, INTRINSIC) is S.ACTIVE


# What could not be observed


RECORDED = ("step", "dynamic_ui_exploration_actions", "intrinsic_reward_total", "gameplay_started")


def test_a_field_that_the_recording_could_not_hold_is_unobserved() -> None:
    life = without(healthy, "system2_trigger_engaged_count", "vlm_hints_used", "meta_success_sequences")
    seen = last(script(life, for_s=300, observable=RECORDED))
    assert state(seen, SYSTEM2) is S.UNOBSERVED
    assert part(seen, SYSTEM2).window_activity == "unknown"
    assert part(seen, SYSTEM2).samples == 0


def test_a_proof_that_was_not_observed_does_not_count_against_it() -> None:
    life = without(healthy, "dynamic_ui_text_density")
    assert state(last(script(life, for_s=300, observable=RECORDED)), UI) is S.ACTIVE
    assert state(last(script(life, for_s=300, observable=(*RECORDED, "dynamic_ui_text_density"))), UI) is S.UNPROVEN


@pytest.mark.parametrize(
    ("own", "answers", "shown", "companion"),
    [
        (0, 14, 14.0, ("vlm_hints_used", 14.0)),
        (0, 0, 0.0, None),
        (9, 14, 9.0, None),
    ],
    ids=["only answers", "nothing", "its own number leads"],
)
def test_a_companion_stands_for_a_number_that_never_moves(
    own: float, answers: float, shown: float, companion: tuple[str, float] | None
) -> None:
    life = with_fields(healthy, vlm_hints_used=answers, system2_trigger_engaged_count=own)
    system2 = part(last(script(life, for_s=120)), SYSTEM2)
    assert (system2.shown_value, system2.companion) == (shown, companion)


def test_the_change_is_that_of_the_number_shown() -> None:
    life = with_fields(healthy, system2_trigger_engaged_count=0)
    system2 = part(last(script(life, for_s=600)), SYSTEM2)
    assert system2.value == 0
    assert system2.change_5m is not None
    assert system2.change_5m > 0
    assert sum(system2.trend) > 0


@pytest.mark.parametrize(("hints", "expected"), [(lambda t: int(t // 25), S.ACTIVE), (0, S.UNOBSERVED)])
def test_of_an_unobserved_field_only_a_companion_that_moves_shows_it(hints: Any, expected: S) -> None:
    life = with_fields(without(healthy, "system2_trigger_engaged_count"), vlm_hints_used=hints)
    seen = last(script(life, for_s=300, observable=(*RECORDED, "vlm_hints_used")))
    assert state(seen, SYSTEM2) is expected


# Ten minutes


def stops_at(limit_s: float) -> Life:
    """Grows, and does not any more from a time on."""
    return lambda slot, t: healthy(slot, min(t, limit_s)) | {"step": t}


@pytest.mark.parametrize(("after_s", "expected"), [(590, S.ACTIVE), (600, S.ACTIVE), (610, S.STALLED)])
def test_it_is_active_for_ten_minutes_after_it_grew(after_s: float, expected: S) -> None:
    seen = last(script(stops_at(100), for_s=100 + after_s))
    assert state(seen, INTRINSIC) is expected
    assert part(seen, INTRINSIC).window_activity == "showing"


def test_stalled_shows_for_thirty_minutes_and_is_silent_then() -> None:
    snapshots = play(script(stops_at(100), for_s=100 + 31 * MIN))
    assert part(at(snapshots, 100 + 30 * MIN - 10), INTRINSIC).window_activity == "showing"
    assert part(at(snapshots, 100 + 30 * MIN), INTRINSIC).window_activity == "silent"
    assert state(snapshots[-1], INTRINSIC) is S.STALLED
    assert part(snapshots[-1], INTRINSIC).shown_in_run


def test_it_stalls_between_two_answers_too() -> None:
    life = phases((0, stops_at(100)), (690, lambda slot, t: "timeout"))
    seen = last(script(life, for_s=710))
    assert state(seen, INTRINSIC) is S.STALLED


def test_a_level_counts_while_it_is_not_zero() -> None:
    config = configured('[[component]]\nid = "fps"\nlabel = "fps"\ntitle = "fps"\nfield = "obs_fps"\nkind = "level"\n')
    life = phases((0, with_fields(healthy, obs_fps=0.0)), (100, with_fields(healthy, obs_fps=17.0)))
    life = phases((0, life), (200, with_fields(healthy, obs_fps=0)))
    snapshots = play(script(life, for_s=900), config)
    assert state(at(snapshots, 90), "fps") is S.ZERO
    assert state(at(snapshots, 790), "fps") is S.ACTIVE, "non-zero within ten minutes"
    assert state(at(snapshots, 800), "fps") is S.STALLED
    assert worker(snapshots[-1]).generation == 1, "a level that falls is no reset"


# First seen


def test_a_counter_above_zero_when_first_seen_has_grown_then() -> None:
    frozen = with_fields(healthy, intrinsic_reward_total=5.0)
    snapshots = play(script(frozen, from_s=1000, for_s=700, run=header(1000.0)))
    assert state(snapshots[0], INTRINSIC) is S.ACTIVE
    assert part(snapshots[0], INTRINSIC).last_grew_t == 1000
    assert state(snapshots[-1], INTRINSIC) is S.STALLED
    assert part(snapshots[20], INTRINSIC).change_5m == 0.0, "the growth by 5.0 was not seen"


def test_a_change_says_nothing_before_it_was_watched_a_while() -> None:
    snapshots = play(script(healthy, every_s=1, for_s=400))
    assert part(at(snapshots, 10), INTRINSIC).change_5m is None
    assert part(at(snapshots, 400), INTRINSIC).change_5m == pytest.approx(0.3, abs=0.03)


def test_a_change_over_a_time_that_was_not_seen_is_not_known() -> None:
    # 200 s without a monitor: while the last 5 min begin in them, their growth is older than 5 min in part.
    blind = lambda t: 600 < t < 800  # noqa: E731
    snapshots = play(script(healthy, blind=blind, for_s=1300))
    seen = {t: part(at(snapshots, t), INTRINSIC) for t in (600, 800, 890, 910, 1060, 1100, 1300)}
    unseen_t = [t for t, each in seen.items() if each.change_5m is None]
    assert unseen_t == [1060], seen
    assert all(each.change_unseen is (each.change_5m is None) for each in seen.values())
    for t in (600, 890, 1300):
        assert seen[t].change_5m == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize(("away_s", "is_known"), [(50, True), (400, False), (2000, False)])
def test_after_a_long_absence_the_growth_of_the_whole_absence_is_no_change_in_5_min(
    away_s: float, is_known: bool
) -> None:
    life = phases((0, healthy), (600, down), (600 + away_s, healthy))
    fine = ((570, 660), (570 + away_s, 620 + away_s))
    seen = part(last(coarse(life, for_s=600 + away_s + 20, fine=fine)), INTRINSIC)
    assert seen.state is S.ACTIVE
    assert (seen.change_5m is not None, seen.change_unseen) == (is_known, not is_known)


def test_rows_of_5_min_show_the_change_of_5_min_and_a_row_that_is_missing_hides_it() -> None:
    rows = script(healthy, every_s=300, for_s=3000, blind=lambda t: t == 2100, run=header(0.0, every_s=300.0))
    snapshots = play(rows)
    changes = {snap.t: part(snap, INTRINSIC).change_5m for snap in snapshots}
    assert changes[1800] == pytest.approx(0.3)
    assert changes[2400] is None, "the row holds ten minutes"
    assert changes[2700] == pytest.approx(0.3)


# Growth after a drop


def test_a_drop_is_a_reset_and_growth_counts_from_zero() -> None:
    life = phases((0, with_fields(healthy, vlm_hints_used=100)), (100, with_fields(healthy, vlm_hints_used=7)))
    life = with_fields(life, system2_trigger_engaged_count=lambda t: 50.0 if t < 100 else 4.0)
    snapshots = play(script(life, workers=1, for_s=200))
    assert worker(snapshots[-1]).generation == 2
    assert part(snapshots[-1], SYSTEM2).change_5m == 4.0
    assert all(growth >= 0 for view in worker(snapshots[-1]).components for growth in view.trend)


def test_after_a_reset_zero_is_zero_again() -> None:
    life = phases(
        (0, healthy), (100, lambda slot, t: silent(slot, t) | {"step": t - 100, "intrinsic_reward_total": 0.0})
    )
    seen = last(script(life, workers=1, for_s=200))
    assert state(seen, INTRINSIC) is S.ZERO
    assert part(seen, INTRINSIC).shown_in_run, "another generation of the same run showed"


def test_a_key_that_comes_late_in_a_new_generation_grew_from_zero() -> None:
    reborn = with_fields(without(healthy, "intrinsic_reward_total"), step=lambda t: t - 100)
    life = phases((0, healthy), (100, reborn), (110, with_fields(reborn, intrinsic_reward_total=0.5)))
    assert part(last(script(life, workers=1, for_s=150)), INTRINSIC).change_5m == pytest.approx(0.5 + 0.09)


# Out of reach


def test_down_stale_broken_and_unseen_are_unknown() -> None:
    for answer, expected in (("refused", S.DOWN), ("timeout", S.STALE), ("http 500", S.STALE), (None, S.STALE)):
        life = phases((0, healthy), (100, lambda slot, t, answer=answer: answer))
        snapshots = play(script(life, for_s=200))
        assert state(snapshots[-1], INTRINSIC) is expected, answer
        assert part(snapshots[-1], INTRINSIC).last_value is not None
        if answer != "refused":
            assert state(at(snapshots, 120), INTRINSIC) is S.ACTIVE, "three intervals are not over"
    never = last(script(unseen, for_s=300))
    assert state(never, INTRINSIC) is S.UNOBSERVED
    assert part(never, INTRINSIC).window_activity == "unknown"


# Derived transitions


def transitions(flags: list[Any], rewards: list[float | None], every_s: float = 10.0) -> float | None:
    """Count what a script of flags and reward totals amounts to on one worker."""

    def life(_slot: int, t: float) -> dict[str, Any]:
        n = int(t // every_s)
        status: dict[str, Any] = {"step": t}
        if flags[n] is not None:
            status["gameplay_started"] = flags[n]
        if rewards[n] is not None:
            status["intrinsic_reward_total"] = rewards[n]
        return status

    samples = script(life, every_s=every_s, for_s=every_s * (len(flags) - 1))
    return part(last(samples), TO_GAMEPLAY).value


@pytest.mark.parametrize(
    ("flags", "rewards", "count"),
    [
        ([False] * 4, [0.0] * 4, 0),
        ([False, True, True, True], [0.0] * 4, 1),
        ([True, True], [0.0, 0.0], 1),
        ([False] * 4, [0.1, 0.2, 1.25, 1.3], 1),
        ([False] * 4, [0.1, 0.2, 1.1, 1.3], 0),
        ([False] * 4, [0.1, 0.2, 1.2, 1.3], 1),
        ([False] * 5, [0.0, 1.1, 1.2, 2.3, 2.4], 2),
        ([False] * 3, [0.0, 1.1, 2.2], 2),
        ([False, True, True], [0.0, 1.1, 1.1], 1),
        ([False, True, True, True], [0.0, 0.0, 1.1, 1.1], 1),
        ([False, False, True, True], [0.0, 1.1, 1.1, 1.1], 1),
        ([False, True, True, True, True, True], [0.0, 0.0, 0.0, 0.0, 1.1, 1.1], 2),
        ([None] * 3, [0.0, 1.1, 1.2], 1),
        ([None] * 3, [0.0, None, 1.2], 0),
        ([False, None, True], [None, None, None], 1),
        ([True, None, True], [None, None, None], 1),
    ],
)
def test_transitions_are_derived_and_one_transition_counts_once(
    flags: list[Any], rewards: list[float | None], count: float
) -> None:
    assert transitions(flags, rewards) == count


def test_a_jump_over_sparse_samples_may_as_well_be_many_small_steps() -> None:
    assert transitions([False] * 3, [0.0, 1.5, 3.0], every_s=300.0) == 0
    assert transitions([False, True, True], [0.0, 1.5, 3.0], every_s=300.0) == 1


def test_transitions_are_marked_as_derived_and_only_they() -> None:
    seen = last(script(for_s=60))
    assert [view.id for view in worker(seen).components if view.derived] == [TO_GAMEPLAY]


def test_every_declared_component_is_on_every_worker_in_its_order() -> None:
    seen = last(script(for_s=60))
    assert [v.id for v in worker(seen, 2).components] == [spec.id for spec in CONFIG.component]


def test_another_component_is_a_table_of_the_configuration() -> None:
    config = configured(
        '[[component]]\nid = "scenes"\nlabel = "scenes"\ntitle = "scenes"\nfield = "scenes_discovered"\n'
        'kind = "counter"\nproof = "scene_hash"\n'
    )
    life = with_fields(healthy, scenes_discovered=lambda t: t // 20, scene_hash="a8")
    assert state(last(script(life, for_s=300), config), "scenes") is S.ACTIVE


# A status that reads like the last one


LIKELY = st.sampled_from([0, 0, 1, 1, 2.5, 0.0, 1.0, -1, None, True, "x", math.nan, BadValue("nan", "NaN")])
NAMES = sorted({name for spec in CONFIG.component for name in (*components.fields_of(spec), spec.proof) if name})
READ = st.dictionaries(st.sampled_from(NAMES), LIKELY)
SEEN = st.builds(WorkerStatus, READ, st.sampled_from([None, None, frozenset(NAMES[:4])]))


@given(st.lists(SEEN, min_size=2, max_size=6), st.booleans(), st.integers(0, 5))
@example(
    [
        WorkerStatus({"meta_learner_sequences_learned": 1}),
        WorkerStatus({"meta_learner_sequences_learned": 0, "meta_success_sequences": 0}),
    ],
    True,
    9,
)
@settings(deadline=None)
def test_a_component_is_observed_quickly_as_it_is_observed_plainly(
    statuses: list[WorkerStatus], again: bool, reset_at: int
) -> None:
    if again:
        statuses.append(statuses[-1])
    tracks = [ComponentTrack() for _ in CONFIG.component]
    before = None
    for number, status in enumerate(statuses):
        t = 20.0 * number
        if number == reset_at:
            tracks = [components.reset(track) for track in tracks]
        quickly: list[ComponentTrack | None] = [None] * len(tracks)
        if before is not None:
            quickly = quick.observe_all(tracks, CONFIG, before, status, t)
        for place, (spec, found) in enumerate(zip(CONFIG.component, quickly, strict=True)):
            fell = components.fell(tracks[place], spec, status)
            if fell is not None:
                tracks[place] = components.reset(tracks[place])
            tracks[place] = components.observe(tracks[place], spec, status, t)
            if found is not None:
                assert fell is None
                # repr: NaN differs from itself, and 1 equals true.
                assert repr(found) == repr(tracks[place])
        before = status


def test_a_counter_that_stands_is_the_same_object_and_one_that_grows_needs_no_other_look() -> None:
    place = next(place for place, spec in enumerate(CONFIG.component) if spec.id == "system2")
    spec = CONFIG.component[place]
    status = WorkerStatus({spec.field: 3, "vlm_hints_used": 2})
    tracks = [components.observe(ComponentTrack(), each, status, 0.0) for each in CONFIG.component]

    def seen(fields: dict[str, Any], tracks: list[ComponentTrack] = tracks) -> ComponentTrack | None:
        return quick.observe_all(tracks, CONFIG, status, WorkerStatus(fields), 1.0)[place]

    assert seen(dict(status.fields)) is tracks[place]
    grown = seen({**status.fields, spec.field: 4})
    assert (grown and grown.value, grown and grown.grew_t) == (4.0, 1.0)
    assert seen({**status.fields, spec.field: 2}) is None, "it fell"
    assert seen({**status.fields, spec.field: True}) is None, "1 is no true"
    assert seen(dict(status.fields), [components.reset(track) for track in tracks]) is None


def test_a_transition_counts_from_when_its_gameplay_is_corroborated() -> None:
    life = phases(
        (0, healthy),
        (100, with_fields(healthy, gameplay_started=True)),
        (1900, with_fields(healthy, gameplay_started=True, phase_gameplay=True)),
    )
    snapshots = play(coarse(life, workers=1, for_s=2000, fine=((80, 110), (1880, 1910))))
    assert state(at(snapshots, 90), TO_GAMEPLAY) is S.ZERO
    assert state(at(snapshots, 1890), TO_GAMEPLAY) is S.UNPROVEN
    assert not part(at(snapshots, 1890), TO_GAMEPLAY).shown_in_run
    assert state(at(snapshots, 1900), TO_GAMEPLAY) is S.ACTIVE
    assert part(at(snapshots, 1900), TO_GAMEPLAY).shown_in_run


def test_a_flag_alone_keeps_no_silent_pool_from_a_stop() -> None:
    seen = last(coarse(with_fields(silent, gameplay_started=True), for_s=31 * MIN))
    assert seen.verdict.kind.value == "STOP"
