"""When the evidence of deaths is looked at, beside the ticks. Refuses to know what it proves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import ExitReading, KernelLogReading, Observation
from metabonk_tui.core.ports.live import ExitReader, KernelLogReader
from metabonk_tui.core.status.decode import text
from metabonk_tui.engine.single_flight import Faults, Question

EVERY_S = 1.0
"""Between two looks."""
MAX_DIRECTORIES = 8

Exits = tuple[ExitReading, ...]


class EvidenceWatch:
    """Asks for exits and kernel kills in threads, and hands over what is news."""

    def __init__(self, exits: ExitReader | None, kernel_log: KernelLogReader | None, faults: Faults) -> None:
        self._exits_of = exits
        self._log_of = kernel_log
        self.exits: Question[Exits] = Question("the exits", faults)
        self.kernel_log: Question[KernelLogReading] = Question("the kernel's log", faults)
        self._asked_s: float | None = None
        self._directories: dict[str, None] = {}
        self._told: KernelLogReading | None = None

    def news(self, workers: Mapping[WorkerRef, Observation]) -> tuple[Exits, KernelLogReading | None]:
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
            if (exits_of := self._exits_of) is not None:
                self.exits.ask(lambda: asyncio.to_thread(exits_of.read, directories))
            if (log_of := self._log_of) is not None:
                self.kernel_log.ask(lambda: asyncio.to_thread(log_of.read))
        told = None
        if log is not None and (log.kills or self._told is None or log.error != self._told.error):
            told = self._told = log
        return exits, told

    def forget(self) -> None:
        """Let it be news again whether the kernel's log can be read: a new run knows nothing of it."""
        self._told = None
