"""What the pools share whose workers an engine places on nodes: the role, one operation at a time, and a plan's words.

Does not: ask the engine, or end or start anything there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from msgspec.structs import replace

from metabonk_tui.adapters.pools.action_text import event_of, title
from metabonk_tui.adapters.pools.progress import ProgressReporter
from metabonk_tui.adapters.state.controller_role import ControllerRole
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
from metabonk_tui.core.model.sample import Event, Operation
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.phrases import count_of, cut_list

BUSY = "another operation is under way"


class PlacedPool:
    """The part of a pool that does not depend on its engine."""

    def __init__(self, clock: Clock, controller_lock: ControllerRole, read_only: bool) -> None:
        self._clock, self._lock, self._read_only = clock, controller_lock, read_only
        self._operation: Operation | None = None
        self._busy = False

    async def _alone(
        self,
        plan: Plan,
        progress: Callable[[Operation], None],
        steps: tuple[str, ...],
        logs: str,
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
        reporter = ProgressReporter(title_of(plan), steps, self._clock, report, logs)
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
        return replace(found, facts={**found.facts, "jobs": [hit.name.split(" ")[1] for hit in plan.hits]})


def placed_plan(
    action: Action,
    commands: Collection[tuple[str, ...]],
    hits: tuple[TargetProcess, ...],
    start: int,
    source: PlanSource | None,
    warnings: tuple[str, ...],
) -> Plan:
    """Return a plan that ends and starts single workers: a resize keeps all others."""
    mode = {Launch: "start", Stop: "stop", StopWorker: "stop", Restart: "restart_all"}.get(type(action), "incremental")
    plan = Plan(action, mode, tuple(commands), hits, start, source, warnings=warnings)  # type: ignore[arg-type]
    # What a resize keeps goes on in its run.
    return replace(plan, begins_run=mode != "incremental")


def refused(action: Action, why: str) -> Plan:
    return Plan(action, "refused", (), (), 0, None, refusal=why)


def title_of(plan: Plan) -> str:
    """Name an action for people; a resize says what it ends and starts, because it keeps all others."""
    if not isinstance(plan.action, Resize):
        return title(plan)
    parts = [f"end {len(plan.hits)}" if plan.hits else "", f"start {plan.start}" if plan.start else ""]
    how = ", ".join(part for part in parts if part)
    return f"resize to {count_of(plan.action.workers, 'worker')}" + (f" ({how})" if how else "")


def slots_to_start(plan: Plan, living: Collection[int]) -> list[int]:
    action = plan.action
    if not plan.start or not isinstance(action, Launch | Resize | Restart):
        return []
    return [slot for slot in range(action.workers) if slot not in living]


def why_stale(plan: Plan, living: Mapping[int, str], labels: Collection[str], noun: str) -> str:
    """Return why a plan no longer fits the pool; "": it does.

    `living` has the label of each slot, `labels` what the plan ends, and `noun` what the engine calls one of them.
    """
    now = set(living.values())
    if isinstance(plan.action, Launch) and now:
        return f"the pool changed since the plan: {noun}s of it run or wait now"
    if isinstance(plan.action, Stop | Restart) and now - set(labels):
        return f"the pool changed since the plan: {cut_list(sorted(now - set(labels)), 4)} came"
    if isinstance(plan.action, Resize) and any(
        slot >= plan.action.workers and label not in labels for slot, label in living.items()
    ):
        return f"the pool changed since the plan: it has other {noun}s now"
    return ""
