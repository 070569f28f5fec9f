"""Describes this machine, and decides whether it is quiet enough to judge by. Does not: measure a program."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

LOOK_S = 3.0
MOST_FOREIGN = 0.15
"""Share of all cores that other programs may use. More of it changes the caches and clocks of what is measured."""
MOST_LOAD_PER_CORE = 1.5
"""Processes that wait for a core. The load falls slowly: a build that ended a minute ago must not refuse a run."""
_IDLE_FIELDS = (3, 4)
"""Idle and iowait of the line `cpu` in /proc/stat."""


class Busyness(Struct, frozen=True):
    """How much of the machine programs outside of the measurement used."""

    foreign_share: float
    load: float
    cores: int


class CpuTotals(Struct, frozen=True):
    """CPU time of the whole machine since its start, and of this process with its ended children."""

    at_s: float
    busy_s: float
    own_s: float


def totals() -> CpuTotals:
    """Read the CPU time that was used so far."""
    fields = [int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    busy = sum(fields) - sum(fields[index] for index in _IDLE_FIELDS)
    own = sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
    return CpuTotals(time.monotonic(), busy / os.sysconf("SC_CLK_TCK"), own)


def busyness(before: CpuTotals, after: CpuTotals, load: float, cores: int) -> Busyness:
    """Return what others used between two readings."""
    passed_s = max(1e-9, after.at_s - before.at_s)
    foreign_s = (after.busy_s - before.busy_s) - (after.own_s - before.own_s)
    return Busyness(max(0.0, foreign_s / passed_s / cores), load, cores)


def look() -> Busyness:
    """Watch the machine for some seconds in which nothing is measured."""
    before = totals()
    time.sleep(LOOK_S)
    return busyness(before, totals(), os.getloadavg()[0], os.cpu_count() or 1)


def why_too_busy(seen: Busyness) -> str:
    """Return why no judgement is possible on a machine; "": it is quiet."""
    reasons = []
    if seen.foreign_share > MOST_FOREIGN:
        reasons.append(
            f"other programs use {seen.foreign_share:.0%} of its {seen.cores} cores, at most {MOST_FOREIGN:.0%} may"
        )
    most_load = MOST_LOAD_PER_CORE * seen.cores
    if seen.load > most_load:
        reasons.append(f"its load is {seen.load:.1f}, at most {most_load:.1f} may be")
    return "; ".join(reasons)


def while_measuring(began: CpuTotals) -> Busyness:
    """Return what others used since a reading. The load is left out: the measured programs make most of it."""
    return busyness(began, totals(), 0.0, os.cpu_count() or 1)


def description() -> dict[str, str]:
    """Return what a reader must know of the machine to repeat the numbers."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": _first(Path("/proc/cpuinfo"), ("model name", "Model", "Hardware")) or platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def _first(path: Path, names: Sequence[str]) -> str:
    """Return the value of the first line with one of these names; "": no such line."""
    for line in path.read_text(errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in names:
            return value.strip()
    return ""
