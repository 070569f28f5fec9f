"""Finds, plans for, starts and stops a pool that a launcher command controls.

Does not: act without the pool's lock, on an outdated plan, or on processes of another pool.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from metabonk_tui.adapters.env_file.source import EnvFileError, Sourced
from metabonk_tui.adapters.pools import start as starting
from metabonk_tui.adapters.pools import stop as stopping
from metabonk_tui.adapters.pools.discover import PoolProcesses, find_processes, foreign_listeners, workers_option
from metabonk_tui.adapters.pools.launch_record import LaunchRecord, RecordFile
from metabonk_tui.adapters.pools.launch_spec import NO_VARIABLES, LaunchSpec
from metabonk_tui.adapters.pools.plan import PlanInputs, make_plan, refuse, why_stale
from metabonk_tui.adapters.pools.progress import ProgressReporter
from metabonk_tui.adapters.pools.terminate import ProcessSet, describe
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.spawn import reap
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.pool import Action, Launch, Plan, Resize, Restart, Stop, StopWorker
from metabonk_tui.core.model.sample import Event, Operation, PoolReading
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.phrases import count_of

_SOURCE_FOR_PLAN_S = 2.0
"""Shorter than the limit of a launch: the operator waits for the plan."""
_ENV_FILE = "env file"


class Processes(Protocol):
    """Finds workers, launchers and orchestrators; start times are real Unix seconds."""

    def __call__(self, fresh: bool = False) -> tuple[ProcessReading, ...]:
        """Return the processes; `fresh` also finds those that started since the last scan."""
        ...


class LauncherPool:
    """The pool of `pool.launcher` in the configuration. Attaching starts nothing, detaching stops nothing.

    `processes` is called from several threads, one call at a time. Times in its readings are real Unix seconds.
    `plan` runs the env file and scans processes and ports: about 50 ms, up to 2 s when the env file hangs.
    """

    name = "launcher"

    def __init__(
        self,
        config: Config,
        state_dir: Path,
        *,
        clock: Clock,
        controller_lock: ControllerRole,
        processes: Processes,
        read_only: bool = False,
        proc: Proc | None = None,
    ) -> None:
        self._spec = LaunchSpec(config, state_dir)
        self._clock = clock
        self._lock = controller_lock
        self._processes = processes
        self._read_only = read_only
        self._proc = proc or Proc()
        self._record_file = RecordFile(self._spec.record_path)
        self._operation: Operation | None = None
        self._target: int | None = None
        self._busy = False
        self._scan_lock = threading.Lock()

    async def read(self) -> PoolReading:
        """Read the pool's processes and lock state. Takes the role of a controller that has ended."""
        reading = await asyncio.to_thread(self._read)
        return replace(reading, operation=self._operation, desired=self._target or reading.desired)

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        """Plan an action on the pool as it is now. Returns a refused plan when the monitor cannot act."""
        why = "another operation is under way" if self._busy else self._cannot_act()
        if why:
            return refuse(action, self._spec, why)
        record, running = self._find_processes(sweep=True)
        sourced = self._spec.source(_SOURCE_FOR_PLAN_S) if not isinstance(action, StopWorker) else NO_VARIABLES
        wanted = action.workers if isinstance(action, Launch | Resize | Restart) else 0
        inputs = PlanInputs(
            running=running,
            desired=_desired(record, running),
            sourced=sourced,
            foreign_listeners=foreign_listeners(running, self._spec, wanted, self._proc) if wanted > 0 else {},
            ready_s=record.ready_s if record else None,
            notes=(self._record_file.problem,) if self._record_file.problem else (),
        )
        return make_plan(action, self._spec, inputs)

    async def apply(self, plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        """Carry out a plan and report every step. Runs one plan at a time; a cancelled plan undoes nothing."""
        report = progress if self._busy else self._recording_reporter(progress)
        reporter = ProgressReporter(_title(plan), self._steps(plan), self._clock, report, str(self._spec.log_path))
        if plan.mode == "noop":
            reporter.end(True, plan.warnings[0] if plan.warnings else "nothing to do")
            return ()
        if self._busy:
            reporter.end(False, "another operation is under way")
            return ()
        self._busy = True
        self._lock.set_busy(True)
        try:
            return await self._carry_out(plan, reporter)
        except asyncio.CancelledError:
            reporter.end(False, "left in the middle: what has been started or asked to end goes on")
            raise
        except BaseException as error:
            reporter.end(False, f"failed: {error}")
            raise
        finally:
            self._busy = False
            self._lock.set_busy(False)
            self._target = None

    async def aclose(self) -> None:
        """Release the pool's lock. The pool keeps running."""
        self._lock.release()

    async def _carry_out(self, plan: Plan, reporter: ProgressReporter) -> tuple[Event, ...]:
        why = self._cannot_act() or plan.refusal
        record, running = await asyncio.to_thread(self._find_processes, sweep=True)
        why = why or why_stale(plan, running)
        if why:
            return self._failed(plan, reporter, why, "warn")
        if isinstance(plan.action, StopWorker):
            return await self._stop_worker(plan, reporter)
        sourced: Sourced | EnvFileError = NO_VARIABLES
        if self._spec.env_file is not None:
            reporter.begin(_ENV_FILE)
            sourced = await asyncio.to_thread(self._spec.source)
        if isinstance(sourced, EnvFileError):
            reporter.fail(_ENV_FILE, sourced.text)
            if plan.start:
                return self._failed(plan, reporter, f"env file: {sourced.text}")
            sourced = NO_VARIABLES
        elif self._spec.env_file is not None:
            reporter.done(_ENV_FILE, f"{sourced.count} variables")
        self._target = plan.start or None
        record = record or LaunchRecord()
        if plan.mode in ("stop", "restart_all"):
            problem = await self._stop(plan, running, sourced, record, reporter)
            if problem:
                return self._failed(plan, reporter, problem)
        message = "the pool is gone: processes and ports are free"
        if plan.start:
            record = _with_intent(record, plan)
            started = await starting.start_pool(
                self._spec,
                plan.commands[-1],
                self._spec.environment(sourced, record.token),
                plan.start,
                {target.pid for target in running.all_targets},
                self._record_file,
                record,
                lambda: self._find_processes()[1],
                reporter,
                self._proc,
            )
            if started.problem:
                return self._failed(plan, reporter, started.problem)
            message = f"{count_of(started.ready, 'worker')} answered after {started.seconds:.0f} s"
        reporter.end(True, message)
        return (self._event(plan, "info", f"{_title(plan)}: {message}"),)

    async def _stop(
        self, plan: Plan, running: PoolProcesses, sourced: Sourced, record: LaunchRecord, reporter: ProgressReporter
    ) -> str:
        """Stop the processes that the plan hits. Returns the problem; "" when the pool is gone."""
        process_set = ProcessSet(plan.hits, record.token, self._proc)
        commands = plan.commands[:-1] if plan.start else plan.commands
        argv = commands[0] if commands else None
        ports = {self._spec.base_port + target.worker.slot for target in running.workers if target.worker is not None}
        environment = self._spec.environment(sourced)
        stopped = await stopping.stop_pool(self._spec, argv, environment, process_set, ports, reporter, self._proc)
        if stopped.problem:
            return stopped.problem
        _, left = await asyncio.to_thread(self._find_processes, sweep=True)
        if left.all_targets:
            names = ProcessSet(left.all_targets, None, self._proc).living()
            return f"came back meanwhile: {', '.join(describe(target) for target in names)}" if names else ""
        return ""

    async def _stop_worker(self, plan: Plan, reporter: ProgressReporter) -> tuple[Event, ...]:
        process_set = ProcessSet(plan.hits, None, self._proc)
        reporter.begin(stopping.PROCESSES_GONE)
        problem = await stopping.end_processes(process_set, self._spec.grace_s, reporter)
        if problem:
            return self._failed(plan, reporter, problem)
        message = f"{describe(plan.hits[0])} has ended"
        reporter.end(True, message)
        return (self._event(plan, "info", message),)

    def _read(self) -> PoolReading:
        """Read the pool. Blocks for a few milliseconds."""
        reap()
        controls, lock_problem = self._try_control()
        record, running = self._find_processes(fresh=False)
        holder = "" if controls else self._lock.holder()
        problem = self._spec.cannot_act() or lock_problem
        if not problem and not running.all_targets:
            # A running pool can be stopped even where no launch is possible: then only the plan refuses.
            problem = self._spec.cannot_launch()
        return PoolReading(
            backend=self.name,
            desired=_desired(record, running),
            launcher_pid=running.launcher.pid if running.launcher else None,
            launcher_started_at=running.launcher.started_at if running.launcher else None,
            launched_by_us=running.ours,
            controller="us" if controls else "other" if holder or not (self._read_only or lock_problem) else "none",
            holder=holder,
            read_only=self._read_only,
            problem=problem,
        )

    def _try_control(self) -> tuple[bool, str]:
        """Acquire or keep the lock, unless read-only. Returns (acquired, error text)."""
        if self._read_only:
            return False, ""
        try:
            return self._lock.try_acquire(), ""
        except OSError as error:
            return False, f"the pool's lock cannot be taken ({self._lock.path}): {error.strerror or error}"

    def _find_processes(self, *, fresh: bool = True, sweep: bool = False) -> tuple[LaunchRecord | None, PoolProcesses]:
        """Scan the pool; `sweep` also finds survivors by their token."""
        record = self._record_file.read()
        with self._scan_lock:
            readings = self._processes(fresh)
        return record, find_processes(readings, self._spec, record, self._proc, sweep)

    def _cannot_act(self) -> str:
        """Return why this monitor may not act; "" when it may."""
        if self._read_only:
            return "read-only: this monitor was told only to look"
        impossible = self._spec.cannot_act()
        if impossible:
            return impossible
        controls, problem = self._try_control()
        if controls:
            return ""
        return problem or f"another monitor acts on this pool: {self._lock.holder() or 'who, it does not say'}"

    def _steps(self, plan: Plan) -> tuple[str, ...]:
        if plan.mode in ("noop", "refused"):
            return ()
        if isinstance(plan.action, StopWorker):
            return (stopping.PROCESSES_GONE,)
        first = (_ENV_FILE,) if self._spec.env_file is not None else ()
        stop = stopping.STEPS if plan.mode in ("stop", "restart_all") else ()
        return (*first, *stop, *(starting.STEPS if plan.start else ()))

    def _recording_reporter(self, progress: Callable[[Operation], None]) -> Callable[[Operation], None]:
        def report(operation: Operation) -> None:
            self._operation = operation
            progress(operation)

        return report

    def _failed(
        self, plan: Plan, reporter: ProgressReporter, why: str, severity: Severity = "crit"
    ) -> tuple[Event, ...]:
        reporter.end(False, why)
        return (self._event(plan, severity, f"{_title(plan)} failed: {why}", {"error": why}),)

    def _event(self, plan: Plan, severity: Severity, text: str, facts: Mapping[str, str] | None = None) -> Event:
        action = plan.action
        counts = {"from": _workers_hit(plan), "to": plan.start, "by": action.by}
        worker = None
        if isinstance(action, StopWorker):
            worker = action.ref
            counts = {"pid": action.pid, "by": action.by}
        kind = {Launch: EventKind.POOL_LAUNCH, Restart: EventKind.POOL_LAUNCH, Resize: EventKind.POOL_RESIZE}.get(
            type(action), EventKind.POOL_STOP
        )
        return Event(self._clock.now(), kind, severity, text, worker, {**counts, **(facts or {})})


def _with_intent(record: LaunchRecord, plan: Plan) -> LaunchRecord:
    """Add the planned hours and the override reason to the record."""
    action = plan.action
    if not isinstance(action, Launch | Resize | Restart):
        return record
    reason = clean_text(action.override) if plan.overridden else ""
    return replace(record, hours=action.hours, override=reason, overridden=plan.overridden)


def _desired(record: LaunchRecord | None, running: PoolProcesses) -> int | None:
    """Return the wanted number of workers: from our launch, the launcher's arguments, else the workers found."""
    if running.ours and record is not None and record.workers is not None:
        return record.workers
    return workers_option(running.launcher_arguments) or len(running.workers) or None


def _title(plan: Plan) -> str:
    action = plan.action
    match action:
        case Launch():
            return f"launch {count_of(action.workers, 'worker')}"
        case Restart():
            return f"restart {count_of(action.workers, 'worker')}"
        case Resize():
            return (
                f"resize {_workers_hit(plan)} → {count_of(action.workers, 'worker')}"
                if plan.hits
                else f"resize to {count_of(action.workers, 'worker')}"
            )
        case Stop():
            return "stop the pool"
        case StopWorker():
            return f"stop worker {action.ref.slot} (pid {action.pid})"


def _workers_hit(plan: Plan) -> int:
    return sum(hit.role == "worker" for hit in plan.hits)
