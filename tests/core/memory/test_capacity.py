"""How many workers fit: the sum, whose number each peak is, and what must always hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.memory.capacity import (
    NO_PEAKS,
    Contradiction,
    MeasuredPeaks,
    SharedMemory,
    arithmetic,
    compute_capacity,
    contradiction,
    counts,
    held_bytes,
    judge_fit,
    judge_observed,
    most_observed,
    needs,
    ollama_peak,
    peaks_to_keep,
    what_if,
    worker_peak,
)
from metabonk_tui.core.model.host import ProcessReading, RunPeaks
from metabonk_tui.core.model.memory import Budget, Forecast
from tests.support.rare_snapshots import ALL
from tests.support.refs import w
from tests.support.samples import CONFIG, GB, changed, configured, flat_sample, header, last, play, room, script

STARTED = CONFIG.clock.startup_grace_s
MATURE = STARTED + CONFIG.clock.validation_s


def budget(
    available: float | None = 6.5,
    held: float = 0.0,
    measured: MeasuredPeaks = NO_PEAKS,
    earlier: tuple[RunPeaks, ...] = (),
    config: Any = CONFIG,
) -> Budget | None:
    return compute_capacity(
        None if available is None else int(available * GB), int(held * GB), measured, earlier, config
    )


def lived(seconds: float, worker: float | None = 1.0, ollama: float | None = None) -> MeasuredPeaks:
    return MeasuredPeaks(_bytes(worker), _bytes(ollama), seconds, 0.0)


def before(worker: float | None, ollama: float | None = None, t: float = 5.0) -> RunPeaks:
    return RunPeaks(t, _bytes(worker), _bytes(ollama))


def _bytes(size_gb: float | None) -> int | None:
    return None if size_gb is None else int(size_gb * GB)


# The sum


def test_by_the_seeds_own_numbers_three_workers_do_not_fit() -> None:
    seed = budget(6.5)
    assert seed is not None
    assert seed.needs_bytes(3) == int(8.5 * GB)
    assert seed.leaves_bytes(3) == -2 * GB
    assert [row.verdict for row in what_if(seed, range(1, 6))] == ["below floor"] + 4 * ["does not fit"]
    assert seed.fits == 0
    assert needs(seed, 3, brief=True) == "3 x 1.20 assumed + Ollama 4.90 assumed"
    assert needs(replace(seed, ollama_bytes=0), 3) == "3 x 1.20 (assumed)", "what is not there is not in the sum"
    assert arithmetic(seed, 3) == ("3 x 1.20 (assumed) + Ollama 4.90 (assumed) + floor 1.00 = 9.50 GB of 6.50 GB")


@pytest.mark.parametrize(
    ("available", "held", "fits"),
    [
        (9.5, 0.0, 3),
        (9.499, 0.0, 2),  # a megabyte less
        (6.0, 3.5, 3),  # what the pool holds is its own again
        (7.1, 0.0, 1),
        (7.099, 0.0, 0),  # the floor counts
        (5.0, 0.0, 0),  # not even Ollama: never less than none
    ],
)
def test_the_line_that_each_term_draws(available: float, held: float, fits: int) -> None:
    known = budget(available, held)
    assert known is not None
    assert known.fits == fits


@pytest.mark.parametrize(
    ("toml", "fits"),
    [("", 3), ("floor_gb = 1.1", 2), ("worker_gb = 1.21", 2), ("ollama_gb = 5.0", 2), ("ollama_gb = 0", 7)],
)
def test_every_term_is_a_line_of_the_configuration(toml: str, fits: int) -> None:
    known = budget(9.5, config=configured(f"[memory]\n{toml}"))
    assert known is not None
    assert known.fits == fits


def test_what_is_not_known_does_not_fit() -> None:
    assert budget(None, 100.0) is None


def test_a_table_ends_one_after_the_last_that_matters() -> None:
    assert counts([3], 0) == (1, 2, 3, 4)
    assert counts([3], 5) == (1, 2, 3, 4, 5, 6)
    assert counts([], 0) == (1,)
    assert counts([3, 5], 421, 8) == (1, 2, 3, 4, 5, 6, 421, 422)


# Whose number


@pytest.mark.parametrize(
    ("measured", "earlier", "expected"),
    [
        (MeasuredPeaks(), (), (1.2, "config")),
        (lived(STARTED - 1, 0.3), (), (1.2, "config")),  # starting: the models are not loaded
        (lived(STARTED - 1, 1.5), (), (1.5, "start-up")),  # starting, and already more than assumed
        (lived(STARTED, 0.3), (), (1.2, "config")),  # minutes into a run a measurement is not yet a peak
        (lived(STARTED, 1.5), (), (1.5, "this run")),
        (lived(MATURE, 0.3), (), (0.3, "this run")),
        (MeasuredPeaks(), (before(0.9),), (0.9, "earlier run")),  # measured beats assumed, also when it is less
        (lived(STARTED - 1, 0.3), (before(0.9),), (0.9, "earlier run")),
        (lived(STARTED - 1, 1.0), (before(0.9),), (1.0, "start-up")),
        (lived(MATURE - 1, 0.8), (before(0.9),), (0.9, "earlier run")),  # not long enough to contradict
        (lived(MATURE - 1, 1.0), (before(0.9),), (1.0, "this run")),
        (lived(MATURE, 0.8), (before(0.9),), (0.8, "this run")),
        (MeasuredPeaks(), (before(0.9, t=1.0), before(1.1, t=2.0), before(None)), (1.1, "earlier run")),
        (lived(MATURE, None), (), (1.2, "config")),
    ],
)
def test_the_best_source_counts(
    measured: MeasuredPeaks, earlier: tuple[RunPeaks, ...], expected: tuple[float, str]
) -> None:
    peak = worker_peak(measured, earlier, CONFIG)
    assert (peak.bytes, peak.source) == (int(expected[0] * GB), expected[1])
    assert (peak.t is not None) == (peak.source == "earlier run")


@pytest.mark.parametrize(
    ("measured", "earlier", "expected"),
    [
        (MeasuredPeaks(), (), (4.9, "config")),  # not running, and needed
        (lived(MATURE, 1.0, 0.05), (), (4.9, "config")),  # a silent System2 never loads the model
        (lived(MATURE, 1.0, 3.0), (), (3.0, "this run")),
        (lived(STARTED - 1, 1.0, 3.0), (), (4.9, "config")),
        (lived(STARTED - 1, 1.0, 5.5), (), (5.5, "start-up")),
        (MeasuredPeaks(), (before(None, 2.0),), (2.0, "earlier run")),
        (lived(MATURE, 1.0, 1.5), (before(None, 2.0),), (1.5, "this run")),
    ],
)
def test_an_ollama_without_its_model_says_nothing(
    measured: MeasuredPeaks, earlier: tuple[RunPeaks, ...], expected: tuple[float, str]
) -> None:
    peak = ollama_peak(measured, earlier, CONFIG)
    assert (peak.bytes, peak.source) == (int(expected[0] * GB), expected[1])


def test_without_an_ollama_in_the_plan_one_that_runs_counts_all_the_same() -> None:
    peak = ollama_peak(lived(STARTED, 1.0, 0.2), (), configured("[memory]\nollama_gb = 0"))
    assert (peak.bytes, peak.source) == (int(0.2 * GB), "this run")


def test_a_life_begins_with_the_process_or_with_its_first_sight() -> None:
    known = (ProcessReading("worker", GB, w(0), 41, started_at=-100.0, tree_bytes=2 * GB),)
    assert MeasuredPeaks().observe(known, 20.0) == MeasuredPeaks(2 * GB, None, 120.0, 20.0)
    unknown = (ProcessReading("worker", GB, w(0)), ProcessReading("ollama", GB), ProcessReading("ollama", GB))
    seen = MeasuredPeaks().observe(unknown, 20.0).observe(unknown, 50.0)
    assert seen == MeasuredPeaks(GB, 2 * GB, 30.0, 20.0)


def test_a_peak_outlives_its_worker_and_nothing_held_is_nothing_measured() -> None:
    once = MeasuredPeaks().observe((ProcessReading("worker", GB, w(0)),), 0.0)
    assert once.observe((), 10.0).worker_bytes == GB
    assert MeasuredPeaks().observe((ProcessReading("worker", 0, w(0)),), 0.0).worker_bytes is None


@pytest.mark.parametrize(
    ("measured", "earlier", "kept"),
    [
        (lived(STARTED - 1, 2.0), (), None),
        # A few minutes below what is expected prove nothing; above it they do.
        (lived(STARTED, 1.0), (), None),
        (lived(MATURE - 1, 1.0, 0.1), (), None),
        (lived(STARTED, 1.3), (), RunPeaks(9.0, int(1.3 * GB))),
        (lived(STARTED, 1.3), (before(1.4),), None),
        (lived(MATURE, 1.0), (), RunPeaks(9.0, GB)),
        (lived(MATURE, 1.0), (before(1.4),), RunPeaks(9.0, GB)),
        # Ollama without its model is no lesson, however long it ran.
        (lived(MATURE, 1.0, 0.1), (), RunPeaks(9.0, GB)),
        (lived(MATURE, 1.0, 4.0), (), RunPeaks(9.0, GB, 4 * GB)),
        (lived(STARTED, 1.0, 5.0), (), RunPeaks(9.0, None, 5 * GB)),
    ],
)
def test_only_a_peak_that_its_own_run_trusts_is_a_lesson(
    measured: MeasuredPeaks, earlier: tuple[RunPeaks, ...], kept: RunPeaks | None
) -> None:
    assert peaks_to_keep(measured, earlier, 9.0, CONFIG) == kept


# Memory that several hold


def sharing(
    anon: float, shmem: float = 0.0, common: float = 0.0, slot: int = 0, role: Any = "worker"
) -> ProcessReading:
    """A process whose resident bytes count everything: 9 GB."""
    sizes = [int(size * GB) for size in (anon, shmem, common)]
    worker = w(slot) if role == "worker" else None
    return ProcessReading(role, 9 * GB, worker, None, 0.0, 9 * GB, "", None, *sizes)


@pytest.mark.parametrize(
    ("process", "held"),
    [
        (sharing(0.2), 0.2),  # file pages are available already
        (sharing(0.2, 0.3, 0.3), 0.5),
        (ProcessReading("worker", GB, w(0), tree_bytes=2 * GB), 2.0),  # an old recording has only resident bytes
        (ProcessReading("worker", GB, w(0)), 1.0),
    ],
)
def test_held_counts_each_page_once(process: ProcessReading, held: float) -> None:
    assert held_bytes(process) == int(held * GB)


def test_a_buffer_that_all_workers_map_is_needed_once() -> None:
    four = [sharing(0.1, 0.2, 0.2, slot) for slot in range(4)]
    measured = NO_PEAKS.observe(four, MATURE)
    known = budget(5.0, sum(held_bytes(process) for process in four) / GB, measured)
    assert known is not None
    assert (known.worker_bytes, known.shared_bytes) == (int(0.1 * GB), int(0.8 * GB))
    assert known.budget_bytes == pytest.approx(6.2 * GB)
    assert known.needs_bytes(10) == 10 * int(0.1 * GB) + int(0.8 * GB) + int(4.9 * GB)
    assert known.needs_bytes(0) == int(4.9 * GB)
    assert judge_fit(known, known.fits) != judge_fit(known, known.fits + 1)
    assert needs(known, 4) == "4 x 0.10 (measured) + shared 0.80 + Ollama 4.90 (assumed)"


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        # The first worker alone seems to own the buffer; with the second it is known to be common.
        ([[sharing(0.1, 0.8)], [sharing(0.1, 0.4, 0.4), sharing(0.1, 0.4, 0.4, 1)]], (0.1, 0.8)),
        ([[sharing(0.1, 0.8)]], (0.9, 0.0)),  # one worker: nothing says that another would share it
        ([[sharing(0.1, 0.5, 0.4), sharing(0.1, 0.5, 0.4, 1)]], (0.2, 0.8)),  # a part is each worker's own
        # Fewer workers prove less.
        ([[sharing(0.1, 0.4, 0.4), sharing(0.1, 0.4, 0.4, 1)], [sharing(0.1, 0.8)]], (0.1, 0.8)),
        # The launcher maps it as well.
        ([[sharing(0.1, 0.4, 0.4), sharing(0.1, 0.4, 0.4, role="launcher")]], (0.1, 0.8)),
        ([[ProcessReading("worker", GB, w(0))]], (1.0, 0.0)),
    ],
)
def test_what_one_more_worker_takes(readings: list[list[ProcessReading]], expected: tuple[float, float]) -> None:
    measured = NO_PEAKS
    for processes in readings:
        measured = measured.observe(processes, MATURE)
    assert measured.one_worker_bytes == pytest.approx(expected[0] * GB)
    assert measured.shared.common_bytes == pytest.approx(expected[1] * GB)


def test_a_model_that_ollama_maps_from_a_file_is_needed_whole_and_held_once() -> None:
    ollama = sharing(0.3, role="ollama")
    known = budget(20.0, held_bytes(ollama) / GB, NO_PEAKS.observe([sharing(0.1), ollama], MATURE))
    assert known is not None
    assert (known.ollama_bytes, known.held_bytes) == (9 * GB, int(0.3 * GB))


def test_the_pool_never_holds_more_than_the_machine_uses() -> None:
    known = compute_capacity(6 * GB, 9 * GB, NO_PEAKS, (), CONFIG, total_bytes=10 * GB)
    assert known is not None
    assert (known.budget_bytes, known.held_bytes, known.available_bytes) == (10 * GB, 4 * GB, 6 * GB)


@pytest.mark.parametrize(
    ("lived_s", "common", "expected"),
    [(0.0, 0, 0.8), (STARTED - 1, 1, 1.0), (MATURE, 1, 1.0), (MATURE, 0, 0.0)],
)
def test_shared_memory_of_an_earlier_run_counts_until_this_run_is_measured(
    lived_s: float, common: int, expected: float
) -> None:
    earlier = (RunPeaks(5.0, int(0.5 * GB), None, int(0.8 * GB)),)
    measured = replace(lived(lived_s, 0.4 if lived_s else None), shared=SharedMemory(2, 0, common * GB))
    known = budget(9.0, 0.0, measured, earlier)
    assert known is not None
    assert known.shared_bytes == int(expected * GB)


def test_shared_memory_is_a_lesson_for_later_runs() -> None:
    measured = replace(lived(MATURE), shared=SharedMemory(2, GB, 2 * GB))
    assert peaks_to_keep(measured, (), 9.0, CONFIG) == RunPeaks(9.0, 2 * GB, None, 2 * GB)


# In a run


def table(worker: float = 1.0) -> Any:
    processes = tuple(ProcessReading("worker", int(worker * GB), worker=w(slot)) for slot in range(3))
    return lambda _t: processes


def test_earlier_peaks_come_with_a_sample_and_outlive_a_run() -> None:
    with_peaks = changed(script(for_s=0)[0], earlier_peaks=(before(2.0),))
    first = [with_peaks, *script(for_s=20, from_s=10, run=None)]
    second = script(for_s=20, from_s=100, run=header(100.0, name="another"))
    seen = play([*first, *second])[-1]
    assert len(seen.ended_runs) == 1
    assert seen.memory.budget is not None
    assert (seen.memory.budget.worker_bytes, seen.memory.budget.worker_source) == (2 * GB, "earlier run")
    assert seen.memory.budget.worker_peak_t == 5.0


def test_a_run_past_its_start_up_is_measured_and_has_a_lesson() -> None:
    early = last(script(for_s=STARTED - 10, processes=table(), memory=lambda _t: room(6.0)))
    late = last(script(for_s=STARTED + 10, processes=table(), memory=lambda _t: room(6.0)))
    large = last(script(for_s=STARTED + 10, processes=table(1.5), memory=lambda _t: room(6.0)))
    assert early.memory.budget is not None
    assert late.memory.budget is not None
    assert large.memory.budget is not None
    assert (early.memory.budget.worker_source, early.memory.peaks_to_keep) == ("config", None)
    assert (late.memory.budget.worker_source, late.memory.budget.held_bytes) == ("config", 3 * GB)
    assert late.memory.peaks_to_keep is None
    assert large.memory.budget.worker_source == "this run"
    assert large.memory.peaks_to_keep is not None
    assert large.memory.peaks_to_keep.worker_bytes == int(1.5 * GB)


def test_processes_that_were_not_looked_at_hold_nothing_that_could_be_counted_on() -> None:
    seen = play([flat_sample(t=0.0, memory=room(3.0), run=header())])[-1]
    assert seen.memory.budget is not None
    assert seen.memory.budget.budget_bytes == 3 * GB


# What must always hold

sizes = st.integers(0, 64 * GB)
peaks = st.one_of(st.none(), st.integers(0, 8 * GB))
lives = st.builds(MeasuredPeaks, peaks, peaks, st.floats(0, 1e5), st.just(0.0))
earliers = st.lists(st.builds(RunPeaks, st.just(1.0), peaks, peaks), max_size=3).map(tuple)


@given(sizes, sizes, lives, earliers)
def test_fits_is_the_largest_number_that_leaves_the_floor(
    available: int, held: int, measured: MeasuredPeaks, earlier: tuple[RunPeaks, ...]
) -> None:
    known = compute_capacity(available, held, measured, earlier, CONFIG)
    assert known is not None
    assert known.fits >= 0
    assert known.fits == 0 or judge_fit(known, known.fits) == "fits"
    assert judge_fit(known, known.fits + 1) != "fits"


@given(sizes, sizes, sizes, lives, earliers)
def test_more_available_never_fits_fewer(
    available: int, more: int, held: int, measured: MeasuredPeaks, earlier: tuple[RunPeaks, ...]
) -> None:
    less = compute_capacity(available, held, measured, earlier, CONFIG)
    plenty = compute_capacity(available + more, held, measured, earlier, CONFIG)
    assert less is not None
    assert plenty is not None
    assert plenty.fits >= less.fits


@given(sizes, lives, earliers)
def test_starting_workers_never_make_more_fit(
    available: int, measured: MeasuredPeaks, earlier: tuple[RunPeaks, ...]
) -> None:
    young = replace(measured, lived_s=min(measured.lived_s, STARTED - 1))
    with_them = compute_capacity(available, 0, young, earlier, CONFIG)
    without = compute_capacity(available, 0, MeasuredPeaks(), earlier, CONFIG)
    assert with_them is not None
    assert without is not None
    assert with_them.fits <= without.fits


@given(st.lists(st.integers(1, 1000), max_size=3), st.integers(0, 10**6), st.integers(4, 40))
def test_a_table_is_bounded_and_has_what_was_asked_for(asked: list[int], fits: int, rows: int) -> None:
    chosen = counts(asked, fits, rows)
    assert len(chosen) <= rows
    assert list(chosen) == sorted(set(chosen))
    assert set(asked) <= set(chosen)
    assert min(chosen) > 0


# What was observed against the peaks


@pytest.mark.parametrize(
    ("state", "zero_in_s", "plus_minus_s", "kills", "expected"),
    [
        ("STEADY", None, None, 0, ""),
        ("LEARNING", None, None, 0, ""),
        ("SUSPENDED", None, None, 0, ""),
        ("FALLING", 1200.0, 300.0, 0, "runs out"),
        ("WARNING", 1200.0, 300.0, 0, "runs out"),
        ("CRITICAL", 300.0, 60.0, 0, "runs out"),
        # The header does not name these: too far away, and as uncertain as it is far.
        ("FALLING", 5 * 3600.0, 300.0, 0, ""),
        ("FALLING", 1200.0, 1300.0, 0, ""),
        ("STEADY", None, None, 1, "OOM kill"),
        ("WARNING", 1200.0, 300.0, 1, "OOM kill"),
    ],
)
def test_a_fall_that_the_header_names_contradicts_a_fit(
    state: Any, zero_in_s: float | None, plus_minus_s: float | None, kills: int, expected: str
) -> None:
    seen = ALL["healthy"]()
    zero_t = None if zero_in_s is None else seen.t + zero_in_s
    forecast = Forecast(zero_t, plus_minus_s, -1e6, "OOM in ~20m", state=state)
    memory = replace(seen.memory, forecast=forecast, oom_kills_in_run=kills)
    assert contradiction(memory, seen.t) == expected
    assert contradiction(replace(memory, forecast=None, oom_kills_in_run=0), seen.t) == ""


FITS_5 = Budget(GB, "this run", 0, "config", GB, int(6.5 * GB), 5)


@pytest.mark.parametrize(
    ("against", "tried", "expected"),
    [
        ("", 5, ["fits", "fits", "below floor", "does not fit"]),
        ("runs out", 5, ["fits so far", "runs out", "below floor", "does not fit"]),
        ("runs out", 4, ["runs out", "runs out", "below floor", "does not fit"]),
        # Nothing of the pool runs: something else takes the memory, and no number is known to fit for long.
        ("runs out", 0, ["fits so far", "fits so far", "below floor", "does not fit"]),
        # With more workers than fit: those that fit by the peaks are not known to.
        ("runs out", 7, ["fits so far", "fits so far", "below floor", "does not fit"]),
        ("OOM kill", 5, ["fits", "OOM kill", "below floor", "does not fit"]),
        ("OOM kill", 7, ["fits", "fits", "below floor", "does not fit"]),
    ],
)
def test_no_number_fits_with_which_memory_was_seen_to_run_out(
    against: Contradiction, tried: int, expected: list[str]
) -> None:
    assert [judge_observed(FITS_5, workers, tried, against) for workers in (4, 5, 6, 7)] == expected


@pytest.mark.parametrize(
    ("against", "tried", "expected"),
    [("", 5, 5), ("runs out", 5, 4), ("runs out", 1, 0), ("runs out", 0, 5), ("runs out", 9, 5), ("OOM kill", 3, 2)],
)
def test_at_most_one_worker_fewer_fits(against: Contradiction, tried: int, expected: int) -> None:
    assert most_observed(FITS_5, tried, against) == expected


@given(st.integers(0, 20), st.integers(0, 20), st.sampled_from(["", "runs out", "OOM kill"]))
def test_what_was_observed_never_makes_a_number_fit(workers: int, tried: int, against: Contradiction) -> None:
    said, by_peaks = judge_observed(FITS_5, workers, tried, against), judge_fit(FITS_5, workers)
    assert said == by_peaks or by_peaks == "fits"
    if said == "fits":
        assert workers <= most_observed(FITS_5, tried, against)
