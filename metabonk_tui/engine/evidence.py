"""When the evidence of deaths is looked at, beside the ticks. Refuses to know what it proves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import ExitReading, KernelLogReading, Observation
from metabonk_tui.core.ports.live import ExitReader, KernelLogReader
from metabonk_tui.core.status.decode import text
from metabonk_tui.engine.single_flight import FaultLog, SingleFlight

EVERY_S = 1.0
"""Between two looks."""
MAX_DIRECTORIES = 8

ExitReadings = tuple[ExitReading, ...]


class EvidenceWatch:
    """Asks for exits and kernel kills in threads, and hands over what is news."""

    def __init__(self, exits: ExitReader | None, kernel_log: KernelLogReader | None, fault_log: FaultLog) -> None:
        self._exit_reader = exits
        self._log_reader = kernel_log
        self.exits: SingleFlight[ExitReadings] = SingleFlight("the exits", fault_log)
        self.kernel_log: SingleFlight[KernelLogReading] = SingleFlight("the kernel's log", fault_log)
        self._asked_s: float | None = None
        self._directories: dict[str, None] = {}
        self._emitted_log: KernelLogReading | None = None

    def read_new(self, workers: Mapping[WorkerRef, Observation]) -> tuple[ExitReadings, KernelLogReading | None]:
        """Take what was read since, and ask again when it is time to."""
        for seen in workers.values():
            directory = text(seen.status, "game_log_path") if seen.status is not None else None
            if directory and directory not in self._directories:
                self._directories = dict.fromkeys([*self._directories, directory][-MAX_DIRECTORIES:])
        exits, log = self.exits.take(0.0) or (), self.kernel_log.take(0.0)
        now_s = asyncio.get_running_loop().time()
        if self._asked_s is None or now_s - self._asked_s >= EVERY_S:
            self._asked_s = now_s
            directories = tuple(self._directories)
            if (exit_reader := self._exit_reader) is not None:
                self.exits.ask(lambda: asyncio.to_thread(exit_reader.read, directories))
            if (log_reader := self._log_reader) is not None:
                self.kernel_log.ask(lambda: asyncio.to_thread(log_reader.read))
        changed_log = None
        if log is not None and (log.kills or self._emitted_log is None or log.error != self._emitted_log.error):
            changed_log = self._emitted_log = log
        return exits, changed_log

    def forget(self) -> None:
        """Let it be news again whether the kernel's log can be read: a new run knows nothing of it."""
        self._emitted_log = None
