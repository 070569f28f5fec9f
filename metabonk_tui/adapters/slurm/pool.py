"""Launches, resizes and stops a pool whose workers are the tasks of Slurm job arrays.

Acts only on jobs that carry this pool's token, user and name at a look just before. Does not: act without the
pool's role, or touch a task that the plan keeps.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Collection, Mapping

from msgspec.structs import replace

from metabonk_tui.adapters.env_file.source import Sourced, source_env_file
from metabonk_tui.adapters.files.private import make_private_directory
from metabonk_tui.adapters.pools.launch_spec import NO_VARIABLES
from metabonk_tui.adapters.pools.placed_pool import (
    BUSY,
    PlacedPool,
    placed_plan,
    refused,
    slots_to_start,
    title_of,
    why_stale,
)
from metabonk_tui.adapters.pools.plan import NOTHING_OURS
from metabonk_tui.adapters.pools.progress import ProgressReporter
from metabonk_tui.adapters.process.spawn import tail_lines
from metabonk_tui.adapters.slurm.acting import ASKED, GONE, PLACED, SUBMITTED, steps_of, write_script
from metabonk_tui.adapters.slurm.batch import SlurmSpec
from metabonk_tui.adapters.slurm.commands import Printed, run
from metabonk_tui.adapters.slurm.folder_record import FolderRecord, acting
from metabonk_tui.adapters.slurm.jobs import Job, state_text
from metabonk_tui.adapters.slurm.node_link import NodeLink
from metabonk_tui.adapters.slurm.queue import SlurmQueue
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.pool import (
    Action,
    Launch,
    Plan,
    PlanSource,
    Resize,
    Restart,
    Stop,
    StopWorker,
    TargetProcess,
)
from metabonk_tui.core.model.refs import HostName, WorkerRef
from metabonk_tui.core.model.sample import Event, Operation, PoolReading
from metabonk_tui.core.ports.cluster import NodePlace
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.phrases import count_of, cut_list

LOOK_EVERY_S = 1.0
"""Real seconds between two looks at the queue during an action of ours."""
WAITS_S = 5.0
"""A job that has waited so long with a reason is reported as waiting, and the action ends."""
SOURCE_LIMIT_S = 2.0
KILL_WAIT_S = 60.0
"""Twice Slurm's default KillWait: after scancel a job may take this long to vanish."""


