"""Memory and node B: the floor, ten minutes, kernel kills that stay, and how many workers fit."""

from collections.abc import Callable
from typing import Any

import pytest

from metabonk_tui.core.model.host import MemoryReading, ProcessReading
from metabonk_tui.core.model.refs import label_of
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from tests.support.refs import w
from tests.support.samples import (
    GB,
    MIN,
    at,
    changed,
    changes,
    coarse,
    configured,
    flat_sample,
    header,
    healthy,
    kinds,
    last,
    node,
    play,
    room,
    script,
    silent,
)

Memory = Callable[[float], MemoryReading | None]


def answer(memory: Memory, for_s: float = 31 * MIN, **seen: Any) -> str:
    """What node B says at the end."""
    return node(last(coarse(memory=memory, for_s=for_s, **seen)), "memory").answer


def dips(*times: float, to: float = 0.9) -> Memory:
    return lambda t: room(to if t in times else 8.0)


# Ten minutes above the floor


@pytest.mark.parametrize(("for_s", "expected"), [(0, "unknown"), (590, "unknown"), (600, "yes"), (3600, "yes")])
def test_memory_is_stable_after_ten_minutes_above_the_floor(for_s: float, expected: str) -> None:
    assert answer(lambda _t: room(), for_s, fine=((570, 600),)) == expected


@pytest.mark.parametrize(
    ("available", "expected"), [(1.01, "yes"), (1.0, "no"), (0.99, "no"), (0.0, "no"), (-0.1, "no")]
)
def test_above_the_floor_means_above(available: float, expected: str) -> None:
    assert answer(lambda _t: room(available), 690) == expected


@pytest.mark.parametrize(("for_s", "expected"), [(1000, "no"), (1010, "no"), (1600, "no"), (1610, "yes")])
def test_one_moment_below_the_floor_takes_ten_minutes_to_heal(for_s: float, expected: str) -> None:
    assert answer(dips(1000), for_s, fine=((990, 1020), (1590, 1620))) == expected


@pytest.mark.parametrize(
    "reading", [None, MemoryReading(total_bytes=16 * GB)], ids=["no reading", "available not known"]
)
def test_memory_that_was_not_observed_is_unknown_and_never_launches(reading: MemoryReading | None) -> None:
    seen = last(coarse(memory=lambda _t: reading, for_s=40 * MIN))
    assert node(seen, "memory").answer == "unknown"
    assert seen.memory.level == "unknown"
    assert seen.memory.min_available_bytes is None
    assert seen.verdict.kind is VerdictKind.CONTINUE
    assert "memory not known to be stable" in seen.verdict.because[0]


def test_a_gap_begins_the_ten_minutes_anew_and_is_no_no() -> None:
    fine = ((1990, 2010), (2580, 2610))
    snapshots = play(coarse(for_s=3000, blind=lambda t: 1500 < t < 2000, fine=fine))
    assert node(at(snapshots, 1500), "memory").answer == "yes"
    assert node(at(snapshots, 2000), "memory").answer == "unknown"
    assert node(at(snapshots, 2590), "memory").answer == "unknown"
    assert node(at(snapshots, 2600), "memory").answer == "yes"


def test_what_was_low_long_before_a_gap_is_no_no_after_it() -> None:
    fine = ((90, 120), (1990, 2010))
    snapshots = play(coarse(memory=dips(100), for_s=3000, blind=lambda t: 1500 < t < 2000, fine=fine))
    assert node(at(snapshots, 2000), "memory").answer == "unknown"
    assert snapshots[-1].memory.min_available_bytes == int(0.9 * GB)


@pytest.mark.parametrize(("missing", "expected"), [(20, "yes"), (100, "unknown")])
def test_readings_that_fail_for_longer_than_a_gap_are_a_gap(missing: float, expected: str) -> None:
    seen = answer(lambda t: None if 1000 <= t < 1000 + missing else room(), 1000 + missing, fine=((970, 1100),))
    assert seen == expected


def test_while_it_is_not_read_it_is_not_known() -> None:
    assert answer(lambda t: None if t >= 1000 else room(), 1000, fine=((990, 1000),)) == "unknown"


