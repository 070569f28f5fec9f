"""Section 3 of the verdict's definition: when a run begins, what belongs to it, and how well it was observed."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.sample import Event, Observation, Operation, PoolReading, RunHeader, Sample
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.model.worker import Reach
from tests.support.refs import w
from tests.support.samples import (
    HOUR,
    MIN,
    Answer,
    Life,
    at,
    begin,
    by_slot,
    changes,
    coarse,
    down,
    header,
    healthy,
    kinds,
    last,
    phases,
    play,
    results,
    room,
    script,
    silent,
    unseen,
    worker,
)

NOBODY = header(0.0, None, 10.0, how="first sample")
"""How a monitor begins that finds nothing."""


def born(t: float) -> Life:
    """A worker whose counters began then."""
    return lambda slot, now: healthy(slot, now, t)


def process(slot: int, started_at: float, role: Any = "worker") -> ProcessReading:
    return ProcessReading(role=role, worker=w(slot), pid=100 + slot, rss_bytes=1, started_at=started_at)


def runs_of(snapshot: Snapshot) -> list[tuple[float, str]]:
    """Every run that there was: (start, how its start is known)."""
    views = [*(ended.last.run for ended in snapshot.ended_runs), snapshot.run]
    return [(view.started_at, view.how) for view in views]


# How a run begins


def test_a_header_says_when_the_run_began() -> None:
    seen = last(script(for_s=300, run=header(-500.0)))
    assert seen.run.started_at == -500
    assert seen.run.elapsed_s == 800
    assert seen.events[0].kind == "run.start"


def test_a_pool_that_was_there_before_us_began_with_its_oldest_worker() -> None:
    table = (process(0, -400.0), process(1, -90.0), process(7, -9000.0, role="launcher"))
    seen = last(script(for_s=300, run=NOBODY, processes=lambda _t: table))
    assert (seen.run.started_at, seen.run.how) == (-400.0, "oldest worker process")
    assert seen.gate.began_t == -400 + 180


def test_the_oldest_process_is_known_from_the_polls_too() -> None:
    seen = last(script(for_s=300, run=NOBODY, pid=lambda s, _t: 41 + s, started=lambda s, _t: -100.0 - s))
    assert (seen.run.started_at, seen.run.how) == (-102.0, "oldest worker process")


def test_without_processes_a_run_begins_with_its_first_answer() -> None:
    late = phases((0, down), (1000, healthy))
    seen = last(script(late, for_s=1500, run=None))
    assert (seen.run.started_at, seen.run.how) == (1000.0, "first sample")
    assert seen.gate.began_t == 1000


def test_waiting_for_hours_is_no_stop() -> None:
    snapshots = play(script(down, every_s=300, for_s=5 * HOUR, run=NOBODY))
    assert {s.verdict.kind for s in snapshots} == {VerdictKind.WAITING}
    assert snapshots[-1].run.elapsed_s == 0
    assert snapshots[-1].gate.checks == ()
    assert snapshots[-1].verdict.because == ("no pool found: no worker answers",), "no process table was read"


def test_a_launcher_alone_is_no_pool() -> None:
    table = (process(0, -4000.0, role="launcher"),)
    seen = last(coarse(down, for_s=900, run=NOBODY, processes=lambda _t: table))
    assert seen.verdict.kind is VerdictKind.WAITING


@pytest.mark.parametrize(
    ("launcher_pid", "because", "keys"),
    [
        (None, "no pool found: no worker answers", ["L"]),
        # A launch now would end the pool that is about to come up.
        (46, "the launcher runs (pid 46), no worker process yet", []),
    ],
)
def test_a_launcher_that_runs_is_named_and_not_launched_again(
    launcher_pid: int | None, because: str, keys: list[str]
) -> None:
    pool = PoolReading(launcher_pid=launcher_pid, launcher_started_at=-20.0)
    verdict = last(script(down, for_s=100, run=NOBODY, pool=lambda _t: pool)).verdict
    assert (verdict.kind, verdict.because) == (VerdictKind.WAITING, (because,))
    assert [step.key for step in verdict.next_steps] == keys


def test_after_waiting_the_clock_begins_with_the_pool() -> None:
    table = tuple(process(slot, 3595.0) for slot in range(3))
    life = phases((0, down), (3620, healthy))
    samples = coarse(life, for_s=3600 + 34 * MIN, run=NOBODY, processes=lambda t: table if t >= 3600 else ())
    seen = last(samples)
    assert runs_of(seen) == [(3595.0, "oldest worker process")]
    assert results(seen) == ["PASS"] * 6
    assert seen.verdict.kind is VerdictKind.LAUNCH_24H


def test_a_wait_before_a_launch_is_no_run_of_its_own() -> None:
    waited = script(down, for_s=600, run=NOBODY)
    launched = script(from_s=610, for_s=100, run=header(605.0))
    assert runs_of(last([*waited, *launched])) == [(605.0, "launched by us")]


# Start-up


def test_start_up_ends_when_every_wanted_worker_has_answered() -> None:
    life = by_slot(healthy, phases((0, down), (50, healthy)), phases((0, down), (90, healthy)))
    snapshots = play(script(life, for_s=120))
    assert at(snapshots, 80).gate.phase == "start-up"
    assert worker(at(snapshots, 80), 2).reach is Reach.STARTING
    assert "2/3 workers answered" in at(snapshots, 80).verdict.because[0]
    assert at(snapshots, 90).gate.began_t == 90
    assert at(snapshots, 90).gate.phase == "validation"


def test_start_up_ends_after_three_minutes_at_most() -> None:
    snapshots = play(script(by_slot(healthy, healthy, down), every_s=30, for_s=300))
    assert at(snapshots, 150).gate.began_t is None
    assert at(snapshots, 180).gate.began_t == 180
    assert worker(at(snapshots, 210), 2).reach is Reach.DOWN


def test_the_phases_follow_each_other() -> None:
    snapshots = play(script(every_s=300, for_s=25 * HOUR))
    expected = [(1500, "validation"), (1800, "gameplay"), (2 * HOUR, "long run"), (24 * HOUR, "complete")]
    for t, phase in expected:
        assert at(snapshots, t).gate.phase == phase


# A relaunch that was not ours


def relaunched(
    births: list[list[float]], every_s: float = 10.0, for_s: float = 400, **how: Any
) -> list[tuple[float, str]]:
    """Runs seen with workers born at these times; between 2 s before a birth and it they refuse."""

    def lived(slot: int, t: float) -> Answer:
        return healthy(slot, t, max((b for b in births[slot] if b <= t), default=0.0))

    return runs_of(last(script(lived, workers=len(births), every_s=every_s, for_s=for_s, **how)))


FIRST = (0.0, "launched by us")


@pytest.mark.parametrize(
    ("births", "begun"),
    [
        ([[200.0]] * 3, [FIRST, (200.0, "relaunch seen")]),
        ([[200.0]] * 2, [FIRST, (200.0, "relaunch seen")]),
        ([[200.0], [205.0], [210.0]], [FIRST, (210.0, "relaunch seen")]),
        ([[200.0], [], []], [FIRST]),
        ([[200.0], [200.0], []], [FIRST]),
        ([[200.0], [200.0], [], [], []], [FIRST]),
        ([[200.0]], [FIRST]),
        ([[200.0], [250.0], [300.0]], [FIRST]),
        ([[200.0, 300.0]] * 3, [FIRST, (200.0, "relaunch seen"), (300.0, "relaunch seen")]),
    ],
    ids=["all", "two", "staggered", "one respawn", "two of three", "two of five", "alone", "far apart", "twice"],
)
def test_all_workers_new_within_one_interval_are_a_relaunch(
    births: list[list[float]], begun: list[tuple[float, str]]
) -> None:
    assert relaunched(births) == begun


@pytest.mark.parametrize(
    ("births", "count"), [([[250.0], [250.0], []], 2), ([[250.0], [], []], 1), ([[250.0], [250.0], [], []], 1)]
)
def test_after_a_gap_most_of_the_workers_are_enough(births: list[list[float]], count: int) -> None:
    begun = relaunched(births, blind=lambda t: 200 <= t < 300)
    assert len(begun) == count
    if count == 2:
        assert begun[1] == (300.0, "relaunch seen")


def test_a_pool_that_was_gone_comes_back_one_by_one_as_one_run() -> None:
    def lived(slot: int, t: float) -> Answer:
        back_t = 300 + 10 * slot
        return healthy(slot, t) if t < 200 else "refused" if t < back_t else healthy(slot, t, back_t)

    assert len(runs_of(last(script(lived, for_s=600)))) == 2


def test_two_of_five_crashing_while_three_are_down_is_no_relaunch() -> None:
    gone = phases((0, healthy), (150, down))
    assert len(runs_of(last(script(by_slot(born(0), born(0), gone, gone, gone), workers=5, for_s=400)))) == 1

    def crashing(slot: int, t: float) -> Answer:
        return healthy(slot, t, 0.0 if t < 200 else 200.0)

    life = by_slot(crashing, crashing, gone, gone, gone)
    assert len(runs_of(last(script(life, workers=5, for_s=400)))) == 1


def test_another_launcher_is_another_run() -> None:
    def pool(t: float) -> PoolReading:
        return PoolReading(launcher_pid=7 if t < 200 else 8, launcher_started_at=0.0 if t < 200 else 195.0)

    life = phases((0, healthy), (200, down), (220, born(210)))
    begun = runs_of(last(script(life, workers=1, for_s=400, pool=pool)))
    assert begun == [FIRST, (195.0, "relaunch seen")]


def test_the_same_launcher_is_the_same_run() -> None:
    def pool(_t: float) -> PoolReading:
        return PoolReading(launcher_pid=7, launcher_started_at=-3.0)

    life = phases((0, healthy), (200, born(200)))
    assert len(runs_of(last(script(life, workers=3, for_s=400, pool=pool)))) == 1
    sometimes = lambda t: pool(t) if t % 50 == 0 else None  # noqa: E731
    assert len(runs_of(last(script(life, workers=3, for_s=400, pool=sometimes)))) == 1
    gap = script(life, workers=3, for_s=400, pool=pool, blind=lambda t: 150 < t < 250)
    assert len(runs_of(last(gap))) == 1


def test_where_no_launcher_is_known_any_more_all_new_workers_are_a_relaunch() -> None:
    def pool(t: float) -> PoolReading:
        return PoolReading(launcher_pid=7, launcher_started_at=-3.0) if t < 200 else PoolReading()

    life = phases((0, healthy), (200, born(200)))
    assert len(runs_of(last(script(life, workers=3, for_s=400, pool=pool)))) == 2


@pytest.mark.parametrize(("killed_t", "count"), [(200, 1), (190, 1), (100, 2), (None, 2)])
def test_a_kernel_kill_in_that_moment_makes_it_a_respawn(killed_t: float | None, count: int) -> None:
    def table(t: float) -> tuple[ProcessReading, ...]:
        workers = [replace(process(slot, -90.0), pid=slot + (40 if t < 200 else 60)) for slot in range(3)]
        # A kill at 100 hits Ollama: the workers go on, and another launch at 200 is one.
        ollama = [ProcessReading("ollama", 10, pid=30)] if killed_t != 100 or t < 100 else []
        return (*ollama, *(workers if not 200 <= t < 220 else ()))

    life = phases((0, healthy), (200, down), (220, born(215)))
    kills = lambda t: room(8.0, 3 * int(killed_t is not None and t >= killed_t))  # noqa: E731
    seen = last(script(life, for_s=400, memory=kills, processes=table))
    assert seen.memory.oom_kills_in_run == (3 if count == 1 else 0)
    assert len(runs_of(seen)) == count


# A launch of ours


def test_our_header_and_the_relaunch_that_it_brings_are_one_run() -> None:
    before = script(for_s=300)
    after = script(phases((0, healthy), (330, down), (350, born(345))), from_s=310, for_s=300, run=header(305.0))
    assert runs_of(last([*before, *after])) == [FIRST, (305.0, "launched by us")]


def test_a_header_that_comes_after_the_relaunch_was_seen_names_that_run() -> None:
    before = script(for_s=300)
    after = script(born(305), from_s=310, for_s=300, run=None)
    after[5] = begin(after[5], header(306.0))
    assert runs_of(last([*before, *after])) == [FIRST, (306.0, "launched by us")]


def test_the_same_header_again_begins_nothing() -> None:
    samples = script(for_s=300)
    samples[10] = begin(samples[10], header(0.0))
    assert len(runs_of(last(samples))) == 1


def test_several_runs_in_one_file_have_each_their_own_verdict() -> None:
    first = coarse(silent, for_s=40 * MIN)
    second = coarse(born(3000), from_s=3000, for_s=40 * MIN, run=header(3000.0))
    third = script(born(6000), from_s=6000, for_s=60, run=header(6000.0))
    seen = last([*first, *second, *third])
    assert [ended.last.verdict.kind for ended in seen.ended_runs] == [VerdictKind.STOP, VerdictKind.LAUNCH_24H]
    assert seen.verdict.kind is VerdictKind.VALIDATING
    assert [ended.last.state for ended in seen.ended_runs] == [None, None]
    assert all(worker(ended.last).generation == 1 for ended in seen.ended_runs)
    assert kinds(seen).count("run.start") == 1


def test_the_hole_between_two_runs_belongs_to_the_earlier_one() -> None:
    seen = last([*script(for_s=300), *script(born(9000), from_s=9000, for_s=300, run=None)])
    earlier = seen.ended_runs[0].last
    assert [(gap.from_t, gap.to_t) for gap in earlier.run.gaps] == [(300.0, 9000.0)]
    assert earlier.t == 300
    assert seen.run.gaps == ()
    assert "recorder.gap" in [event.kind for event in seen.ended_runs[0].events]


# How well it was observed


def test_an_interval_that_the_operator_chose_is_no_gap_and_ends_with_the_choice() -> None:
    ticks = list(script(for_s=1200))
    kept = [
        sample if i < 30 or i > 90 else replace(sample, interval_s=60.0)
        for i, sample in enumerate(ticks)
        if i < 30 or i > 90 or i % 6 == 0
    ]
    slow = [snapshot.run.interval_s for snapshot in play(kept)]
    assert slow[20] == 10.0
    assert slow[32] == 60.0
    assert slow[-1] == 10.0
    assert last(kept).run.gaps == ()
    # Without the choice the same samples have gaps.
    assert last([replace(sample, interval_s=None) for sample in kept]).run.gaps != ()


def test_a_hole_of_more_than_three_intervals_is_a_gap() -> None:
    assert last(script(for_s=300, blind=lambda t: 100 < t < 130)).run.gaps == ()
    seen = last(script(for_s=300, blind=lambda t: 100 < t < 140))
    assert [(gap.from_t, gap.to_t) for gap in seen.run.gaps] == [(100.0, 140.0)]
    assert seen.run.observed_s == 260
    assert kinds(seen).count("recorder.gap") == 1


def test_a_file_sampled_every_five_minutes_is_judged_by_its_own_rhythm() -> None:
    seen = last(script(every_s=300, for_s=2 * HOUR, run=header(0.0, 3, None)))
    assert seen.run.gaps == ()
    assert results(seen) == ["PASS"] * 6
    assert worker(seen).observed_s == 2 * HOUR


def test_time_that_runs_backwards_is_not_observed_twice() -> None:
    samples = script(for_s=600)
    samples[30:30] = [replace(sample, run=None) for sample in samples[:20]]
    seen = last(samples)
    assert seen.run.observed_s <= 900
    assert len(results(seen)) == 6


# Slots


def test_every_wanted_slot_has_a_panel_seen_or_not() -> None:
    seen = last([Sample(t=0.0, run=header(0.0, 4), workers={w(1): Observation(error="refused")})])
    assert [view.slot for view in seen.workers] == [0, 1, 2, 3]


def test_a_slot_that_was_seen_once_never_disappears_by_itself() -> None:
    def pool(t: float) -> PoolReading:
        return PoolReading(desired=5 if t < 100 else 3)

    life = by_slot(*[healthy] * 3, *[phases((0, healthy), (150, down))] * 2)
    seen = last(script(life, workers=5, for_s=300, pool=pool, run=None))
    assert len(seen.workers) == 5
    assert seen.run.desired == 5


def test_how_many_are_wanted_grows_by_looking() -> None:
    life = by_slot(*[healthy] * 3, phases((0, unseen), (100, healthy), (150, unseen)))
    seen = last(script(life, workers=4, for_s=300, run=None, pool=lambda _t: PoolReading(desired=3)))
    assert len(seen.workers) == 4


def test_a_worker_of_the_pool_before_our_launch_is_not_wanted() -> None:
    life = by_slot(*[healthy] * 3, phases((0, healthy), (30, down)))
    samples = script(life, workers=4, for_s=100, run=header(workers=3))
    snapshots = play(samples)
    assert len(at(snapshots, 20).workers) == 4, "it still lives"
    assert len(snapshots[-1].workers) == 3


def test_our_launch_decides_how_many_are_wanted() -> None:
    samples = script(workers=3, for_s=100, run=header(workers=3), pool=lambda _t: PoolReading(desired=5))
    assert last(samples).run.desired == 3


# What we did ourselves


def events_at(t: float, kind: str, severity: Any = "info", slot: int | None = None) -> dict[float, tuple[Event, ...]]:
    return {t: (Event(t, kind, severity, kind, None if slot is None else w(slot)),)}


GONE = phases((0, healthy), (600, down))


def test_a_run_that_we_stopped_keeps_its_word() -> None:
    seen = last(coarse(GONE, for_s=40 * MIN, events=events_at(600, "pool.stop")))
    assert seen.verdict.kind is VerdictKind.VALIDATING, "a run that we stopped keeps its word"
    assert seen.verdict.ended is not None
    assert seen.verdict.ended.reason == "stopped by us"
    assert seen.verdict.exit_code == 3
    assert [step.key for step in seen.verdict.next_steps] == [None, "L"]


@pytest.mark.parametrize(
    "events",
    [None, events_at(600, "pool.stop", "crit"), events_at(600, "pool.stop", slot=1), events_at(600, "pool.resize")],
    ids=["nothing", "a stop that failed", "one worker", "a resize"],
)
def test_a_pool_that_fell_is_a_stop(events: Any) -> None:
    assert last(coarse(GONE, for_s=15 * MIN, events=events)).verdict.kind is VerdictKind.STOP


def test_a_stop_that_left_workers_answering_is_forgotten() -> None:
    life = phases((0, healthy), (900, down))
    assert last(coarse(life, for_s=1200, events=events_at(600, "pool.stop"))).verdict.kind is VerdictKind.STOP


def test_events_alone_are_kept_and_judge_nothing() -> None:
    before = play(script(for_s=300))[-1]
    after = play([Sample(t=305.0, events=(Event(302.0, "pool.note", "info", "hello"),))], before=before)[-1]
    assert after.events[-1].kind == "pool.note"
    assert after.verdict is before.verdict
    assert after.t == before.t


def operating(from_t: float, to_t: float) -> Callable[[float], PoolReading]:
    def pool(t: float) -> PoolReading:
        return PoolReading(operation=Operation("restart", from_t, ()) if from_t <= t < to_t else None)

    return pool


def test_nothing_falls_while_an_operation_runs() -> None:
    during = operating(600, 900)
    snapshots = play(coarse(GONE, for_s=1200, pool=during))
    assert VerdictKind.STOP not in {s.verdict.kind for s in snapshots if s.t < 900}
    assert snapshots[-1].verdict.kind is VerdictKind.STOP


# Unobserved time


def test_a_run_that_nobody_asked_is_undecided_once_its_gate_is_over() -> None:
    seen = last(coarse(unseen, for_s=40 * MIN, memory=lambda _t: room()))
    assert seen.verdict.kind is VerdictKind.UNDECIDED
    assert changes(seen)[0] == (0.0, "WAITING")


def test_a_header_can_be_of_any_source() -> None:
    recorded = RunHeader("old", 0.0, 3, source="metabonk-csv", interval_s=10.0, how="recording")
    assert last(script(for_s=100, run=recorded)).run.source == "metabonk-csv"
