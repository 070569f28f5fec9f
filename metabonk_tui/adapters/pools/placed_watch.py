"""Follows the workers that an engine places on nodes: asks it every few seconds, and keeps what it said last.

Does not: speak to an engine, or start or end anything there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Generic, Protocol, TypeVar

from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.model.sample import Event, WaitingWorker
from metabonk_tui.core.ports.cluster import NodePlace
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.phrases import cut_list

LIMIT_S = 15.0
"""An engine under load answers in seconds; beyond this the answer would be of no use."""
SLOWEST_S = 60.0
COST_SHARE = 20.0
"""A look that takes long is repeated after so many times its length."""


class PlacedJob(Protocol):
    """What runs one worker, as its engine lists it: a task of Slurm, an actor of Ray."""

    @property
    def slot(self) -> int: ...

    @property
    def label(self) -> str:
        """As people name it: "12_3", "w3.2". No two starts of the pool have the same."""

    @property
    def number(self) -> int:
        """What an agent beside it is started with."""

    @property
    def node(self) -> str:
        """ "": it has none."""

    @property
    def state(self) -> str: ...

    @property
    def reason(self) -> str:
        """Why it waits."""

    @property
    def waits(self) -> bool: ...

    @property
    def is_stuck(self) -> bool:
        """Whether it waits for a place, and not only for its process."""

    @property
    def has_ended(self) -> bool: ...

    @property
    def lives(self) -> bool:
        """Whether it runs or will run; an unknown state is not known to be over."""

    @property
    def runs(self) -> bool:
        """Whether its worker may run now."""

    @property
    def takes_agent(self) -> bool:
        """Whether an agent can be started beside it."""

    @property
    def is_lost(self) -> bool:
        """Whether the engine lost its node, so that its worker may still run."""

    @property
    def began_at(self) -> float | None:
        """When it began, in real Unix seconds."""


class PlacedRecord(Protocol):
    """What the cluster keeps of the pool."""

    @property
    def workers(self) -> int | None:
        """How many are wanted; None: the pool was stopped, or never launched."""

    @property
    def launched_at(self) -> float | None: ...


J = TypeVar("J", bound=PlacedJob)
R = TypeVar("R", bound=PlacedRecord)


class PlacedWatch(Generic[J, R]):
    """The jobs of one pool. For any thread; a lock orders the looks."""

    every_s = 5.0
    """Real seconds between two looks."""

    def __init__(self, clock: Clock, startup_grace_s: float) -> None:
        """Prepare; the first `look` asks the engine."""
        self.record: R | None = None
        self.jobs: Mapping[int, J] = {}
        """The job of each slot, ended ones too: the one that lives, else the one that began last."""
        self.problem = ""
        """Why the last look failed; "": it did not, or there was none."""
        self.looked_s: float | None = None
        """When a look last succeeded, monotonic; None: never."""
        self._clock, self._grace_s = clock, startup_grace_s
        self._lock = threading.Lock()
        self._due_s = 0.0
        self._failures = 0
        self._events: list[Event] = []
        self._exits: dict[HostName, list[ExitReading]] = {}
        self._own: set[str] = set()
        self._last_wanted = 0
        """How many were wanted before a stop: where they ran stays in sight until the next launch."""

    def look_if_due(self) -> None:
        """Ask the engine when it is time to; blocks at most some seconds."""
        if time.monotonic() >= self._due_s:
            self.look()

    def look(self, limit_s: float = LIMIT_S) -> str:
        """Ask the engine now, and note what changed. Returns the problem; "" for none."""
        with self._lock:
            began_s = time.monotonic()
            problem = self._ask(limit_s)
            took_s = time.monotonic() - began_s
            self._failures = self._failures + 1 if problem else 0
            pause_s = self.every_s * 2 ** min(self._failures, 4)
            pause_s = max(pause_s, 0.0 if problem else COST_SHARE * took_s)
            self._due_s = time.monotonic() + min(pause_s, SLOWEST_S)
            self.problem = problem
            return problem

    def living(self) -> dict[int, J]:
        """Return the jobs that run or wait, by slot."""
        return {slot: job for slot, job in self.jobs.items() if job.lives}

    def of_slots(self, slots: Iterable[int]) -> list[J]:
        return [job for slot in slots if (job := self.jobs.get(slot)) is not None]

    def note_own_end(self, jobs: Collection[J]) -> None:
        """Remember that this monitor ends these jobs itself."""
        with self._lock:
            self._own |= {job.label for job in jobs}

    def take_events(self) -> tuple[Event, ...]:
        """Return the events since the last call."""
        with self._lock:
            taken, self._events = tuple(self._events), []
            return taken

    def take_exits(self) -> dict[HostName, tuple[ExitReading, ...]]:
        """Return the exits since the last call, by node."""
        with self._lock:
            taken, self._exits = {node: tuple(each) for node, each in self._exits.items()}, {}
            return taken

    @property
    def desired(self) -> int | None:
        """How many workers are wanted; None: the pool was stopped, or never launched."""
        return self.record.workers if self.record is not None else None

    @property
    def launched_t(self) -> float | None:
        """When the engine accepted the last launch, on the run's clock; None: not known, or the pool was stopped."""
        at = self.record.launched_at if self.record is not None else None
        return None if at is None else self._clock.at(at)

    def waiting(self) -> tuple[WaitingWorker, ...]:
        """Return the workers that wait for a place."""
        return tuple(
            WaitingWorker(slot, job.label, job.reason or job.state, self._waits_since_t(job), job.state)
            for slot, job in self.jobs.items()
            if job.waits
        )

    def places(self) -> dict[HostName, NodePlace]:
        """Return the nodes of the pool: where jobs run, and where a job ended whose slot has no other one."""
        found: dict[HostName, list[J]] = {}
        for slot, job in self.jobs.items():
            if job.node and not job.waits and (job.lives or slot < self._last_wanted):
                found.setdefault(job.node, []).append(job)
        now, places = time.time(), {}
        for node, jobs in sorted(found.items()):
            others = [self.short_text(job) for job in jobs if not job.takes_agent]
            is_lost = any(job.is_lost for job in jobs)
            places[node] = NodePlace(
                tuple(job.slot for job in jobs),
                tuple(job.number for job in jobs if job.takes_agent),
                is_lost,
                {job.slot: self.end_text(job) for job in jobs if self._is_known_to_be_over(job, is_lost)},
                frozenset(job.slot for job in jobs if job.runs and now - (job.began_at or 0.0) < self._grace_s),
                cut_list(others, 4),
            )
        return places

    # What an engine says in its own way

    def has_begun(self, job: J) -> bool:
        """Return whether a worker has said where it is."""
        raise NotImplementedError

    def pid_of(self, job: J) -> int | None:
        """Return the pid of a worker on its node; None: not known."""
        raise NotImplementedError

    def state_text(self, job: J) -> str:
        """Say how a job ended: "FAILED with exit code 3"."""
        raise NotImplementedError

    def short_text(self, job: J) -> str:
        """Name a job and its state: "job 12_3 COMPLETING"."""
        raise NotImplementedError

    def end_text(self, job: J) -> str:
        """Say how a job ended, in the engine's words: "Slurm: job 12_1 on n2: TIMEOUT"."""
        raise NotImplementedError

    def _ask(self, limit_s: float) -> str:
        """Ask the engine, and `_take` what it says. Returns the problem; "" for none."""
        raise NotImplementedError

    def _learn(self, now: Mapping[int, J]) -> None:
        """Note what is known of jobs beside the list, before the list is compared with the one before."""

    def _exit_of(self, job: J) -> ExitReading | None:
        """Return how the worker of a job ended; None: nothing is known but that it is gone."""
        raise NotImplementedError

    def _changes(self, now: Mapping[int, J]) -> Iterable[Event]:
        """Return what changed since the look before."""
        raise NotImplementedError

    def _waits_since_t(self, job: J) -> float | None:
        raise NotImplementedError

    def _is_known_to_be_over(self, job: J, is_node_lost: bool) -> bool:
        """Return whether an ended job is known to have taken its worker with it."""
        return job.has_ended and not job.is_lost

    # What is common to all

    def _take(self, record: R | None, every: Mapping[int, J]) -> None:
        """Note a successful look: how workers ended, and what happened."""
        wanted = (record.workers or 0) if record is not None else 0
        kept = wanted or self._last_wanted
        # What is not wanted any more and has ended is over.
        now = {slot: job for slot, job in every.items() if job.lives or slot < kept or slot in self.jobs}
        self._learn(now)
        if self.looked_s is not None:
            for slot, job in now.items():
                was = self.jobs.get(slot)
                if was is None or was.label != job.label or was.has_ended or not job.has_ended:
                    continue
                if job.node and not job.is_lost and (found := self._exit_of(job)) is not None:
                    self._exits.setdefault(job.node, []).append(found)
            self._events += self._changes(now)
        self.record, self.jobs, self.looked_s = record, now, time.monotonic()
        self._last_wanted = wanted or self._last_wanted
