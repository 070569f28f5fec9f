"""Notices processes that hold a worker's port and do not run a worker's command. Does not: read or signal them.

Such a process is the worker once it has answered like one (verdict.md, section 9). Until then its memory, environment
and end are not the worker's.
"""

from __future__ import annotations

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Event


class UnconfirmedWatch:
    """Emits one event for each such process, and keeps it out of a slot whose own worker was seen before."""

    def __init__(self) -> None:
        self._confirmed_slots: set[WorkerRef | None] = set()
        self._emitted: set[tuple[int | None, WorkerRef | None]] = set()
        self._answering: set[tuple[int | None, float | None, WorkerRef | None]] = set()
        """The processes that answered like a worker, each with its start and slot."""
        self._events: list[Event] = []
        self.holders: dict[WorkerRef, ProcessReading] = {}
        """What holds the ports of slots whose own workers were seen before and are gone."""

    def filter(self, processes: tuple[ProcessReading, ...], t: float) -> tuple[ProcessReading, ...]:
        """Return the processes that count for their slot. A slot that lost its worker takes no stranger's memory."""
        workers = [each for each in processes if each.role == "worker"]
        self._confirmed_slots |= {each.worker for each in workers if not each.unconfirmed}
        for each in workers:
            who = (each.pid, each.worker)
            if each.unconfirmed and each.worker is not None and who not in self._emitted:
                self._emitted.add(who)
                ref = each.worker
                program = each.name.partition(" ")[0]
                text = f"{ref.label} port is held by {program} (pid {each.pid}): not our worker's command"
                self._events.append(Event(t, EventKind.WORKER_UNCONFIRMED, "warn", text, ref, {"pid": each.pid}))
        here = {each.worker for each in workers if not each.unconfirmed}
        self.holders = {
            each.worker: each
            for each in workers
            if each.unconfirmed and each.worker is not None and each.worker in self._confirmed_slots - here
        }
        return tuple(
            each
            for each in processes
            if not each.unconfirmed or each.role != "worker" or each.worker not in self._confirmed_slots
        )

    def note_answer(self, process: ProcessReading) -> None:
        """Take in that a worker's status came from the port that this process holds."""
        self._answering.add(_key(process))

    def is_worker(self, process: ProcessReading) -> bool:
        """Return whether a process may count as its worker: by its command, or because it answered like one."""
        return not process.unconfirmed or process.role != "worker" or _key(process) in self._answering

    def take_events(self) -> tuple[Event, ...]:
        """Return the events since the last call."""
        events = tuple(self._events)
        self._events.clear()
        return events


def held_by(process: ProcessReading, port: int) -> str:
    """Name the process that holds a port."""
    return f"port {port} is held by {process.name.partition(' ')[0] or 'a process'} (pid {process.pid})"


def _key(process: ProcessReading) -> tuple[int | None, float | None, WorkerRef | None]:
    return process.pid, process.started_at, process.worker
