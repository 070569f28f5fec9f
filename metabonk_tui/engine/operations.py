"""Carries plans out on the pool, one at a time, and adds their progress and events to the Samples.

Starts the run that this monitor launches. Does not: start or stop workers itself; the pool backend does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from metabonk_tui.core.launch.interlock import InterlockResult
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.pool import Action, Launch, Plan, Resize, Restart, Stop, StopWorker
from metabonk_tui.core.model.sample import Event, Operation, PoolReading, RunHeader, Sample
from metabonk_tui.core.ports.live import PoolBackend
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.engine.clock import RunClock

LOG = logging.getLogger(__name__)
SHOWN_S = 60.0
"""Real seconds for which the Samples still contain an ended operation."""

Header = Callable[[float, str, int | None], RunHeader]


class OperationRunner:
    """Acts on one pool. All methods but `plan` are for the engine's thread only."""

    def __init__(
        self,
        pool: PoolBackend,
        clock: RunClock,
        header: Header,
        request_sample: Callable[[], None],
        check_interlock: Callable[[Action], InterlockResult] = lambda _: InterlockResult(),
    ) -> None:
        """`request_sample` asks for a Sample soon; `header` makes the header of a run."""
        self._check_interlock = check_interlock
        self._pool = pool
        self._clock = clock
        self._make_header = header
        self._request_sample = request_sample
        self._task: asyncio.Task[None] | None = None
        self._operation: Operation | None = None
        self._ended_s = 0.0
        self._launching: int | None = None
        """The number of workers that the current operation starts; None: none, or its run has begun already."""
        self._launch_before: tuple[int | None, float | None] = (None, None)
        self._launch: tuple[int | None, float | None] = (None, None)
        self._header: RunHeader | None = None
        self._pending_events: list[Event] = []
        self._override: Event | None = None
        """The override event that waits for the start of its run."""

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        """Return what an action would do now. For any thread; may block for a moment, never raises."""
        if isinstance(action, StopWorker):
            # Screens use the run's clock, the process table real time.
            action = replace(action, pid_started_at=self._clock.real(action.pid_started_at))
        started_at = pool.launcher_started_at
        if started_at is not None:
            pool = replace(pool, launcher_started_at=self._clock.real(started_at))
        try:
            return self._pool.plan(action, pool)
        except Exception as error:
            LOG.exception("planning failed")
            return refusal(action, f"planning failed: {_error_text(error)}")

    def begin(self, plan: Plan) -> None:
        """Carry a plan out, or refuse it with an event while another plan is under way."""
        if self._task is not None and not self._task.done():
            self._emit(EventKind.POOL_REFUSED, "warn", f"refused: {self._title()} is still under way")
        elif plan.mode == "refused":
            self._emit(EventKind.POOL_REFUSED, "warn", f"refused: {plan.refusal}")
        elif plan.start and (interlock := self._check_interlock(plan.action)).closed:
            # The last check before the start: a dialog or verb may have checked an older state.
            items = {"items": [item.id for item in interlock.blocking]}
            self._emit(EventKind.POOL_REFUSED, "warn", f"refused by the interlock: {interlock.why}", items)
        else:
            plan = self._with_override(plan)
            starts = isinstance(plan.action, Launch | Resize | Restart) and plan.begins_run
            self._launching = (plan.start or None) if starts else None
            self._launch_before = self._launch
            self._task = asyncio.get_running_loop().create_task(self._carry_out(plan))
        self._request_sample()

    def _with_override(self, plan: Plan) -> Plan:
        """Add the overridden checklist items to those of the plan, and prepare the override event."""
        interlock = self._check_interlock(plan.action) if plan.start else InterlockResult()
        overridden = (*plan.overridden, *interlock.overridden)
        if not overridden or isinstance(plan.action, Stop | StopWorker):
            return plan
        reason = clean_text(plan.action.override.strip())
        facts = {"reason": reason, "by": plan.action.by, "items": list(overridden)}
        # Emitted once the run has begun, so that the event belongs to that run.
        text = clean_text(f"overridden: {reason}; {'; '.join(overridden)}")
        LOG.warning("%s", text)
        self._override = Event(self._clock.now(), EventKind.POOL_OVERRIDE, "warn", text, facts=facts)
        return replace(plan, overridden=tuple(clean_text(item) for item in overridden))

    def contribute(self, sample: Sample) -> Sample:
        """Add the current operation, its events, and the header of a run that this monitor launched."""
        pool = sample.pool
        if pool is not None:
            self._launch = launch_of(pool)
            self._notice_launch()
            sample = replace(sample, pool=replace(pool, operation=self._shown(pool)))
        if self._pending_events:
            sample = replace(sample, events=(*sample.events, *self._pending_events))
            self._pending_events.clear()
        if self._header is not None:
            sample = replace(sample, run=self._header)
            self._header = None
        return sample

    async def aclose(self) -> None:
        """Cancel the current operation; processes that it has started or signalled continue."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _carry_out(self, plan: Plan) -> None:
        began_t = self._clock.now()
        self._operation = None
        try:
            events = await self._pool.apply(plan, self._progress)
        except Exception as error:
            LOG.exception("an operation failed")
            self._fail(plan, began_t, f"failed: {_error_text(error)}; the log says where")
        else:
            self._pending_events.extend(events)
            if not any(event.severity == "crit" for event in events):
                self._begin_run(began_t)
        finally:
            self._emit_override()
            self._launching = None
            self._ended_s = asyncio.get_running_loop().time()
            self._request_sample()

    def _notice_launch(self) -> None:
        """Begin the run once the launch is seen, so that the workers' first steps belong to it."""
        began_t = self._launch[1]
        if began_t is not None and self._launch != self._launch_before:
            self._begin_run(began_t)

    def _begin_run(self, started_at: float) -> None:
        if self._launching is not None:
            self._header = self._make_header(started_at, "launched by us", self._launching)
            self._launching = None
            self._emit_override()

    def _emit_override(self) -> None:
        if self._override is not None:
            self._pending_events.append(self._override)
            self._override = None

    def _progress(self, operation: Operation) -> None:
        has_new_step = self._operation is None or operation.steps != self._operation.steps
        self._operation = operation
        if has_new_step:
            self._request_sample()

    def _fail(self, plan: Plan, began_t: float, text: str) -> None:
        """End the operation as failed and emit an event, because the backend raised."""
        blank = Operation(type(plan.action).__name__.lower(), began_t, ())
        operation = self._operation or blank
        if operation.ended_at is None:
            self._operation = replace(operation, ended_at=self._clock.now(), ok=False, message=text)
        self._emit(EventKind.MONITOR_ERROR, "crit", f"{operation.action} {text}")

    def _shown(self, pool: PoolReading) -> Operation | None:
        operation = self._operation or pool.operation
        if operation is None or operation.ended_at is None:
            return operation
        fresh = self._operation is not None and asyncio.get_running_loop().time() - self._ended_s < SHOWN_S
        return operation if fresh else None

    def _title(self) -> str:
        return self._operation.action if self._operation is not None else "another operation"

    def _emit(self, kind: str, severity: Severity, text: str, facts: Mapping[str, object] | None = None) -> None:
        LOG.warning("%s", text)
        self._pending_events.append(Event(self._clock.now(), kind, severity, clean_text(text), facts=facts or {}))


def launch_of(pool: PoolReading) -> tuple[int | None, float | None]:
    """Return what distinguishes two launches of a pool, with its time: the launcher's start, or an engine's word."""
    if pool.placed:
        return None, pool.launched_t
    is_known = pool.launcher_pid is not None and pool.launcher_started_at is not None
    return (pool.launcher_pid, pool.launcher_started_at) if is_known else (None, None)


def refusal(action: Action, why: str) -> Plan:
    """Make a plan that does nothing and carries the reason."""
    return Plan(action, "refused", (), (), 0, None, refusal=clean_text(why))


def _error_text(error: Exception) -> str:
    return clean_text(f"{type(error).__name__}: {error}")
