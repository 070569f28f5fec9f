"""Section 4: what LAUNCH 24H and SUCCESS need, what CONTINUE names instead, and section 8: its exit code."""

import math
from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.sample import PoolReading
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.verdict.missing import not_up
from tests.support.samples import (
    MIN,
    NO_HOLD,
    PLAYING,
    Fields,
    Life,
    at,
    by_slot,
    coarse,
    down,
    header,
    healthy,
    last,
    node,
    phases,
    play,
    playing,
    results,
    room,
    silent,
    unseen,
    with_fields,
    without,
)

END_S = 34 * MIN


def seen_at_end(life: Life, **how: Any) -> Snapshot:
    return last(coarse(life, for_s=END_S, **how), NO_HOLD)


def third(life: Life) -> Life:
    """Two healthy workers, and a third with this life."""
    return by_slot(healthy, healthy, life)


def from_s(t: float, life: Life) -> Life:
    return phases((0, healthy), (t, life))


def restarts(slot: int, t: float) -> Fields:
    """A worker that restarts every 2 minutes."""
    return healthy(slot, t) | {"step": t % 120}


def error(name: str) -> Life:
    return lambda _slot, _t: name


def test_a_whole_pool_that_passed_may_be_launched() -> None:
    seen = seen_at_end(healthy)
    assert (seen.verdict.kind, seen.verdict.exit_code) == (VerdictKind.LAUNCH_24H, 0)
    assert seen_at_end(from_s(600, playing)).verdict.kind is VerdictKind.SUCCESS


@pytest.mark.parametrize("rest", [healthy, playing], ids=["launch", "success"])
@pytest.mark.parametrize(
    ("life", "missing"),
    [
        (from_s(1200, down), "w2 down 14m"),
        (from_s(1200, error("timeout")), "w2 hung 14m"),
        (from_s(1200, error("http 500")), "w2 broken 14m"),
        (from_s(1200, lambda s, t: healthy(s, 1200) | {"step": 1200}), "w2 zombie 14m"),
        (from_s(1200, lambda s, t: healthy(s, t) | {"step": 1200}), "w2 zombie 14m"),  # other numbers still grow
        (lambda s, t: healthy(s, 60), "w2 idle 34m"),  # the word of the screens: nothing grew since its start
        (from_s(1200, lambda s, t: {"hello": "world"}), "w2 stranger 14m"),
        (from_s(1200, unseen), "w2 unobserved 14m"),
        (from_s(1000, restarts), "w2 looping 0s"),
        (down, "w2 down 34m"),
        (from_s(1200, with_fields(healthy, intrinsic_reward_total=math.nan)), "w2 intrinsic reward NaN 14m"),
        (from_s(1200, with_fields(healthy, system2_trigger_engaged_count="x")), "w2 System2 wrong type"),
        (with_fields(healthy, intrinsic_reward_total=0.0), "intrinsic reward never shown on w2"),
        (without(healthy, "dynamic_ui_text_density"), "UI exploration never shown on w2"),
    ],
)  # fmt: skip
def test_one_worker_is_enough_to_keep_a_go_back(rest: Life, life: Life, missing: str) -> None:
    seen = seen_at_end(by_slot(rest, rest, life))
    assert (seen.verdict.kind, seen.verdict.exit_code) == (VerdictKind.CONTINUE, 1)
    assert any(line.startswith(missing) for line in seen.verdict.because), seen.verdict.because
    assert seen.verdict.level == "caution"
    assert seen.verdict.next_steps, "NEXT says what to do about it"
    assert (node(seen, "gameplay").answer == "yes") == (rest is playing), "branch C still says what was reached"


def test_the_samples_with_a_key_are_those_of_the_workers_that_lack_it() -> None:
    seen = seen_at_end(third(without(healthy, "intrinsic_reward_total")))
    said = [line for line in node(seen, "components").evidence if "ABSENT" in line]
    assert said == ["intrinsic reward ABSENT on 1/3 workers, 0 of 69 samples had a key"]


@pytest.mark.parametrize("away_s", [20, 30])
def test_a_worker_may_be_away_for_less_than_30_seconds(away_s: float) -> None:
    life = third(phases((0, healthy), (END_S - away_s + 10, down)))
    seen = seen_at_end(life, fine=((END_S - 60, END_S),))
    assert (seen.verdict.kind is VerdictKind.LAUNCH_24H) == (away_s < 30)


def test_what_showed_in_an_earlier_generation_has_shown_in_this_run() -> None:
    renewed = phases((0, healthy), (1500, lambda s, t: healthy(s, t, 1500) | {"intrinsic_reward_total": 0.0}))
    assert seen_at_end(third(renewed)).verdict.kind is VerdictKind.LAUNCH_24H


