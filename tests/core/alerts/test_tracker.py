"""Alerts over time: what lasts fires, what rests has ended, what flaps is one alert; and all survives a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.adapters.store import checkpoint as kept_snapshot
from metabonk_tui.core.alerts import rules as alert_rules
from metabonk_tui.core.alerts import rules_memory
from metabonk_tui.core.alerts import tracker as alerts
from metabonk_tui.core.alerts.rule import NO_DATA, NO_RESULT, Condition, RuleInput, RuleResult, rule
from metabonk_tui.core.alerts.tracker import AlertTracks, apply_events
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.alert import Acknowledged, Alert, AlertTransition, alert_transitions
from metabonk_tui.core.model.host import MemoryReading
from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.step.pipeline import step
from tests.support.examples import examples
from tests.support.refs import w
from tests.support.samples import (
    CONFIG,
    GB,
    HOUR,
    MIN,
    begin,
    by_slot,
    changed,
    coarse,
    configured,
    down,
    facts_of,
    header,
    healthy,
    last,
    phases,
    play,
    room,
    script,
)  # fmt: skip

MINUTE_AND_TWO = configured("[alerts.rule.MemLow]\nfor_s = 60.0\n")
"""MemLow: holds for a minute, rests for two."""


SCENE = last(script(for_s=10))
FACTS = facts_of(SCENE)


def go_on(
    state: AlertTracks, found: Iterable[RuleResult], gaps: Sequence[int] = (), config: Config = MINUTE_AND_TWO
) -> tuple[list[AlertTransition], AlertTracks]:
    """Step the machine on through what a rule named MemLow finds, a tick every 10 s; `gaps`: not watched till then."""
    transitions: list[AlertTransition] = []
    for n, result in enumerate(found):
        rule_input = RuleInput(replace(FACTS, t=n * 10.0), SCENE.verdict, None)

        def rule(_: RuleInput, result: RuleResult = result) -> RuleResult:
            return result

        state, happened = alerts.observe(state, rule_input, 0.0 if n in gaps else 10.0, config, {"MemLow": rule})
        transitions += happened
    return transitions, state


def run(
    found: Iterable[RuleResult], gaps: Sequence[int] = (), config: Config = MINUTE_AND_TWO
) -> tuple[list[AlertTransition], AlertTracks]:
    """The same from the beginning."""
    return go_on(AlertTracks(), found, gaps, config)


def on(workers: tuple[int, ...] = (), escalated: bool = False, value: float | None = None) -> RuleResult:
    return RuleResult(
        (Condition("it holds", workers=tuple(map(w, workers)), escalated=escalated, value=value, unit="bytes"),)
    )


def turns(transitions: Sequence[AlertTransition]) -> list[str]:
    return [change.kind for change in transitions]


# Lasting


def test_just_under_its_time_it_is_pending_and_at_its_time_it_fires() -> None:
    _, before = run([on()] * 6)
    assert [(one.state, one.since_t, one.firing_t) for one in before.view] == [("pending", 0.0, None)]
    transitions, state = run([on()] * 7)
    assert turns(transitions) == ["firing"]
    assert [(one.state, one.since_t, one.firing_t) for one in state.view] == [("firing", 0.0, 60.0)]


def test_one_that_begins_again_begins_at_nothing() -> None:
    transitions, state = run([*[on()] * 6, NO_RESULT, *[on()] * 6])
    assert transitions == []
    assert state.view[0].since_t == 70.0


def test_time_that_nobody_watched_proves_nothing() -> None:
    assert turns(run([on()] * 7, gaps=(3,))[0]) == []
    assert turns(run([on()] * 8, gaps=(3,))[0]) == ["firing"]
    _, state = run([*[on()] * 7, *[NO_RESULT] * 13], gaps=(12,))
    assert state.view[0].state == "firing"


def test_what_cannot_be_reported_stays_as_it_is() -> None:
    transitions, state = run([*[on()] * 3, *[NO_DATA] * 20, *[on()] * 3])
    assert (turns(transitions), state.view[0].state) == ([], "pending")
    transitions, state = run([*[on()] * 7, *[NO_DATA] * 50])
    assert (turns(transitions), state.view[0].state) == (["firing"], "firing")


def test_a_worker_that_is_out_of_sight_keeps_its_alert() -> None:
    gone = RuleResult(unknown_workers=frozenset({w(1)}))
    transitions, state = run([*[on((0, 1))] * 7, *[gone] * 30])
    assert turns(transitions) == ["firing"]
    assert state.view[0].workers == (w(1),)


def test_it_keeps_the_least_and_the_most() -> None:
    transitions, state = run([*[on(value=float(n)) for n in (5, 9, 4, 6, 6, 6, 6, 7)], *[NO_RESULT] * 14])
    assert turns(transitions) == ["firing", "resolved"]
    (alert,) = state.view
    assert (alert.least, alert.most, alert.resolved_t, alert.duration_s(999.0)) == (4.0, 9.0, 80.0, 80.0)


# Workers and loudness


def test_a_worker_joins_after_a_time_of_its_own_and_leaves_after_a_rest_of_its_own() -> None:
    transitions, state = run([*[on((0,))] * 7, *[on((0, 1))] * 6])
    assert (turns(transitions), state.view[0].workers) == (["firing"], (w(0),))
    transitions, state = run([*[on((0,))] * 7, *[on((0, 1))] * 7])
    assert (turns(transitions), state.view[0].workers) == (["firing", "louder"], (w(0), w(1)))
    transitions, state = run([*[on((0, 1))] * 7, *[on((0,))] * 14])
    assert (turns(transitions), state.view[0].workers) == (["firing"], (w(0),))


def test_a_worker_that_flaps_beside_one_that_is_down_is_reported_once() -> None:
    flapping = [*[on((0, 1))] * 7, *[on((0,))] * 5] * 20
    transitions, _ = run(flapping)
    assert turns(transitions) == ["firing"]


def test_and_so_it_is_where_it_flaps_slower_than_it_rests() -> None:
    flapping = [*[on((0, 1))] * 7, *[on((0,))] * 60] * 30
    transitions, _ = run(flapping)
    assert turns(transitions).count("louder") <= 4


def test_it_becomes_louder_without_a_new_one_and_is_not_reported_again_when_that_flaps() -> None:
    config = configured('[alerts.rule.MemLow]\nfor_s = 60.0\nraised = "crit"')
    assert config.alerts.rule["MemLow"].raised == "crit"
    loud = [*[on()] * 7, *([*[on(escalated=True)] * 7, *[on()] * 5] * 20)]
    transitions, state = run(loud, config=config)
    assert turns(transitions) == ["firing", "louder"]
    assert [one.severity for one in state.view] == ["crit"]


# Flapping


@settings(max_examples=examples(150), deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 11)), min_size=1, max_size=60),
    st.integers(0, 40),
)
def test_whatever_is_away_for_less_than_its_rest_is_one_alert(spells: list[tuple[int, int]], after: int) -> None:
    ticks = [*[on()] * 7]
    for held, away in spells:
        ticks += [*[NO_RESULT] * away, *[on()] * held]
    transitions, state = run([*ticks, *[NO_RESULT] * after])
    assert turns(transitions) in (["firing"], ["firing", "resolved"])
    assert len(state.view) == 1
    assert state.view[0].times == 1 + len(spells)
    assert (state.view[0].state == "resolved") == (after > 12)


def test_fifty_times_is_one_alert_and_two_notices() -> None:
    transitions, state = run([*([*[on()] * 7, *[NO_RESULT] * 6] * 50), *[NO_RESULT] * 20])
    assert turns(transitions) == ["firing", "resolved"]
    assert [(one.times, one.state) for one in state.view] == [(50, "resolved")]


@pytest.mark.parametrize("away_min", [3, 5, 10, 20, 45])
def test_what_flaps_slower_than_it_rests_is_reported_a_few_times_and_then_rests_longer(away_min: int) -> None:
    transitions, state = run([*[on()] * 7, *[NO_RESULT] * (away_min * 6)] * 50)
    assert turns(transitions).count("firing") <= 7
    assert len(state.view) <= 7


def test_what_comes_back_after_hours_rests_as_long_as_ever() -> None:
    transitions, _ = run([*[on()] * 7, *[NO_RESULT] * 800] * 3)
    assert turns(transitions) == ["firing", "resolved"] * 3


def test_no_more_than_fifty_that_ended_are_kept() -> None:
    _, state = run([*[on()] * 7, *[NO_RESULT] * 800] * 55)
    assert len(state.view) == 50
    assert state.view[0].since_t > state.view[-1].since_t


def test_a_switched_off_rule_is_never_asked() -> None:
    config = configured("[alerts.rule.MemLow]\nenabled = false")
    seen = last(script(memory=lambda _t: room(0.8), for_s=10 * MIN), config)
    assert [one.name for one in seen.alerts if one.name.startswith("Mem")] == []


# Acknowledged


def seen_by(*ids: str) -> Event:
    return Event(100.0, "alert.acknowledged", "info", "seen", facts={"ids": list(ids), "by": "key"})


def test_somebody_has_seen_it_until_it_grows() -> None:
    _, state = run([on((0,))] * 7)
    state = apply_events(state, [seen_by("MemLow", "NeverHeardOf")])
    assert state.view[0].acknowledged is not None
    assert (state.view[0].acknowledged.t, state.view[0].acknowledged.by) == (100.0, "key")

    def later(result: RuleResult, ticks: int) -> Acknowledged | None:
        return go_on(state, [result] * ticks)[1].view[0].acknowledged

    assert later(on((0,)), 50) is not None
    assert later(NO_RESULT, 5) is not None
    assert later(on((0, 1)), 6) is not None
    assert later(on((0, 1)), 7) is None


def test_a_pending_one_cannot_be_seen_and_nonsense_is_let_go_by() -> None:
    _, state = run([on()] * 3)
    nonsense = Event(1.0, "alert.acknowledged", "info", "seen", facts={"ids": 5})
    assert apply_events(state, [seen_by("MemLow"), nonsense]).view[0].acknowledged is None


# Through `step`


def low(from_s: float = 120.0, to_s: float = HOUR) -> Callable[[float], MemoryReading]:
    return lambda t: room(0.9 if from_s <= t < to_s else 8.0)


def standing(snapshot: Snapshot, name: str) -> Alert:
    return next(one for one in snapshot.alerts if one.name == name)


def test_an_acknowledgement_is_recorded_like_any_event_and_one_that_comes_alone_counts_too() -> None:
    samples = script(memory=low(), for_s=10 * MIN)
    seen = play(samples)[-1]
    ack = Sample(seen.t + 5, events=(seen_by("MemLow"),))
    after = step(seen, ack, CONFIG)
    assert standing(after, "MemLow").acknowledged is not None
    again = replace(samples[-1], t=seen.t + 10)
    assert standing(step(after, again, CONFIG), "MemLow").acknowledged is not None


def test_it_is_reported_when_it_fires_and_when_it_has_ended() -> None:
    seen = last(script(memory=low(120.0, 300.0), for_s=12 * MIN))
    transitions = [(event.kind, event.facts["id"]) for event in seen.events if event.kind.startswith("alert.")]
    assert transitions.count(("alert.firing", "MemLow")) == 1
    assert transitions.count(("alert.resolved", "MemLow")) == 1
    (ended,) = [event for event in seen.events if event.kind == "alert.resolved"]
    assert ended.severity == "ok"
    assert ended.facts["duration"] == 180.0
    assert ended.facts["least"] == ended.facts["most"] == 0.9 * GB
    assert ended.facts["twin"] == "memory.low"


def test_after_a_restart_from_a_kept_snapshot_nothing_fires_again() -> None:
    samples = script(memory=low(), for_s=10 * MIN)
    half = play(samples[:40])[-1]
    kept = kept_snapshot.unpack(kept_snapshot.pack(half, 40))
    assert kept is not None
    assert kept[1].alerts == half.alerts != ()
    whole, resumed = play(samples), play(samples[40:], before=kept[1])
    assert resumed[-1].alerts == whole[-1].alerts
    assert alert_transitions(half.alerts, resumed[0].alerts) == ()


def test_a_new_run_begins_without_alerts_and_the_old_one_keeps_its_own() -> None:
    samples = script(memory=low(0.0), for_s=10 * MIN)
    seen = play(samples)[-1]
    assert standing(seen, "MemLow").state == "firing"
    following = begin(changed(samples[-1], t=seen.t + 10, memory=room(8.0)), header(seen.t + 10))
    after = step(seen, following, CONFIG)
    assert after.alerts == ()
    assert standing(after.ended_runs[-1].last, "MemLow").state == "firing"


def test_what_stops_with_the_pool_has_ended() -> None:
    stopped = {400.0: (Event(400.0, "pool.stop", "info", "stopped"),)}
    life = phases((0, by_slot(healthy, healthy, down)), (400.0, down))
    seen = play(script(life, for_s=15 * MIN, events=stopped))
    assert any(one.name == "WorkerDown" and one.state == "firing" for one in seen[35].alerts)
    assert [one.state for one in seen[-1].alerts if one.name == "WorkerDown"] == ["resolved"]


def test_the_same_samples_make_the_same_alerts_whatever_watched_them() -> None:
    samples = coarse(memory=low(120.0, 900.0), for_s=30 * MIN)
    assert [one.alerts for one in play(samples)] == [one.alerts for one in play(samples, anew=True)]


def test_every_rule_has_its_line_in_the_configuration_and_the_other_way_round() -> None:
    assert set(alert_rules.RULES) == set(CONFIG.alerts.rule)
    assert set(alert_rules.SAME_EVENT) < set(alert_rules.RULES)


def test_a_rule_is_registered_once_with_the_event_that_reports_the_same() -> None:
    with pytest.raises(ValueError, match="two rules are named MemLow"):
        rule("MemLow")(lambda _: NO_RESULT)
    assert rules_memory.mem_low is alert_rules.RULES["MemLow"]
    assert alert_rules.SAME_EVENT["MemLow"] == "memory.low"
    assert "RateRegime" not in alert_rules.SAME_EVENT


def test_every_module_of_rules_is_imported_with_the_table() -> None:
    here = Path(alert_rules.__file__).parent
    modules = {f"metabonk_tui.core.alerts.{path.stem}" for path in here.glob("rules_*.py")}
    assert {module.__name__ for module in alert_rules.RULE_MODULES} == modules
