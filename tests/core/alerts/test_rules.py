"""Every row of the table of alerts: what makes it fire, and what just does not."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.metabonk_csv import read_folder
from metabonk_tui.core.alerts.rule import RuleInput
from metabonk_tui.core.alerts.rules import RULES
from metabonk_tui.core.model.alert import Alert, alert_transitions
from metabonk_tui.core.model.memory import Forecast, GpuFaultView, GpuMemory, KernelView
from metabonk_tui.core.model.sample import EnvReading, Event, Operation, PoolReading, WatchReading
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.step.pipeline import step
from tests.support.paths import SHARED_DATA as DATA
from tests.support.refs import w
from tests.support.samples import (
    CONFIG,
    GB,
    HOUR,
    MIN,
    Answer,
    Fields,
    Life,
    by_slot,
    coarse,
    configured,
    down,
    facts_of,
    healthy,
    last,
    losing_w1,
    phases,
    play,
    playing,
    room,
    script,
    unseen,
    with_fields,
    without,
)  # fmt: skip
from tests.support.several_hosts import lost, on_cluster, side_by_side
from tests.support.snapshots import hosts_of

UI = "dynamic_ui_exploration_actions"
SYSTEM2 = "system2_trigger_engaged_count"
ANY: Any = object()


def named(snapshot: Snapshot, name: str, about: str = "") -> Alert | None:
    """The newest alert of this name; None: there is none."""
    found = [one for one in snapshot.alerts if one.name == name and (not about or one.about == about)]
    return found[0] if found else None


def fired(snapshots: list[Snapshot], name: str, about: str = "") -> float | None:
    """When it first fired."""
    for seen in snapshots:
        one = named(seen, name, about)
        if one is not None and one.state != "pending":
            return seen.t
    return None


def asked(name: str, seen: Snapshot, before: Snapshot | None = None, **over: Any) -> tuple[Any, ...]:
    """What a rule finds in a Snapshot, with some of what it looks at changed."""
    scene_over = {key: over.pop(key) for key in ("uncertain", "recorder_problem") if key in over}
    return RULES[name](RuleInput(facts_of(seen, **over), seen.verdict, before, **scene_over)).conditions


only2 = lambda life: by_slot(healthy, healthy, life)  # noqa: E731


# Components


def test_a_key_that_is_absent_for_two_minutes_on_one_worker_is_a_warning_and_on_all_critical() -> None:
    lacking = without(healthy, SYSTEM2, "vlm_hints_used")
    one = play(script(only2(lacking), for_s=10 * MIN))
    alert = named(one[-1], "ComponentAbsent", "system2")
    assert alert is not None
    assert (alert.severity, alert.workers, alert.state) == ("warn", (w(2),), "firing")
    assert SYSTEM2 in alert.text
    began_t = alert.since_t
    assert fired(one, "ComponentAbsent") == began_t + 120
    every = last(script(lacking, for_s=10 * MIN))
    loud = named(every, "ComponentAbsent", "system2")
    assert loud is not None
    assert (loud.severity, loud.workers) == ("crit", (w(0), w(1), w(2)))


def test_a_key_that_is_absent_for_just_under_two_minutes_is_reported_by_nobody() -> None:
    lacking = without(healthy, SYSTEM2, "vlm_hints_used")
    began_t = next(one.since_t for one in last(script(lacking, for_s=4 * MIN)).alerts if one.about == "system2")
    short = phases((0, lacking), (began_t + 115, healthy))
    assert fired(play(script(short, for_s=10 * MIN)), "ComponentAbsent") is None


def test_a_gap_in_between_does_not_count_as_absence() -> None:
    lacking = without(healthy, SYSTEM2, "vlm_hints_used")
    seen = play(coarse(lacking, for_s=20 * MIN, blind=lambda t: 60 <= t < 600))
    at = fired(seen, "ComponentAbsent", "system2")
    assert at is not None
    assert at >= 600 + 60


def test_an_absent_key_of_a_worker_that_went_away_is_not_mended() -> None:
    lacking = without(healthy, SYSTEM2, "vlm_hints_used")
    seen = last(coarse(only2(phases((0, lacking), (400, down))), for_s=20 * MIN))
    alert = named(seen, "ComponentAbsent", "system2")
    assert alert is not None
    assert alert.state == "firing"
    mended = last(coarse(only2(phases((0, lacking), (400, healthy))), for_s=20 * MIN))
    assert named(mended, "ComponentAbsent", "system2").state == "resolved"  # type: ignore[union-attr]


def test_no_number_is_bad() -> None:
    seen = play(script(only2(with_fields(healthy, **{SYSTEM2: "many"})), for_s=10 * MIN))
    alert = named(seen[-1], "ComponentBad", "system2")
    assert alert is not None
    assert (alert.workers, alert.severity) == ((w(2),), "warn")
    assert alert.text == f"System2: {SYSTEM2} is no number"


def test_bad_and_unproven_workers_are_told_apart() -> None:
    unproven = without(healthy, "dynamic_ui_text_density")
    alone = named(last(script(only2(unproven), for_s=10 * MIN)), "ComponentBad", "ui_exploration")
    assert alone is not None
    assert alone.text == f"UI exploration: {UI} moves without its proof"

    def both(slot: int, t: float) -> Answer:
        bad = with_fields(healthy, **{UI: "many"})
        return (healthy, bad, unproven)[slot](slot, t)

    alert = named(last(script(both, for_s=10 * MIN)), "ComponentBad", "ui_exploration")
    assert alert is not None
    assert alert.text == f"UI exploration: {UI} is no number on w1, moves without its proof on w2"


def nothing_asked(slot: int, t: float) -> Answer:
    return healthy(slot, t) | {SYSTEM2: 0.0, "vlm_hints_used": 0}


def test_zero_for_ten_minutes_is_a_warning_and_critical_when_the_gate_is_over_and_it_is_so_everywhere() -> None:
    seen = play(coarse(nothing_asked, for_s=45 * MIN))
    at = fired(seen, "ComponentZero", "system2")
    assert at is not None
    first = named(next(one for one in seen if one.t == at), "ComponentZero", "system2")
    assert first is not None
    assert (first.severity, at - first.since_t) == ("warn", 600)
    assert named(seen[-1], "ComponentZero", "system2").severity == "crit"  # type: ignore[union-attr]
    one_only = last(coarse(only2(nothing_asked), for_s=45 * MIN))
    assert named(one_only, "ComponentZero", "system2").severity == "warn"  # type: ignore[union-attr]


def test_what_stands_by_design_may_be_zero_for_ever() -> None:
    # Section 2: meta-sequences and transitions stand by design, and no alert fires because they stand.
    seen = play(coarse(healthy, for_s=2 * HOUR - 60))
    assert fired(seen, "ComponentZero", "meta") is None
    assert named(seen[-1], "ComponentZero", "ui_to_gameplay") is None


def test_zero_on_a_worker_that_does_not_step_is_not_its_components_fault() -> None:
    still = with_fields(nothing_asked, step=50.0)
    assert named(last(coarse(only2(still), for_s=20 * MIN)), "ComponentZero", "system2") is None


def test_what_showed_and_stopped_for_long_is_reported() -> None:
    stuck = with_fields(healthy, **{SYSTEM2: lambda t: min(t, 300.0), "vlm_hints_used": 3})
    seen = play(coarse(only2(stuck), for_s=30 * MIN))
    at = fired(seen, "ComponentStalled", "system2")
    assert at is not None
    assert at >= 300 + CONFIG.verdict.active_window_s + 600 - 20
    assert fired(play(coarse(healthy, for_s=30 * MIN)), "ComponentStalled") is None


# Workers


def test_one_worker_down_for_half_a_minute_is_a_warning_and_all_of_them_critical() -> None:
    one = play(script(only2(phases((0, healthy), (300, down))), for_s=10 * MIN))
    assert fired(one, "WorkerDown") == 330
    alert = named(one[-1], "WorkerDown")
    assert alert is not None
    assert (alert.severity, alert.workers) == ("warn", (w(2),))
    short = play(script(only2(phases((0, healthy), (300, down), (325, healthy))), for_s=10 * MIN))
    assert fired(short, "WorkerDown") is None
    every = last(script(phases((0, healthy), (300, down)), for_s=10 * MIN))
    loud = named(every, "WorkerDown")
    assert loud is not None
    assert (loud.severity, loud.workers) == ("crit", (w(0), w(1), w(2)))


def test_one_that_is_not_looked_at_is_not_down_and_not_up_again() -> None:
    assert fired(play(coarse(only2(phases((0, healthy), (300, unseen))), for_s=20 * MIN)), "WorkerDown") is None
    forgotten = phases((0, healthy), (300, down), (400, unseen))
    assert named(last(coarse(only2(forgotten), for_s=30 * MIN)), "WorkerDown").state == "firing"  # type: ignore[union-attr]


def test_while_the_pool_is_being_changed_nobody_is_down() -> None:
    going = PoolReading(backend="launcher", operation=Operation("resize to 2 workers", 290.0, ()))
    life = phases((0, healthy), (300, down))
    seen = play(script(life, for_s=10 * MIN, pool=lambda t: going if t >= 290 else None))
    assert fired(seen, "WorkerDown") is None


def test_idle_is_reported_five_minutes_after_anything_grew() -> None:
    stands = lambda slot, t: healthy(slot, 0.0)  # noqa: E731
    seen = play(coarse(only2(stands), for_s=15 * MIN))
    at = fired(seen, "WorkerIdle")
    assert at is not None
    assert 290 <= at <= 200 + 300
    assert named(seen[-1], "WorkerIdle").workers == (w(2),)  # type: ignore[union-attr]
    short = phases((0, stands), (250, healthy))
    assert fired(play(coarse(only2(short), for_s=15 * MIN)), "WorkerIdle") is None


def racing(slot: int, t: float) -> Fields:
    return healthy(slot, t) | {"step": t if t < 900 else 900 + 50 * (t - 900)}


def test_a_step_rate_out_of_its_own_regime_is_reported_after_two_minutes() -> None:
    seen = play(coarse(only2(racing), for_s=25 * MIN))
    at = fired(seen, "RateRegime")
    assert at is not None
    assert 900 + 120 <= at <= 900 + 240
    alert = named(seen[-1], "RateRegime")
    assert alert is not None
    assert (alert.workers, alert.unit) == ((w(2),), "per s")
    assert alert.most is not None
    assert alert.most > 40


def crawling(slot: int, t: float) -> Fields:
    return healthy(slot, t) | {"step": t if t < 900 else 900 + 0.05 * (t - 900)}


def test_and_so_is_a_rate_that_collapsed_but_not_one_of_few_steps() -> None:
    at = fired(play(coarse(only2(crawling), for_s=25 * MIN)), "RateRegime")
    assert at is not None
    assert 900 + 120 <= at <= 900 + 300
    rare = lambda slot, t: healthy(slot, t) | {"step": float(int(t // 30) if t < 900 else 30)}  # noqa: E731
    assert fired(play(coarse(only2(rare), for_s=25 * MIN)), "RateRegime") is None


def lives(*resets: float) -> Life:
    def lived(slot: int, t: float) -> Answer:
        begun = max((at for at in (0.0, *resets) if at <= t), default=0.0)
        return healthy(slot, t, begun)

    return lived


def test_a_new_generation_is_news_and_three_in_an_hour_a_warning() -> None:
    seen = play(coarse(only2(lives(400)), for_s=30 * MIN, fine=((390, 420),)))
    assert fired(seen, "GenerationChange") == 400
    alert = named(seen[-1], "GenerationChange")
    assert alert is not None
    assert (alert.severity, alert.state, alert.workers) == ("info", "resolved", (w(2),))
    assert fired(play(coarse(healthy, for_s=30 * MIN)), "GenerationChange") is None
    two = last(coarse(only2(lives(400, 1500)), for_s=30 * MIN))
    assert named(two, "GenerationChange").severity == "info"  # type: ignore[union-attr]
    three = last(coarse(only2(lives(400, 1500, 2900)), for_s=50 * MIN))
    assert named(three, "GenerationChange").severity == "warn"  # type: ignore[union-attr]


def test_a_worker_that_begins_again_and_again_is_one_alert() -> None:
    seen = play(coarse(only2(lives(*range(300, 1500, 60))), for_s=40 * MIN))
    found = [c for before, after in pairwise(seen) for c in alert_transitions(before.alerts, after.alerts)]
    assert [c.kind for c in found if c.alert.name == "WorkerLooping"] == ["firing", "resolved"]
    assert [c.kind for c in found if c.alert.name == "GenerationChange"].count("firing") == 1


def test_frames_that_stand_while_it_steps() -> None:
    frozen = with_fields(healthy, scene_hash="a", dynamic_ui_text_density=0.2, dynamic_ui_motion=0.1, frames_ok=5.0)
    seen = play(script(only2(frozen), for_s=10 * MIN))
    assert fired(seen, "StaleFrames") is not None
    moving = with_fields(frozen, scene_hash=lambda t: str(t))
    assert fired(play(script(only2(moving), for_s=10 * MIN)), "StaleFrames") is None


def env_of(**values: str) -> Callable[[int, float], EnvReading | None]:
    right = dict(CONFIG.required_environment)
    return lambda slot, _t: EnvReading(right | values if slot == 2 else right)


def test_a_wrong_environment_is_critical_at_once_and_one_that_cannot_be_read_is_nothing() -> None:
    key = next(iter(CONFIG.required_environment))
    seen = play(script(for_s=5 * MIN, env=env_of(**{key: "no"})))
    alert = named(seen[0], "EnvMismatch")
    assert alert is not None
    assert (alert.severity, alert.state, alert.workers, key in alert.text) == ("crit", "firing", (w(2),), True)
    assert fired(play(script(for_s=5 * MIN, env=env_of())), "EnvMismatch") is None
    hidden = script(for_s=5 * MIN, env=lambda _s, _t: EnvReading(None, "not permitted"))
    assert fired(play(hidden), "EnvMismatch") is None


def test_uncertain_three_quarters_of_ten_minutes() -> None:
    def wavering(share: float) -> Life:
        return with_fields(
            healthy, dynamic_ui_state_type=lambda t: "uncertain" if t % 100 < 100 * share else "menu_ui"
        )

    seen = play(coarse(only2(wavering(0.8)), for_s=20 * MIN))
    at = fired(seen, "StateUncertain")
    assert at is not None
    assert 9 * MIN <= at <= 11 * MIN
    assert named(seen[-1], "StateUncertain").workers == (w(2),)  # type: ignore[union-attr]
    assert fired(play(coarse(only2(wavering(0.7)), for_s=20 * MIN)), "StateUncertain") is None
    assert fired(play(script(only2(wavering(1.0)), for_s=8 * MIN)), "StateUncertain") is None


def test_nobody_in_gameplay_by_when_it_is_due() -> None:
    at = fired(play(script(healthy, for_s=2 * HOUR + 60, every_s=60)), "NoGameplay")
    assert at is not None
    assert at >= 2 * HOUR
    assert fired(play(script(only2(playing), for_s=2 * HOUR + 60, every_s=60)), "NoGameplay") is None


# Memory


@pytest.mark.parametrize(
    ("name", "available", "lasts_s"), [("MemLow", 0.99, 60), ("MemCritical", 0.49, 10)], ids=["low", "critical"]
)
def test_memory_below_its_line_for_its_time(name: str, available: float, lasts_s: float) -> None:
    def dip(until_s: float) -> list[Snapshot]:
        reading = lambda t: room(available if 300 <= t < until_s else 8.0)  # noqa: E731
        return play(script(for_s=10 * MIN, every_s=5, memory=reading))

    assert fired(dip(HOUR), name) == 300 + lasts_s
    assert fired(dip(300 + lasts_s), name) is None
    alert = named(dip(HOUR)[-1], name)
    assert alert is not None
    assert (alert.value, alert.least, alert.unit) == (int(available * GB), int(available * GB), "bytes")


def test_the_configured_floor_decides_what_is_low() -> None:
    config = configured("[memory]\nfloor_gb = 4.0")
    samples = script(for_s=10 * MIN, memory=lambda _t: room(3.0))
    assert named(last(samples, config), "MemLow") is not None
    assert named(last(samples), "MemLow") is None


def test_memory_that_is_not_read_is_neither_low_nor_well() -> None:
    reading = lambda t: room(0.9) if t < 300 else None  # noqa: E731
    assert named(last(coarse(for_s=20 * MIN, memory=reading)), "MemLow").state == "firing"  # type: ignore[union-attr]
    assert named(last(coarse(for_s=20 * MIN, memory=lambda _t: None)), "MemLow") is None


def test_every_task_waiting_for_memory_is_critical_whatever_is_left() -> None:
    stalled = lambda full: lambda _t: replace(room(8.0), pressure_full_avg10=full)  # noqa: E731
    assert named(last(script(for_s=60, memory=stalled(11.0))), "MemCritical") is not None
    assert named(last(script(for_s=60, memory=stalled(10.0))), "MemCritical") is None


def forecast(state: Any, left_s: float = 900.0, t: float = 0.0) -> Forecast:
    return Forecast(t + left_s, 60.0, -1e8, "OOM ~15m", state=state)


def test_the_forecast_is_taken_at_its_word() -> None:
    seen = last(script(for_s=60))

    def found(state: Any) -> tuple[Any, ...]:
        memory = replace(seen.memory, forecast=forecast(state, t=seen.t))
        return asked("OomForecast", seen, memory=memory)

    assert [(one.escalated, one.value, one.unit) for one in found("WARNING")] == [(False, 900.0, "s")]
    assert [one.escalated for one in found("CRITICAL")] == [True]
    assert [found(state) for state in ("LEARNING", "SUSPENDED", "STEADY", "FALLING")] == [()] * 4
    gpus = (GpuMemory(1, 9, 10, forecast("CRITICAL", t=seen.t)), GpuMemory(2, 1, 10, forecast("STEADY")))
    found_on = asked("GpuForecast", seen, memory=replace(seen.memory, gpus=gpus))
    assert [(one.about, one.escalated) for one in found_on] == [("gpu1", True)]


def test_a_gpu_fault_is_judged_only_where_the_kernels_log_is_read() -> None:
    seen = last(script(for_s=60))
    faults = (
        GpuFaultView("NVRM: Xid", 79, "PCI:1", seen.t),
        GpuFaultView("NVRM: no memory", None, "", seen.t - 700),
    )
    memory = replace(seen.memory, kernel_log="readable", kernel=KernelView(faults=faults))
    (found,) = asked("GpuFault", seen, memory=memory)
    assert (found.text, found.about, found.escalated) == ("NVRM: Xid", "PCI:1 Xid 79", False)
    assert asked("GpuFault", seen, memory=replace(memory, kernel_log="not readable: EPERM")) == ()


def test_an_oom_kill_fires_at_once_and_stays_in_sight_for_ten_minutes() -> None:
    kills = lambda t: room(8.0, kills=1 if t >= 300 else 0)  # noqa: E731
    seen = play(coarse(for_s=20 * MIN, memory=kills, processes=losing_w1(300), fine=((280, 320), (880, 920))))
    assert fired(seen, "OomKill") == 300
    state = {one.t: named(one, "OomKill").state for one in seen if one.t >= 300}  # type: ignore[union-attr]
    assert (state[890], state[920]) == ("firing", "resolved")
    assert fired(play(coarse(for_s=20 * MIN)), "OomKill") is None
    victims = (w(3, "node2"), "ollama")
    (found,) = asked("OomKill", seen[-1], seen[-1], memory=replace(seen[-1].memory, oom_victims=victims))
    assert (found.text, found.workers) == ("kernel OOM kill: node2/w3, ollama", (w(3, "node2"),))
    twice = lambda t: room(8.0, kills=(t >= 300) + (t >= 500))  # noqa: E731
    left = lambda t: losing_w1(300)(t)[: 3 if t < 500 else 1]  # noqa: E731
    killed = last(script(for_s=10 * MIN, memory=twice, processes=left))
    assert killed.memory.oom_kills_in_run == 2
    assert [alert.severity for alert in killed.alerts if alert.name == "OomKill"] == ["crit"]


def test_swap_that_thrashes() -> None:
    def swapping(used_per_s: float) -> Callable[[float], Any]:
        return lambda t: replace(
            room(4.0), swap_used_bytes=int(used_per_s * t), swap_total_bytes=64 * GB, pressure_some_avg10=30.0
        )

    assert fired(play(script(for_s=10 * MIN, memory=swapping(20e6))), "SwapThrashing") is not None
    assert fired(play(script(for_s=10 * MIN, memory=swapping(0.0))), "SwapThrashing") is None


def test_what_the_memory_watch_did() -> None:
    seen = last(script(for_s=60))
    armed = WatchReading(True, "key")
    did = replace(armed, did="resize 5 → 3 workers", did_t=50.0)

    def found(before: WatchReading, now: WatchReading) -> tuple[Any, ...]:
        past = replace(seen, hosts=hosts_of(replace(seen.memory, watch=before)))
        return asked("WatchActed", seen, past, memory=replace(seen.memory, watch=now))

    assert [one.escalated for one in found(armed, did)] == [False]
    assert found(did, did) == ()
    assert [one.escalated for one in found(did, replace(did, did_ok=False))] == [True]
    assert found(armed, armed) == ()


def test_what_is_not_written_to_disk_is_reported_until_it_is() -> None:
    events = {
        300.0: (Event(300.0, "recorder.error", "warn", "not recorded: no space left on device"),),
        600.0: (Event(600.0, "recorder.error", "ok", "recording again"),),
    }
    seen = play(coarse(for_s=20 * MIN, events=events))
    assert fired(seen, "RecorderStale") == 300
    alert = named(seen[-1], "RecorderStale")
    assert alert is not None
    assert (alert.state, alert.severity, alert.resolved_t) == ("resolved", "crit", 600.0)
    assert "no space left" in alert.text


def test_a_host_that_is_lost_fires_by_its_name_and_keeps_the_alerts_of_its_memory() -> None:
    two = {name: coarse(for_s=20 * MIN, memory=lambda _t: room(0.9)) for name in ("node1", "node2")}
    seen = play(side_by_side(two, {"node2": lost(570.0)}, 600.0))
    assert fired(seen, "HostLost") == 600
    open_now = {alert.id: alert.state for alert in seen[-1].alerts}
    assert open_now["HostLost:node2"] == "firing"
    assert open_now["MemLow:node1"] == "firing"
    assert open_now["MemLow:node2"] == "firing", "not seen is not recovered"


def test_a_worker_that_waits_for_a_place_for_a_quarter_of_an_hour() -> None:
    seen = play(on_cluster({"n1": (0, 1)}, waiting=(2, 3), for_s=20 * MIN))
    assert fired(seen, "WorkerWaiting") == 900
    alert = named(seen[-1], "WorkerWaiting")
    assert alert is not None
    assert (alert.text, alert.severity, alert.workers) == (
        *("2 workers wait for a place: Resources", "warn"),
        (w(2), w(3)),
    )
    none_wait = play(on_cluster({"n1": (0, 1)}, for_s=20 * MIN))
    assert fired(none_wait, "WorkerWaiting") is None


def test_an_engine_that_does_not_answer_ends_no_wait() -> None:
    waits = on_cluster({"n1": (0,)}, waiting=(1,), for_s=60 * MIN)
    gone = on_cluster({"n1": (0,)}, desired=2, for_s=60 * MIN)

    def ending(engine_error: str | None) -> Alert | None:
        later = [
            replace(each, pool=replace(each.pool, engine_error=engine_error))  # type: ignore[type-var]
            for each in gone
            if each.t > 1800
        ]
        return named(last([*[each for each in waits if each.t <= 1800], *later]), "WorkerWaiting")

    silent, answered = ending("squeue: down"), ending(None)
    assert silent is not None
    assert answered is not None
    assert (silent.state, answered.state) == ("firing", "resolved")


def test_a_healthy_run_alarms_nobody() -> None:
    def well(slot: int, t: float) -> Answer:
        return playing(slot, t) | {"meta_success_sequences": t // 100}

    seen = play(script(well, for_s=3 * HOUR, every_s=20))
    assert [one.name for snapshot in seen for one in snapshot.alerts if one.state != "pending"] == []


def test_every_rule_is_held_against_something_here() -> None:
    found = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in RULES if f'"{name}"' not in found] == []


# Real recordings


def there(path: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not path.exists(), reason=f"the recording {path.name} is not on this machine")


FAILED, KILL = DATA / "failed-run", DATA / "memory" / "oom-reenacted.jsonl"


@cache
def first_fired(path: Path) -> dict[str, tuple[float, str]]:
    """When each alert of the first run first fired, and how loud it became."""
    samples = read_folder(sorted(path.glob("*.csv")), []) if path.is_dir() else read_jsonl(str(path), [])
    seen: Snapshot | None = None
    found: dict[str, tuple[float, str]] = {}
    for sample in samples:
        seen = step(seen, sample, CONFIG)
        if seen.ended_runs:
            break
        for one in seen.alerts:
            if one.state == "firing":
                first_s, loudest = found.get(one.id, (seen.t - seen.run.started_at, one.severity))
                found[one.id] = (first_s, "crit" if loudest == "crit" else one.severity)
    return found


@there(FAILED)
def test_the_failed_run_is_critical_within_minutes() -> None:
    found = first_fired(FAILED)
    for component in ("ui_exploration", "intrinsic_reward", "meta"):
        # Its samples are five minutes apart: the second one that shows it is the first that can prove it.
        assert found[f"ComponentAbsent:{component}"] == (600.0, "crit")
    assert "ComponentAbsent:system2" not in found
    assert found["RateRegime"][0] == 3000.0
    assert found["StateUncertain"][0] == 600.0
    assert found["GenerationChange"] == (1500.0, "warn")


@there(KILL)
def test_memory_that_ended_was_reported_long_before() -> None:
    found = first_fired(KILL)
    killed_s = found["OomKill"][0]
    assert killed_s - found["MemLow"][0] > 30 * MIN
    assert killed_s - found["OomForecast"][0] > 20 * MIN
    assert found["OomForecast"][1] == "crit"
    assert killed_s - found["MemCritical"][0] > 10 * MIN
