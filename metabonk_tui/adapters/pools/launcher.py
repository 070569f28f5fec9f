"""Finds, plans for, starts and stops a pool that a launcher command controls.

Does not: act without the pool's lock, on an outdated plan, or on processes of another pool.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from metabonk_tui.adapters.env_file.launcher_environment import NO_SCRIPT
from metabonk_tui.adapters.env_file.source import TIMEOUT_S, EnvFileError, Sourced
from metabonk_tui.adapters.files.private import refuse_foreign, refuse_to_make
from metabonk_tui.adapters.pools import start as starting
from metabonk_tui.adapters.pools import stop as stopping
from metabonk_tui.adapters.pools.action_text import Before, desired_workers, event_of, title, what_ran, with_intent
from metabonk_tui.adapters.pools.clean_up import Bystander, FindBystanders, find_bystanders
from metabonk_tui.adapters.pools.discover import PoolProcesses, PoolWatch, elsewhere_text, other_user_text
from metabonk_tui.adapters.pools.launch_ports import held_ports
from metabonk_tui.adapters.pools.launch_record import LaunchRecord, record_file
from metabonk_tui.adapters.pools.launch_spec import NO_VARIABLES, LaunchSpec
from metabonk_tui.adapters.pools.plan import (
    PlanInputs,
    make_plan,
    may_share_ports,
    others_that_stop_ends,
    ports_to_ask,
    refuse,
    why_not_unattended,
    why_stale,
)
from metabonk_tui.adapters.pools.port_check import PortHolder, ask_ports
from metabonk_tui.adapters.pools.progress import ProgressReporter
from metabonk_tui.adapters.pools.terminate import ProcessSet, came_back, describe
from metabonk_tui.adapters.process.handles import why_not_ours
from metabonk_tui.adapters.process.pool_cgroup import CgroupMount, remove_empty
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.spawn import reap
from metabonk_tui.adapters.process.table import SCAN_EVERY_S
from metabonk_tui.adapters.process.tree import descendants
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.pool import Action, Launch, Plan, Resize, Restart, Stop, StopWorker
from metabonk_tui.core.model.sample import Event, Operation, PoolReading
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.phrases import count_of, cut_list

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
        call: str = "metabonk-tui",
        proc: Proc | None = None,
        bystanders: FindBystanders = find_bystanders,
    ) -> None:
        """`call` is the command prefix that addresses this pool from any shell."""
        self._call = call
        self._find_bystanders = bystanders
        self._spec = LaunchSpec(config, state_dir)
        self._clock = clock
        self._lock = controller_lock
        self._processes = processes
        self._read_only = read_only
        self._proc = proc or Proc()
        self._record_file = record_file(self._spec, self._proc)
        self._operation: Operation | None = None
        self._target: int | None = None
        self._busy = False
        self._scan_lock = threading.Lock()
        self._last_look: tuple[object, PoolProcesses] | None = None
        """What the last look of `read` was based on, and what it found."""
        self._last_look_s = 0.0

    async def read(self) -> PoolReading:
        """Read the pool's processes and lock state. Takes the role of a controller that has ended."""
        reading = await asyncio.to_thread(self._read)
        return replace(reading, operation=self._operation, desired=self._target or reading.desired)

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        """Plan an action on the pool as it is now. Returns a refused plan when the monitor cannot act."""
        why = "another operation is under way" if self._busy else self._cannot_act()
        if why:
            return refuse(action, self._spec, why)
        record, running = self._find_processes(sweep=True, adopt=getattr(action, "adopt", ()))
        workers = action.workers if isinstance(action, Launch | Resize | Restart) else 0
        family = self._family(running)
        desired, launched = desired_workers(record, running), record.workers if record else None
        asked = ports_to_ask(action, self._spec, desired or 0, launched or 0)
        inputs = PlanInputs(
            running=running,
            desired=desired,
            sourced=self._source_for(action, running),
            foreign_listeners=held_ports(self._spec, workers, family, self._proc) if workers > 0 else {},
            ready_s=record.ready_s if record else None,
            notes=(self._record_file.problem,) if self._record_file.problem else (),
            bystanders=self._bystanders(family),
            launcher_sets=self._spec.launcher_sets() if workers else NO_SCRIPT,
            holders=self._holders(asked, running),
            asked=asked,
        )
        return make_plan(action, self._spec, inputs)

    async def apply(self, plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        """Carry out a plan and report every step. Runs one plan at a time; a cancelled plan undoes nothing."""
        report = progress if self._busy else self._recording_reporter(progress)
        reporter = ProgressReporter(title(plan), self._steps(plan), self._clock, report, str(self._spec.log_path))
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
        adopt = getattr(plan.action, "adopt", ())
        record, running = await asyncio.to_thread(self._find_processes, sweep=True, adopt=adopt)
        why = why or why_stale(plan, running)
        if why:
            return self._failed(plan, reporter, why, "warn")
        if isinstance(plan.action, StopWorker):
            return await self._stop_worker(plan, record, reporter)
        sourced = await self._source_and_report(plan, reporter)
        if isinstance(sourced, EnvFileError):
            if plan.start:
                return self._failed(plan, reporter, f"env file: {sourced.text}")
            sourced = NO_VARIABLES
        record = record or LaunchRecord()
        if plan.start:
            # Before the stop: a launch that cannot work must not cost the pool that runs.
            why = await asyncio.to_thread(self._why_not_start, plan, running, sourced, record)
            if why:
                return self._failed(plan, reporter, why, "warn")
        self._target = plan.start or None
        before = what_ran(record, running)
        if plan.mode in ("stop", "restart_all"):
            problem = await self._stop(plan, running, sourced, record, reporter)
            if problem:
                return self._failed(plan, reporter, problem + (await self._way_back(before) if plan.start else ""))
            await asyncio.to_thread(remove_empty, record.cgroup, CgroupMount())
        message = "the pool is gone: processes and ports are free"
        if plan.start:
            record = with_intent(record, plan)
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
                way_back = await self._way_back(before) if plan.mode == "restart_all" else ""
                return self._failed(plan, reporter, started.problem + way_back)
            message = f"{count_of(started.ready, 'worker')} answered after {started.seconds:.0f} s"
        reporter.end(True, message)
        return (self._event(plan, "info", f"{title(plan)}: {message}"),)

    async def _source_and_report(self, plan: Plan, reporter: ProgressReporter) -> Sourced | EnvFileError:
        """Source the env file for the commands of a plan. A stop waits less: it works without the file."""
        if self._spec.env_file is None or not plan.commands:
            return NO_VARIABLES
        reporter.begin(_ENV_FILE)
        limit_s = TIMEOUT_S if plan.start else _SOURCE_FOR_PLAN_S
        sourced = await asyncio.to_thread(self._spec.source, limit_s)
        if isinstance(sourced, EnvFileError):
            reporter.fail(_ENV_FILE, sourced.text)
        else:
            reporter.done(_ENV_FILE, f"{sourced.count} variables")
        return sourced

    def _why_not_start(self, plan: Plan, running: PoolProcesses, sourced: Sourced, record: LaunchRecord) -> str:
        """Return why the launch of a plan would fail; "" when nothing is known that would make it fail."""
        family = self._family(running)
        if unattended := why_not_unattended(plan.action, self._spec, self._bystanders(family)):
            return unattended
        held = held_ports(self._spec, plan.start, family, self._proc)
        if held and not may_share_ports(plan.action):
            return f"{cut_list(tuple(held.values()), 4)}: no part of this pool"
        return starting.why_not_start(self._spec, self._spec.environment(sourced), self._record_file, record)

    async def _way_back(self, before: Before) -> str:
        """Return what ran before a failed restart, and the command that brings it back."""
        _, left = await asyncio.to_thread(self._find_processes, sweep=True)
        return before.text(self._call, "resize" if left.all_targets else "launch")

    async def _stop(
        self, plan: Plan, running: PoolProcesses, sourced: Sourced, record: LaunchRecord, reporter: ProgressReporter
    ) -> str:
        """Stop the processes that the plan hits. Returns the problem; "" when the pool is gone."""
        watch = PoolWatch(self._spec, record, self._proc)
        process_set = await asyncio.to_thread(ProcessSet, plan.hits, watch, getattr(plan.action, "adopt", ()))
        commands = plan.commands[:-1] if plan.start else plan.commands
        # Looked at again: another pool may have come since the plan, and the command cannot distinguish them.
        bystanders = await asyncio.to_thread(lambda: self._bystanders(self._family(running)))
        argv = commands[0] if commands and not others_that_stop_ends(self._spec, running, bystanders) else None
        ports = {self._spec.base_port + target.worker.slot for target in running.workers if target.worker is not None}
        if not plan.start:
            # After a stop nothing may answer; a restart asks only the ports that its own workers held.
            ports |= set(watch.claim.ports)
        environment = self._spec.environment(sourced)
        stopped = await stopping.stop_pool(self._spec, argv, environment, process_set, ports, reporter, self._proc)
        _, left = await asyncio.to_thread(self._find_processes, sweep=True)
        known = {target.pid for target in stopped.survivors}
        back = came_back([target for target in left.all_targets if target.pid not in known], self._proc)
        return "; ".join(filter(None, (stopped.problem, back)))

    async def _stop_worker(
        self, plan: Plan, record: LaunchRecord | None, reporter: ProgressReporter
    ) -> tuple[Event, ...]:
        watch = PoolWatch(self._spec, record, self._proc)
        process_set = await asyncio.to_thread(lambda: ProcessSet(plan.hits, watch, whole_pool=False))
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
        elsewhere = self._spec.cannot_act()
        if elsewhere:
            # No process of this machine is of that pool, so none is read.
            return PoolReading(
                backend=self.name, desired=None, controller="none", read_only=self._read_only, problem=elsewhere
            )
        record, running = self._find_processes(fresh=False)
        self._lock.has_pool = bool(running.all_targets)
        controls, lock_problem = self._try_control("" if self._busy else other_user_text(running))
        holder = "" if controls else self._lock.holder()
        problem = why_not_ours(self._proc) or lock_problem
        if not problem and not running.all_targets:
            # A running pool can be stopped even where no launch is possible: then only the plan refuses.
            problem = self._spec.cannot_launch()
        return PoolReading(
            backend=self.name,
            desired=desired_workers(record, running),
            launcher_pid=running.launcher.pid if running.launcher else None,
            launcher_started_at=running.launcher.started_at if running.launcher else None,
            launched_by_us=running.ours,
            controller="us" if controls else "other" if holder or not (self._read_only or lock_problem) else "none",
            holder=holder,
            read_only=self._read_only,
            problem=problem,
            elsewhere=elsewhere_text(running, self._spec.base_port),
        )

    def _source_for(self, action: Action, running: PoolProcesses) -> Sourced | EnvFileError:
        """Source the env file for a plan that runs a command; a stop of nothing or without a command needs none."""
        is_stop = isinstance(action, Stop)
        if isinstance(action, StopWorker) or (is_stop and not (running.all_targets and self._spec.stop_argv(0))):
            return NO_VARIABLES
        return self._spec.source(_SOURCE_FOR_PLAN_S)

    def _family(self, running: PoolProcesses) -> frozenset[int]:
        """Return the pids of the pool's processes and all below them."""
        pids = [target.pid for target in running.all_targets]
        return frozenset({*pids, *running.owned, *(stat.pid for stat in descendants(self._proc, pids))})

    def _bystanders(self, family: Collection[int]) -> tuple[Bystander, ...]:
        """Find the user's processes outside the pool that MetaBonk's own scripts end."""
        return self._find_bystanders(self._spec, family, self._proc)

    def _try_control(self, belongs: str = "") -> tuple[bool, str]:
        """Acquire or keep the lock, unless read-only or the pool `belongs` to others. Returns (acquired, why not)."""
        if self._read_only:
            return False, ""
        if belongs:
            self._lock.release()
            return False, belongs
        foreign = refuse_to_make(self._spec.state_dir) or refuse_foreign(self._spec.record_path)
        if foreign:
            return False, foreign
        try:
            return self._lock.try_acquire(), ""
        except OSError as error:
            return False, f"the pool's lock cannot be taken ({self._lock.path}): {error.strerror or error}"

    def _find_processes(
        self, *, fresh: bool = True, sweep: bool = False, adopt: Collection[int] = ()
    ) -> tuple[LaunchRecord | None, PoolProcesses]:
        """Scan the pool; `sweep` also finds survivors by their token, and who listens on the ports."""
        record = self._record_file.read()
        with self._scan_lock:
            readings = self._processes(fresh)
        if fresh or sweep:
            return record, PoolWatch(self._spec, record, self._proc).look(readings, adopt, sweep=sweep)
        seen = (record, *((each.role, each.worker, each.pid, each.started_at) for each in readings))
        now_s = time.monotonic()
        if self._last_look is None or self._last_look[0] != seen or now_s - self._last_look_s >= SCAN_EVERY_S:
            running = PoolWatch(self._spec, record, self._proc).look(readings, sweep=False)
            self._last_look, self._last_look_s = (seen, running), now_s
        return record, self._last_look[1]

    def _holders(self, ports: range, running: PoolProcesses) -> tuple[PortHolder, ...]:
        """Return what answers on these ports and is not ours."""
        holders = ask_ports(self._spec.host, ports, self._proc, running.owned) if ports else ()
        return tuple(holder for holder in holders if holder.pid is None or holder.pid not in running.owned)

    def _cannot_act(self) -> str:
        """Return why this monitor may not act; "" when it may."""
        if self._read_only:
            return "read-only: this monitor was opened only to look"
        impossible = self._spec.cannot_act() or why_not_ours(self._proc)
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
        first = (_ENV_FILE,) if self._spec.env_file is not None and plan.commands else ()
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
        return (self._event(plan, severity, f"{title(plan)} failed: {why}", {"error": why}),)

    def _event(self, plan: Plan, severity: Severity, text: str, facts: Mapping[str, str] | None = None) -> Event:
        return event_of(plan, self._clock.now(), severity, text, facts or {})
