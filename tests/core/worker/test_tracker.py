"""Counters are read the way Prometheus reads them: a drop, or a new process, is a new generation, and shown."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.sample import EnvReading
from metabonk_tui.core.model.worker import Reach
from tests.support.refs import w
from tests.support.samples import (
    Answer,
    Life,
    at,
    down,
    healthy,
    kinds,
    last,
    part,
    phases,
    play,
    playing,
    script,
    with_fields,
    without,
    worker,
)


def born_at(*births: float) -> Life:
    """A worker whose counters restart at these times."""
    return lambda slot, t: healthy(slot, t, max((b for b in births if b <= t), default=0.0))


def pids(*changes: tuple[float, int]) -> Callable[[int, float], int | None]:
    """Which pid the process table shows from when on."""

    def shown(_slot: int, t: float) -> int | None:
        known = None
        for from_t, pid in changes:
            known = pid if t >= from_t else known
        return known

    return shown


def lives(life: Life, for_s: float = 400, **seen: Any) -> tuple[int, tuple[float, ...]]:
    """The generation and the resets of one worker at the end."""
    one = worker(last(script(life, workers=1, for_s=for_s, **seen)))
    assert one.generation == len(one.resets_t) + 1
    assert len(one.generations) == min(one.generation, 20)
    return one.generation, one.resets_t


def test_a_worker_that_only_grows_has_one_generation() -> None:
    assert lives(healthy) == (1, ())


def test_a_drop_of_the_step_counter_is_a_new_generation_with_an_event() -> None:
    assert lives(born_at(100, 250)) == (3, (100, 250))
    seen = last(script(born_at(100), workers=1, for_s=200))
    generation = worker(seen).generations[-1]
    assert generation.why == "step fell 90 → 0"
    assert generation.began_t == 100
    assert kinds(seen).count("worker.generation") == 1


@pytest.mark.parametrize(
    "field",
    ["dynamic_ui_exploration_actions", "intrinsic_reward_total", "system2_trigger_engaged_count", "vlm_hints_used",
     "meta_success_sequences"],
)  # fmt: skip
def test_a_drop_of_any_counter_of_a_component_is_one_too(field: str) -> None:
    life = with_fields(healthy, **{field: lambda t: 50 + t if t < 100 else 1 + t})
    assert lives(without(life, "step")) == (2, (100,))


@pytest.mark.parametrize("field", ["dynamic_ui_epsilon", "reward", "dynamic_ui_text_density", "obs_fps"])
def test_a_drop_of_anything_else_is_none(field: str) -> None:
    assert lives(with_fields(healthy, **{field: lambda t: 50 if t < 100 else 1})) == (1, ())


def test_all_counters_that_fall_at_once_are_one_reset() -> None:
    assert lives(born_at(100)) == (2, (100,))


def test_a_drop_over_a_hole_is_seen_after_it() -> None:
    assert lives(born_at(150), blind=lambda t: 100 <= t < 200) == (2, (200,))


def test_rates_are_never_negative() -> None:
    snapshots = play(script(born_at(100, 150, 250), workers=1, for_s=400, every_s=5))
    rates = [worker(s).step_rate for s in snapshots]
    assert all(rate is None or rate >= 0 for rate in rates)
    assert rates[-1] == pytest.approx(1.0)


# One life, noticed twice


@pytest.mark.parametrize("table_s", [90, 100, 110, 120], ids=lambda s: f"pid {s - 100:+d} s")
def test_a_reset_and_its_new_pid_count_once_whichever_is_seen_first(table_s: float) -> None:
    generation, resets = lives(born_at(100), pid=pids((0, 41), (table_s, 42)))
    assert generation == 2
    assert resets == (min(table_s, 100),)


def test_the_last_answer_of_the_old_process_does_not_make_the_new_one_active() -> None:
    reborn = phases((0, with_fields(healthy, intrinsic_reward_total=9.0)),
                    (100, lambda slot, t: healthy(slot, t, 100) | {"intrinsic_reward_total": 0.0}))  # fmt: skip
    seen = last(script(reborn, workers=1, for_s=150, pid=pids((0, 41), (90, 42))))
    assert worker(seen).generation == 2
    assert part(seen, "intrinsic_reward").state == "ZERO"


def test_a_new_pid_alone_is_a_new_generation() -> None:
    life = without(healthy, "step")
    assert lives(life, pid=pids((0, 41), (100, 42))) == (2, (100,))


def test_a_pid_that_is_learned_late_is_no_new_one() -> None:
    assert lives(healthy, pid=pids((100, 41))) == (1, ())


def test_a_pid_that_is_not_known_for_a_while_is_no_new_one() -> None:
    assert lives(healthy, pid=lambda _s, t: None if 100 <= t < 150 else 41) == (1, ())


def test_a_reset_within_one_process_counts_and_the_next_process_counts_again() -> None:
    assert lives(born_at(100), pid=pids((0, 41))) == (2, (100,))
    # The next process has come further, when it is first seen, than the reset counters had: only its pid tells.
    life = phases((0, born_at(100)), (200, down), (300, healthy))
    assert lives(life, pid=pids((0, 41), (300, 42))) == (3, (100, 300))


def test_two_resets_within_one_process_close_together_count_twice() -> None:
    assert lives(born_at(100, 120), pid=pids((0, 41))) == (3, (100, 120))


def test_a_first_process_that_resets_at_once_counts() -> None:
    assert lives(born_at(20), pid=pids((0, 41))) == (2, (20,))


def test_a_pid_used_again_by_another_process_is_another_life() -> None:
    frozen = without(healthy, "step", "dynamic_ui_exploration_actions")
    same = pids((0, 41))
    assert lives(frozen, pid=same, started=lambda _s, t: 5.0 if t < 100 else 105.0) == (2, (100,))
    assert lives(frozen, pid=same, started=lambda _s, t: 5.0 if t < 100 else 5.4) == (1, ())


def test_a_worker_that_dies_every_few_seconds_counts_every_life_and_stays_small() -> None:
    births = [n * 20.0 for n in range(1, 100)]
    one = worker(last(script(born_at(*births), workers=1, for_s=1990, pid=lambda _s, t: 41 + int(t // 20))))
    assert one.generation == 100 == len(one.resets_t) + 1
    assert len(one.generations) == 20
    assert [g.number for g in one.generations] == list(range(81, 101))


# What a generation takes with it, and what stays


def test_another_process_has_another_environment() -> None:
    environment = EnvReading({"METABONK_INTRINSIC_REWARD": "1"})
    samples = script(born_at(100), workers=1, for_s=200, pid=pids((0, 41), (100, 42)), env=lambda _s, t: environment)
    snapshots = play(samples)
    assert worker(at(snapshots, 90)).env is not None
    assert worker(at(snapshots, 110)).env is None


@pytest.mark.parametrize(("started_at", "same"), [(105.0, False), (7.1, False), (6.9, True), (3.1, True)])
def test_so_has_one_with_the_same_pid(started_at: float, same: bool) -> None:
    environment = EnvReading({"METABONK_INTRINSIC_REWARD": "1"})
    samples = script(
        healthy,
        workers=1,
        for_s=200,
        pid=pids((0, 41)),
        started=lambda _s, t: 5.0 if t < 100 else started_at,
        env=lambda _s, _t: environment,
    )
    assert (worker(last(samples)).env is not None) is same


def test_an_environment_is_kept_when_the_pid_is_learned_after_it() -> None:
    environment = EnvReading({"METABONK_INTRINSIC_REWARD": "1"})
    samples = script(workers=1, for_s=100, pid=pids((50, 41)), env=lambda _s, t: environment)
    assert worker(last(samples)).env is not None


def test_an_environment_that_comes_before_the_first_answer_of_its_process_is_kept() -> None:
    def table(t: float) -> tuple[ProcessReading, ...]:
        return (ProcessReading("worker", 1, w(0), *((41, 0.0) if t < 100 else (42, 99.0))),)

    samples = script(
        phases((0, healthy), (100, lambda _slot, _t: None), (110, lambda slot, t: healthy(slot, t, 99))),
        workers=1,
        for_s=200,
        pid=pids((0, 41), (100, 42)),
        processes=table,
        env=lambda _s, t: EnvReading({"METABONK_INTRINSIC_REWARD": "0" if t < 100 else "1"}),
    )
    seen = worker(last(samples))
    assert seen.generation == 2
    assert seen.env is not None


def test_gameplay_is_begun_again_but_was_reached() -> None:
    life = phases((0, playing), (100, lambda slot, t: healthy(slot, t, 100)))
    seen = worker(last(script(life, workers=1, for_s=200)))
    assert not seen.gameplay.corroborated
    assert seen.gameplay.reached_t == 0.0


# The step rate against its own past


def steps(*rates: tuple[float, float]) -> Life:
    """Steps at so many a second, from when on."""

    def lived(slot: int, t: float) -> Answer:
        total, edges = 0.0, [*rates, (float("inf"), 0.0)]
        for (from_t, rate), (to_t, _) in pairwise(edges):
            total += max(0.0, min(t, to_t) - from_t) * rate
        return healthy(slot, t) | {"step": total}

    return lived


def test_a_rate_that_jumps_is_an_event_once_and_a_ratio_while_it_lasts() -> None:
    snapshots = play(script(steps((0, 0.1), (900, 5.0)), workers=1, for_s=1500))
    assert worker(at(snapshots, 900)).step_rate_ratio is None
    assert worker(snapshots[-1]).step_rate_ratio == pytest.approx(50.0)
    jumped = [event for event in snapshots[-1].events if event.kind in ("worker.rate", "worker.conduct")]
    assert [event.kind for event in jumped[:2]] == ["worker.rate", "worker.rate"], "at the jump, and when it doubles"
    assert jumped[0].t < jumped[1].t, "that it races then is not told once more"
    assert len(jumped) <= 3


def test_a_rate_that_jumps_less_than_tenfold_is_not_remarkable() -> None:
    seen = last(script(steps((0, 0.1), (900, 0.9)), workers=1, for_s=1500))
    assert worker(seen).step_rate_ratio is None
    assert "worker.rate" not in kinds(seen)


def test_a_young_worker_has_no_past_to_jump_from() -> None:
    seen = last(script(steps((0, 0.1), (60, 5.0)), workers=1, for_s=110))
    assert worker(seen).step_rate_ratio is None


# Reach


@pytest.mark.parametrize(
    ("error", "after_s", "reach"),
    [("refused", 10, Reach.DOWN), ("reset", 10, Reach.DOWN), ("dns", 10, Reach.DOWN), ("timeout", 20, Reach.UP),
     ("timeout", 50, Reach.STALE), ("http 500", 10, Reach.BROKEN), ("not json", 10, Reach.BROKEN),
     ("too large", 10, Reach.BROKEN), (None, 20, Reach.UP), (None, 50, Reach.UNOBSERVED)],
)  # fmt: skip
def test_failures_are_distinguished(error: str | None, after_s: float, reach: Reach) -> None:
    life = phases((0, healthy), (100, lambda _s, _t: error))
    assert worker(last(script(life, workers=2, for_s=90 + after_s))).reach is reach
