"""Launches, resizes and stops a pool whose workers are the tasks of Slurm job arrays.

Acts only on jobs that carry this pool's token, user and name at a look just before. Does not: act without the
pool's role, or touch a task that the plan keeps.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from metabonk_tui.adapters.env_file.source import Sourced, source_env_file
from metabonk_tui.adapters.files.kind import may_exist
from metabonk_tui.adapters.files.private import make_private_directory
from metabonk_tui.adapters.pools.launch_spec import NO_VARIABLES
from metabonk_tui.adapters.pools.placed_pool import PlacedPool
from metabonk_tui.adapters.process.spawn import tail_lines
from metabonk_tui.adapters.slurm.batch import SlurmSpec
from metabonk_tui.adapters.slurm.commands import Printed, run
from metabonk_tui.adapters.slurm.folder_record import FolderRecord, acting, write_script
from metabonk_tui.adapters.slurm.jobs import Job
from metabonk_tui.adapters.slurm.node_link import node_link
from metabonk_tui.adapters.slurm.queue import SlurmQueue
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.pool import Launch, Plan, PlanSource, Resize, Restart, Stop
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.ports.cluster import PlacedLink
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.phrases import count_of

SOURCE_LIMIT_S = 2.0


class SlurmPool(PlacedPool[Job, FolderRecord]):
    """The pool of `[pool.slurm]`."""

    name, noun, created, kill_word = "slurm", "job", "jobs submitted", "scancel"
    last_answer = "the queue was last read"
    kill_wait_s = 60.0
    """Twice Slurm's default KillWait."""

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        controller_lock: ControllerRole,
        read_only: bool = False,
        run_command: Callable[..., Printed] = run,
    ) -> None:
        self._spec = SlurmSpec(config)
        self._queue = SlurmQueue(self._spec, clock, run_command)
        super().__init__(config, clock, controller_lock, read_only, self._queue, str(self._spec.logs))
        self._run = run_command
        self._first_record = FolderRecord()
        """What the folder of a new pool will have: the plan that is shown names its token already."""

    def link(self, node: HostName, job_id: int, slots: tuple[int, ...]) -> PlacedLink:
        """Make the link to an agent inside a job; nothing is started before its first read."""
        return node_link(self._spec, node, job_id, slots)

    async def aclose(self) -> None:
        """Release the pool's role. The jobs go on."""
        self._lock.release()

    @contextmanager
    def _among_machines(self) -> Iterator[str]:
        with acting(self._spec.folder) as why:
            yield why

    def _strangers(self) -> tuple[str, ...]:
        return tuple(
            f"not ours, left alone: job {job.label} has this name and another pool's token"
            for job in self._queue.strangers[:4]
        )

    def _commands(self, ending: Collection[Job], start: Collection[int]) -> list[tuple[str, ...]]:
        commands: list[tuple[str, ...]] = []
        if waiting := [job for job in ending if job.waits]:
            commands.append(self._spec.cancel(waiting))
        if running := [job for job in ending if not job.waits]:
            commands += [self._spec.ask_to_end(running), self._spec.cancel(running)]
        if start:
            commands.append(self._spec.submit(self._record, start))
        return commands

    def _source(self) -> tuple[PlanSource, tuple[str, ...]] | str:
        directory, file = str(self._spec.directory), self._spec.env_file
        sourced = source_env_file(file, os.environ, SOURCE_LIMIT_S) if file is not None else NO_VARIABLES
        if isinstance(sourced, Sourced):
            return PlanSource(directory, str(file) if file is not None else None, sourced.count), ()
        if file is not None and may_exist(file):
            return f"env file: {sourced.text}"
        return PlanSource(directory, str(file)), (f"{file} is not on this machine; each node reads it itself",)

    @property
    def _record(self) -> FolderRecord:
        return self._queue.record or self._first_record

    def _note_intent(self, plan: Plan) -> str:
        spec, record, action = self._spec, self._record, plan.action
        try:
            if isinstance(action, Launch | Resize | Restart):
                for folder in (spec.folder, spec.logs, spec.folder / "workers"):
                    make_private_directory(folder)
                write_script(spec.script)
                record = replace(record, workers=action.workers)
            elif isinstance(action, Stop):
                record = replace(record, workers=None, launched_at=None)
            self._queue.record_file.write(record)
        except OSError as error:
            return f"the shared folder cannot be used: {error.strerror or error}"
        self._queue.record = record
        return ""

    def _create(self, slots: Collection[int], plan: Plan) -> tuple[str, str]:
        """Submit one array for these slots."""
        record, began_at = self._record, time.time()
        printed = self._run(self._spec.submit(record, slots))
        array = printed.out.strip().partition(";")[0]
        if printed.error or not array.isdigit():
            return "", printed.error or f"sbatch printed no job id: {printed.out[:80]!r}"
        launched_at = began_at if plan.begins_run else record.launched_at
        record = replace(record, arrays=(*record.arrays, int(array)), launched_at=launched_at)
        try:
            self._queue.record_file.write(record)
        except OSError as error:
            # The token in the comment finds the jobs all the same.
            return f"array {array}; its id could not be written: {error.strerror}", ""
        self._queue.record = record
        return f"array {array}: {count_of(len(slots), 'task')}", ""

    def _order_end(self, jobs: Collection[Job], *, soft: bool) -> str:
        return self._run(self._spec.ask_to_end(jobs) if soft else self._spec.cancel(jobs)).error

    def _tail(self, job: Job) -> tuple[str, ...] | None:
        return tail_lines(self._spec.logs / f"{job.label}.log", 0, 12) or None
