"""Judges whether a process that runs for long stays flat. Does not: read a process."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Sequence

from msgspec import Struct

GROWN = 0.05
"""Memory may be this share larger in the last quarter than in the second, in which all modules are loaded."""
GROWN_BYTES = 4 << 20
"""Memory may grow by this much in any case: one more chunk in memory is not a leak."""
POOLED = min(32, (os.cpu_count() or 1) + 4) + 2
"""Threads that are allowed: asyncio starts the threads of its pool one by one, when it needs them."""
CPU_GROWN = 1.25
STORE_GROWN = 1.25
"""Bytes that a quarter of the run may add to the store, of those that the second quarter added."""
STORE_BYTES = 1 << 18
"""Bytes that a quarter may add in any case: the store grows by whole chunks and pages."""


class ProcessReading(Struct, frozen=True):
    """Resources of the recorder, and the size of its recordings, at a moment."""

    real_s: float
    rss_bytes: int
    files: int
    threads: int
    cpu_s: float
    store_bytes: int


class Finding(Struct, frozen=True):
    """One thing that must stay flat."""

    met: bool | None
    """None: the readings cannot show it."""
    text: str


def quarter(readings: Sequence[ProcessReading], number: int) -> Sequence[ProcessReading]:
    """Return quarter `number`, from 0, of the readings."""
    size = len(readings) // 4
    return readings[number * size : (number + 1) * size]


def findings(readings: Sequence[ProcessReading]) -> Iterator[Finding]:
    """Yield what was found for memory, files, threads, CPU and the store; needs eight readings."""
    second, last = quarter(readings, 1), quarter(readings, 3)
    yield from _memory(second, last)
    for name in ("files", "threads"):
        # The median: some readings catch an open file of /proc.
        then, now = (statistics.median(getattr(seen, name) for seen in part) for part in (second, last))
        most = max(then, POOLED if name == "threads" else 0)
        yield Finding(now <= most, f"open {name}: {then:g} in the second quarter, {now:g} in the last")
    then, now = (_rate([seen.cpu_s for seen in part], part) for part in (second, last))
    text = f"CPU {then:.1%} in the second quarter, {now:.1%} in the last"
    yield Finding(now <= CPU_GROWN * then + 0.01, text)
    then_bytes, now_bytes = (part[-1].store_bytes - part[0].store_bytes for part in (second, last))
    text = (
        f"the store grew by {then_bytes / 1e6:.2f} MB in the second quarter, by {now_bytes / 1e6:.2f} MB in the last"
    )
    # The file grows when SQLite copies its log into it: in a short run not once in a quarter.
    is_met = now_bytes <= max(STORE_GROWN * then_bytes, STORE_BYTES) if now_bytes else None
    yield Finding(is_met, text)


def _memory(second: Sequence[ProcessReading], last: Sequence[ProcessReading]) -> Iterator[Finding]:
    """Compare two quarters, and follow the slope of the last: a slow leak shows only there."""
    before, after = (statistics.median(seen.rss_bytes for seen in part) for part in (second, last))
    most = max(GROWN * before, GROWN_BYTES)
    text = f"RSS {before / 1e6:.1f} MB in the second quarter, {after / 1e6:.1f} MB in the last"
    yield Finding(after - before <= most, text)
    fit = statistics.linear_regression([seen.real_s for seen in last], [seen.rss_bytes for seen in last])
    grown = fit.slope * (last[-1].real_s - last[0].real_s)
    yield Finding(grown <= most, f"RSS slope {grown / 1e6:+.2f} MB over the last quarter")


def _rate(values: Sequence[float], part: Sequence[ProcessReading]) -> float:
    return (values[-1] - values[0]) / (part[-1].real_s - part[0].real_s)
