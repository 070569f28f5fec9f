"""Reduces each plotted series to one row per minute: least, mean, most, and the increase of a counter.

Does not: write files. A plot of a day uses these rows; they remain after samples are thinned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Presence, Sample, WorkerStatus
from metabonk_tui.core.status.decode import number

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


@dataclass(slots=True)
class _Bucket:
    n: int = 0
    least: float = float("inf")
    most: float = float("-inf")
    total: float = 0.0
    increase: float = 0.0


@dataclass(slots=True)
class Rollup:
    """Accumulates the current minute."""

    fields: dict[str, tuple[str, ...]]
    """Series → its possible names in /status."""
    _minute: int | None = None
    _open: dict[tuple[str, int], _Bucket] = field(default_factory=dict)
    _last: dict[tuple[str, int], float] = field(default_factory=dict)

    def add(self, sample: Sample) -> list[Minute]:
        """Add a sample. Returns the rows of the previous minute when the sample starts a new one."""
        minute = int(sample.t // MINUTE_S) * MINUTE_S
        closed = self.close() if self._minute is not None and minute != self._minute else []
        self._minute = minute
        for series, slot, value in _values(sample, self.fields):
            key = (series, slot)
            bucket = self._open.setdefault(key, _Bucket())
            before = self._last.get(key, value)
            bucket.n += 1
            bucket.total += value
            bucket.least, bucket.most = min(bucket.least, value), max(bucket.most, value)
            bucket.increase += value - before if value >= before else max(value, 0.0)
            self._last[key] = value
        return closed

    def close(self) -> list[Minute]:
        """Return the rows of the current minute and reset it."""
        rows = [
            Minute(
                series,
                slot,
                self._minute or 0,
                bucket.n,
                bucket.least,
                bucket.total / bucket.n,
                bucket.most,
                bucket.increase,
            )
            for (series, slot), bucket in self._open.items()
        ]
        self._open = {}
        return rows


def fields_of(config: Config) -> dict[str, tuple[str, ...]]:
    """Return the rolled-up series: the step and each component's number."""
    return {"step": ("step",)} | {spec.field: (spec.field, *spec.aliases) for spec in config.component}


def _values(sample: Sample, fields: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, int, float]]:
    for ref, seen in sample.workers.items():
        if seen.status is not None:
            for series, names in fields.items():
                value = _first(seen.status, names)
                if value is not None:
                    yield series, ref.slot, value
    host = sample.only_host
    for process in host.processes or ():
        if isinstance(process.who, WorkerRef):
            yield "rss_bytes", process.who.slot, float(process.rss_bytes)
    if host.memory is not None and host.memory.available_bytes is not None:
        yield "available_bytes", HOST, float(host.memory.available_bytes)


def _first(status: WorkerStatus, names: Iterable[str]) -> float | None:
    for name in names:
        found = number(status, name)
        if found.presence is Presence.VALUE:
            return found.value
    return None
