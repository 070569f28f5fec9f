"""Swap and GPUs: what makes swap thrash and what only looks like it; each GPU forecast like the machine, by itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.memory import trends
from metabonk_tui.core.memory.forecast import ForecastLine, ForecastTrack
from metabonk_tui.core.memory.trends import (
    STALLED_HARD_PERCENT,
    STALLED_PERCENT,
    SWAP_CALM_S,
    SWAP_SHARE,
    MemoryTrends,
)
from metabonk_tui.core.model.host import GpuReading, MemoryReading
from metabonk_tui.core.model.memory import SwapView
from metabonk_tui.core.model.sample import Event, Sample
from tests.support.samples import CONFIG, GB, changed, configured, flat_sample, room

MB = GB // 1000
TOTAL = 16 * GB
PACE = SWAP_SHARE * TOTAL / MB
"""MB/min above which swap grows."""
MIN = 60.0


def swapping(used: float | None, some: float | None = 0.0, full: float | None = 0.0, **over: Any) -> MemoryReading:
    """Memory with this many MB of swap in use."""
    return replace(
        room(),
        swap_used_bytes=None if used is None else int(used * MB),
        pressure_some_avg10=some,
        pressure_full_avg10=full,
        **{"swap_total_bytes": 4 * GB, "total_bytes": TOTAL} | over,
    )


def follow(
    samples: list[Sample], config: Any = CONFIG, **how: Any
) -> tuple[MemoryTrends, list[tuple[str, str, str, Any]]]:
    """Take in all of them, and collect what was emitted: kind, severity, text and facts."""
    seen, emitted = MemoryTrends(), []
    for sample in samples:
        seen = trends.observe(seen, sample, sample.only_host, None, config, **{"suspended": False} | how)
        emitted += [(draft.kind, draft.severity, draft.text, draft.facts) for draft in seen.drafts]
    return seen, emitted


def swapped(
    pace: float, some: float | None, full: float | None = 0.0, for_s: float = 180.0, **over: Any
) -> SwapView | None:
    """What is said of swap that grew at so many MB/min."""
    samples = [
        flat_sample(t, memory=swapping(100 + pace * t / MIN, some, full, **over)) for t in range(0, int(for_s) + 1, 10)
    ]
    return follow(samples)[0].swap.view


FAST, HARD = PACE * 1.5, STALLED_HARD_PERCENT


@pytest.mark.parametrize(
    ("observed", "level", "expected"),
    [
        (partial(swapped, FAST, STALLED_PERCENT), "warn", "swap thrashing: +120 MB/min, PSI 10"),
        (partial(swapped, FAST, STALLED_PERCENT - 0.1), "ok", ""),
        (partial(swapped, PACE * 1.02, STALLED_PERCENT), "warn", "swap thrashing"),
        (partial(swapped, PACE * 0.98, STALLED_PERCENT), "ok", ""),
        (partial(swapped, 0.0, 90.0), "ok", ""),
        (partial(swapped, -FAST, 90.0), "ok", ""),
        (partial(swapped, FAST, HARD), "crit", "PSI 40"),
        (partial(swapped, FAST, HARD - 0.1), "warn", "swap thrashing"),
        (partial(swapped, FAST, STALLED_PERCENT, STALLED_PERCENT), "crit", "swap thrashing"),
        (partial(swapped, FAST, STALLED_PERCENT, STALLED_PERCENT - 0.1), "warn", "swap thrashing"),
        (partial(swapped, FAST, STALLED_PERCENT, None), "warn", "swap thrashing"),
        (partial(swapped, 0.0, 90.0, 90.0), "ok", ""),
        (partial(swapped, FAST, None), "unknown", ""),
        (partial(swapped, FAST, 90.0, for_s=50.0), "unknown", ""),
        (partial(swapped, FAST, 90.0, total_bytes=None), "unknown", ""),
        (partial(swapped, FAST, 90.0, total_bytes=4 * TOTAL), "ok", ""),
        (partial(swapped, 0.0, 90.0, swap_total_bytes=0), "ok", "no swap"),
    ],
)
def test_swap_thrashes_only_when_it_grows_while_tasks_stall(
    observed: Callable[[], SwapView | None], level: str, expected: str
) -> None:
    seen = observed()
    assert seen is not None
    assert seen.level == level
    assert seen.text == expected if expected in ("", "no swap") else expected in seen.text


def test_swap_that_was_not_observed_is_not_judged() -> None:
    assert follow([flat_sample(0.0, memory=swapping(None, 90.0))])[0].swap.view is None
    assert follow([Sample(0.0)])[0].swap.view is None


def test_thrashing_is_reported_once_and_rests_before_it_is_over() -> None:
    calm_t = 300.0
    samples = [
        flat_sample(float(t), memory=swapping(100 + FAST * min(t, calm_t) / MIN, 20.0 if t <= calm_t else 0.0))
        for t in range(0, 900, 10)
    ]
    emitted = follow(samples)[1]
    assert [(kind, level) for kind, level, *_ in emitted] == [("memory.swap", "warn"), ("memory.swap", "ok")]
    assert emitted[1][2] == "swap is quiet again"
    resting = follow([sample for sample in samples if sample.t < calm_t + SWAP_CALM_S])
    assert len(resting[1]) == 1
    assert resting[0].swap.view is not None
    assert resting[0].swap.view.level == "warn"


# GPUs


def gpu(index: int, free: float, total: float = 8.0) -> GpuReading:
    """A GPU with so many GB free."""
    return GpuReading(index, int((total - max(0.0, free)) * GB), int(total * GB))


def falling(ends_s: float, from_gb: float = 4.0) -> Any:
    """Free GB of a GPU that ends then, in a line."""
    return lambda t: from_gb * (1 - t / ends_s)


def steady(_t: float) -> float:
    return 4.0


def loads(t: float) -> float:
    """A model that is loaded and let go again, every four minutes."""
    return 4.0 - (1.2 if t % 240 < 120 else 0.0)


def cards(*free: Any, for_s: float, events: dict[float, tuple[Event, ...]] | None = None) -> list[Sample]:
    return [
        flat_sample(
            float(t), gpus=tuple(gpu(i, one(t)) for i, one in enumerate(free)), events=(events or {}).get(float(t), ())
        )
        for t in range(0, int(for_s) + 1, 10)
    ]


def state(seen: MemoryTrends, index: int = 0) -> str:
    return seen.gpus[index].state


@pytest.mark.parametrize(
    ("free", "for_s", "expected"),
    [
        (falling(60 * MIN), 4 * MIN, "LEARNING"),
        (falling(60 * MIN), 15 * MIN, "FALLING"),
        (falling(60 * MIN), 47 * MIN, "WARNING"),
        (falling(60 * MIN), 57 * MIN, "CRITICAL"),
        (steady, 47 * MIN, "STEADY"),
        (loads, 57 * MIN, "STEADY"),
    ],
)
def test_a_gpu_is_forecast_like_the_machine(free: Any, for_s: float, expected: str) -> None:
    assert state(follow(cards(free, for_s=for_s))[0]) == expected


@pytest.mark.parametrize(
    ("toml", "at_s", "expected"),
    [
        ("forecast_warn_s = 1200", 47 * MIN, "WARNING"),
        ("forecast_warn_s = 600", 47 * MIN, "FALLING"),
        ("forecast_warn_s = 1800", 35 * MIN, "WARNING"),
        ("forecast_warn_s = 1200", 35 * MIN, "FALLING"),
        ("forecast_critical_s = 900", 50 * MIN, "CRITICAL"),
        ("forecast_critical_s = 300", 50 * MIN, "WARNING"),
    ],
)
def test_the_thresholds_are_the_configurations(toml: str, at_s: float, expected: str) -> None:
    config = configured(f"[memory]\n{toml}")
    assert state(follow(cards(falling(60 * MIN), for_s=at_s), config)[0]) == expected
    memory = [
        changed(sample, gpus=None, memory=replace(room(falling(60 * MIN, 8.0)(sample.t)), total_bytes=TOTAL))
        for sample in cards(steady, for_s=at_s)
    ]
    assert follow(memory, config)[0].memory.state == expected


def test_only_the_gpu_that_ends_is_reported_and_by_its_number() -> None:
    seen, emitted = follow(cards(steady, falling(60 * MIN), for_s=57 * MIN))
    assert (state(seen, 0), state(seen, 1)) == ("STEADY", "CRITICAL")
    assert [(kind, level) for kind, level, *_ in emitted] == [("memory.forecast", "warn"), ("memory.forecast", "crit")]
    assert all(text.startswith("GPU 1: OOM ") for _, _, text, *_ in emitted)


def test_what_we_change_ourselves_is_learned_anew_and_says_so() -> None:
    stop = {50 * MIN: (Event(50 * MIN, "pool.stop", "info", "stopped"),)}
    failed = {50 * MIN: (Event(50 * MIN, "pool.stop", "crit", "stop failed"),)}
    seen, emitted = follow(cards(falling(60 * MIN), for_s=51 * MIN, events=stop))
    assert state(seen) == "LEARNING"
    assert emitted[-1][:3] == ("memory.forecast", "ok", "GPU 0: learning anew")
    assert state(follow(cards(falling(60 * MIN), for_s=51 * MIN, events=failed))[0]) == "WARNING"


def test_a_kill_frees_the_machines_memory_and_not_the_gpus() -> None:
    ends = falling(60 * MIN)
    samples = [changed(sample, memory=room(2 * ends(sample.t))) for sample in cards(ends, for_s=50 * MIN)]
    before = follow(samples)[0]
    assert (before.memory.state, state(before)) == ("WARNING", "WARNING")
    later = replace(samples[-1], t=50 * MIN + 5)
    after = trends.observe(before, later, later.only_host, None, CONFIG, suspended=False, killed=True)
    assert (after.memory.state, state(after)) == ("LEARNING", "WARNING")


def test_in_start_up_nothing_is_forecast() -> None:
    seen, emitted = follow(cards(falling(60 * MIN), for_s=50 * MIN), suspended=True)
    assert (state(seen), emitted) == ("SUSPENDED", [])


def test_no_gpu_is_not_the_same_as_nobody_looked() -> None:
    assert trends.gpu_views(follow([Sample(0.0)])[0], 0.0) is None
    assert trends.gpu_views(follow([flat_sample(0.0, gpus=())])[0], 0.0) == ()
    (view,) = trends.gpu_views(follow(cards(steady, for_s=0))[0], 0.0) or ()
    assert (view.index, view.used_bytes, view.forecast.state) == (0, 4 * GB, "LEARNING")


def test_below_the_floor_of_a_gpu_there_is_no_time_to_it() -> None:
    """Five in a hundred of it must stay free."""
    above = trends.gpu_views(follow(cards(falling(60 * MIN), for_s=50 * MIN))[0], 50 * MIN)
    below = trends.gpu_views(follow(cards(falling(60 * MIN), for_s=56 * MIN))[0], 56 * MIN)
    assert above is not None
    assert below is not None
    assert above[0].forecast.reaches_floor_t == pytest.approx(54 * MIN, abs=30)
    assert below[0].forecast.reaches_floor_t is None
    assert below[0].forecast.reaches_zero_t == pytest.approx(60 * MIN, abs=30)


@pytest.mark.parametrize(
    ("zero_lo_s", "zero_hi_s", "is_drawn"),
    [(3000.0, 5000.0, True), (1000.0, 8900.0, True), (1000.0, 9100.0, False), (None, None, True)],
    ids=["narrow", "as wide as its lead", "wider than its lead", "no band"],
)
def test_a_forecast_whose_doubt_exceeds_its_lead_is_not_drawn(
    zero_lo_s: float | None, zero_hi_s: float | None, is_drawn: bool
) -> None:
    line = ForecastLine(-1e6, falls=True, zero_s=4000.0, zero_lo_s=zero_lo_s, zero_hi_s=zero_hi_s, floor_s=3000.0)
    seen = trends.view(ForecastTrack(state="FALLING", line=line, evaluated_t=100.0), 100.0)
    assert (seen.reaches_zero_t, seen.reaches_floor_t) == ((4100.0, 3100.0) if is_drawn else (None, None))
    assert ("too slowly to say when it ends" in seen.text) is not is_drawn
