"""Reads exit codes and the kernel's log beside the ticks, every second. Does not: decide why a worker died."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from metabonk_tui.core.model.host import ExitReading, KernelLogReading
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Observation
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.ports.live import ExitReader, KernelLogReader
from metabonk_tui.core.status.decode import text
from metabonk_tui.engine.poller import Poller
from metabonk_tui.engine.single_flight import FaultLog

EVERY_S = 1.0
"""Seconds between two readings."""
MAX_DIRECTORIES = 8

ExitReadings = tuple[ExitReading, ...]


class EvidenceWatch:
    """Reads exits and the kernel's log in threads, and returns only new ones."""

    def __init__(self, exits: ExitReader | None, kernel_log: KernelLogReader | None, fault_log: FaultLog) -> None:
        self._exit_reader = exits
        self._log_reader = kernel_log
        self.exits: Poller[ExitReadings] = Poller("the exits", EVERY_S, fault_log)
        self.kernel_log: Poller[KernelLogReading] = Poller("the kernel's log", EVERY_S, fault_log)
        self._directories: dict[str, None] = {}
        self._emitted_log: KernelLogReading | None = None
        self._earlier: tuple[str, ...] = ()
        """Log directories of a restored run, whose end may have been logged while no monitor watched."""

    def recall(self, workers: Iterable[WorkerView]) -> None:
        """Read once how the launcher of these recorded workers ended, as its log says it."""
        found = (text(each.status, "game_log_path") for each in workers if each.status is not None)
        self._earlier = tuple(dict.fromkeys(each for each in found if each))[:MAX_DIRECTORIES]

    def read_new(self, workers: Mapping[WorkerRef, Observation]) -> tuple[ExitReadings, KernelLogReading | None]:
        """Return the finished readings, and start the next ones when they are due."""
        for seen in workers.values():
            directory = text(seen.status, "game_log_path") if seen.status is not None else None
            if directory and directory not in self._directories:
                self._directories = dict.fromkeys([*self._directories, directory][-MAX_DIRECTORIES:])
        exits, log = self.exits.take() or (), self.kernel_log.take()
        if self._exit_reader is not None and self.exits.is_due:
            self.exits.ask(partial(_read, self._exit_reader, tuple(self._directories), self._earlier))
            self._earlier = ()
        reader = self._log_reader
        # A thread is woken only for news: most kernels log nothing for minutes.
        if reader is not None and self.kernel_log.is_due and (self._emitted_log is None or reader.has_news()):
            self.kernel_log.ask(reader.read)
        changed_log = None
        if log is not None and (log.kills or log.gpu_faults or self._is_news(log)):
            changed_log = self._emitted_log = log
        return exits, changed_log

    def _is_news(self, log: KernelLogReading) -> bool:
        emitted = self._emitted_log
        return emitted is None or (log.error, log.from_t) != (emitted.error, emitted.from_t)

    def forget(self) -> None:
        """Send again whether the kernel's log is readable, so that a new run gets it."""
        self._emitted_log = None


def _read(reader: ExitReader, directories: tuple[str, ...], earlier: tuple[str, ...]) -> ExitReadings:
    """Read the new exits, and the ends of earlier runs. Blocks."""
    return (*reader.read(directories), *(each for directory in earlier for each in reader.read_end(directory)))
