"""Whose environment to read, and what of it is news. Refuses to know what should stand in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import EnvReading, ProcessReading
from metabonk_tui.core.ports.live import EnvReader

EVERY_S = 30.0
"""Between two looks at an environment that was read before."""
YOUNG_S = 5.0
YOUNG_EVERY_S = 2.0
"""Between fork and exec a process still shows its parent's environment: a young one is looked at more often."""


@dataclass(frozen=True, slots=True)
class _KnownEnvironment:
    pid: int
    started_at: float
    read_at: float
    reading: EnvReading


@dataclass(frozen=True, slots=True)
class Due:
    """A worker process whose environment is to be read."""

    ref: WorkerRef
    pid: int
    started_at: float


class EnvironmentWatch:
    """Remembers what was read of each worker. All times are real Unix seconds."""

    def __init__(self) -> None:
        self._known: dict[WorkerRef, _KnownEnvironment] = {}

    def due(self, processes: Iterable[ProcessReading], now: float) -> tuple[Due, ...]:
        """List the worker processes that are new, or were read long enough ago."""
        due = []
        for process in processes:
            slot, pid, started_at = process.slot, process.pid, process.started_at
            if process.role != "worker" or slot is None or pid is None or started_at is None:
                continue
            ref = WorkerRef(slot=slot)
            known = self._known.get(ref)
            again_s = YOUNG_EVERY_S if now - started_at < YOUNG_S else EVERY_S
            same = known is not None and (known.pid, known.started_at) == (pid, started_at)
            if known is None or not same or now - known.read_at >= again_s:
                due.append(Due(ref, pid, started_at))
        return tuple(due)

    def update(self, read: Collection[tuple[Due, EnvReading]], now: float) -> Mapping[WorkerRef, EnvReading]:
        """Remember what was read; return what is another process's, or has changed."""
        changed = {}
        for due, reading in read:
            known = self._known.get(due.ref)
            self._known[due.ref] = _KnownEnvironment(due.pid, due.started_at, now, reading)
            same = known is not None and (known.pid, known.started_at) == (due.pid, due.started_at)
            if known is None or not same or known.reading != reading:
                changed[due.ref] = reading
        return changed

    def forget(self) -> None:
        """Let everything be news again: a new run knows nothing of what the one before was told."""
        self._known.clear()


def read_all(reader: EnvReader, due: Iterable[Due]) -> list[tuple[Due, EnvReading]]:
    """Read them; blocking, quick."""
    return [(each, reader.read(each.pid, each.started_at)) for each in due]
