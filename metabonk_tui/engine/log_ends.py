"""Asks for the last lines of a worker's log in the tick in which its process is gone. Does not: interpret a line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.ports.live import LogEndReader, LogOwner
from metabonk_tui.engine.single_flight import FaultLog, SingleFlight

EVERY_S = 5.0
"""Seconds between two looks at where the running workers write, while none is gone."""
WorkerLines = Mapping[WorkerRef, tuple[str, ...]]


class LogEndWatch:
    """Compares the process tables of two ticks; reads in a thread."""

    def __init__(self, reader: LogEndReader | None, fault_log: FaultLog) -> None:
        self._reader = reader
        self.flight: SingleFlight[WorkerLines] = SingleFlight("the ends of the workers' logs", fault_log)
        self._running: tuple[LogOwner, ...] = ()
        self._gone: tuple[LogOwner, ...] = ()
        """Processes that are missing and whose logs were not asked for yet."""
        self._asked_s: float | None = None

    def read_new(self, processes: Iterable[ProcessReading] | None) -> WorkerLines:
        """Return the last lines that were read since the last call; None: the process table was not read."""
        found = self.flight.take(0.0) or {}
        if self._reader is None or processes is None:
            return found
        running = _owners(processes)
        there = {(owner.ref, owner.pid) for owner in running}
        self._gone += tuple(owner for owner in self._running if (owner.ref, owner.pid) not in there)
        self._running = running
        now_s = asyncio.get_running_loop().time()
        is_due = self._asked_s is None or now_s - self._asked_s >= EVERY_S
        if (self._gone or is_due) and self.flight.task is None:
            self._asked_s = now_s
            reader, gone = self._reader, self._gone
            self._gone = ()
            self.flight.ask(lambda: asyncio.to_thread(reader.read, running, gone))
        return found


def _owners(processes: Iterable[ProcessReading]) -> tuple[LogOwner, ...]:
    """Return the workers' processes. Starts are real Unix seconds."""
    return tuple(
        LogOwner(who, process.pid, process.started_at, None)
        for process in processes
        if isinstance(who := process.who, WorkerRef)
    )
