"""When the memory watch warns, raises the alarm and acts: a line for each rule, and what must hold always."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.config.schema import MemoryWatchConfig
from metabonk_tui.core.memory.watch import (
    Decision,
    WatchInputs,
    WatchState,
    decide,
    failed,
    level_of,
    reason,
    watch_inputs,
    why_not_arm,
)
from metabonk_tui.core.model.memory import Forecast, ForecastState
from metabonk_tui.core.model.sample import Operation, PoolReading, WatchReading
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from tests.support.samples import CONFIG, coarse, configured, last, room, script
from tests.support.snapshots import hosts_of

GB = 1_000_000_000
RULES = msgspec.structs.replace(CONFIG.memory_watch, on_critical="resize")
POOL = ("run-1", 90, 1.0)


def at(t: float, gb: float | None = 8.0, **over: object) -> WatchInputs:
    """What is seen at a time: this much memory, a pool, nothing else."""
    given = {"ends_in_s": None, "pool": POOL, "busy": False, "gap_s": 15.0} | over
    return WatchInputs(t=t, available_bytes=None if gb is None else int(gb * GB), **given)  # type: ignore[arg-type]


@dataclass
class Watch:
    """Feeds sights to the decision; a plan is at hand a tick after one was asked for."""

    rules: MemoryWatchConfig = RULES
    armed: bool = True
    state: WatchState = field(default_factory=WatchState)

    def see(self, seen: WatchInputs) -> Decision:
        prepared = self.state.checking is not None
        self.state, decision = decide(self.state, seen, self.rules, armed=self.armed, prepared=prepared)
        return decision

    def through(self, sights: Iterable[WatchInputs]) -> list[tuple[float, Decision]]:
        given = [(seen.t, self.see(seen)) for seen in sights]
        return [pair for pair in given if pair[1] != "none"]


def stretch(from_s: int, to_s: int, gb: float | None, every_s: int = 5, **over: object) -> list[WatchInputs]:
    return [at(t, gb, **over) for t in range(from_s, to_s + 1, every_s)]


@pytest.mark.parametrize(
    ("gb", "ends_in_s", "level"),
    [
        (8.0, None, "ok"),
        (1.0, None, "ok"),
        (0.999, None, "warn"),
        (0.512, None, "warn"),
        (0.511, None, "crit"),
        (0.0, None, "crit"),
        (8.0, 1200.0, "ok"),
        (8.0, 1199.0, "warn"),
        (8.0, 300.0, "warn"),
        (8.0, 299.0, "crit"),
        (8.0, -5.0, "crit"),
        (0.9, 100.0, "crit"),
        (None, None, "unknown"),
        (None, 10.0, "unknown"),
    ],
)
def test_the_level_of_a_moment(gb: float | None, ends_in_s: float | None, level: str) -> None:
    assert level_of(at(0, gb, ends_in_s=ends_in_s), RULES) == level


@pytest.mark.parametrize(
    ("sights", "decisions"),
    [
        pytest.param(stretch(0, 600, 8.0), [], id="enough"),
        pytest.param(stretch(0, 25, 0.9), [], id="low, not long enough"),
        pytest.param(stretch(0, 60, 0.9), [(30, "warn")], id="low for its hold, told once"),
        pytest.param(
            [*stretch(0, 25, 0.9), at(30, 8.0), *stretch(35, 60, 0.9)], [], id="a breath of air begins the hold anew"
        ),
        pytest.param(stretch(0, 5, 0.4), [], id="critical, not long enough"),
        pytest.param(stretch(0, 20, 0.4), [(10, "critical"), (15, "act")], id="critical for its hold: look, then act"),
        pytest.param(stretch(0, 900, 0.4), [(10, "critical"), (15, "act")], id="once, while memory does not recover"),
        pytest.param(
            [*stretch(0, 10, 0.4), at(15, 8.0)],
            [(10, "critical"), (15, "stand down")],
            id="recovered on the second look",
        ),
        pytest.param(
            [*stretch(0, 10, 0.4), at(15, 0.4, pool=("run-2", 91, 9.0))],
            [(10, "critical"), (15, "stand down")],
            id="another generation of the pool",
        ),
        pytest.param(
            [*stretch(0, 10, 0.4), at(15, 0.4, pool=None)],
            [(10, "critical"), (15, "stand down")],
            id="the pool has gone",
        ),
        pytest.param(
            [*stretch(0, 10, 0.4), at(15, 0.4, busy=True)],
            [(10, "critical"), (15, "stand down")],
            id="another action meanwhile",
        ),
        pytest.param(
            [*stretch(0, 10, 0.4), at(15, None), at(20, 0.4)],
            [(10, "critical"), (20, "act")],
            id="an unreadable second look is no look",
        ),
        pytest.param(stretch(0, 60, 0.4, pool=None), [(10, "critical")], id="no pool: an alarm only"),
        pytest.param(stretch(0, 300, 0.4, busy=True), [], id="during an operation of ours"),
        pytest.param(stretch(0, 300, None), [], id="never read"),
        pytest.param(
            [at(0, 0.4), at(5, None), at(10, None)], [], id="an unknown tick fires nothing, however long the hold"
        ),
        pytest.param([at(0, 0.4), at(5, None), at(10, 0.4)], [(10, "critical")], id="one unread tick breaks no hold"),
        pytest.param([at(0, 0.4), at(100, 0.4)], [], id="over a hole nothing was held"),
        pytest.param(
            [*stretch(0, 15, 0.4), *stretch(20, 60, 8.0)],
            [(10, "critical"), (15, "act"), (50, "recovered")],
            id="recovery takes as long as a warning",
        ),
        pytest.param(
            [*stretch(0, 15, 0.4), *stretch(20, 60, 8.0), *stretch(65, 300, 0.4)],
            [(10, "critical"), (15, "act"), (50, "recovered"), (75, "critical")],
            id="recovered and critical again within the cool-down: an alarm",
        ),
        pytest.param(
            [*stretch(0, 15, 0.4), *stretch(20, 60, 8.0), *stretch(65, 640, 0.4)],
            [(10, "critical"), (15, "act"), (50, "recovered"), (75, "critical"), (615, "critical"), (620, "act")],
            id="recovered, and the cool-down is over",
        ),
        pytest.param(stretch(0, 40, 8.0, ends_in_s=900.0), [(30, "warn")], id="the forecast alone warns"),
        pytest.param(stretch(0, 20, 8.0, ends_in_s=200.0), [(10, "critical"), (15, "act")], id="and acts"),
    ],
)
def test_what_a_story_leads_to(sights: list[WatchInputs], decisions: list[tuple[float, Decision]]) -> None:
    assert Watch().through(sights) == decisions


def test_the_default_is_nothing_but_an_alarm() -> None:
    watch = Watch(rules=CONFIG.memory_watch)
    assert CONFIG.memory_watch.on_critical == "alarm"
    assert not CONFIG.memory_watch.enabled
    assert watch.through(stretch(0, 900, 0.4)) == [(10, "critical")]
    assert watch.state.checking is None


def test_without_a_plan_it_goes_on_looking() -> None:
    state = Watch()
    state.through(stretch(0, 10, 0.4))
    for t in range(15, 100, 5):
        state.state, decision = decide(state.state, at(t, 0.4), RULES, armed=True, prepared=False)
        assert decision == "none"
    assert state.see(at(100, 0.4)) == "act"


def test_an_act_that_came_to_nothing_is_tried_again_after_the_cool_down_only() -> None:
    watch = Watch()
    assert watch.through(stretch(0, 15, 0.4))[-1] == (15, "act")
    watch.state = failed(watch.state)
    assert watch.through(stretch(20, 620, 0.4)) == [(615, "critical"), (620, "act")]


def test_disarming_and_arming_again_is_no_way_around_the_cool_down() -> None:
    watch = Watch()
    assert watch.through(stretch(0, 15, 0.4))[-1] == (15, "act")
    watch.armed = False
    assert watch.see(at(20, 0.4)) == "none"
    watch.armed = True
    assert "act" not in [decision for _, decision in watch.through(stretch(25, 600, 0.4))]


TICKS = st.lists(
    st.tuples(
        st.floats(0.5, 40.0),
        st.one_of(st.none(), st.floats(0.0, 3.0)),
        st.one_of(st.none(), st.floats(-10.0, 3000.0)),
        st.sampled_from([POOL, POOL, POOL, ("run-2", 91, 9.0), None]),
        st.booleans(),
        st.sampled_from([True, True, True, False]),
        st.sampled_from([False, False, False, False, True]),
    ),
    max_size=120,
)
QUICK = msgspec.structs.replace(RULES, warn_hold_s=5.0, critical_hold_s=2.0, cooldown_s=60.0)


@given(TICKS)
def test_what_always_holds(ticks: list[tuple[float, float | None, float | None, object, bool, bool, bool]]) -> None:
    t, state, acted_t = 0.0, WatchState(), None
    for step_s, gb, ends_in_s, pool, prepared, armed, busy in ticks:
        t += step_s
        seen = at(t, gb, ends_in_s=ends_in_s, pool=pool, busy=busy)
        before = state
        state, decision = decide(state, seen, QUICK, armed=armed, prepared=prepared)
        if not armed:
            assert decision == "none", "disarmed, it does nothing"
        if gb is None:
            assert decision in ("none", "stand down"), "an unknown reading never counts as low"
        if busy:
            assert decision in ("none", "stand down"), "never while we do something ourselves"
        if decision == "act":
            assert level_of(seen, QUICK) == "crit"
            assert before.checking == pool is not None, "only the pool that was planned for"
            assert prepared
            assert acted_t is None or t - acted_t >= QUICK.cooldown_s, "never twice within the cool-down"
            acted_t = t
        if decision == "critical":
            assert level_of(seen, QUICK) == "crit"


@given(TICKS, st.sampled_from(["resize", "stop", "stop-highest"]))
def test_enough_memory_and_no_forecast_is_never_acted_upon(ticks: list[tuple[float, ...]], response: str) -> None:
    watch = Watch(rules=msgspec.structs.replace(QUICK, on_critical=response))
    t = 0.0
    for step_s, gb, *_rest in ticks:
        t += step_s
        assert watch.see(at(t, None if gb is None else 1.0 + gb)) == "none"


def seen_in_a_run(for_s: float = 900.0, **over: object) -> Snapshot:
    return last(script(for_s=for_s, pool=lambda _t: PoolReading("x", 3, 90, 1.0, controller="us")), CONFIG)


def forecast(state: ForecastState, ends_t: float | None) -> Forecast:
    return Forecast(ends_t, 60.0, -50e6, "", state)


@pytest.mark.parametrize(
    ("given", "ends_in_s"),
    [
        (None, None),
        (forecast("LEARNING", 1000.0), None),
        (forecast("SUSPENDED", 1000.0), None),
        (forecast("FALLING", 1000.0), None),
        (forecast("STEADY", None), None),
        (forecast("WARNING", 1000.0), 100.0),
        (forecast("CRITICAL", 1000.0), 100.0),
        (forecast("CRITICAL", None), None),
    ],
)
def test_only_a_forecast_that_is_raised_counts(given: Forecast | None, ends_in_s: float | None) -> None:
    snapshot = seen_in_a_run()
    snapshot = replace(snapshot, hosts=hosts_of(replace(snapshot.memory, forecast=given)))
    assert snapshot.t == 900.0
    assert watch_inputs(snapshot, CONFIG).ends_in_s == ends_in_s


def test_in_start_up_no_forecast_counts_and_low_memory_does() -> None:
    snapshot = seen_in_a_run()
    starting = replace(
        snapshot,
        gate=replace(snapshot.gate, began_t=None),
        hosts=hosts_of(replace(snapshot.memory, forecast=forecast("CRITICAL", 950.0), reading=room(0.2))),
    )
    seen = watch_inputs(starting, CONFIG)
    assert seen.ends_in_s is None
    assert level_of(seen, RULES) == "crit"


def test_what_we_are_doing_ourselves_is_seen() -> None:
    snapshot = seen_in_a_run()
    doing = Operation("resize 3 → 2 workers", 890.0, ())
    busy = replace(snapshot, pool=replace(snapshot.pool, operation=doing))
    done = replace(busy, pool=replace(snapshot.pool, operation=replace(doing, ended_at=895.0, ok=True)))
    assert [watch_inputs(each, CONFIG).busy for each in (snapshot, busy, done)] == [False, True, False]


def test_a_reason_names_the_number_that_it_stands_on() -> None:
    assert reason(at(0, 0.93), RULES, "warn") == "available 0.93 GB, below 1 GB, held for 30s"
    assert reason(at(0, 8.0, ends_in_s=840.0), RULES, "warn").startswith("the forecast says memory ends in 14m")


def low_with(watch: WatchReading | None) -> Snapshot:
    samples = coarse(for_s=45 * 60.0, memory=lambda _t: room(0.9))
    return last([replace(sample, watch=watch) for sample in samples], configured())


@pytest.mark.parametrize(
    ("watch", "kind", "leads_to"),
    [
        (None, VerdictKind.ADD_MEMORY_WATCH, "ADD MEMORY WATCH"),
        (WatchReading(False), VerdictKind.ADD_MEMORY_WATCH, "ADD MEMORY WATCH"),
        (WatchReading(True, "key", 0.0, dry_run=True), VerdictKind.ADD_MEMORY_WATCH, "ADD MEMORY WATCH"),
        (WatchReading(True, "key", 0.0), VerdictKind.CONTINUE, "CONTINUE"),
    ],
)
def test_node_b_knows_whether_it_is_armed(watch: WatchReading | None, kind: VerdictKind, leads_to: str) -> None:
    snapshot = low_with(watch)
    assert snapshot.verdict.kind is kind
    assert snapshot.verdict.nodes[1].leads_to == leads_to
    if kind is VerdictKind.CONTINUE:
        assert snapshot.verdict.because[0] == "memory watch on"
        assert "memory watch on, when critical: only an alarm" in snapshot.verdict.nodes[1].evidence
    else:
        assert snapshot.verdict.next_steps[0].key == "W"


def test_what_it_did_stands_with_the_evidence() -> None:
    did = WatchReading(True, "key", 0.0, on_critical="resize", did="resize 5 → 3 workers", did_t=2400.0, did_ok=True)
    assert "memory watch, 5m ago: resize 5 → 3 workers" in low_with(did).verdict.nodes[1].evidence
    failed_ = replace(did, did_ok=False)
    assert "memory watch, 5m ago: failed: resize 5 → 3 workers" in low_with(failed_).verdict.nodes[1].evidence


def test_on_a_cluster_it_is_not_armed() -> None:
    """It would act by the memory of one node on workers of another one."""
    assert why_not_arm(PoolReading(backend="slurm", controller="us")) == ""
    assert why_not_arm(PoolReading(backend="slurm", controller="us", placed=True)) == (
        "on Slurm it does not act: each job has its own memory limit, at which the kernel ends that job alone"
    )
    on_ray = why_not_arm(PoolReading(backend="ray", controller="us", placed=True))
    assert "limit" not in on_ray, "an actor has none"
    assert on_ray.startswith("on Ray it does not act: ")
