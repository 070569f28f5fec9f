"""Chooses the workers whose environment is due, and keeps what changed. Does not: judge the values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.refs import ProcessRef, WorkerRef
from metabonk_tui.core.model.sample import EnvReading
from metabonk_tui.core.ports.live import EnvReader

EVERY_S = 30.0
"""Seconds between two readings of the same process's environment."""
AGAIN_S = 30.0
"""Seconds after which an unchanged reading is sent once more."""
YOUNG_S = 5.0
YOUNG_EVERY_S = 2.0
"""A process younger than 5 s is read every 2 s: between fork and exec it still has its parent's environment."""


class _KnownEnvironment(Struct, frozen=True):
    process: ProcessRef
    read_at: float
    reading: EnvReading
    sent_at: float | None
    """When it was sent for the first time; None: it was sent a second time since."""


class Due(Struct, frozen=True):
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
        """Remember these readings; return those that changed or belong to a new process, and each once more later.

        On a busy machine a reading may arrive in a sample without an answer of its worker: the next answer then brings
        the new pid, and with it the step forgets the environment that it has.
        """
        sent = {}
        for due, reading in read:
            known = self._known.get(due.ref)
            is_new = known is None or not known.process.same_as(due.process) or known.reading != reading
            sent_at = now if is_new or known is None else known.sent_at
            is_again = not is_new and sent_at is not None and now - sent_at >= AGAIN_S
            self._known[due.ref] = _KnownEnvironment(due.process, now, reading, None if is_again else sent_at)
            if is_new or is_again:
                sent[due.ref] = reading
        return sent

    def forget(self) -> None:
        """Forget all readings, so that a new run gets every environment again."""
        self._known.clear()


def read_all(reader: EnvReader, due: Iterable[Due]) -> list[tuple[Due, EnvReading]]:
    """Read the environments that are due. Blocks, for milliseconds."""
    return [(each, reader.read(*each.process)) for each in due]