def test_four_of_five_dead_workers_are_no_success() -> None:
    life = by_slot(playing, *[phases((0, playing), (300 + 60 * n, down)) for n in range(4)])
    snapshots = play(coarse(life, workers=5, for_s=45 * MIN), NO_HOLD)
    assert not {VerdictKind.SUCCESS, VerdictKind.LAUNCH_24H} & {each.verdict.kind for each in snapshots}
    assert snapshots[-1].verdict.exit_code == 1
    assert len(snapshots[-1].workers) == 5


@pytest.mark.parametrize("named", [None, 1])
def test_a_worker_seen_once_stays_wanted_though_no_command_line_names_a_number(named: int | None) -> None:
    life = by_slot(healthy, *[phases((0, healthy), (300, unseen))] * 4)
    seen = last(coarse(life, workers=5, run=None, pool=lambda _t: PoolReading(desired=named), for_s=END_S), NO_HOLD)
    assert len(seen.workers) == 5
    assert seen.verdict.exit_code == 1


# The gate


def gate_of(*parts: tuple[float, Life]) -> Snapshot:
    return seen_at_end(phases(*parts))


def standing(from_t: float) -> Life:
    """Everything stands from a time on; the step goes on."""
    return lambda s, t: healthy(s, from_t) | {"step": t}


def test_a_gate_with_too_few_passes_keeps_a_go_back_and_is_offered_again() -> None:
    late = with_fields(healthy, intrinsic_reward_total=0.0)
    seen = gate_of((0, late), (1300, healthy))
    assert results(seen) == ["PARTIAL"] * 4 + ["PASS"] * 2
    assert (seen.verdict.kind, seen.verdict.exit_code) == (VerdictKind.CONTINUE, 1)
    assert seen.verdict.because[0] == "gate 2/6"
    assert [step.key for step in seen.verdict.next_steps] == ["V"]


def test_the_last_check_must_pass() -> None:
    seen = gate_of((0, healthy), (1450, standing(1450)))
    assert results(seen) == ["PASS"] * 5 + ["FAIL"]
    assert seen.verdict.because[0] == "gate 5/6, last FAIL"
    assert seen.verdict.exit_code == 1


@pytest.mark.parametrize(("from_t", "passes"), [(1150, True), (1160, True), (590, True)])
def test_four_of_six_are_enough(from_t: float, passes: bool) -> None:
    life = phases((0, healthy), (from_t, standing(from_t)), (from_t + 610, healthy))
    seen = seen_at_end(life)
    assert (seen.gate.count("PASS") >= 4) == passes
    assert (seen.verdict.kind is VerdictKind.LAUNCH_24H) == seen.gate.has_passed


def test_before_every_due_component_has_shown_next_is_to_relaunch() -> None:
    seen = seen_at_end(third(with_fields(silent, intrinsic_reward_total=0.0)), memory=lambda _t: room())
    assert "V" not in [step.key for step in seen.verdict.next_steps]


# Memory


def test_unknown_memory_alone_is_a_continue_that_may_go_on() -> None:
    seen = seen_at_end(healthy, memory=lambda _t: None)
    assert (seen.verdict.kind, seen.verdict.exit_code) == (VerdictKind.CONTINUE, 0)
    assert seen.verdict.because[0].startswith("memory not known to be stable")


# PARTIAL


@pytest.mark.parametrize(
    ("life", "never"),
    [
        (with_fields(healthy, intrinsic_reward_total=0.0), "intrinsic reward"),
        (without(healthy, "intrinsic_reward_total"), "intrinsic reward"),
        (with_fields(healthy, intrinsic_reward_total=math.nan), "intrinsic reward"),
        (without(healthy, "dynamic_ui_text_density"), "UI exploration"),
        (
            with_fields(healthy, intrinsic_reward_total=0.0, dynamic_ui_exploration_actions=0),
            "UI exploration, intrinsic reward",
        ),
    ],
)  # fmt: skip
def test_a_due_component_that_never_showed_on_any_worker_is_partial(life: Life, never: str) -> None:
    seen = seen_at_end(life)
    assert (seen.verdict.kind, seen.verdict.exit_code) == (VerdictKind.PARTIAL, 1)
    assert f"never shown on any worker: {never}" in seen.verdict.because
    assert "do NOT run 24 h" in seen.verdict.because
    assert node(seen, "components").answer == "partly"
    assert [each.id for each in seen.verdict.nodes if each.on_path] == ["components"]
    assert set(results(seen)) == {"PARTIAL"}


def test_what_one_worker_shows_is_not_partial() -> None:
    zero = with_fields(healthy, intrinsic_reward_total=0.0)
    assert seen_at_end(by_slot(zero, zero, healthy)).verdict.kind is VerdictKind.CONTINUE


def test_what_is_due_after_gameplay_makes_no_partial() -> None:
    assert seen_at_end(with_fields(healthy, meta_success_sequences=0.0)).verdict.kind is VerdictKind.LAUNCH_24H


