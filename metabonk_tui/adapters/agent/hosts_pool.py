"""Plans and acts on the pools of several hosts through their agents, all at once, and joins what they say.

Does not: read a process, signal one, or start one; the agent of each host does, through the launcher there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.core.launch.across_hosts import hosts_of, join_plans, refused
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.pool import Action, HostPlan, Launch, Plan, Resize, Restart, Stop, StopWorker
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.model.sample import Event, Operation, OperationStep, PoolReading, StepState
from metabonk_tui.core.ports.hosts import HostLink, HostProgress
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.phrases import count_of, cut_list

PLAN_LIMIT_S = 10.0
"""How long a plan waits for a host. An env file may take 2 s there, an answer of it 1 s more on a slow line."""
PROGRESS_EVERY_S = 0.5
LOST = "the connection ended; the agent there finishes what it began"
NOT_LOOKED = "the hosts have not been looked at yet"


class HostsPool:
    """The pool of all hosts. Attaching starts nothing, detaching stops nothing."""

    name = "hosts"

    def __init__(
        self,
        links: Mapping[HostName, HostLink],
        *,
        clock: Clock,
        role: ControllerRole,
        read_only: bool = False,
    ) -> None:
        """`role` is that of the whole pool among the monitors of this machine; each host has one of its own."""
        self._links = links
        self._clock = clock
        self._role = role
        self._read_only = read_only
        self._loop: asyncio.AbstractEventLoop | None = None
        self._operation: Operation | None = None
        self._is_busy = False
        self._launching_since_t: float | None = None
        self._launcher: tuple[int, float] | None = None
        """The first launcher of the last launch of all hosts: it stands for the run."""

    async def read(self) -> PoolReading:
        """Return who controls the pool. Takes the role of a controller that has ended."""
        self._loop = asyncio.get_running_loop()
        controls, problem = await asyncio.to_thread(self._try_control)
        holder = "" if controls else await asyncio.to_thread(self._role.holder)
        pid, started_at = self._seen_launcher() or (None, None)
        return PoolReading(
            backend=self.name,
            launcher_pid=pid,
            launcher_started_at=started_at,
            launched_by_us=pid is not None,
            controller="us" if controls else "other" if holder or not (self._read_only or problem) else "none",
            holder=holder,
            read_only=self._read_only,
            operation=self._operation,
            problem=problem,
        )

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        """Ask every host that an action concerns for its plan. Waits for the slowest one, at most 10 s."""
        loop = self._loop
        if loop is None:
            return refused(action, NOT_LOOKED)
        return asyncio.run_coroutine_threadsafe(self._plan(action), loop).result(PLAN_LIMIT_S + 5.0)

    async def apply(self, plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        """Have every host carry its own part out, and report all of them as one action."""
        report = _Report(_title(plan), plan, self._clock, lambda operation: self._note(operation, progress))
        why = self._cannot_act() or ("another action is under way" if self._is_busy else plan.refusal)
        if why or not report.parts:
            report.end(not why, why or "nothing to do")
            return ()
        self._is_busy = True
        self._role.set_busy(True)
        if plan.start and plan.begins_run:
            self._launching_since_t, self._launcher = self._clock.real(self._clock.now()), None
        try:
            found = await asyncio.gather(*(self._carry_out(part, plan, report) for part in report.parts))
            report.end_by_steps()
            return tuple(event for events in found for event in events)
        except asyncio.CancelledError:
            report.end(False, "left in the middle: the agent of each host finishes what it began")
            raise
        finally:
            self._is_busy = False
            self._role.set_busy(False)

    async def aclose(self) -> None:
        """Release the role. The pools keep running; the collector ends the agents."""
        self._role.release()

    async def _plan(self, action: Action) -> Plan:
        why = "another action is under way" if self._is_busy else await asyncio.to_thread(self._cannot_act)
        read_only = {name for name, link in self._links.items() if link.read_only}
        names, impossible = hosts_of(action, tuple(self._links), read_only)
        if why or impossible:
            return refused(action, why or impossible)
        if not isinstance(action, StopWorker):
            action = replace(action, hosts=names)
        asked = {name: asyncio.ensure_future(self._links[name].plan(action)) for name in names}
        # A question that is late stays asked: its answer must not be taken for that of the next question.
        await asyncio.wait(asked.values(), timeout=PLAN_LIMIT_S)
        parts = [
            task.result() if task.done() else HostPlan(name, refused(action, _late())) for name, task in asked.items()
        ]
        return join_plans(action, parts, read_only - set(names), self._running())

    async def _carry_out(self, part: HostPlan, plan: Plan, report: _Report) -> tuple[Event, ...]:
        link = self._links[part.host]
        report.set(part.host, "running", "asked")
        if why := await link.act(part, plan):
            return self._failed(part.host, plan, report, f"not begun: {why}")
        while True:
            await asyncio.sleep(PROGRESS_EVERY_S)
            found = await link.progress()
            if found.error:
                return self._failed(part.host, plan, report, f"not known how it ended: {found.error}; {LOST}")
            if found.events is not None:
                return self._ended(part.host, plan, report, found)
            report.follow(part.host, found.operation)

    def _ended(self, host: HostName, plan: Plan, report: _Report, found: HostProgress) -> tuple[Event, ...]:
        operation = found.operation
        ok = operation is not None and operation.ok is True
        message = operation.message if operation is not None else "it ended without a word"
        report.follow(host, operation)
        report.set(host, "done" if ok else "failed", message)
        now_t = self._clock.now()
        events = tuple(replace(event, t=now_t) for event in found.events or ())
        return events if ok or events else (_failure(host, plan, now_t, message),)

    def _failed(self, host: HostName, plan: Plan, report: _Report, why: str) -> tuple[Event, ...]:
        report.set(host, "failed", why)
        return (_failure(host, plan, self._clock.now(), why),)

    def _note(self, operation: Operation, progress: Callable[[Operation], None]) -> None:
        self._operation = operation
        progress(operation)

    def _running(self) -> set[HostName]:
        """Return the hosts on which a worker ran at the last look."""
        found = set()
        for name, link in self._links.items():
            sample = link.latest.sample
            processes = sample.hosts[name].processes or () if sample is not None and name in sample.hosts else ()
            if any(process.role == "worker" for process in processes):
                found.add(name)
        return found

    def _seen_launcher(self) -> tuple[int, float] | None:
        if self._launching_since_t is not None and self._launcher is None:
            pools = [link.latest.pool for link in self._links.values() if link.latest.pool is not None]
            seen = [
                (pool.launcher_started_at, pool.launcher_pid)
                for pool in pools
                if pool.launcher_started_at is not None and pool.launcher_started_at >= self._launching_since_t
            ]
            for started_at, pid in sorted(seen, key=lambda each: each[0])[:1]:
                self._launcher = (pid or 0, started_at)
        return self._launcher

    def _try_control(self) -> tuple[bool, str]:
        if self._read_only:
            return False, ""
        try:
            return self._role.try_acquire(), ""
        except OSError as error:
            return False, f"the pool's lock cannot be taken ({self._role.path}): {error.strerror or error}"

    def _cannot_act(self) -> str:
        if self._read_only:
            return "read-only: this monitor was opened only to look"
        controls, problem = self._try_control()
        if controls:
            return ""
        return problem or f"another monitor acts on this pool: {self._role.holder() or 'who, it does not say'}"


class _Report:
    """One action over several hosts, with a step for each."""

    def __init__(self, title: str, plan: Plan, clock: Clock, report: Callable[[Operation], None]) -> None:
        self._clock = clock
        self._report = report
        self.parts = [part for part in plan.parts if part.id and part.plan.mode not in ("noop", "refused")]
        steps = tuple(OperationStep(part.host, "waiting") for part in self.parts)
        self._operation = Operation(title, clock.now(), steps)
        report(self._operation)

    def set(self, host: HostName, state: StepState, detail: str) -> None:
        steps = tuple(
            OperationStep(host, state, detail) if step.name == host else step for step in self._operation.steps
        )
        self._change(replace(self._operation, steps=steps))

    def follow(self, host: HostName, operation: Operation | None) -> None:
        """Show the step that the host is at, and what its command printed last."""
        if operation is None:
            return
        now = next((step for step in reversed(operation.steps) if step.state in ("running", "failed")), None)
        if now is not None:
            self.set(host, "running", f"{now.name}: {now.detail}" if now.detail else now.name)
        if operation.output_tail:
            tail = tuple(f"{host}: {line}" for line in operation.output_tail)
            self._change(replace(self._operation, output_tail=tail, log_path=f"{host}:{operation.log_path}"))

    def end(self, ok: bool, message: str) -> None:
        self._change(replace(self._operation, ended_at=self._clock.now(), ok=ok, message=message))

    def end_by_steps(self) -> None:
        """End with what became of the hosts."""
        good = [step for step in self._operation.steps if step.state == "done"]
        bad = [step for step in self._operation.steps if step.state != "done"]
        if not bad:
            only = f": {good[0].detail}" if len(good) == 1 else ""
            self.end(True, f"done on {cut_list([step.name for step in good], 4)}{only}")
            return
        done = f"; done on {cut_list([step.name for step in good], 4)}" if good else ""
        self.end(False, "; ".join(f"{step.name}: {step.detail}" for step in bad[:4]) + done)

    def _change(self, operation: Operation) -> None:
        if operation != self._operation:
            self._operation = operation
            self._report(operation)


def _late() -> str:
    return f"it did not answer within {PLAN_LIMIT_S:.0f} s"


def _failure(host: HostName, plan: Plan, t: float, why: str) -> Event:
    kinds = {Launch: EventKind.POOL_LAUNCH, Restart: EventKind.POOL_LAUNCH, Resize: EventKind.POOL_RESIZE}
    kind = kinds.get(type(plan.action), EventKind.POOL_STOP)
    return Event(t, kind, "crit", f"{host}: {why}", facts={"by": plan.action.by, "host": host, "error": why})


def _title(plan: Plan) -> str:
    action = plan.action
    names = [part.host for part in plan.parts if part.plan.mode != "noop"]
    where = f" on {cut_list(names, 3)}"
    each = " each" if len(names) > 1 else ""
    match action:
        case Launch():
            return f"launch {count_of(action.workers, 'worker')}{each}{where}"
        case Restart():
            return f"restart {count_of(plan.start, 'worker')}{where}"
        case Resize():
            return f"resize to {count_of(action.workers, 'worker')}{each}{where}"
        case Stop():
            return f"stop the pool{where}"
        case StopWorker():
            return f"stop worker {action.ref.label} (pid {action.pid})"
