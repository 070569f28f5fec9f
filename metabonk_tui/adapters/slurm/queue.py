"""Follows the jobs of one pool: asks Slurm every few seconds, and keeps what it said last.

Does not: submit or end a job.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping

from metabonk_tui.adapters.slurm.announced import Announced, read_announced
from metabonk_tui.adapters.slurm.batch import SlurmSpec
from metabonk_tui.adapters.slurm.changes import changes, current_jobs, moved
from metabonk_tui.adapters.slurm.commands import LIMIT_S, Printed, run
from metabonk_tui.adapters.slurm.folder_record import COMMENT, FolderRecord, FolderRecordFile
from metabonk_tui.adapters.slurm.jobs import (
    Job,
    accounted_jobs,
    end_text,
    exit_of,
    jobs_of,
    node_command,
    node_texts,
    sacct_command,
    squeue_command,
)
from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.model.sample import Event, WaitingWorker
from metabonk_tui.core.ports.cluster import NodePlace
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.phrases import cut_list

EVERY_S = 5.0
"""Real seconds between two looks at the queue: slurmctld serves all users of a cluster."""
SLOWEST_S = 60.0
COST_SHARE = 20.0
"""A look that takes long is repeated after so many times its length."""
ASKED_ARRAYS = 20
LOST = frozenset({"NODE_FAIL", "BOOT_FAIL"})


class SlurmQueue:
    """The jobs of the pool of one shared folder. For any thread; a lock orders the looks."""

    def __init__(self, spec: SlurmSpec, clock: Clock, run_command: Callable[..., Printed] = run) -> None:
        """Prepare; the first `look` asks Slurm."""
        self.spec = spec
        self.record_file = FolderRecordFile(spec.folder)
        self.record: FolderRecord | None = None
        self.jobs: Mapping[int, Job] = {}
        """The job of each slot, ended ones too."""
        self.strangers: tuple[Job, ...] = ()
        """Living jobs of this user and name without our token."""
        self.problem = ""
        """Why the last look failed; "": it did not, or there was none."""
        self.looked_s: float | None = None
        """When a look last succeeded, monotonic; None: never."""
        self._clock, self._run = clock, run_command
        self._grace_s = spec.config.clock.startup_grace_s
        self._lock = threading.Lock()
        self._due_s = 0.0
        self._failures = 0
        self._events: list[Event] = []
        self._exits: dict[HostName, list[ExitReading]] = {}
        self._pids: dict[tuple[int, int], Announced] = {}
        """Where the worker of each start of a job is, by job id and number of restarts."""
        self._own: set[str] = set()
        self._past: list[Job] | None = None
        """What the accounting said of jobs that Slurm lists no more; None: not asked."""
        self._last_wanted = 0
        """How many were wanted before a stop: where they ran stays in sight until the next launch."""

    def look_if_due(self) -> None:
        """Ask Slurm when it is time to; blocks at most some seconds."""
        if time.monotonic() >= self._due_s:
            self.look()

    def look(self, limit_s: float = LIMIT_S) -> str:
        """Ask Slurm now, and note what changed. Returns the problem; "" for none."""
        with self._lock:
            began_s = time.monotonic()
            problem = self._look(limit_s)
            took_s = time.monotonic() - began_s
            self._failures = self._failures + 1 if problem else 0
            pause_s = (
                max(EVERY_S * 2 ** min(self._failures, 4), COST_SHARE * took_s)
                if problem or took_s > 0.25
                else EVERY_S
            )
            self._due_s = time.monotonic() + min(pause_s, SLOWEST_S)
            self.problem = problem
            return problem

    def living(self) -> dict[int, Job]:
        """Return the jobs that run or wait, by slot."""
        return {slot: job for slot, job in self.jobs.items() if job.lives}

    def announced(self, job: Job) -> Announced | None:
        """Return where the worker of a job is; None: it has not said so yet."""
        return self._pids.get((job.job_id, job.restarts))

    def note_own_end(self, jobs: list[Job]) -> None:
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

    def waiting(self) -> tuple[WaitingWorker, ...]:
        """Return the workers that wait for a place."""
        return tuple(
            WaitingWorker(
                slot, job.label, job.reason or job.state, None if t is None else self._clock.at(t), job.state
            )
            for slot, job in self.jobs.items()
            if job.waits
            for t in (job.submitted_at,)
        )

    def places(self) -> dict[HostName, NodePlace]:
        """Return the nodes of the pool: where jobs run, and where a job ended whose slot has no other one."""
        wanted = self._last_wanted
        found: dict[HostName, list[Job]] = {}
        for slot, job in self.jobs.items():
            if job.node and not job.waits and (job.lives or slot < wanted):
                found.setdefault(job.node, []).append(job)
        places = {}
        for node, jobs in sorted(found.items()):
            running = tuple(job.job_id for job in jobs if job.state == "RUNNING")
            others = [f"job {job.label} {job.state}" for job in jobs if job.state != "RUNNING"]
            is_lost = any(job.state in LOST for job in jobs)
            ended = {job.slot: end_text(job) for job in jobs if job.has_ended and not is_lost}
            slots = tuple(job.slot for job in jobs)
            young = frozenset(
                job.slot for job in jobs if job.runs and time.time() - (job.started_at or 0.0) < self._grace_s
            )
            places[node] = NodePlace(slots, running, is_lost, ended, young, cut_list(others, 4))
        return places

    def _look(self, limit_s: float) -> str:
        record = self.record_file.read()
        if self.record_file.problem:
            return self.record_file.problem
        printed = self._run(squeue_command(os.geteuid(), self.spec.name), limit_s)
        if printed.error:
            return printed.error
        listed, unread = jobs_of(printed.out)
        if unread and not listed:
            return f"what squeue printed cannot be read: {unread} lines"
        comment = record.comment if record is not None else None
        ours = [job for job in listed if job.uid == os.geteuid() and job.name == self.spec.name]
        mine = [job for job in ours if job.comment == comment]
        self.strangers = tuple(job for job in ours if job.comment != comment and job.lives and _is_pool(job))
        now = current_jobs([*mine, *self._forgotten(record, mine)])
        # What is not wanted any more and has ended is over.
        wanted = (record.workers or 0) if record is not None else 0
        kept = wanted or self._last_wanted
        now = {slot: job for slot, job in now.items() if job.lives or slot < kept or slot in self.jobs}
        is_first = self.looked_s is None
        self._note(now, is_first)
        self.record, self.jobs, self.looked_s = record, now, time.monotonic()
        self._last_wanted = wanted or self._last_wanted
        return ""

    def _note(self, now: Mapping[int, Job], is_first: bool) -> None:
        """Note where new workers are, how others ended, and what happened."""
        known = set(self._pids)
        for slot, job in now.items():
            key = (job.job_id, job.restarts)
            if job.runs and key not in known:
                found = read_announced(self.spec.folder, slot, job.comment.removeprefix(COMMENT), *key)
                if found is not None:
                    self._pids[key] = found
        for slot, job in now.items():
            was = self.jobs.get(slot)
            if is_first or was is None or was.label != job.label or was.has_ended or not job.has_ended:
                continue
            if job.node and job.state not in LOST:
                where = self._pids.get((job.job_id, job.restarts))
                self._exits.setdefault(job.node, []).append(exit_of(job, where.pid if where is not None else None))
        if not is_first:
            taken = moved(self.jobs, now)
            texts = node_texts(self._run(node_command(taken), LIMIT_S).out) if taken else {}
            self._events += changes(self.jobs, now, self._clock.now(), frozenset(self._own), texts)
        kept = {(job.job_id, job.restarts) for job in now.values()}
        self._pids = {key: found for key, found in self._pids.items() if key in kept}

    def _forgotten(self, record: FolderRecord | None, mine: list[Job]) -> list[Job]:
        """Return the ends that Slurm lists no more, from the accounting; asked once, as a cluster may have none."""
        if record is None or not record.arrays:
            return []
        missing = set(range(record.workers or 0)) - {job.slot for job in mine}
        if missing and self._past is None:
            printed = self._run(sacct_command(list(record.arrays[-ASKED_ARRAYS:])), LIMIT_S)
            self._past = [job for job in accounted_jobs(printed.out, record.comment) if job.has_ended]
        return [job for job in self._past or () if job.slot in missing]


def _is_pool(job: Job) -> bool:
    return job.comment.startswith(COMMENT)