def test_the_window_and_the_floor_are_lines_of_the_configuration() -> None:
    config = configured("[memory]\nfloor_gb = 3\nwindow_s = 60")
    assert node(last(script(for_s=590, memory=lambda _t: room(3.1)), config), "memory").answer == "yes"
    assert node(last(script(for_s=60, memory=lambda _t: room(2.9)), config), "memory").answer == "no"
    assert node(last(script(for_s=60), config), "memory").question == "Memory stable, > 3 GB?"


# Levels


def test_levels_are_reported_when_they_change() -> None:
    levels = {0: 8.0, 100: 0.9, 200: 0.4, 300: 0.8, 400: 8.0}
    snapshots = play(script(for_s=500, memory=lambda t: room(levels[int(t // 100) * 100 if t < 500 else 400])))
    assert [at(snapshots, t).memory.level for t in (50, 150, 250, 350, 450)] == ["ok", "warn", "crit", "warn", "ok"]
    assert kinds(snapshots[-1], "memory.low", "memory.critical") == ["memory.low", "memory.critical", "memory.low"]
    assert snapshots[-1].memory.first_warning_t == 100
    assert snapshots[-1].memory.first_critical_t == 200
    assert at(snapshots, 250).memory.below_floor_since_t == 100
    assert snapshots[-1].memory.below_floor_since_t is None


def test_low_memory_asks_for_a_watch() -> None:
    seen = last(coarse(for_s=40 * MIN, memory=lambda t: room(0.8 if t > 600 else 8.0)))
    assert seen.verdict.kind is VerdictKind.ADD_MEMORY_WATCH


# Kernel kills


def counted(*kills: tuple[float, int | None], available: float = 8.0, scope: Any = "cgroup") -> Memory:
    """The kernel's counter, from when on."""

    def read(t: float) -> MemoryReading:
        now = next((count for from_t, count in reversed(kills) if t >= from_t), 0)
        return room(available, now, scope)

    return read


def table(gone_t: float | None = None, who: str = "ollama") -> Callable[[float], tuple[ProcessReading, ...]]:
    """Three workers and Ollama; one of them is gone from a time on."""
    everyone = [ProcessReading("worker", GB, worker=w(s), pid=41 + s, started_at=0.0) for s in range(3)]
    everyone.append(ProcessReading("ollama", 5 * GB, pid=9, started_at=0.0))

    def read(t: float) -> tuple[ProcessReading, ...]:
        gone = gone_t is not None and t >= gone_t
        return tuple(p for p in everyone if not gone or who != label_of(p.who))

    return read


@pytest.mark.parametrize(
    ("memory", "kills"),
    [
        (counted((0, 0), (1000, 1)), 1),
        (counted((0, 0), (1000, 1), (1200, 3)), 3),
        (counted((0, 4)), 0),
        (counted((0, 4), (1000, 5)), 1),
        (counted((0, 4), (1000, 0)), 0),
        (counted((0, 4), (1000, 0), (1100, 1)), 1),
        (counted((0, 0), (1000, None), (1100, 1)), 1),
        (counted((0, None), (1000, 7)), 0),
        (counted((0, None), (1000, 7), (1100, 8)), 1),
        (counted((0, 0), (1000, 1), scope=None), 1),
    ],
    ids=[
        "one", "three", "before the run", "one more", "the counter began anew", "and counts again", "not read between",
        "first read late", "and then one", "a recording",
    ],
)  # fmt: skip
def test_kills_in_this_run_count_and_no_others(memory: Memory, kills: int) -> None:
    seen = last(coarse(memory=memory, for_s=25 * MIN))
    # No process of the pool is known to have vanished, so these are kills in the workers' memory, and no STOP.
    assert (seen.memory.oom_kills_in_run, seen.memory.other_kills_in_run) == (0, kills)
    assert seen.verdict.kind is VerdictKind.VALIDATING
    emitted = [event for event in seen.events if event.kind == "memory.oom_elsewhere" and event.severity != "info"]
    assert bool(emitted) == bool(kills)


def test_a_kill_is_latched_though_the_gauge_is_green_again() -> None:
    snapshots = play(script(memory=counted((0, 0), (1000, 1)), processes=table(1000), for_s=8000, every_s=50))
    assert at(snapshots, 1000).verdict.kind is VerdictKind.STOP, "it shows at once"
    assert snapshots[-1].verdict.kind is VerdictKind.STOP
    assert snapshots[-1].memory.level == "ok"
    assert snapshots[-1].memory.oom_victims == ("ollama",)
    assert snapshots[-1].memory.oom_since_t == 1000
    assert snapshots[-1].verdict.because == ("kernel OOM kill: ollama, latched for this run",)
    assert "a new run begins" in snapshots[-1].verdict.changes_when
    assert node(snapshots[-1], "memory").answer == "no"


def test_a_kill_shows_before_the_gate_is_over_and_before_anybody_answered() -> None:
    seen = last(script(lambda _s, _t: "refused", memory=counted((0, 0), (50, 1)), processes=table(50), for_s=50))
    assert seen.verdict.kind is VerdictKind.STOP
    assert seen.verdict.early


@pytest.mark.parametrize("gone_t", [990, 1000, 1010, 1030])
def test_the_victim_is_named_whether_the_table_or_the_counter_was_read_first(gone_t: float) -> None:
    seen = last(script(memory=counted((0, 0), (1000, 1)), processes=table(gone_t, "w2"), for_s=1100))
    assert seen.memory.oom_victims == (w(2),)
    assert seen.memory.oom_kills_in_run == 1


@pytest.mark.parametrize("gone_t", [990, 1000, 1010])
def test_on_the_hosts_counter_one_of_ours_must_be_gone(gone_t: float) -> None:
    memory = counted((0, 0), (1000, 1), scope="host")
    seen = last(script(memory=memory, processes=table(gone_t, "w1"), for_s=1100))
    assert (seen.memory.oom_kills_in_run, seen.memory.oom_victims) == (1, (w(1),))
    assert seen.verdict.kind is VerdictKind.STOP


@pytest.mark.parametrize("gone_t", [None, 500, 1200])
def test_a_strangers_death_on_this_host_is_no_stop(gone_t: float | None) -> None:
    memory = counted((0, 0), (1000, 1), scope="host")
    seen = last(script(memory=memory, processes=table(gone_t), for_s=1400))
    assert seen.memory.oom_kills_in_run == 0
    assert seen.verdict.kind is VerdictKind.VALIDATING
    assert "memory.oom_elsewhere" in kinds(seen)


def test_counters_of_two_scopes_are_not_compared() -> None:
    def read(t: float) -> MemoryReading:
        return room(8.0, 0, "cgroup") if t < 500 else room(8.0, 57, "host") if t < 900 else room(8.0, 1, "cgroup")

    assert last(script(memory=read, processes=table(), for_s=1400)).memory.oom_kills_in_run == 0


def test_a_kill_between_two_runs_is_the_earlier_ones() -> None:
    first = script(silent, memory=counted((0, 2)), for_s=600)
    second = script(
        lambda s, t: healthy(s, t, 5000), memory=counted((0, 3)), from_s=5000, for_s=600, run=header(5000.0)
    )
    seen = last([*first, *second])
    assert seen.verdict.kind is VerdictKind.VALIDATING
    assert seen.memory.oom_kills_in_run == 0
    earlier = seen.ended_runs[0].last
    assert earlier.memory.oom_kills_in_run == 1
    assert earlier.verdict.kind is VerdictKind.STOP
    assert changes(earlier)[-1][1] == "STOP"
    assert "memory.oom" in [event.kind for event in seen.ended_runs[0].events]


def test_a_new_run_forgets_the_kills_of_the_one_before() -> None:
    first = script(memory=counted((0, 0), (300, 1)), processes=table(300), for_s=600)
    second = script(lambda s, t: healthy(s, t, 700), memory=counted((0, 1)), from_s=700, for_s=600, run=header(700.0))
    snapshots = play([*first, *second])
    assert at(snapshots, 600).verdict.kind is VerdictKind.STOP
    assert snapshots[-1].verdict.kind is VerdictKind.VALIDATING
    assert snapshots[-1].ended_runs[0].last.verdict.kind is VerdictKind.STOP


# Who holds it, and how many fit


def test_owners_and_the_budget() -> None:
    seen = last(script(processes=table(), for_s=300, memory=lambda _t: room(6.0)))
    assert [(owner.name, owner.bytes) for owner in seen.memory.owners] == [
        ("ollama", 5 * GB), ("workers 3", 3 * GB), ("other", 2 * GB),
    ]  # fmt: skip
    budget = seen.memory.budget
    assert budget is not None
    assert (budget.worker_bytes, budget.worker_source) == (int(1.2 * GB), "config")
    assert budget.budget_bytes == 14 * GB
    assert budget.fits == 6
    assert budget.leaves_bytes(6) == 1_800_000_000


def test_the_owner_names_the_workers_whose_memory_it_is() -> None:
    snapshots = play(script(processes=table(200, "w2"), for_s=300))
    names = [{owner.name for owner in snapshot.memory.owners} for snapshot in snapshots]
    assert "workers 3" in names[0]
    assert "workers 2" in names[-1], "a worker that is gone holds nothing"


def test_what_was_not_measured_is_assumed_and_said_to_be() -> None:
    budget = last(script(for_s=60)).memory.budget
    assert budget is not None
    assert (budget.worker_bytes, budget.worker_source, budget.ollama_source) == (int(1.2 * GB), "config", "config")
    assert last(script(for_s=60, memory=None)).memory.budget is None


def test_a_new_process_table_without_ours_is_no_kill() -> None:
    samples = script(processes=table(), for_s=100)
    gone = [changed(sample, processes=()) for sample in script(processes=table(), from_s=110, for_s=100, run=None)]
    assert last([*samples, *gone]).memory.oom_kills_in_run == 0


def test_memory_alone_in_a_sample_is_read_too() -> None:
    seen = play([flat_sample(t=0.0, memory=room(0.3), run=header())])[-1]
    assert seen.memory.level == "crit"


# A hole between two monitors


def with_holes(
    *holes: tuple[float, float], after_s: float = 0.0, memory: Memory = lambda _t: room(), window_s: float = 60
) -> Snapshot:
    """Step one sample a second until `after_s` after the last hole; none inside the holes (begin, seconds)."""
    end_s = max(begin + long for begin, long in holes) + after_s

    def blind(t: float) -> bool:
        return any(begin < t < begin + long for begin, long in holes)

    window = configured(f"[memory]\nwindow_s = {window_s}")
    return last(script(memory=memory, for_s=end_s, blind=blind, every_s=1.0, workers=1), window)


@pytest.mark.parametrize(
    ("hole_s", "expected", "unseen_s"),
    [(3.0, "yes", 0.0), (4.0, "yes", 4.0), (60.0, "yes", 60.0), (61.0, "unknown", 0.0)],
)
def test_a_hole_of_seconds_interrupts_nothing_and_is_reported(hole_s: float, expected: str, unseen_s: float) -> None:
    # The forecast needs 300 s to learn.
    seen = with_holes((320.0, hole_s), after_s=2.0)
    assert node(seen, "memory").answer == expected
    assert seen.memory.unobserved_s == unseen_s
    assert ("of it not observed" in node(seen, "memory").evidence[0]) is (unseen_s > 0)


def test_many_holes_of_one_window_are_no_observation() -> None:
    # Together they may take a minute of a window.
    two = ((365.0, 25.0), (400.0, 25.0))
    assert node(with_holes(*two, window_s=360), "memory").answer == "yes"
    assert node(with_holes(*two, (435.0, 25.0), window_s=360), "memory").answer == "unknown"
    assert node(with_holes(*two, (790.0, 25.0), window_s=360), "memory").answer == "yes", "two are older than a window"


def test_a_hole_after_which_memory_is_low_hides_nothing() -> None:
    seen = with_holes((70.0, 9.0), after_s=2.0, memory=lambda t: room(0.9 if t >= 75 else 8.0))
    assert node(seen, "memory").answer == "no"


def test_a_hole_before_the_window_is_full_is_reported() -> None:
    seen = with_holes((30.0, 9.0), after_s=10.0)
    assert node(seen, "memory").answer == "unknown"
    assert "9s of it not observed" in node(seen, "memory").evidence[0]
