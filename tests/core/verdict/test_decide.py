"""Section 4: the tree, its three questions over every combination of answers, and what stops before the gate ends."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.host import MemoryReading, ProcessReading
from metabonk_tui.core.model.sample import EnvReading, Operation, PoolReading
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.verdict.decide import decide
from tests.support.refs import w
from tests.support.samples import (
    CONFIG,
    HOUR,
    MIN,
    NO_HOLD,
    PLAYING,
    Life,
    at,
    by_slot,
    changes,
    coarse,
    configured,
    down,
    facts_of,
    header,
    healthy,
    last,
    node,
    phases,
    play,
    playing,
    room,
    script,
    silent,
    state,
    unseen,
    with_fields,
    without,
    worker,
)

# Every combination of answers


def lived(a: str, c: str) -> Life:
    """A life that gives these answers to A and C."""
    life: Life = silent if a == "yes" else healthy
    if c == "yes":
        return lambda slot, t: life(slot, t) | PLAYING  # type: ignore[operator]
    return without(life, "gameplay_started") if c == "unknown" else life


def remembered(b: str, end_s: float) -> Callable[[float], MemoryReading | None]:
    """Memory that gives this answer to B at the end."""
    return lambda t: None if b == "unknown" else room(0.5 if b == "no" and t >= end_s - 300 else 8.0)


def run_of(a: str, b: str, c: str) -> Snapshot:
    """Play a run that answers the three questions like this."""
    end_s = 45 * MIN if c in ("yes", "not yet") else 2 * HOUR + 5 * MIN
    blind = (lambda t: end_s - 1800 < t < end_s - 660) if a == "unknown" else None
    # Ten minutes are left after the hole: there every minute counts.
    every_s = 60 if a == "unknown" else 100
    return last(
        script(lived(a, c), workers=2, every_s=every_s, for_s=end_s, memory=remembered(b, end_s), blind=blind), NO_HOLD
    )


def expected(a: str, b: str, c: str) -> VerdictKind:
    if a != "no":
        words = {"yes": VerdictKind.STOP, "partly": VerdictKind.PARTIAL, "unknown": VerdictKind.UNDECIDED}
        return words[a]
    if b == "no":
        return VerdictKind.ADD_MEMORY_WATCH
    if c == "no":
        return VerdictKind.TUNE_EPSILON
    if b == "unknown":
        return VerdictKind.CONTINUE
    return VerdictKind.SUCCESS if c == "yes" else VerdictKind.LAUNCH_24H


COMBINATIONS = list(product(("yes", "no", "unknown"), ("yes", "no", "unknown"), ("yes", "not yet", "no", "unknown")))


@pytest.mark.parametrize(("a", "b", "c"), COMBINATIONS)
def test_the_headline_of_every_combination(a: str, b: str, c: str) -> None:
    seen = run_of(a, b, c)
    assert [one.answer for one in seen.verdict.nodes] == [a, b, c]
    if a == "unknown" and not seen.gate.has_ended(seen.t):
        # The hole lost so much of the gate that it is taken again, late: VALIDATING stands in the place of UNDECIDED.
        assert (seen.gate.kind, seen.verdict.kind) == ("late", VerdictKind.VALIDATING)
        assert seen.verdict.would_be is VerdictKind.UNDECIDED
    else:
        assert seen.verdict.kind is expected(a, b, c)
    assert seen.verdict.because
    assert all(seen.verdict.because)
    assert seen.verdict.changes_when
    assert all(one.evidence and one.short and one.leads_to and one.question for one in seen.verdict.nodes)
    assert all(len(one.short) <= 24 for one in seen.verdict.nodes), [one.short for one in seen.verdict.nodes]
    assert seen.verdict.nodes[0].on_path, "both other branches stay visible beside the lit one"


ORDER = [
    VerdictKind.STOP,
    VerdictKind.UNDECIDED,
    VerdictKind.PARTIAL,
    VerdictKind.ADD_MEMORY_WATCH,
    VerdictKind.TUNE_EPSILON,
    VerdictKind.SUCCESS,
    VerdictKind.LAUNCH_24H,
    VerdictKind.CONTINUE,
    VerdictKind.VALIDATING,
    VerdictKind.WAITING,
]


def test_words_are_ordered_by_precedence() -> None:
    assert list(VerdictKind) == ORDER
    assert [kind.exit_code for kind in ORDER] == [2, 3, 1, 1, 1, 0, 0, 0, 3, 3]


# A


def test_the_question_looks_at_the_last_thirty_minutes_only() -> None:
    life = phases((0, healthy), (3010, lambda slot, t: healthy(slot, 3000) | {"step": t}))
    snapshots = play(coarse(life, for_s=3000 + 31 * MIN, fine=((2990, 3020), (4780, 4810))))
    assert at(snapshots, 3000).verdict.kind is VerdictKind.LAUNCH_24H
    assert at(snapshots, 3000 + 30 * MIN - 10).verdict.kind is not VerdictKind.STOP
    assert snapshots[-1].verdict.kind is VerdictKind.STOP, "a later window can turn STOP again"
    assert node(snapshots[-1], "components").answer == "yes"
    assert snapshots[-1].verdict.was is VerdictKind.LAUNCH_24H


@pytest.mark.parametrize(
    ("life", "answer"),
    [
        (by_slot(silent, silent, healthy), "no"),
        (by_slot(silent, down, unseen), "yes"),
        (by_slot(healthy, down, unseen), "no"),
        (with_fields(silent, intrinsic_reward_total=float("nan")), "yes"),
        (by_slot(silent, silent, phases((0, silent), (1500, healthy))), "no"),
        (with_fields(silent, intrinsic_reward_total="x", dynamic_ui_exploration_actions=float("nan")), "yes"),
    ],
    ids=["one shows", "one seen, silent", "one seen, showing", "one bad, rest silent", "one began late", "mostly bad"],
)  # fmt: skip
def test_whether_the_metrics_are_still_zero(life: Life, answer: str) -> None:
    assert node(last(coarse(life, for_s=36 * MIN)), "components").answer == answer


def test_components_that_nobody_could_observe_are_no_zero() -> None:
    seen = last(coarse(lambda _s, t: {"step": t}, for_s=36 * MIN, observable=("step",)))
    assert node(seen, "components").answer == "unknown"
    assert seen.verdict.kind is VerdictKind.UNDECIDED


@pytest.mark.parametrize(("hole_s", "answer"), [(910, "unknown"), (900, "no"), (890, "no")])
def test_half_of_the_window_observed_is_enough(hole_s: float, answer: str) -> None:
    end_s = 3600
    blind = lambda t: end_s - 1600 < t < end_s - 1600 + hole_s  # noqa: E731
    seen = last(coarse(for_s=end_s, blind=blind, fine=((1980, 2040), (2870, 2940))))
    assert node(seen, "components").answer == answer


def test_no_worker_ever_answered_is_unknown() -> None:
    seen = last(script(down, for_s=300))
    assert node(seen, "components").answer == "unknown"
    assert node(seen, "components").evidence[0] == "no worker ever answered"


# The start, and workers that are not there


def test_before_the_gate_ends_it_validates_and_says_what_it_would_be() -> None:
    snapshots = play(coarse(for_s=31 * MIN, fine=((680, 720), (1770, 1830))))
    for snapshot in snapshots:
        early = snapshot.t < 30 * MIN
        assert (snapshot.verdict.kind is VerdictKind.VALIDATING) == early
        assert (snapshot.verdict.would_be is not None) == early
    assert at(snapshots, 700).verdict.would_be is VerdictKind.LAUNCH_24H
    assert last(script(silent, for_s=700)).verdict.would_be is VerdictKind.STOP


def test_no_worker_yet_waits_and_after_start_up_it_stops() -> None:
    snapshots = play(script(down, for_s=300))
    assert {s.verdict.kind for s in snapshots if s.t < 180} == {VerdictKind.WAITING}
    assert snapshots[-1].verdict.kind is VerdictKind.STOP
    assert snapshots[-1].verdict.since_t == 180
    assert snapshots[-1].verdict.because == ("no worker answered: 0/3 after the start-up grace of 3m",)
    assert snapshots[-1].verdict.early
    assert snapshots[-1].verdict.changes_when == "a worker answers, held for 2 evaluations"


def test_start_up_is_not_over_before_it_is_over() -> None:
    life = phases((0, down), (170, healthy))
    words = {s.verdict.kind for s in play(script(life, for_s=600))}
    assert words == {VerdictKind.WAITING, VerdictKind.VALIDATING}


@pytest.mark.parametrize(
    ("error", "stops"), [("refused", True), ("timeout", True), ("http 500", True), ("dns", False), (None, False)]
)
def test_a_pool_that_does_not_answer_any_more_is_a_stop_after_a_minute(error: str | None, stops: bool) -> None:
    life = phases((0, healthy), (610, lambda _s, _t: error))
    snapshots = play(script(life, for_s=700))
    assert at(snapshots, 660).verdict.kind is VerdictKind.VALIDATING
    assert (snapshots[-1].verdict.kind is VerdictKind.STOP) == stops
    if stops:
        assert snapshots[-1].verdict.because[0].startswith("no worker answers: 0/3 for 1m")


def test_one_worker_that_answers_is_enough() -> None:
    life = by_slot(phases((0, healthy), (610, down)), phases((0, healthy), (610, down)), healthy)
    assert last(coarse(life, for_s=900)).verdict.kind is VerdictKind.VALIDATING


def test_workers_that_come_back_within_a_minute_were_respawned() -> None:
    life = phases((0, healthy), (610, down), (660, lambda slot, t: healthy(slot, t, 655)))
    assert VerdictKind.STOP not in {s.verdict.kind for s in play(coarse(life, for_s=900))}


def test_after_a_gap_silence_begins_anew() -> None:
    life = phases((0, healthy), (610, down))
    snapshots = play(script(life, for_s=900, blind=lambda t: 640 < t < 800))
    assert at(snapshots, 850).verdict.kind is VerdictKind.VALIDATING
    assert snapshots[-1].verdict.kind is VerdictKind.STOP


# Early STOP: everything silent, and the flags missing


def env_of(values: dict[str, str] | None, error: str | None = None) -> Callable[[int, float], EnvReading]:
    return lambda _slot, _t: EnvReading(values, error)


OPERATION = Operation("restart", 0.0, ())
RIGHT = dict(CONFIG.required_environment)
RIGHT_TOO = {key: "true" if value == "1" else value.title() for key, value in RIGHT.items()}
NO_FLAGS: dict[str, str] = {"METABONK_RUN_ID": "x"}


def early(life: Life = silent, for_s: float = 180, **seen: Any) -> Snapshot:
    return last(script(life, for_s=for_s, **{"env": env_of(NO_FLAGS)} | seen))


def test_silent_for_two_minutes_without_its_flags_is_a_stop() -> None:
    snapshots = play(script(silent, every_s=1, for_s=130, env=env_of(NO_FLAGS)))
    assert at(snapshots, 119).verdict.kind is VerdictKind.VALIDATING
    seen = snapshots[-1]
    assert (seen.verdict.kind, seen.verdict.since_t, seen.verdict.early) == (VerdictKind.STOP, 120, True)
    assert seen.verdict.because[0] == (
        "required flags missing in 3/3 workers, UI exploration, intrinsic reward silent"
    )
    assert [(each.id, each.on_path) for each in seen.verdict.nodes] == [
        ("early", True), ("components", False), ("memory", False), ("gameplay", False),
    ]  # fmt: skip
    assert "METABONK_DYNAMIC_UI_EXPLORATION" in seen.verdict.because[1]
    assert any("ABSENT on 3/3 workers" in line for line in seen.verdict.because)


def some(slot: int, here: dict[str, str] | None, others: dict[str, str] | None) -> Callable[[int, float], EnvReading]:
    def read(s: int, _t: float) -> EnvReading:
        values = here if s == slot else others
        return EnvReading(values, None if values is not None else "not permitted")

    return read


def begun_late(slot: int, t: float) -> Any:
    """One worker keeps start-up open."""
    return "refused" if slot == 2 and t < 100 else silent(slot, t)


@pytest.mark.parametrize(
    ("stops", "seen"),
    [
        (True, {}),
        (True, {"env": env_of({key: "0" for key in RIGHT})}),
        (True, {"env": some(0, NO_FLAGS, None)}),
        (True, {"life": with_fields(silent, dynamic_ui_exploration_actions=0)}),
        (False, {"env": None}),
        (False, {"env": env_of(None, "not permitted")}),
        (False, {"env": env_of(RIGHT)}),
        (False, {"env": env_of(RIGHT_TOO)}),
        (False, {"env": some(1, RIGHT, NO_FLAGS)}),
        (False, {"life": by_slot(silent, silent, healthy)}),
        (True, {"life": with_fields(silent, vlm_hints_used=lambda t: t // 10)}),
        (False, {"life": with_fields(silent, intrinsic_reward_total=lambda t: t)}),
        (False, {"life": with_fields(silent, dynamic_ui_text_density=0.2)}),
        (False, {"env": env_of(RIGHT | {"METABONK_DYNAMIC_UI_EXPLORATION": "0"})}),
        (False, {"life": with_fields(silent, intrinsic_reward_total=float("nan"))}),
        (True, {"life": by_slot(silent, silent, down), "for_s": 400}),
        (True, {"life": by_slot(silent, silent, unseen), "for_s": 400}),
        (True, {"for_s": 20, "started": lambda _s, _t: -100.0, "pid": lambda s, _t: 40 + s}),
        (False, {"for_s": 10, "started": lambda _s, _t: -100.0, "pid": lambda s, _t: 40 + s}),
        (False, {"for_s": 100}),
        (False, {"life": begun_late, "for_s": 200}),
        (True, {"life": begun_late, "for_s": 230}),
        (False, {"for_s": 180, "pool": lambda _t: PoolReading(operation=OPERATION)}),
        (False, {"blind": lambda t: 10 < t < 115}),
    ],
    ids=[
        "all of it", "switched off", "one can be read", "zero too", "never read", "nowhere permitted", "all right",
        "right in other words", "one worker is right", "one worker shows", "only what the launcher sets shows",
        "intrinsic reward shows", "UI exploration shows", "the flags of one component only", "one is bad",
        "one never answered", "one was never looked at", "2 min since its process began", "110 s since then",
        "100 s", "100 s after start-up", "130 s after start-up", "an operation runs", "hardly observed",
    ],
)  # fmt: skip
def test_each_condition_of_an_early_stop_is_needed(stops: bool, seen: dict[str, Any]) -> None:
    assert (early(**seen).verdict.kind is VerdictKind.STOP) == stops


def test_what_showed_and_stands_is_silent_only_past_the_window() -> None:
    life = phases((0, with_fields(silent, intrinsic_reward_total=lambda t: t)),
                  (60, with_fields(silent, intrinsic_reward_total=5.0)))  # fmt: skip
    config = configured("[verdict]\nactive_window_s = 30")
    assert last(script(life, for_s=300, env=env_of(NO_FLAGS)), config).verdict.kind is VerdictKind.VALIDATING


def test_an_early_stop_stays_while_workers_go_away_and_ends_when_one_shows() -> None:
    gone = by_slot(silent, silent, phases((0, silent), (300, down)))
    snapshots = play(script(gone, for_s=500, env=env_of(NO_FLAGS)))
    assert {s.verdict.kind for s in snapshots if s.t > 140} == {VerdictKind.STOP}
    heals = phases((0, silent), (300, healthy))
    assert early(heals, for_s=330).verdict.kind is VerdictKind.VALIDATING


def respawned(*slots: int, then: Life = silent) -> dict[str, Any]:
    """These workers are down from 300 s to 310 s, and are new processes after that."""
    return {
        "life": lambda s, t: (
            silent(s, t) if s not in slots or t < 300 else down(s, t) if t < 310 else then(s, t - 310)
        ),
        "pid": lambda s, t: 40 + s + (10 if s in slots and t >= 310 else 0),
        "started": lambda s, t: 310.0 if s in slots and t >= 310 else 0.0,
    }


def test_a_respawn_of_one_silent_worker_lifts_no_early_stop() -> None:
    how = respawned(1)
    snapshots = play(script(how.pop("life"), for_s=500, env=env_of(NO_FLAGS), **how))
    assert {s.verdict.kind for s in snapshots if s.t > 140} == {VerdictKind.STOP}
    assert snapshots[-1].workers[1].generation == 2


@pytest.mark.parametrize(
    "how",
    [
        respawned(1, then=healthy),
        respawned(1) | {"env": lambda s, t: EnvReading(RIGHT if s == 1 and t >= 310 else NO_FLAGS)},
        respawned(0, 1, 2),
    ],
    ids=["it shows", "it has its flags", "all are new"],
)
def test_a_respawn_that_changes_something_lifts_it(how: dict[str, Any]) -> None:
    assert early(for_s=300, **how).verdict.early
    assert not early(for_s=360, **how).verdict.early


# C


@pytest.mark.parametrize(
    ("fields", "signs"),
    [
        ({"hud_present": True}, ("hud_present",)),
        ({"phase_gameplay": True}, ("phase_gameplay",)),
        ({"dynamic_ui_state_type": "gameplay"}, ("state gameplay",)),
        ({"hud_present": True, "phase_gameplay": True}, ("hud_present", "phase_gameplay")),
        ({"reward": lambda t: t / 100}, ()),  # in pure vision the reward is that of exploration
        ({}, ()),
        ({"hud_present": False, "phase_gameplay": None}, ()),
        ({"hud_present": "yes", "dynamic_ui_state_type": "Gameplay!"}, ()),
        ({"reward": lambda t: 9.0 if t == 300 else 0.0}, ()),
    ],
)
def test_the_flag_alone_is_not_enough(fields: dict[str, Any], signs: tuple[str, ...]) -> None:
    life = phases((0, healthy), (200, with_fields(healthy, gameplay_started=True, **fields)))
    seen = last(script(life, for_s=400))
    assert worker(seen).gameplay.signs == signs
    assert worker(seen).gameplay.corroborated == bool(signs)
    assert node(seen, "gameplay").answer == ("yes" if signs else "not yet")
    if not signs:
        assert "w0 gameplay_started alone, not corroborated" in node(seen, "gameplay").evidence


def test_signs_without_the_flag_are_not_enough() -> None:
    seen = last(script(with_fields(healthy, hud_present=True, phase_gameplay=True, reward=lambda t: t), for_s=400))
    assert node(seen, "gameplay").answer == "not yet"
    assert worker(seen).gameplay.started is False


@pytest.mark.parametrize(("for_s", "answer"), [(2 * HOUR - 60, "not yet"), (2 * HOUR, "no"), (3 * HOUR, "no")])
def test_two_hours_are_the_limit(for_s: float, answer: str) -> None:
    seen = last(script(every_s=60, for_s=for_s))
    assert node(seen, "gameplay").answer == answer


def test_after_two_hours_without_gameplay_epsilon_is_to_be_tuned_by_its_real_keys() -> None:
    seen = last(script(every_s=60, for_s=2 * HOUR + 60))
    assert seen.verdict.kind is VerdictKind.TUNE_EPSILON
    for key in ("METABONK_DYNAMIC_EPS_BASE", "METABONK_DYNAMIC_EPS_UI", "METABONK_DYNAMIC_EPS_STUCK"):
        assert key in seen.verdict.because[1]
        assert key in seen.verdict.next_steps[0].text
    late = phases((0, healthy), (2 * HOUR + 600, playing))
    seen = last(script(late, every_s=60, for_s=2 * HOUR + 900))
    assert seen.verdict.kind is VerdictKind.TUNE_EPSILON, "seen first after 2 h: it stays"
    assert node(seen, "gameplay").evidence[0] == "reached late, after 2h"


def test_gameplay_that_was_there_at_a_first_look_after_two_hours_gives_no_word() -> None:
    samples = script(playing, from_s=3 * HOUR, every_s=30, for_s=31 * MIN)
    seen = last(samples)
    assert node(seen, "gameplay").answer == "unknown"
    assert seen.verdict.kind is VerdictKind.LAUNCH_24H


def test_two_hours_count_from_the_start_of_the_run_and_not_from_the_gate() -> None:
    slow = phases((0, down), (170, healthy))
    assert last(script(slow, every_s=10, for_s=300)).gate.gameplay_by_t == 2 * HOUR


def test_gameplay_that_was_reached_stays_reached_when_its_worker_dies() -> None:
    life = by_slot(phases((0, playing), (3600, lambda slot, t: healthy(slot, t, 3600))), healthy, healthy)
    seen = last(script(life, every_s=60, for_s=2 * HOUR + 300))
    assert worker(seen).generation == 2
    assert node(seen, "gameplay").answer == "yes"
    assert node(seen, "gameplay").evidence == ("w0 reached it in an earlier generation",)
    assert seen.verdict.kind is VerdictKind.SUCCESS


# What is due


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        (("system2_trigger_engaged_count", "vlm_hints_used"), "System2"),
        (("intrinsic_reward_total",), "intrinsic reward"),
        (("dynamic_ui_text_density",), "UI exploration"),
        (("intrinsic_reward_total", "dynamic_ui_exploration_actions"), "UI exploration, intrinsic reward"),
    ],
)
@pytest.mark.parametrize("life", [healthy, playing])
def test_without_a_due_component_it_is_partial_and_says_which(life: Life, gone: tuple[str, ...], named: str) -> None:
    seen = last(script(without(life, *gone), every_s=30, for_s=40 * MIN))
    assert seen.verdict.kind is VerdictKind.PARTIAL
    assert f"never shown on any worker: {named}" in seen.verdict.because
    assert seen.verdict.changes_when.startswith(f"a worker shows {named.replace(', ', ' and ')}, held for")
    assert node(seen, "gameplay").answer == ("yes" if life is playing else "not yet")


@pytest.mark.parametrize("gone", [("meta_success_sequences", "meta_learner_sequences_learned"), ("gameplay_started",)])
def test_what_is_due_only_after_gameplay_does_not_hold_a_launch_back(gone: tuple[str, ...]) -> None:
    assert last(script(without(healthy, *gone), every_s=30, for_s=40 * MIN)).verdict.kind is VerdictKind.LAUNCH_24H


def test_each_due_component_may_show_on_another_worker_at_another_time() -> None:
    part_of: list[Life] = [
        with_fields(silent, dynamic_ui_text_density=0.2),
        with_fields(silent, intrinsic_reward_total=lambda t: min(t, 1100.0)),
        with_fields(silent, vlm_hints_used=lambda t: t // 60),
    ]
    seen = last(script(by_slot(*part_of), every_s=30, for_s=45 * MIN))
    assert (seen.verdict.kind, seen.verdict.exit_code) == (VerdictKind.CONTINUE, 1), "a go needs all on every worker"
    assert state(seen, "intrinsic_reward", 1) == "STALLED"
    assert node(seen, "components").short == "3/3 due shown"


def test_a_due_component_that_could_not_be_observed_is_missing() -> None:
    fields = [name for name in healthy(0, 0) if "system2" not in name and "vlm" not in name]
    life = without(healthy, "system2_trigger_engaged_count", "vlm_hints_used")
    seen = last(script(life, every_s=30, for_s=40 * MIN, observable=fields))
    assert seen.verdict.kind is VerdictKind.CONTINUE
    assert "System2 not observed: this source does not see it" in seen.verdict.because


# A memory watch


def test_an_armed_watch_satisfies_low_memory() -> None:
    seen = run_of("no", "no", "not yet")
    armed = replace(seen.memory, watch_armed=True)
    draft = decide(facts_of(seen, answered_s=1800.0, memory=armed))
    assert draft.kind is VerdictKind.CONTINUE
    assert draft.because[0] == "memory watch on"
    assert decide(facts_of(seen, answered_s=1800.0)).kind is VerdictKind.ADD_MEMORY_WATCH
    late = run_of("no", "no", "no")
    armed = replace(late.memory, watch_armed=True)
    assert decide(facts_of(late, answered_s=1800.0, memory=armed)).kind is VerdictKind.TUNE_EPSILON


# What it carries


def test_a_stop_advises_to_stop_and_launch_again() -> None:
    steps = last(coarse(silent, for_s=31 * MIN, memory=lambda _t: room(16))).verdict.next_steps
    assert [(step.key, step.join) for step in steps] == [("X", ""), ("L", "then")]
    assert [step.command for step in steps] == ["metabonk-tui stop", "metabonk-tui launch 3"]


def test_a_stop_with_nothing_left_to_stop_advises_to_launch() -> None:
    steps = last(script(down, for_s=300, memory=None)).verdict.next_steps
    assert [(step.key, step.command) for step in steps] == [("L", "metabonk-tui launch 3")]


def test_never_more_workers_are_suggested_than_fit() -> None:
    tight = tuple(ProcessReading("worker", 2_000_000_000, worker=w(s)) for s in range(3))
    seen = last(coarse(silent, for_s=31 * MIN, memory=lambda _t: room(3.0), processes=lambda _t: tight))
    assert seen.memory.budget is not None
    assert seen.memory.budget.fits == 1
    assert seen.verdict.next_steps[1].command == "metabonk-tui launch 1"


def test_low_memory_suggests_a_size_that_fits() -> None:
    big = tuple(ProcessReading("worker", 3_000_000_000, worker=w(s)) for s in range(3))
    big = (*big, ProcessReading("ollama", 4_000_000_000))
    seen = last(coarse(for_s=40 * MIN, memory=lambda _t: room(0.9), processes=lambda _t: big))
    assert seen.verdict.kind is VerdictKind.ADD_MEMORY_WATCH
    assert [step.command for step in seen.verdict.next_steps] == [None, "metabonk-tui resize 2"]


SWALLOWED = {
    "METABONK_DYNAMIC_UI_EXPLORATION": "1", "METABONK_INTRINSIC_REWARD": "1", "METABONK_META_LEARNING": "1",
    "METABONK_PURE_VISION_MODE": "1", "METABONK_SYSTEM2_ENABLED": "1", "METABONK_SYSTEM2_TRIGGER_MODE": "smart",
}  # fmt: skip


@pytest.mark.parametrize(
    ("for_s", "kind"),
    [(20 * MIN, VerdictKind.VALIDATING), (40 * MIN, VerdictKind.PARTIAL)],
    ids=["in the gate", "after"],
)
def test_a_proven_cause_leads_whatever_the_word(for_s: float, kind: VerdictKind) -> None:
    life = without(with_fields(healthy, intrinsic_reward_total=0.0), "intrinsic_ui_context")
    seen = last(coarse(life, for_s=for_s, env=env_of(SWALLOWED)))
    assert seen.verdict.kind is kind
    assert seen.verdict.because[0] == "intrinsic not applied 0.96"
    assert seen.verdict.because.count("intrinsic not applied 0.96") == 1
    assert "METABONK_INTRINSIC_APPLY_IN_PURE_VISION=1" in seen.verdict.next_steps[0].text


@pytest.mark.parametrize(("life", "kind"), [(healthy, VerdictKind.LAUNCH_24H), (playing, VerdictKind.SUCCESS)])
def test_a_proven_cause_stands_against_a_go_and_gives_the_first_step(life: Life, kind: VerdictKind) -> None:
    # System2 asks and gets no answer: its engagements grow, so all that is due has shown.
    samples = coarse(with_fields(life, vlm_hints_used=0), for_s=40 * MIN)
    log = {w(slot): ("System2 request failed: nothing answers at http://127.0.0.1:1",) for slot in range(3)}
    seen = last([replace(samples[0], log_tails=log), *samples[1:]])
    assert (seen.verdict.kind, seen.verdict.exit_code) == (kind, 0)
    assert seen.causes[0].id == "system2-no-answer"
    assert seen.verdict.because[0] == f"but System2 cannot answer {seen.causes[0].confidence:.2f}"
    assert seen.verdict.next_steps[0].text == seen.causes[0].fix


def test_a_cause_that_is_only_likely_does_not_lead() -> None:
    life = without(with_fields(healthy, intrinsic_reward_total=0.0), "intrinsic_ui_context")
    seen = last(coarse(life, for_s=20 * MIN))
    assert seen.causes
    assert seen.causes[0].confidence < 0.9
    assert seen.verdict.because[0].startswith("check ")


def test_read_only_is_advised_to_do_nothing() -> None:
    config = configured('[pool]\nbackend = "none"')
    assert last(coarse(silent, for_s=31 * MIN), config).verdict.next_steps == ()


def test_nothing_is_to_be_done_where_all_is_well() -> None:
    assert last(coarse(for_s=40 * MIN)).verdict.next_steps == ()


def test_the_words_of_a_run_are_kept_with_their_reasons() -> None:
    seen = last(coarse(playing, for_s=40 * MIN))
    assert changes(seen) == [(0.0, "VALIDATING"), (1800.0, "SUCCESS")]
    assert all(because for _, _, because in seen.verdicts)
    found = [event for event in seen.events if event.kind == "verdict"]
    assert [event.facts["word"] for event in found] == ["VALIDATING", "SUCCESS"]


def test_a_run_without_a_header_or_anything_in_it_has_a_verdict() -> None:
    seen = last(script(workers=0, for_s=0, run=None, memory=None))
    assert seen.verdict.kind is VerdictKind.WAITING
    assert seen.verdict.because
    assert last(script(unseen, for_s=0, run=header(0.0, None), memory=None)).verdict.because


def test_workers_on_other_ports_are_named_with_the_word() -> None:
    where = "2 workers of this launch listen on 41260, 41261; pool.base_port is 41160"
    lost = PoolReading(elsewhere=where)

    def because(pool: PoolReading) -> tuple[str, ...]:
        return last(script(down, workers=2, for_s=60, pool=lambda _t: pool)).verdict.because

    assert where in because(lost)
    assert where not in because(PoolReading())