class SlurmPool(PlacedPool):
    """The pool of `[pool.slurm]`. Attaching starts nothing, detaching stops nothing."""

    name = "slurm"

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        controller_lock: ControllerRole,
        read_only: bool = False,
        run_command: Callable[..., Printed] = run,
    ) -> None:
        super().__init__(clock, controller_lock, read_only)
        self._spec = SlurmSpec(config)
        self._queue = SlurmQueue(self._spec, clock, run_command)
        self._run = run_command
        self._first_record = FolderRecord()
        """What the folder of a new pool will have: the plan that is shown names its token already."""

    # What the cluster says (`Cluster`)

    @property
    def desired(self) -> int | None:
        """How many workers are wanted; None: the pool was stopped, or never launched."""
        return self._queue.desired

    def places(self) -> Mapping[HostName, NodePlace]:
        return self._queue.places()

    def link(self, node: HostName, job_id: int, slots: tuple[int, ...]) -> NodeLink:
        """Make the link to an agent inside a job; nothing is started before its first read."""
        return NodeLink(self._spec, node, job_id, slots)

    def take_events(self) -> tuple[Event, ...]:
        return self._queue.take_events()

    def take_exits(self) -> Mapping[HostName, tuple[ExitReading, ...]]:
        return self._queue.take_exits()

    # The pool (`PoolBackend`)

    async def read(self) -> PoolReading:
        """Return what Slurm said last; ask it again every 5 s. Takes the role of a controller that has ended."""
        if not self._busy:
            await asyncio.to_thread(self._queue.look_if_due)
        controls, lock_problem = self._try_control()
        queue = self._queue
        problem = lock_problem or queue.problem
        if queue.problem and queue.looked_s is not None:
            problem = f"the queue was last read {time.monotonic() - queue.looked_s:.0f} s ago: {queue.problem}"
        holder = "" if controls else self._lock.holder()
        return PoolReading(
            backend=self.name,
            desired=queue.desired,
            launched_by_us=bool(queue.living()),
            controller="us" if controls else "other" if holder else "none",
            holder=holder,
            read_only=self._read_only,
            operation=self._operation,
            problem=problem,
            placed=True,
            waiting=queue.waiting(),
        )

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        """Plan an action on the jobs as Slurm lists them now; blocks for the time of one look."""
        why = BUSY if self._busy else self._cannot_act() or self._queue.look()
        if why:
            return refused(action, why)
        living = self._queue.living()
        warnings = tuple(
            f"not ours, left alone: job {job.label} has this name and another pool's token"
            for job in self._queue.strangers[:4]
        )
        match action:
            case Launch() if living:
                return refused(action, f"{count_of(len(living), 'job')} of this pool run or wait already: resize it")
            case Launch(workers=workers):
                return self._planned(action, (), range(workers), warnings)
            case Resize(workers=workers):
                over = [job for slot, job in living.items() if slot >= workers]
                return self._planned(action, over, [slot for slot in range(workers) if slot not in living], warnings)
            case Restart(workers=workers):
                return self._planned(action, list(living.values()), range(workers), warnings)
            case Stop() if not living and self._queue.desired is None:
                seen = "no job of this pool was found: none runs and none waits"
                return Plan(action, "noop", (), (), 0, None, warnings=(seen, *warnings))
            case Stop():
                return self._planned(action, list(living.values()), (), warnings)
            case StopWorker(ref=ref):
                job = living.get(ref.slot)
                if job is None or job.node != ref.host:
                    return refused(action, f"{NOTHING_OURS}: no job of this pool runs {ref.label}")
                return self._planned(action, [job], (), warnings)

    async def apply(self, plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        """Carry out a plan and report every step. Runs one plan at a time; a cancelled plan undoes nothing."""

        async def carry_out(reporter: ProgressReporter) -> tuple[Event, ...]:
            with acting(self._spec.folder) as why:
                return await self._carry_out(plan, reporter, why)

        return await self._alone(plan, progress, steps_of(plan), str(self._spec.logs), carry_out)

    async def aclose(self) -> None:
        """Release the pool's role. The jobs go on."""
        self._lock.release()

    async def _carry_out(self, plan: Plan, reporter: ProgressReporter, why: str) -> tuple[Event, ...]:
        why = why or self._cannot_act() or plan.refusal or await asyncio.to_thread(self._queue.look)
        if why:
            return self._failed(plan, reporter, why, "warn")
        labels = {hit.name.split(" ")[1] for hit in plan.hits}
        living = self._queue.living()
        ending = [job for job in living.values() if job.label in labels]
        if why := why_stale(plan, {slot: job.label for slot, job in living.items()}, labels, "job"):
            return self._failed(plan, reporter, why, "warn")
        try:
            record = await asyncio.to_thread(self._with_intent, plan)
        except OSError as error:
            return self._failed(plan, reporter, f"the shared folder cannot be used: {error.strerror or error}")
        if ending and (why := await self._end(ending, reporter)):
            return self._failed(plan, reporter, why)
        message = f"{count_of(len(ending), 'job')} ended" if ending else "nothing was left"
        slots = slots_to_start(plan, self._queue.living())
        if slots:
            submitted = await self._submit(record, slots, reporter)
            if submitted:
                return self._failed(plan, reporter, submitted)
            message = await self._wait_for_places(slots, reporter)
            if self._ended(slots):
                return self._failed(plan, reporter, message)
        reporter.end(True, message)
        return (self._event(plan, "info", f"{title_of(plan)}: {message}"),)

    def _with_intent(self, plan: Plan) -> FolderRecord:
        """Write how many workers are wanted before anything is done: a monitor that dies in the middle is followed."""
        spec = self._spec
        record = self._queue.record or self._first_record
        action = plan.action
        if isinstance(action, Launch | Resize | Restart):
            for folder in (spec.folder, spec.logs, spec.folder / "workers"):
                make_private_directory(folder)
            write_script(spec.script)
            record = replace(record, workers=action.workers, launched_at=record.launched_at or time.time())
        elif isinstance(action, Stop):
            record = replace(record, workers=None, launched_at=None)
        self._queue.record_file.write(record)
        self._queue.record = record
        return record

    async def _submit(self, record: FolderRecord, slots: Collection[int], reporter: ProgressReporter) -> str:
        """Submit one array for these slots. Returns the problem; "" when it was accepted."""
        reporter.begin(SUBMITTED)
        printed = await asyncio.to_thread(self._run, self._spec.submit(record, slots))
        array = printed.out.strip().partition(";")[0]
        if printed.error or not array.isdigit():
            why = printed.error or f"sbatch printed no job id: {printed.out[:80]!r}"
            reporter.fail(SUBMITTED, why)
            return why
        record = replace(record, arrays=(*record.arrays, int(array)))
        try:
            await asyncio.to_thread(self._queue.record_file.write, record)
        except OSError as error:
            # The token in the comment finds the jobs all the same.
            reporter.done(SUBMITTED, f"array {array}; its id could not be written: {error.strerror}")
            return ""
        self._queue.record = record
        reporter.done(SUBMITTED, f"array {array}: {count_of(len(slots), 'task')}")
        return ""

    async def _wait_for_places(self, slots: Collection[int], reporter: ProgressReporter) -> str:
        """Wait until every worker has begun or is known to wait; return what became of them."""
        reporter.begin(PLACED)
        began_s = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            problem = await asyncio.to_thread(self._queue.look)
            waited_s = time.monotonic() - began_s
            jobs = [job for slot in slots if (job := self._queue.jobs.get(slot)) is not None]
            begun = [job for job in jobs if job.runs and self._queue.announced(job) is not None]
            waiting = [job for job in jobs if job.waits]
            ended = [job for job in jobs if job.has_ended]
            text = f"{len(begun)} of {count_of(len(slots), 'worker')} started"
            if waiting:
                text += f", {len(waiting)} wait: {cut_list(sorted({job.reason for job in waiting}), 3)}"
            if ended:
                text += f", {len(ended)} ended: {cut_list(sorted({state_text(job) for job in ended}), 3)}"
            reporter.detail(PLACED, problem or text)
            all_known = len(begun) + len(ended) + (len(waiting) if waited_s >= WAITS_S else 0) >= len(slots)
            if all_known or ended or waited_s >= self._spec.start_timeout_s:
                tail = tail_lines(self._spec.logs / f"{ended[0].label}.log", 0, 12) if ended else None
                (reporter.fail if ended else reporter.done)(PLACED, problem or text, tail)
                return problem or text

    def _ended(self, slots: Collection[int]) -> list[Job]:
        return [job for slot in slots if (job := self._queue.jobs.get(slot)) is not None and job.has_ended]

    async def _end(self, jobs: list[Job], reporter: ProgressReporter) -> str:
        """End these jobs: SIGTERM to the workers, the grace, scancel. Returns the problem; "" when they are gone."""
        self._queue.note_own_end(jobs)
        labels = {job.label for job in jobs}
        reporter.begin(ASKED)
        if waiting := [job for job in jobs if job.waits]:
            # First: a place that a worker leaves must not start one of them.
            await asyncio.to_thread(self._run, self._spec.cancel(waiting))
        running = [job for job in jobs if not job.waits]
        if running:
            printed = await asyncio.to_thread(self._run, self._spec.ask_to_end(running))
            reporter.done(ASKED, printed.error or count_of(len(running), "job"))
        else:
            reporter.skip(ASKED, "none runs")
        reporter.begin(GONE)
        how = ""
        left = await self._wait_until_gone(labels, self._spec.grace_s, reporter)
        if left:
            how = "scancel was needed"
            printed = await asyncio.to_thread(self._run, self._spec.cancel(left))
            left = await self._wait_until_gone(labels, KILL_WAIT_S, reporter)
            if left:
                why = f"still listed: {cut_list([f'job {job.label} {job.state}' for job in left], 4)}"
                reporter.fail(GONE, "; ".join(filter(None, (why, printed.error))))
                return why
        reporter.done(GONE, "; ".join(filter(None, (count_of(len(jobs), "job"), how))))
        return ""

    async def _wait_until_gone(self, labels: Collection[str], limit_s: float, reporter: ProgressReporter) -> list[Job]:
        """Look until Slurm lists none of these jobs as living; return those that are left after the limit."""
        ends_s = time.monotonic() + limit_s
        while True:
            problem = await asyncio.to_thread(self._queue.look)
            left = [job for job in self._queue.jobs.values() if job.label in labels and job.lives]
            if (not left and not problem) or time.monotonic() >= ends_s:
                return left
            reporter.detail(GONE, problem or f"waiting for {cut_list([f'job {job.label}' for job in left], 4)}")
            await asyncio.sleep(LOOK_EVERY_S)

    def _planned(
        self, action: Action, ending: Collection[Job], start: Collection[int], warnings: tuple[str, ...]
    ) -> Plan:
        record = self._queue.record or self._first_record
        commands: list[tuple[str, ...]] = []
        if waiting := [job for job in ending if job.waits]:
            commands.append(self._spec.cancel(waiting))
        if running := [job for job in ending if not job.waits]:
            commands += [self._spec.ask_to_end(running), self._spec.cancel(running)]
        if start:
            commands.append(self._spec.submit(record, start))
        if not commands and not (isinstance(action, Stop) or self._changes_number(action)):
            workers = count_of(getattr(action, "workers", 0), "worker")
            seen = f"the pool has {workers} already: their jobs run or wait"
            return Plan(action, "noop", (), (), 0, None, warnings=(seen, *warnings))
        source = None
        if start:
            directory, file = str(self._spec.directory), self._spec.env_file
            sourced = source_env_file(file, os.environ, SOURCE_LIMIT_S) if file is not None else NO_VARIABLES
            if isinstance(sourced, Sourced):
                source = PlanSource(directory, str(file) if file is not None else None, sourced.count)
            elif file is not None and file.exists():
                # Every worker would fail by it, hours later if the queue is long.
                return refused(action, f"env file: {sourced.text}")
            else:
                source = PlanSource(directory, str(file))
                warnings = (*warnings, f"{file} is not on this machine; each node reads it itself")
        hits = tuple(self._target(job) for job in ending)
        return placed_plan(action, commands, hits, len(start), source, warnings)

    def _changes_number(self, action: Action) -> bool:
        return isinstance(action, Resize) and action.workers != self._queue.desired

    def _target(self, job: Job) -> TargetProcess:
        where = self._queue.announced(job)
        on = f" on {job.node}" if job.node else f" {job.state}"
        ref = WorkerRef(job.node, job.slot)
        return TargetProcess("worker", where.pid if where else 0, job.started_at or 0.0, ref, f"job {job.label}{on}")
