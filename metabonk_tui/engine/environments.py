"""Chooses the workers whose environment is due, and keeps what changed. Does not: judge the values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.refs import ProcessRef, WorkerRef
from metabonk_tui.core.model.sample import EnvReading
from metabonk_tui.core.ports.live import EnvReader

EVERY_S = 30.0
"""Seconds between two readings of the same process's environment."""
YOUNG_S = 5.0
YOUNG_EVERY_S = 2.0
"""A process younger than 5 s is read every 2 s: between fork and exec it still has its parent's environment."""


@dataclass(frozen=True, slots=True)
class _KnownEnvironment:
    process: ProcessRef
    read_at: float
    reading: EnvReading


@dataclass(frozen=True, slots=True)
class Due:
    """A worker process whose environment is due; `started_at` in real Unix seconds."""

    ref: WorkerRef
    process: ProcessRef


class EnvironmentWatch:
    """Remembers the last reading of each worker. All times are real Unix seconds."""

    def __init__(self) -> None:
        self._known: dict[WorkerRef, _KnownEnvironment] = {}

    def due(self, processes: Iterable[ProcessReading], now: float) -> tuple[Due, ...]:
        """List the worker processes that are new, or whose last reading is old enough."""
        due = []
        for process in processes:
            ref, pid, started_at = process.who, process.pid, process.started_at
            if not isinstance(ref, WorkerRef) or pid is None or started_at is None:
                continue
            known, seen = self._known.get(ref), ProcessRef(pid, started_at)
            again_s = YOUNG_EVERY_S if now - started_at < YOUNG_S else EVERY_S
            if known is None or not known.process.same_as(seen) or now - known.read_at >= again_s:
                due.append(Due(ref, seen))
        return tuple(due)

    def update(self, read: Collection[tuple[Due, EnvReading]], now: float) -> Mapping[WorkerRef, EnvReading]:
        """Remember these readings; return those that changed or belong to a new process."""
        changed = {}
        for due, reading in read:
            known = self._known.get(due.ref)
            self._known[due.ref] = _KnownEnvironment(due.process, now, reading)
            if known is None or not known.process.same_as(due.process) or known.reading != reading:
                changed[due.ref] = reading
        return changed

    def forget(self) -> None:
        """Forget all readings, so that a new run gets every environment again."""
        self._known.clear()


def read_all(reader: EnvReader, due: Iterable[Due]) -> list[tuple[Due, EnvReading]]:
    """Read the environments that are due. Blocks, for milliseconds."""
    return [(each, reader.read(*each.process)) for each in due]
