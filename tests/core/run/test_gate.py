"""The six checks: what each result takes, and that none can pass vacuously."""

import math
from typing import Any

import pytest

from metabonk_tui.core.model.snapshot import VerdictKind
from tests.support.samples import (
    MIN,
    Life,
    at,
    by_slot,
    check,
    coarse,
    configured,
    down,
    header,
    healthy,
    kinds,
    last,
    phases,
    play,
    results,
    script,
    silent,
    state,
    unseen,
    with_fields,
    without,
)

PASS, PARTIAL, FAIL, UNKNOWN, SKIPPED = "PASS", "PARTIAL", "FAIL", "UNKNOWN", "SKIPPED"
GATE_S = 31 * MIN
START_UP_S = 180


def gated(life: Life = healthy, for_s: float = GATE_S, **seen: Any) -> list[str]:
    """The results of a run's checks."""
    return results(last(coarse(life, for_s=for_s, **{"every_s": 60.0} | seen)))


def test_six_checks_one_every_five_minutes() -> None:
    snapshots = play(coarse(for_s=GATE_S))
    assert [one.due_t for one in snapshots[-1].gate.checks] == [300, 600, 900, 1200, 1500, 1800]
    for snapshot in snapshots:
        done = sum(result != "TO COME" for result in results(snapshot))
        assert done == min(6, int(snapshot.t // 300))
        if done < 6:
            assert snapshot.verdict.because[0].startswith(f"check {done}/6, next in")


def test_they_begin_when_start_up_ends() -> None:
    life = by_slot(healthy, healthy, phases((0, down), (100, healthy)))
    assert last(script(life, for_s=400)).gate.checks[0].due_t == 400


def test_a_check_keeps_the_state_of_each_due_component_on_its_best_worker() -> None:
    ill = without(silent, "intrinsic_reward_total")
    only_system2 = with_fields(ill, vlm_hints_used=lambda t: t // 100)
    gate = last(coarse(by_slot(ill, down, only_system2), for_s=GATE_S)).gate
    first = gate.checks[0]
    assert [(part.label, part.state.value) for part in first.parts] == [
        *(("ui expl", "UNPROVEN"), ("intrinsic", "ABSENT"), ("system2", "ACTIVE")),
    ]


def test_a_check_whose_end_was_not_seen_keeps_no_states() -> None:
    gate = last(coarse(down, for_s=GATE_S)).gate
    assert all(check.parts == () or check.observed for check in gate.checks)


@pytest.mark.parametrize(
    ("life", "result"),
    [
        (healthy, PASS),
        (by_slot(silent, silent, healthy), PASS),
        (by_slot(down, down, healthy), PASS),
        (by_slot(unseen, unseen, healthy), PASS),
        (with_fields(silent, system2_trigger_engaged_count=lambda t: t // 100), PARTIAL),
        (with_fields(silent, vlm_hints_used=lambda t: t // 100), PARTIAL),
        (silent, FAIL),
        (by_slot(silent, down, unseen), FAIL),
        (with_fields(silent, dynamic_ui_exploration_actions=0), FAIL),
        (with_fields(silent, intrinsic_reward_total=0.0), FAIL),
        (with_fields(silent, intrinsic_reward_total=math.nan), FAIL),
        (down, UNKNOWN),
        (lambda _s, _t: "timeout", UNKNOWN),
        (lambda _s, _t: "http 500", UNKNOWN),
        (unseen, UNKNOWN),
    ],
    ids=[
        "healthy", "one of three", "the only one up", "the only one seen", "one component", "by its companion",
        "silent", "the only one up is silent", "really zero", "one more zero", "one is bad", "all down", "all hang",
        "all broken", "none looked at",
    ],
)  # fmt: skip
def test_what_a_check_says(life: Life, result: str) -> None:
    assert gated(life, for_s=START_UP_S + GATE_S) == [result] * 6


def test_a_check_of_components_that_could_not_be_observed_is_unknown() -> None:
    assert gated(lambda _s, t: {"step": t, "reward": 0.0}, observable=("step", "reward")) == [UNKNOWN] * 6


def test_no_workers_pass_nothing() -> None:
    seen = last(coarse(workers=0, for_s=GATE_S))
    assert PASS not in results(seen)
    assert seen.verdict.kind is VerdictKind.WAITING or seen.verdict.kind is VerdictKind.UNDECIDED


def test_each_check_judges_its_own_interval() -> None:
    life = phases((0, silent), (700, healthy))
    assert gated(life) == [FAIL, FAIL, PASS, PASS, PASS, PASS]


def test_what_fell_silent_fails_once_it_is_not_active_any_more() -> None:
    life = phases((0, healthy), (310, lambda slot, t: healthy(slot, 300) | {"step": t}))
    assert gated(life) == [PASS, FAIL, FAIL, FAIL, FAIL, FAIL], "it must have grown in the interval"


def test_a_component_must_be_active_at_the_end_of_the_interval() -> None:
    config = configured("[verdict]\nactive_window_s = 60")
    life = with_fields(silent, system2_trigger_engaged_count=lambda t: t // 290)
    assert results(last(coarse(life, for_s=GATE_S), config))[:4] == [PARTIAL] * 4
    life = with_fields(silent, system2_trigger_engaged_count=lambda t: float(t >= 290))
    assert results(last(coarse(life, for_s=GATE_S), config))[:3] == [PARTIAL, FAIL, FAIL]
    life = with_fields(silent, system2_trigger_engaged_count=lambda t: float(t >= 200))
    assert results(last(coarse(life, for_s=GATE_S), config))[:3] == [FAIL, FAIL, FAIL]


@pytest.mark.parametrize(
    ("from_s", "to_s", "result"),
    [
        (0, 140, PASS),
        (0, 150, PASS),
        (0, 151, UNKNOWN),
        (0, 290, UNKNOWN),
        (130, 299, UNKNOWN),
        (151, 300, PASS),
        (260, 310, UNKNOWN),
        (270, 310, PASS),
        (140, 310, UNKNOWN),
    ],
)
def test_less_than_half_of_the_interval_observed_is_unknown(from_s: float, to_s: float, result: str) -> None:
    """The second interval, 300 to 600, blind from `from_s` to `to_s` of it; what shows must be seen at its end."""
    samples = coarse(for_s=GATE_S, blind=lambda t: 300 + from_s < t < 300 + to_s, fine=((270, 630),))
    assert check(last(samples), 2).result == result


@pytest.mark.parametrize(("answered_s", "result"), [(160, FAIL), (150, FAIL), (140, UNKNOWN)])
def test_half_observed_exactly_is_enough_and_less_is_not(answered_s: float, result: str) -> None:
    life = phases((0, silent), (305, down), (610 - answered_s, silent))
    assert check(last(script(life, for_s=620)), 2).result == result


def test_only_workers_that_answer_at_the_end_of_the_interval_count() -> None:
    life = phases((0, healthy), (570, down))
    assert check(last(script(life, for_s=620)), 2).result == UNKNOWN
    assert check(last(script(by_slot(life, silent, silent), for_s=620)), 2).result == FAIL
    assert check(last(script(by_slot(life, healthy, silent), for_s=620)), 2).result == PASS


def test_an_interval_that_nobody_watched_is_skipped() -> None:
    seen = gated(blind=lambda t: 270 < t < 880, every_s=10.0)
    assert seen == [PASS, SKIPPED, UNKNOWN, PASS, PASS, PASS]


def test_what_is_seen_after_a_gap_passes_no_check_within_it() -> None:
    life = phases((0, silent), (600, healthy))
    assert gated(life, blind=lambda t: 280 < t < 880, every_s=10.0)[:3] == [FAIL, SKIPPED, UNKNOWN]


def test_what_was_active_before_a_gap_must_still_be_it_at_the_end_of_the_interval() -> None:
    """It grew until 10; the last sample before the gap was at 600, the check is due 20 s later."""
    life = by_slot(lambda slot, t: healthy(slot, min(t, 10)) | {"step": t}, silent, phases((0, down), (20, silent)))
    snapshots = play(script(life, for_s=800, blind=lambda t: 600 < t < 700))
    assert state(at(snapshots, 600), "intrinsic_reward") == "ACTIVE"
    assert check(snapshots[-1], 2).due_t == 620
    assert check(snapshots[-1], 2).result == FAIL


def test_what_is_silent_after_a_gap_fails_no_check_within_it() -> None:
    life = phases((0, healthy), (310, down))
    assert gated(life, blind=lambda t: 280 < t < 1000)[:3] == [PASS, SKIPPED, SKIPPED]


def test_a_monitor_opened_at_minute_twelve_skips_what_it_did_not_see() -> None:
    began = -12 * MIN
    seen = last(coarse(for_s=25 * MIN, run=header(began, how="oldest worker process")))
    assert seen.gate.began_t == began + 180
    assert [one.due_t - began for one in seen.gate.checks] == [480, 780, 1080, 1380, 1680, 1980]
    assert results(seen) == [SKIPPED, UNKNOWN, PASS, PASS, PASS, PASS]


def test_a_monitor_opened_after_the_gate_takes_it_late() -> None:
    snapshots = play(coarse(for_s=35 * MIN, run=header(-2000.0 - 180, how="oldest worker process")))
    assert (snapshots[0].gate.kind, results(snapshots[0])) == ("late", ["TO COME"] * 6)
    assert snapshots[0].verdict.kind is VerdictKind.VALIDATING
    assert snapshots[-1].verdict.kind is VerdictKind.LAUNCH_24H


def test_every_check_is_an_event_with_its_reason() -> None:
    seen = last(coarse(silent, for_s=GATE_S))
    found = [event for event in seen.events if event.kind == "check"]
    assert len(found) == 6
    assert all("FAIL" in event.text and event.severity == "crit" for event in found)
    assert found[0].text == "check 1/6 FAIL: every component silent on 3/3 workers"
    assert check(last(script(by_slot(healthy, silent, silent), for_s=400)), 1).because.startswith("showing: w0 UI")


def test_another_number_of_checks_is_a_line_of_the_configuration() -> None:
    config = configured("[clock]\nchecks = 3\nvalidation_s = 600")
    snapshots = play(script(for_s=700), config)
    assert [one.due_t for one in snapshots[-1].gate.checks] == [200, 400, 600]
    assert kinds(snapshots[-1]).count("check") == 3
    assert snapshots[-1].gate.count("PASS") == 3
