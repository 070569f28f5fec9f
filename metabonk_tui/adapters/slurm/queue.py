"""Follows the jobs of one pool in the queue of Slurm. Does not: submit or end a job."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from metabonk_tui.adapters.pools.placed_watch import PlacedWatch
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
    state_text,
)
from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.ports.live import Clock

ASKED_ARRAYS = 20


class SlurmQueue(PlacedWatch[Job, FolderRecord]):
    """The jobs of the pool of one shared folder. slurmctld serves all users of a cluster: it is asked every 5 s."""

    def __init__(self, spec: SlurmSpec, clock: Clock, run_command: Callable[..., Printed] = run) -> None:
        super().__init__(clock, spec.config.clock.startup_grace_s)
        self.spec = spec
        self.record_file = FolderRecordFile(spec.folder)
        self.strangers: tuple[Job, ...] = ()
        """Living jobs of this user and name without our token."""
        self._run = run_command
        self._pids: dict[tuple[int, int], Announced] = {}
        """Where the worker of each start of a job is, by job id and number of restarts."""
        self._past: list[Job] | None = None
        """What the accounting said of jobs that Slurm lists no more; None: not asked."""

    def announced(self, job: Job) -> Announced | None:
        """Return where the worker of a job is; None: it has not said so yet."""
        return self._pids.get((job.job_id, job.restarts))

    def has_begun(self, job: Job) -> bool:
        return self.announced(job) is not None

    def pid_of(self, job: Job) -> int | None:
        where = self.announced(job)
        return None if where is None else where.pid

    def state_text(self, job: Job) -> str:
        return state_text(job)

    def short_text(self, job: Job) -> str:
        return f"job {job.label} {job.state}"

    def end_text(self, job: Job) -> str:
        return end_text(job)

    def _ask(self, limit_s: float) -> str:
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
        self._take(record, current_jobs([*mine, *self._forgotten(record, mine)]))
        return ""

    def _learn(self, now: Mapping[int, Job]) -> None:
        """Read where new workers are."""
        kept = {(job.job_id, job.restarts) for job in now.values()}
        self._pids = {key: found for key, found in self._pids.items() if key in kept}
        for slot, job in now.items():
            key = (job.job_id, job.restarts)
            if job.runs and key not in self._pids:
                found = read_announced(self.spec.folder, slot, job.comment.removeprefix(COMMENT), *key)
                if found is not None:
                    self._pids[key] = found

    def _exit_of(self, job: Job) -> ExitReading | None:
        return exit_of(job, self.pid_of(job))

    def _changes(self, now: Mapping[int, Job]) -> Iterable[Event]:
        taken = moved(self.jobs, now)
        texts = node_texts(self._run(node_command(taken), LIMIT_S).out) if taken else {}
        return changes(self.jobs, now, self._clock.now(), frozenset(self._own), texts)

    def _waits_since_t(self, job: Job) -> float | None:
        return None if job.submitted_at is None else self._clock.at(job.submitted_at)

    def _is_known_to_be_over(self, job: Job, is_node_lost: bool) -> bool:
        # Of a node that failed Slurm knows nothing more, whatever it says of another job there.
        return job.has_ended and not is_node_lost

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
