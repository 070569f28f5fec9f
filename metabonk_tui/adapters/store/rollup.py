"""Reduces each plotted series to one row per minute: least, mean, most, and the increase of a counter.

Does not: write files. A plot of a day uses these rows; they remain after samples are thinned.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

from msgspec import Struct, field

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.refs import HostName, WorkerRef
from metabonk_tui.core.model.sample import Sample

MINUTE_S = 60
HOST = -1
"""The slot number of host values."""


class Minute(NamedTuple):
    """One minute of one series."""

    series: str
    slot: int
    minute: int
    """The start of the minute, Unix seconds."""
    n: int
    least: float
    mean: float
    most: float
    increase: float
    """The growth within the minute; after a counter reset, growth from zero."""


class _Bucket(Struct):
    """One series, and what the current minute has of it."""

    series: str
    slot: int
    names: tuple[str, ...] = ()
    """Its possible names in /status."""
    n: int = 0
    least: float = float("inf")
    most: float = float("-inf")
    total: float = 0.0
    increase: float = 0.0
    last: float | None = None
    """The newest value, maybe of an earlier minute; None: never seen."""

    def add(self, value: float) -> None:
        self.n += 1
        self.total += value
        if value < self.least:
            self.least = value
        if value > self.most:
            self.most = value
        before, self.last = self.last, value
        if before is not None:
            if value >= before:
                self.increase += value - before
            elif value > 0:
                self.increase += value

    def close(self, minute: int) -> Minute:
        """Return the row of the minute, and begin another one."""
        mean = self.total / self.n
        row = Minute(self.series, self.slot, minute, self.n, self.least, mean, self.most, self.increase)
        self.n, self.total, self.increase = 0, 0.0, 0.0
        self.least, self.most = float("inf"), float("-inf")
        return row


class Rollup(Struct):
    """Accumulates the current minute."""

    fields: dict[str, tuple[str, ...]]
    """Series → its possible names in /status."""
    _minute: int | None = None
    _open: list[_Bucket] = field(default_factory=list)
    """The series of the current minute, in the order of their first values."""
    _of_status: dict[WorkerRef, list[_Bucket]] = field(default_factory=dict)
    """By worker, the series of /status."""
    _others: dict[tuple[str, int], _Bucket] = field(default_factory=dict)

    def add(self, sample: Sample) -> list[Minute]:
        """Add a sample. Returns the rows of the previous minute when the sample starts a new one."""
        minute = int(sample.t // MINUTE_S) * MINUTE_S
        closed = self.close() if self._minute is not None and minute != self._minute else []
        self._minute = minute
        for ref, seen in sample.workers.items():
            if seen.status is not None:
                self._add_status(ref, seen.status.fields)
        available: float | None = None
        for host in sample.hosts.values():
            for process in host.processes or ():
                if isinstance(who := process.who, WorkerRef):
                    self._add(series_of("rss_bytes", who.host), who.slot, float(process.rss_bytes))
            if host.memory is not None and (its := host.memory.available_bytes) is not None:
                # Of several hosts the least: the one that is nearest to its end.
                available = float(its) if available is None else min(available, its)
        if available is not None:
            self._add("available_bytes", HOST, available)
        return closed

    def close(self) -> list[Minute]:
        """Return the rows of the current minute and reset it."""
        rows = [bucket.close(self._minute or 0) for bucket in self._open]
        self._open = []
        return rows

    def _add_status(self, ref: WorkerRef, found: Mapping[str, Any]) -> None:
        buckets = self._of_status.get(ref)
        if buckets is None:
            buckets = [_Bucket(series_of(series, ref.host), ref.slot, names) for series, names in self.fields.items()]
            self._of_status[ref] = buckets
        for bucket in buckets:
            for name in bucket.names:
                value = found.get(name)
                # As `number` reads it, without the text of a bad value: a quarter of the time.
                if (type(value) is float or type(value) is int) and isfinite(value):
                    if not bucket.n:
                        self._open.append(bucket)
                    bucket.add(float(value))
                    break

    def _add(self, series: str, slot: int, value: float) -> None:
        bucket = self._others.get((series, slot))
        if bucket is None:
            bucket = self._others[series, slot] = _Bucket(series, slot)
        if not bucket.n:
            self._open.append(bucket)
        bucket.add(value)


def fields_of(config: Config) -> dict[str, tuple[str, ...]]:
    """Return the rolled-up series: the step and each component's number."""
    return {"step": ("step",)} | {spec.field: (spec.field, *spec.aliases) for spec in config.component}


def series_of(series: str, host: HostName) -> str:
    """Return the series of a host: its name follows, where hosts have names."""
    return f"{series}@{host}" if host else series
