"""Reads the workers' logs beside the ticks, and returns those that changed. Does not: interpret a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Observation
from metabonk_tui.core.ports.live import LogOwner, LogReader
from metabonk_tui.core.status.decode import text
from metabonk_tui.engine.poller import Poller
from metabonk_tui.engine.single_flight import FaultLog

EVERY_S = 2.0
"""Seconds between two readings; a hanging disk delays only these readings."""
DIRECTORY = "game_log_path"
Lines = Mapping[WorkerRef, tuple[str, ...]]


class LogWatch:
    """Reads the logs in a thread, and remembers which lines it has already returned."""

    def __init__(self, reader: LogReader | None, fault_log: FaultLog) -> None:
        self._reader = reader
        self.poller: Poller[Lines] = Poller("the workers' logs", EVERY_S, fault_log)
        self._directories: dict[WorkerRef, str] = {}
        self._read: dict[WorkerRef, tuple[str, ...]] = {}
        self._emitted: Lines = {}

    def read_new(
        self, refs: Iterable[WorkerRef], processes: Iterable[ProcessReading], workers: Mapping[WorkerRef, Observation]
    ) -> Lines:
        """Return the lines of every log that changed, and start the next reading when it is due."""
        self._read |= self.poller.take() or {}
        for ref, seen in workers.items():
            if seen.status is not None and (directory := text(seen.status, DIRECTORY)):
                self._directories[ref] = directory
        if (reader := self._reader) is not None and self.poller.is_due and (owners := self._owners(refs, processes)):
            self.poller.ask(partial(_read_all, reader, owners))
        changed = {ref: lines for ref, lines in self._read.items() if self._emitted.get(ref, ()) != lines}
        self._emitted = dict(self._read)
        return changed

    def forget(self) -> None:
        """Return all lines again with the next call, so that a new run gets them."""
        self._emitted = {}

    def _owners(self, refs: Iterable[WorkerRef], processes: Iterable[ProcessReading]) -> list[LogOwner]:
        """List the workers with a process or a log directory. Starts are real Unix seconds."""
        process_of = {process.who: process for process in processes}
        owners = []
        for ref in refs:
            process, directory = process_of.get(ref), self._directories.get(ref)
            if process is not None or directory is not None:
                pid, started_at = (process.pid, process.started_at) if process is not None else (None, None)
                owners.append(LogOwner(ref, pid, started_at, directory))
        return owners


def _read_all(reader: LogReader, owners: Iterable[LogOwner]) -> Lines:
    """Read the log of every owner, and leave out logs that cannot be read. Blocks."""
    return {owner.ref: lines for owner in owners if (lines := reader.read(owner)) is not None}