def test_partial_is_graver_than_memory_and_gameplay() -> None:
    life = with_fields(healthy, intrinsic_reward_total=0.0)
    seen = last(coarse(lambda s, t: life(s, t) | PLAYING, for_s=END_S, memory=lambda _t: room(0.5)), NO_HOLD)  # type: ignore[operator]
    assert seen.verdict.kind is VerdictKind.PARTIAL


def test_a_component_that_no_source_sees_makes_no_partial_and_no_pass() -> None:
    names = set(healthy(0, 0)) - {"intrinsic_reward_total"}
    lives = without(healthy, "intrinsic_reward_total")
    seen = seen_at_end(lives, observable=names)
    assert set(results(seen)) == {"UNKNOWN"}
    assert (seen.verdict.kind, seen.verdict.exit_code) == (VerdictKind.CONTINUE, 1)
    assert any("intrinsic reward not observed" in line for line in seen.verdict.because)
    both = seen_at_end(with_fields(lives, dynamic_ui_exploration_actions=0), observable=names)
    assert set(results(both)) == {"PARTIAL"}, "another due component makes it PARTIAL"


def test_a_fix_shows_and_ends_partial() -> None:
    life = phases((0, with_fields(healthy, intrinsic_reward_total=0.0)), (END_S, healthy))
    snapshots = play(coarse(life, for_s=END_S + 60, fine=((END_S - 30, END_S + 60),)))
    assert at(snapshots, END_S - 10).verdict.kind is VerdictKind.PARTIAL
    assert snapshots[-1].verdict.kind is VerdictKind.CONTINUE
    assert snapshots[-1].verdict.because[0] == "gate 0/6"


def test_a_worker_without_a_row_in_the_last_sample_does_not_stand() -> None:
    (worker,) = (each for each in seen_at_end(healthy).workers if each.slot == 2)
    last_t = worker.last_good_t
    assert last_t is not None
    assert not_up(worker, last_t + 300, still_s=90) is None
    stands = replace(worker, stepped_t=last_t - 90)
    assert not_up(stands, last_t, still_s=90) == ("zombie", 90)


@pytest.mark.parametrize("from_s", [0.0, 900.0])
def test_a_worker_that_never_answered_is_down_for_as_long_as_it_was_looked_at(from_s: float) -> None:
    """The run began at 0; a monitor that was opened at 900 s saw nothing of what was before."""
    life = by_slot(healthy, healthy, down)
    seen = last(coarse(life, from_s=from_s, for_s=2400, run=header(0.0)))
    worker = seen.workers[2]
    assert "w2 down 40m" in seen.verdict.because, seen.verdict.because
    assert age(seen.t - worker.reach_since_t) == "40m"
    assert worker.attention[0].text == "w2 not reachable, never answered in 40m: refused"


@pytest.mark.parametrize("answer", ["refused", "timeout", "http 500"])
def test_a_worker_that_answered_is_away_since_its_last_answer_in_every_place(answer: str) -> None:
    # No monitor watched for eight minutes, in which it died.
    life = by_slot(healthy, healthy, phases((0, healthy), (2000, lambda _slot, _t: answer)))
    samples = coarse(life, for_s=2700, blind=lambda t: 1900 < t < 2400, fine=((1870, 1900), (2400, 2430)))
    seen = last(samples)
    worker = seen.workers[2]
    away = age(seen.t - 1900)
    assert [line for line in seen.verdict.because if line.startswith("w2 ") and line.endswith(f" {away}")]
    assert age(seen.t - worker.reach_since_t) == away
    if answer != "http 500":
        assert away in worker.attention[0].text


@pytest.mark.parametrize(
    ("life", "lead", "lists"),
    [
        (error("http 500"), "find what holds the port of w2: it never answered like a worker", True),
        (error("timeout"), "find what holds the port of w2: it never answered like a worker", True),
        (error("not json"), "free the port of w2: what answers there is no worker", True),
        (down, "read why w2 is down", False),
        (from_s(1200, error("http 500")), "read why w2 is broken", False),
        (from_s(1200, error("timeout")), "stop the process of w2", False),
    ],
)
def test_what_never_answered_like_a_worker_is_looked_for_by_its_port(life: Life, lead: str, lists: bool) -> None:
    steps = seen_at_end(by_slot(healthy, healthy, life)).verdict.next_steps
    assert steps[0].text.startswith(lead)
    assert (steps[0].command == "ss -ltnp 'sport = :5002'") is lists


def test_a_worker_whose_process_is_known_has_no_stranger_to_look_for() -> None:
    life = by_slot(healthy, healthy, error("http 500"))
    samples = [
        replace(each, workers={ref: replace(seen, pid=40 + ref.slot) for ref, seen in each.workers.items()})
        for each in coarse(life, for_s=END_S)
    ]
    assert play(samples, NO_HOLD)[-1].verdict.next_steps[0].text.startswith("read why w2 is broken")
