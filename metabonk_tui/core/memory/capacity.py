"""Computes how many workers fit: `n x worker peak + Ollama peak + floor <= available + used by the pool`.

Each peak has a source: measured in this run, measured in an earlier run on this machine, or assumed.
Does not: forecast. A worker that grows without end exceeds any peak.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from metabonk_tui.core.config.schema import GB, Config
from metabonk_tui.core.model.host import ProcessReading, RunPeaks
from metabonk_tui.core.model.memory import Budget, PeakSource
from metabonk_tui.core.text import numbers as fmt

LOADED_SHARE = 0.5
"""An Ollama below this share of its expected size has not loaded its model."""
TABLE_ROWS = 16

CapacityFit = Literal["fits", "below floor", "does not fit"]


@dataclass(frozen=True, slots=True)
class MeasuredPeaks:
    """Highest memory use in this run, and the longest life of one of its workers."""

    worker_bytes: int | None = None
    ollama_bytes: int | None = None
    lived_s: float = 0.0
    workers_since_t: float | None = None
    """When a worker process was first seen in this run."""

    def observe(self, processes: Iterable[ProcessReading], t: float) -> MeasuredPeaks:
        """Update the peaks with one reading of the process table."""
        seen = tuple(processes)
        workers = [process for process in seen if process.role == "worker"]
        ollama = sum(held_bytes(process) for process in seen if process.role == "ollama")
        since_t = self.workers_since_t if self.workers_since_t is not None or not workers else t
        starts = [since_t if process.started_at is None else process.started_at for process in workers]
        return MeasuredPeaks(
            worker_bytes=_max_bytes(self.worker_bytes, [held_bytes(process) for process in workers]),
            ollama_bytes=_max_bytes(self.ollama_bytes, [ollama]),
            lived_s=max([self.lived_s, *(t - start for start in starts if start is not None)]),
            workers_since_t=since_t,
        )


NO_PEAKS = MeasuredPeaks()


@dataclass(frozen=True, slots=True)
class Peak:
    """A peak in bytes, and its source."""

    bytes: int
    source: PeakSource
    t: float | None = None
    """Time of the earlier run; None for another source."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What a number of workers needs and leaves, in bytes."""

    workers: int
    needs_bytes: int
    leaves_bytes: int
    verdict: CapacityFit


def held_bytes(process: ProcessReading) -> int:
    """Return the resident bytes of a process, with its descendants where they were read."""
    return process.tree_bytes if process.tree_bytes is not None else process.rss_bytes


def compute_capacity(
    available_bytes: int | None, held: int, measured: MeasuredPeaks, earlier: Sequence[RunPeaks], config: Config
) -> Budget | None:
    """Compute the budget; None when available memory is unknown.

    `held` is what the workers and Ollama use now, in bytes: a relaunch frees it.
    """
    if available_bytes is None:
        return None
    worker = worker_peak(measured, earlier, config)
    ollama = ollama_peak(measured, earlier, config)
    room, floor = available_bytes + held, config.memory.floor_bytes
    return Budget(
        worker_bytes=worker.bytes,
        worker_source=worker.source,
        ollama_bytes=ollama.bytes,
        ollama_source=ollama.source,
        floor_bytes=floor,
        budget_bytes=room,
        fits=max(0, (room - floor - ollama.bytes) // worker.bytes),
        held_bytes=held,
        worker_peak_t=worker.t,
        ollama_peak_t=ollama.t,
    )


def worker_peak(measured: MeasuredPeaks, earlier: Sequence[RunPeaks], config: Config) -> Peak:
    """Choose the peak of one worker.

    A worker in start-up has not loaded everything: its number counts only above the expected peak.
    After start-up its number counts, unless an earlier run or the assumption is higher: a worker still grows then.
    Once a worker is as old as start-up and gate together, the number of this run always counts.
    """
    expected = _expected([(peaks.worker_bytes, peaks.t) for peaks in earlier], config.memory.worker_gb)
    return _choose_peak(measured.worker_bytes, _started(measured, config), _mature(measured, config), expected)


def ollama_peak(measured: MeasuredPeaks, earlier: Sequence[RunPeaks], config: Config) -> Peak:
    """Choose the peak of Ollama; an Ollama without a loaded model proves nothing, however long it runs."""
    expected = _expected([(peaks.ollama_bytes, peaks.t) for peaks in earlier], config.memory.ollama_gb)
    loaded = (measured.ollama_bytes or 0) >= LOADED_SHARE * expected.bytes
    trusted = loaded and _started(measured, config)
    return _choose_peak(measured.ollama_bytes, trusted, _mature(measured, config), expected)


def peaks_to_keep(measured: MeasuredPeaks, earlier: Sequence[RunPeaks], t: float, config: Config) -> RunPeaks | None:
    """Return the peaks that a later run may use; None while the workers are in start-up."""
    if not _started(measured, config):
        return None
    expected = _expected([(peaks.ollama_bytes, peaks.t) for peaks in earlier], config.memory.ollama_gb)
    loaded = (measured.ollama_bytes or 0) >= LOADED_SHARE * expected.bytes
    return RunPeaks(t, measured.worker_bytes, measured.ollama_bytes if loaded else None)


def judge_fit(budget: Budget, workers: int) -> CapacityFit:
    """Judge whether `workers` fit: "fits" only when the floor stays free."""
    leaves = budget.leaves_bytes(workers)
    return "fits" if leaves >= budget.floor_bytes else "below floor" if leaves >= 0 else "does not fit"


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


def _expected(earlier: Iterable[tuple[int | None, float]], assumed_gb: float) -> Peak:
    """Return the highest peak of earlier runs; without any, the estimate of the configuration."""
    known = [Peak(size, "earlier run", t) for size, t in earlier if size]
    return max(known, key=lambda peak: peak.bytes, default=Peak(math.ceil(assumed_gb * GB), "config"))


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
