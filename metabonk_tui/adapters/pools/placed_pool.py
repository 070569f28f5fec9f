"""Launches, resizes and stops a pool whose workers an engine places on nodes, one job each.

Acts only on jobs that the engine lists as the pool's at a look just before. Does not: act without the pool's role,
touch a job that the plan keeps, or speak to an engine; `adapters/slurm` and `adapters/ray` do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Generic

from msgspec.structs import replace

from metabonk_tui.adapters.pools.action_text import event_of
from metabonk_tui.adapters.pools.placed_plan import (
    labels_of,
    placed_plan,
    refused,
    slots_to_start,
    title_of,
    why_stale,
)
from metabonk_tui.adapters.pools.placed_watch import J, PlacedWatch, R
from metabonk_tui.adapters.pools.plan import NOTHING_OURS
from metabonk_tui.adapters.pools.progress import ProgressReporter
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.level_names import Severity
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

BUSY = "another operation is under way"
ASKED, PLACED = "SIGTERM sent", "workers started"


class PlacedPool(Generic[J, R]):
    """The part of a pool that does not depend on its engine. Attaching starts nothing, detaching stops nothing."""

    name = ""
    noun = ""
    """What the engine calls what runs a worker."""
    created = ""
    """The step that asks the engine for jobs."""
    kill_word = ""
    """What ends a job that withstands SIGTERM."""
    last_answer = ""
    """Begins the sentence about an engine that does not answer now: "the queue was last read"."""
    look_every_s = 1.0
    """Real seconds between two looks during an action of ours."""
    waits_s = 5.0
    """A job that has waited so long for a place is reported as waiting, and the action ends."""
    kill_wait_s = 60.0
    """How long a job may take to vanish after `kill_word`."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        controller_lock: ControllerRole,
        read_only: bool,
        watch: PlacedWatch[J, R],
        logs: str = "",
    ) -> None:
        self._clock, self._lock, self._read_only = clock, controller_lock, read_only
        self._watch, self._logs = watch, logs
        self._grace_s = config.pool.launcher.stop_grace_s
        self._start_timeout_s = config.pool.launcher.start_timeout_s
        self._operation: Operation | None = None
        self._busy = False

    # What the cluster says (`Cluster`)

    @property
    def desired(self) -> int | None:
        """How many workers are wanted; None: the pool was stopped, or never launched."""
        return self._watch.desired

    def places(self) -> Mapping[HostName, NodePlace]:
        return self._watch.places()

    def take_events(self) -> tuple[Event, ...]:
        return self._watch.take_events()

    def take_exits(self) -> Mapping[HostName, tuple[ExitReading, ...]]:
        return self._watch.take_exits()

    # The pool (`PoolBackend`)

    async def read(self) -> PoolReading:
        """Return what the engine said last; ask it again when it is time to. Takes the role of an ended controller."""
        if not self._busy:
            await asyncio.to_thread(self._watch.look_if_due)
        controls, lock_problem = self._try_control()
        watch = self._watch
        problem = lock_problem or watch.problem
        if watch.problem and watch.looked_s is not None:
            problem = f"{self.last_answer} {time.monotonic() - watch.looked_s:.0f} s ago: {watch.problem}"
        holder = "" if controls else self._lock.holder()
        return PoolReading(
            backend=self.name,
            desired=watch.desired,
            launched_by_us=bool(watch.living()),
            controller="us" if controls else "other" if holder else "none",
            holder=holder,
            read_only=self._read_only,
            operation=self._operation,
            problem=problem,
            placed=True,
            waiting=watch.waiting(),
            engine_error=watch.problem or None,
            launched_t=watch.launched_t,
        )

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        """Plan an action on the jobs as the engine lists them now; blocks for the time of one look."""
        why = BUSY if self._busy else self._cannot_act() or self._watch.look()
        if why:
            return refused(action, why)
        living = self._watch.living()
        match action:
            case Launch() if living:
                have = count_of(len(living), self.noun)
                return refused(action, f"{have} of this pool run or wait already: resize it")
            case Launch(workers=workers):
                return self._planned(action, (), range(workers))
            case Resize(workers=workers):
                over = [job for slot, job in living.items() if slot >= workers]
                return self._planned(action, over, [slot for slot in range(workers) if slot not in living])
            case Restart(workers=workers):
                return self._planned(action, list(living.values()), range(workers))
            case Stop() if not living and self._watch.desired is None:
                return self._nothing_to_do(action, f"no {self.noun} of this pool was found: none runs and none waits")
            case Stop():
                return self._planned(action, list(living.values()), ())
            case StopWorker(ref=ref):
                job = living.get(ref.slot)
                if job is None or job.node != ref.host:
                    return refused(action, f"{NOTHING_OURS}: no {self.noun} of this pool runs {ref.label}")
                return self._planned(action, [job], ())

    async def apply(self, plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        """Carry out a plan and report every step. Runs one plan at a time; a cancelled plan undoes nothing."""
        return await self._alone(plan, progress, lambda reporter: self._carry_out(plan, reporter))

    # What an engine does in its own way; all but `_source` and `_commands` speak to it and may block

    def _strangers(self) -> tuple[str, ...]:
        """Name what looks like the pool's and is not."""
        raise NotImplementedError

    def _commands(self, ending: Collection[J], start: Collection[int]) -> list[tuple[str, ...]]:
        """Return what a plan shows of its orders."""
        raise NotImplementedError

    def _source(self) -> tuple[PlanSource, tuple[str, ...]] | str:
        """Return where the workers run and with what, and warnings; a text: why they cannot start."""
        raise NotImplementedError

    def _note_intent(self, plan: Plan) -> str:
        """Write how many workers are wanted before anything is done: a monitor that dies in the middle is followed."""
        raise NotImplementedError

    def _create(self, slots: Collection[int], plan: Plan) -> tuple[str, str]:
        """Ask the engine for one job a slot. Returns (what was accepted, the problem); one of them is empty."""
        raise NotImplementedError

    def _order_end(self, jobs: Collection[J], *, soft: bool) -> str:
        """Send SIGTERM to the workers of these jobs, or end the jobs. Returns the problem; "" for none."""
        raise NotImplementedError

    def _tail(self, job: J) -> tuple[str, ...] | None:
        """Return the end of the log of a worker that has ended; None: there is none."""
        raise NotImplementedError

    @contextmanager
    def _among_machines(self) -> Iterator[str]:
        """Keep monitors on other machines from acting meanwhile; yields why that is impossible, else ""."""
        yield ""

    # What is common to all

    async def _carry_out(self, plan: Plan, reporter: ProgressReporter) -> tuple[Event, ...]:
        with self._among_machines() as why:
            why = why or self._cannot_act() or plan.refusal or await asyncio.to_thread(self._watch.look)
            living = self._watch.living()
            why = why or why_stale(plan, {slot: job.label for slot, job in living.items()}, self.noun)
            if why:
                return self._failed(plan, reporter, why, "warn")
            ending = [job for job in living.values() if job.label in labels_of(plan)]
            if problem := await asyncio.to_thread(self._note_intent, plan):
                return self._failed(plan, reporter, problem)
            if ending and (problem := await self._end(ending, reporter)):
                return self._failed(plan, reporter, problem)
            message = f"{count_of(len(ending), self.noun)} ended" if ending else "nothing was left"
            slots = slots_to_start(plan, self._watch.living())
            if slots:
                reporter.begin(self.created)
                accepted, problem = await asyncio.to_thread(self._create, slots, plan)
                if problem:
                    reporter.fail(self.created, problem)
                    return self._failed(plan, reporter, problem)
                reporter.done(self.created, accepted)
                message = await self._wait_for_places(slots, reporter)
                if any(job.has_ended for job in self._watch.of_slots(slots)):
                    return self._failed(plan, reporter, message)
            reporter.end(True, message)
            return (self._event(plan, "info", f"{title_of(plan)}: {message}"),)

    async def _end(self, jobs: Collection[J], reporter: ProgressReporter) -> str:
        """End these jobs: SIGTERM to the workers, the grace, `kill_word`. Returns the problem; "": all are gone."""
        self._watch.note_own_end(jobs)
        reporter.begin(ASKED)
        waiting, running = [job for job in jobs if job.waits], [job for job in jobs if not job.waits]
        # First what waits: a place that a worker leaves must not start one of them.
        problems = [await self._order(waiting, soft=False), await self._order(running, soft=True)]
        problem = "; ".join(dict.fromkeys(filter(None, problems)))
        if running or problem:
            reporter.done(ASKED, problem or count_of(len(running), "worker"))
        else:
            reporter.skip(ASKED, "none runs")
        gone, labels, how = f"{self.noun}s gone", {job.label for job in jobs}, ""
        reporter.begin(gone)
        left = await self._wait_until_gone(labels, self._grace_s, reporter)
        if left:
            how = f"{self.kill_word} was needed"
            problem = await self._order(left, soft=False)
            left = await self._wait_until_gone(labels, self.kill_wait_s, reporter)
        if left or self._watch.problem:
            named = cut_list([f"{self.noun} {job.label} {job.state}" for job in left], 4)
            listed = f"still listed: {named}" if left else ""
            why = "; ".join(filter(None, (listed, problem or self._watch.problem)))
            reporter.fail(gone, why)
            return why
        reporter.done(gone, "; ".join(filter(None, (count_of(len(jobs), self.noun), how))))
        return ""

    async def _order(self, jobs: Collection[J], *, soft: bool) -> str:
        return await asyncio.to_thread(self._order_end, jobs, soft=soft) if jobs else ""

    async def _wait_until_gone(self, labels: Collection[str], limit_s: float, reporter: ProgressReporter) -> list[J]:
        """Look until the engine lists none of these jobs as living; return those that are left after the limit."""
        ends_s = time.monotonic() + limit_s
        while True:
            problem = await asyncio.to_thread(self._watch.look)
            left = [job for job in self._watch.jobs.values() if job.label in labels and job.lives]
            if (not left and not problem) or time.monotonic() >= ends_s:
                return left
            names = cut_list([f"{self.noun} {job.label}" for job in left], 4)
            reporter.detail(f"{self.noun}s gone", problem or f"waiting for {names}")
            await asyncio.sleep(self.look_every_s)

    async def _wait_for_places(self, slots: Collection[int], reporter: ProgressReporter) -> str:
        """Wait until every worker has begun or is known to wait; return what became of them."""
        reporter.begin(PLACED)
        watch, began_s = self._watch, time.monotonic()
        while True:
            await asyncio.sleep(self.look_every_s)
            problem = await asyncio.to_thread(watch.look)
            waited_s = time.monotonic() - began_s
            jobs = watch.of_slots(slots)
            begun = [job for job in jobs if job.runs and watch.has_begun(job)]
            waiting, ended = [job for job in jobs if job.waits], [job for job in jobs if job.has_ended]
            text = f"{len(begun)} of {count_of(len(slots), 'worker')} started"
            if waiting:
                text += f", {len(waiting)} wait: {cut_list(sorted({job.reason for job in waiting}), 3)}"
            if ended:
                text += f", {len(ended)} ended: {cut_list(sorted({watch.state_text(job) for job in ended}), 3)}"
            reporter.detail(PLACED, problem or text)
            stuck = sum(job.is_stuck for job in waiting) if waited_s >= self.waits_s else 0
            if ended or len(begun) + stuck >= len(slots) or waited_s >= self._start_timeout_s:
                tail = next((lines for job in ended if (lines := self._tail(job)) is not None), None)
                (reporter.fail if ended else reporter.done)(PLACED, problem or text, tail)
                return problem or text

    def _planned(self, action: Action, ending: Collection[J], start: Collection[int]) -> Plan:
        warnings, source = self._strangers(), None
        commands = self._commands(ending, start)
        changes_number = isinstance(action, Resize) and action.workers != self._watch.desired
        if not commands and not (isinstance(action, Stop) or changes_number):
            workers = count_of(getattr(action, "workers", 0), "worker")
            return self._nothing_to_do(action, f"the pool has {workers} already: their {self.noun}s run or wait")
        if start:
            found = self._source()
            if isinstance(found, str):
                # Every worker would fail by it, hours later if the queue is long.
                return refused(action, found)
            source, more = found
            warnings = (*warnings, *more)
        hits = tuple(self._target(job) for job in ending)
        kept = len(self._watch.living()) - len(ending)
        return placed_plan(action, commands, hits, len(start), source, warnings, kept)

    def _nothing_to_do(self, action: Action, seen: str) -> Plan:
        return Plan(action, "noop", (), (), 0, None, warnings=(seen, *self._strangers()))

    def _target(self, job: J) -> TargetProcess:
        on = f" on {job.node}" if job.node else f" {job.state}"
        ref, pid = WorkerRef(job.node, job.slot), self._watch.pid_of(job) or 0
        return TargetProcess("worker", pid, job.began_at or 0.0, ref, f"{self.noun} {job.label}{on}")

    def _steps(self, plan: Plan) -> tuple[str, ...]:
        if plan.mode in ("noop", "refused"):
            return ()
        ends, starts = (ASKED, f"{self.noun}s gone"), (self.created, PLACED)
        return (*(ends if plan.hits else ()), *(starts if plan.start else ()))

    async def _alone(
        self,
        plan: Plan,
        progress: Callable[[Operation], None],
        carry_out: Callable[[ProgressReporter], Awaitable[tuple[Event, ...]]],
    ) -> tuple[Event, ...]:
        """Carry out a plan unless another one is under way; report how it ends, also by an error."""
        pids = tuple(hit.pid for hit in plan.hits if hit.pid) if plan.mode in ("start", "incremental") else None

        def report(operation: Operation) -> None:
            operation = replace(operation, ends=pids)
            if not busy_before:
                self._operation = operation
            progress(operation)

        busy_before = self._busy
        reporter = ProgressReporter(title_of(plan), self._steps(plan), self._clock, report, self._logs)
        if plan.mode == "noop" or self._busy:
            reporter.end(plan.mode == "noop", BUSY if self._busy else "nothing to do")
            return ()
        self._busy = True
        self._lock.set_busy(True)
        try:
            return await carry_out(reporter)
        except asyncio.CancelledError:
            reporter.end(False, "left in the middle: what was begun or asked to end goes on")
            raise
        except BaseException as error:
            reporter.end(False, f"failed: {error}")
            raise
        finally:
            self._busy = False
            self._lock.set_busy(False)

    def _cannot_act(self) -> str:
        """Return why this monitor may not act; "" when it may."""
        if self._read_only:
            return "read-only: this monitor was opened only to look"
        controls, problem = self._try_control()
        if controls:
            return ""
        return problem or f"another monitor acts on this pool: {self._lock.holder() or 'which one is not known'}"

    def _try_control(self) -> tuple[bool, str]:
        """Acquire or keep the role, unless read-only. Returns (acquired, error text)."""
        if self._read_only:
            return False, ""
        try:
            return self._lock.try_acquire(), ""
        except OSError as error:
            return False, f"the pool's lock cannot be taken ({self._lock.path}): {error.strerror or error}"

    def _failed(
        self, plan: Plan, reporter: ProgressReporter, why: str, severity: Severity = "crit"
    ) -> tuple[Event, ...]:
        reporter.end(False, why)
        return (self._event(plan, severity, f"{title_of(plan)} failed: {why}", {"error": why}),)

    def _event(self, plan: Plan, severity: Severity, text: str, facts: Mapping[str, str] | None = None) -> Event:
        found = event_of(plan, self._clock.now(), severity, text, facts or {})
        return replace(found, facts={**found.facts, "jobs": labels_of(plan)})
