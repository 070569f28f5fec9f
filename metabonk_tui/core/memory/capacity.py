"""Computes how many workers fit: `n x worker peak + shared + Ollama peak + floor <= available + used by the pool`.

Each peak has a source: measured in this run, measured in an earlier run on this machine, or assumed.
Does not: forecast. A worker that grows without end exceeds any peak, so what was observed of this run comes first:
a number of workers with which memory runs out, or with which the kernel killed one, does not fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from metabonk_tui.core.config.schema import GB, Config
from metabonk_tui.core.model.host import ProcessReading, RunPeaks
from metabonk_tui.core.model.memory import Budget, MemoryView, PeakSource
from metabonk_tui.core.text import numbers as fmt

LOADED_SHARE = 0.5
"""An Ollama below this share of its expected size has not loaded its model."""
TABLE_ROWS = 16

SOON_S = 4 * 3600.0
"""A fall that reaches zero later than this is neither named nor drawn to its end."""

CapacityFit = Literal["fits", "below floor", "does not fit"]
Contradiction = Literal["", "runs out", "OOM kill"]
"""What was observed of this run against the peaks: memory falls and will run out, or the kernel killed a process."""
ObservedFit = CapacityFit | Contradiction | Literal["fits so far"]
"""The judgement beside what was observed. "fits so far": by the peaks, which still rise."""


class SharedMemory(Struct, frozen=True):
    """Shared memory of the pool, as measured with the most workers: the first one alone seems to own all of it."""

    workers: int
    own_bytes: int
    """The most that one worker has for itself."""
    common_bytes: int
    """What several processes map, once."""

    def observe(self, now: SharedMemory) -> SharedMemory:
        """Update with one more measurement; one with fewer workers proves less."""
        if now == self:
            return self
        if now.workers != self.workers:
            return now if now.workers > self.workers else self
        return SharedMemory(self.workers, max(self.own_bytes, now.own_bytes), max(self.common_bytes, now.common_bytes))


NO_SHARED = SharedMemory(0, 0, 0)


class MeasuredPeaks(Struct, frozen=True):
    """Highest memory use in this run, and the longest life of one of its workers."""

    worker_bytes: int | None = None
    """Of one worker, without shared memory where that is known."""
    ollama_bytes: int | None = None
    lived_s: float = 0.0
    workers_since_t: float | None = None
    """When a worker process was first seen in this run."""
    shared: SharedMemory = NO_SHARED

    @property
    def one_worker_bytes(self) -> int | None:
        """What one more worker takes: its own memory, and the shared memory that it has for itself."""
        return None if self.worker_bytes is None else self.worker_bytes + self.shared.own_bytes

    def observe(self, processes: Iterable[ProcessReading], t: float) -> MeasuredPeaks:
        """Update the peaks with one reading of the process table."""
        seen = tuple(processes)
        workers = [process for process in seen if process.role == "worker"]
        # Ollama maps its model from a file: that is page cache, but without it the model does not answer.
        ollama = sum([_resident_bytes(process) for process in seen if process.role == "ollama"])
        since_t = self.workers_since_t if self.workers_since_t is not None or not workers else t
        starts = [start for p in workers if (start := since_t if p.started_at is None else p.started_at) is not None]
        return MeasuredPeaks(
            _max_bytes(self.worker_bytes, [_own_bytes(process) for process in workers]),
            _max_bytes(self.ollama_bytes, [ollama]),
            max(self.lived_s, t - min(starts)) if starts else self.lived_s,
            since_t,
            self.shared.observe(_shared(seen, workers)),
        )


def _shared(processes: Sequence[ProcessReading], workers: Sequence[ProcessReading]) -> SharedMemory:
    known = [process for process in workers if process.shmem_bytes is not None]
    if not known:
        return NO_SHARED
    return SharedMemory(
        workers=len(known),
        own_bytes=max([(process.shmem_bytes or 0) - (process.common_bytes or 0) for process in known]),
        common_bytes=sum([process.common_bytes or 0 for process in processes]),
    )


NO_PEAKS = MeasuredPeaks()


class Peak(Struct, frozen=True):
    """A peak in bytes, and its source."""

    bytes: int
    source: PeakSource
    t: float | None = None
    """Time of the earlier run; None for another source."""


class WhatIf(Struct, frozen=True):
    """What a number of workers needs and leaves, in bytes."""

    workers: int
    needs_bytes: int
    leaves_bytes: int
    verdict: CapacityFit


def held_bytes(process: ProcessReading) -> int:
    """Return the bytes that a process and its descendants hold, so that those of several can be added up.

    File pages are left out, because they are available already. A recording without these numbers has only the
    resident bytes, which count file pages, and shared pages in every process.
    """
    if process.anon_bytes is not None:
        return process.anon_bytes + (process.shmem_bytes or 0)
    return _resident_bytes(process)


def _resident_bytes(process: ProcessReading) -> int:
    return process.tree_bytes if process.tree_bytes is not None else process.rss_bytes


def _own_bytes(process: ProcessReading) -> int:
    return process.anon_bytes if process.anon_bytes is not None else _resident_bytes(process)


def compute_capacity(
    available_bytes: int | None,
    held: int,
    measured: MeasuredPeaks,
    earlier: Sequence[RunPeaks],
    config: Config,
    total_bytes: int | None = None,
    peaks: tuple[Peak, Peak] | None = None,
) -> Budget | None:
    """Compute the budget; None when available memory is unknown.

    `held` is what the workers and Ollama use now, in bytes: a relaunch frees it, but never more than is used of
    `total_bytes`. `peaks`: what `peaks_of` returns, where it is known.
    """
    if available_bytes is None:
        return None
    if total_bytes is not None:
        held = min(held, max(0, total_bytes - available_bytes))
    worker, ollama = peaks or peaks_of(measured, earlier, config)
    shared = shared_bytes(measured, earlier, worker.source)
    room, floor = available_bytes + held, config.memory.floor_bytes
    return Budget(
        worker_bytes=worker.bytes,
        worker_source=worker.source,
        ollama_bytes=ollama.bytes,
        ollama_source=ollama.source,
        floor_bytes=floor,
        budget_bytes=room,
        fits=max(0, (room - floor - ollama.bytes - shared) // worker.bytes),
        held_bytes=held,
        worker_peak_t=worker.t,
        ollama_peak_t=ollama.t,
        shared_bytes=shared,
    )


def peaks_of(measured: MeasuredPeaks, earlier: Sequence[RunPeaks], config: Config) -> tuple[Peak, Peak]:
    """Return the peak of one worker, and that of Ollama."""
    return worker_peak(measured, earlier, config), ollama_peak(measured, earlier, config)


def worker_peak(measured: MeasuredPeaks, earlier: Sequence[RunPeaks], config: Config) -> Peak:
    """Choose the peak of one worker.

    A worker in start-up has not loaded everything: its number counts only above the expected peak.
    After start-up its number counts, unless an earlier run or the assumption is higher: a worker still grows then.
    Once a worker is as old as start-up and gate together, the number of this run always counts.
    """
    expected = _expected_worker(earlier, config)
    return _choose_peak(measured.one_worker_bytes, _started(measured, config), _mature(measured, config), expected)


def shared_bytes(measured: MeasuredPeaks, earlier: Sequence[RunPeaks], source: PeakSource) -> int:
    """Return the shared memory that the pool needs once; one that an earlier run measured, until this run has."""
    known = measured.shared.common_bytes
    if source == "this run":
        return known
    return max([known, *(peaks.shared_bytes or 0 for peaks in earlier)])


def ollama_peak(measured: MeasuredPeaks, earlier: Sequence[RunPeaks], config: Config) -> Peak:
    """Choose the peak of Ollama; an Ollama without a loaded model proves nothing, however long it runs."""
    expected = _expected_ollama(earlier, config)
    trusted = _is_loaded(measured, earlier, config) and _started(measured, config)
    return _choose_peak(measured.ollama_bytes, trusted, _mature(measured, config), expected)


def peaks_to_keep(
    measured: MeasuredPeaks,
    earlier: Sequence[RunPeaks],
    t: float,
    config: Config,
    peaks: tuple[Peak, Peak] | None = None,
) -> RunPeaks | None:
    """Return the peaks that a later run may use: only those that this run itself trusts; None: there are none.

    A peak of a few minutes would replace the assumption in the next run, and let too many workers fit. `peaks`: what
    `peaks_of` returns, where it is known.
    """
    of_worker, of_ollama = peaks or peaks_of(measured, earlier, config)
    worker = of_worker.source == "this run"
    ollama = of_ollama.source == "this run" and _is_loaded(measured, earlier, config)
    if not (worker or ollama):
        return None
    shared = measured.shared.common_bytes or None
    return RunPeaks(
        t,
        measured.one_worker_bytes if worker else None,
        measured.ollama_bytes if ollama else None,
        shared if worker else None,
    )


def _is_loaded(measured: MeasuredPeaks, earlier: Sequence[RunPeaks], config: Config) -> bool:
    """Return whether Ollama held enough memory to have a model loaded."""
    expected = _expected_ollama(earlier, config)
    return (measured.ollama_bytes or 0) >= LOADED_SHARE * expected.bytes


def judge_fit(budget: Budget, workers: int) -> CapacityFit:
    """Judge whether `workers` fit: "fits" only when the floor stays free."""
    leaves = budget.leaves_bytes(workers)
    return "fits" if leaves >= budget.floor_bytes else "below floor" if leaves >= 0 else "does not fit"


def falls_soon(memory: MemoryView, t: float) -> bool:
    """Return whether a forecast reaches zero soon enough to be named, and is not more uncertain than far away."""
    forecast = memory.forecast
    if forecast is None or forecast.reaches_zero_t is None:
        return False
    lead_s = forecast.reaches_zero_t - t
    return lead_s < SOON_S and (forecast.raised or lead_s >= (forecast.plus_minus_s or 0.0))


def contradiction(memory: MemoryView, t: float) -> Contradiction:
    """Return what was observed that contradicts a fit by the peaks."""
    if memory.oom_kills_in_run:
        return "OOM kill"
    forecast = memory.forecast
    if forecast is None or not (forecast.raised or (forecast.state == "FALLING" and falls_soon(memory, t))):
        return ""
    return "runs out"


def judge_observed(budget: Budget, workers: int, tried: int, against: Contradiction) -> ObservedFit:
    """Judge whether `workers` fit. `tried`: with how many workers `against` was observed; 0: with none.

    More workers need more memory, so what holds for `tried` of them holds for more. Fewer may fit, but while memory
    falls the peaks are not known yet.
    """
    fit = judge_fit(budget, workers)
    if fit != "fits" or not against:
        return fit
    if 0 < tried <= workers:
        return against
    return "fits so far" if against == "runs out" else fit


def most_observed(budget: Budget, tried: int, against: Contradiction) -> int:
    """Return the most workers of which nothing says that they do not fit."""
    return min(budget.fits, tried - 1) if against and tried else budget.fits


def what_if(budget: Budget, counts: Iterable[int]) -> tuple[WhatIf, ...]:
    """Compute for each number of workers what it needs, what it leaves, and whether it fits."""
    return tuple(WhatIf(n, budget.needs_bytes(n), budget.leaves_bytes(n), judge_fit(budget, n)) for n in counts)


def counts(wanted: Iterable[int], fits: int, rows: int = TABLE_ROWS) -> tuple[int, ...]:
    """Choose the rows of a what-if table in order: 1 to one above the limit and all wanted numbers.

    Beyond `rows`, the wanted numbers come first, then those at the limit, then from 1 upwards.
    """
    asked = [n for n in wanted if n > 0]
    last = max([*asked, fits]) + 1
    if last <= rows:
        return tuple(range(1, last + 1))
    first = (*asked, *(n for n in (fits, fits + 1) if n > 0), *(n + 1 for n in asked))
    upwards = range(1, min(last, rows + len(first) + 1))
    return tuple(sorted(tuple(dict.fromkeys((*first, *upwards)))[:rows]))


def arithmetic(budget: Budget, workers: int) -> str:
    """Format the sum for `workers` in GB, each number with its source: the evidence of a refusal."""
    floor = f"floor {fmt.gigabytes(budget.floor_bytes, 2)}"
    total = fmt.gigabytes(budget.needs_bytes(workers) + budget.floor_bytes, 2)
    return f"{needs(budget, workers)} + {floor} = {total} GB of {fmt.gigabytes(budget.budget_bytes, 2)} GB"


def needs(budget: Budget, workers: int, brief: bool = False) -> str:
    """Format the peaks of `workers` and Ollama in GB, each with its source."""

    def part(size: int, source: PeakSource) -> str:
        label = describe_source(source, brief)
        return f"{fmt.gigabytes(size, 2)} {label if brief else f'({label})'}"

    worker = f"{workers} x {part(budget.worker_bytes, budget.worker_source)}"
    if budget.shared_bytes and workers:
        worker += f" + shared {fmt.gigabytes(budget.shared_bytes, 2)}"
    return worker + (f" + Ollama {part(budget.ollama_bytes, budget.ollama_source)}" if budget.ollama_bytes else "")


def describe_source(source: PeakSource, brief: bool = False) -> str:
    """Name the source of a peak; `brief`: in one or two words."""
    return _BRIEF[source] if brief else _WORDS[source]


_WORDS: dict[PeakSource, str] = {
    "this run": "measured",
    "start-up": "measured while starting, may grow",
    "earlier run": "measured in an earlier run",
    "config": "assumed",
}
_BRIEF: dict[PeakSource, str] = {
    "this run": "measured",
    "start-up": "starting",
    "earlier run": "earlier run",
    "config": "assumed",
}


def _started(measured: MeasuredPeaks, config: Config) -> bool:
    return measured.lived_s >= config.clock.startup_grace_s


def _mature(measured: MeasuredPeaks, config: Config) -> bool:
    return measured.lived_s >= config.clock.startup_grace_s + config.clock.validation_s


def _expected_worker(earlier: Sequence[RunPeaks], config: Config) -> Peak:
    if not earlier:
        return _assumed(config.memory.worker_gb)
    return _expected([(peaks.worker_bytes, peaks.t) for peaks in earlier], config.memory.worker_gb)


def _expected_ollama(earlier: Sequence[RunPeaks], config: Config) -> Peak:
    if not earlier:
        return _assumed(config.memory.ollama_gb)
    return _expected([(peaks.ollama_bytes, peaks.t) for peaks in earlier], config.memory.ollama_gb)


def _expected(earlier: Iterable[tuple[int | None, float]], assumed_gb: float) -> Peak:
    """Return the highest peak of earlier runs; without any, the estimate of the configuration."""
    known = [Peak(size, "earlier run", t) for size, t in earlier if size]
    return max(known, key=lambda peak: peak.bytes) if known else _assumed(assumed_gb)


@lru_cache(16)
def _assumed(gb: float) -> Peak:
    return Peak(math.ceil(gb * GB), "config")


def _choose_peak(measured_bytes: int | None, trusted: bool, mature: bool, expected: Peak) -> Peak:
    if not measured_bytes:
        return expected
    if not trusted:
        return Peak(measured_bytes, "start-up") if measured_bytes > expected.bytes else expected
    if expected.bytes > measured_bytes and not mature:
        return expected
    return Peak(measured_bytes, "this run")


def _max_bytes(before: int | None, now: Iterable[int]) -> int | None:
    """Return the highest value so far; 0 and None were not measured."""
    return max([size for size in (before, *now) if size], default=None)
