"""Runs the memory watch: arms and disarms it, plans an action, checks again, and carries the action out.

Runs on the engine's thread, so that a stalled screen cannot stop it. Does not: judge memory; the core does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.memory import watch as memory_watch
from metabonk_tui.core.memory.watch import WatchInputs, WatchState, decide, reason, watch_inputs, why_not_arm
from metabonk_tui.core.memory.watch_actions import Choice, choose, commands, describe_rules
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.pool import Action, Plan
from metabonk_tui.core.model.refs import ONLY_HOST, HostName
from metabonk_tui.core.model.sample import Event, PoolReading, Sample, WatchReading
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.mask import mask_arguments

LOG = logging.getLogger(__name__)


class MemoryWatch:
    """Watches memory for one pool. For the engine's thread only."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        plan: Callable[[Action], Plan],
        begin: Callable[[Plan], None],
        request_sample: Callable[[], None],
    ) -> None:
        """Prepare, disarmed; `plan` may block, `begin` acts, `request_sample` asks for a Sample soon."""
        self._config = config
        self._rules = config.memory_watch
        self._clock = clock
        self._plan = plan
        self._begin = begin
        self._request_sample = request_sample
        self._arm_request: tuple[str, bool] | None = None
        """(by, dry run): arm the watch as soon as this monitor controls the pool; None: not requested."""
        self._reported_reason = ""
        """The reason of the last `WATCH_REFUSED` event, so that the same reason is not emitted twice."""
        self._reading = WatchReading(False, on_critical=self._rules.on_critical)
        self._hosts: dict[HostName, _HostWatch] = {}
        """What the watch knows of each host: it acts where memory is critical, and only there."""
        self._pending_events: list[Event] = []

    @property
    def is_armed(self) -> bool:
        """Whether the watch may act."""
        return self._reading.armed

    def arm(self, on: bool, by: str, dry_run: bool, pool: PoolReading | None) -> None:
        """Arm or disarm. If another monitor controls the pool, emit which one, and arm once this monitor does."""
        if not on:
            if self._arm_request is not None:
                self._arm_request, self._reported_reason = None, ""
                self._disarm(f"by {by}")
        else:
            if self._reading.armed and self._reading.dry_run != dry_run:
                self._disarm(f"by {by}")
            self._arm_request, self._reported_reason = (by, dry_run), ""
            self._update_armed(pool or PoolReading())
        self._request_sample()

    def contribute(self, sample: Sample) -> Sample:
        """Add the state of the watch and its events since the last Sample."""
        if self._pending_events:
            sample = replace(sample, events=(*sample.events, *self._pending_events))
            self._pending_events.clear()
        pool = sample.pool
        is_held_elsewhere = pool is not None and pool.controller == "other"
        return replace(sample, watch=None if is_held_elsewhere and not self._reading.armed else self._reading)

    def judge(self, snapshot: Snapshot) -> None:
        """Decide on the newest Snapshot, and emit or act as the decision requires."""
        self._update_armed(snapshot.pool)
        self._note_end(snapshot.pool)
        has_begun = False
        for name in snapshot.hosts:
            has_begun |= self._judge_host(self._hosts.setdefault(name, _HostWatch(name)), snapshot, has_begun)

    def _judge_host(self, host: _HostWatch, snapshot: Snapshot, has_begun: bool) -> bool:
        """Judge one host; return whether an action on it begins. `has_begun`: one on another host just did."""
        seen = watch_inputs(snapshot, self._config, host.name)
        # One action at a time: a second one would be refused, and would count as done.
        seen = replace(seen, busy=seen.busy or has_begun)
        prepared = host.choice is not None and seen.t > host.chosen_t
        host.state, decision = decide(host.state, seen, self._rules, armed=self._reading.armed, prepared=prepared)
        if decision == "warn":
            self._emit(EventKind.WATCH_WARN, "warn", host.placed(reason(seen, self._rules, "warn")))
        elif decision == "critical":
            self._handle_critical(host, seen, snapshot)
        elif decision == "act":
            return self._act(host)
        elif decision == "stand down":
            host.cancel_planning()
            why = "another action is under way" if seen.busy else "it is not critical for this pool now"
            self._emit(EventKind.WATCH_STAND_DOWN, "info", host.placed(f"looked again and did nothing: {why}"))
        elif decision == "recovered":
            self._emit(EventKind.WATCH_RECOVERED, "ok", host.placed("memory has recovered"))
        return False

    async def aclose(self) -> None:
        """Cancel the planning under way and wait until it has ended."""
        tasks = [task for host in self._hosts.values() if (task := host.cancel_planning()) is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    def _update_armed(self, pool: PoolReading) -> None:
        """Arm if requested and this monitor may act on the pool; otherwise disarm or emit the refusal."""
        if self._arm_request is None or not pool.backend:
            return
        why = why_not_arm(pool)
        by, dry_run = self._arm_request
        if why and self._reading.armed:
            self._disarm(why)
        elif why and why != self._reported_reason:
            self._emit(EventKind.WATCH_REFUSED, "warn", f"not armed: {why}")
        elif not why and not self._reading.armed:
            self._reading = WatchReading(True, by, self._clock.now(), dry_run, self._rules.on_critical)
            warns, critical, then = describe_rules(self._rules)
            how = " as a dry run, which only says what it would do" if dry_run else ""
            text = f"armed by {by}{how}: warns {warns}; critical {critical}; then {then}"
            self._emit(EventKind.WATCH_ARMED, "info", text, {"by": by, "dry_run": dry_run})
        self._reported_reason = why

    def _disarm(self, why: str) -> None:
        if self._reading.armed:
            self._emit(EventKind.WATCH_DISARMED, "warn", f"disarmed: {why}")
        for host in self._hosts.values():
            host.cancel_planning()
            host.state = WatchState(acted_t=host.state.acted_t)
        self._reading = WatchReading(False, on_critical=self._rules.on_critical)

    def _handle_critical(self, host: _HostWatch, seen: WatchInputs, snapshot: Snapshot) -> None:
        then = "looking again before anything is done"
        if host.state.checking is None:
            then = "nothing but this alarm is configured"
            if self._rules.on_critical != "alarm":
                is_waiting = host.state.spent or host.state.acted_t is not None
                then = "it has acted already, and waits" if is_waiting else "there is no pool to act on"
        else:
            host.task = asyncio.get_running_loop().create_task(self._prepare(host, snapshot))
        self._emit(EventKind.WATCH_CRITICAL, "crit", host.placed(f"{reason(seen, self._rules, 'crit')}; {then}"))

    async def _prepare(self, host: _HostWatch, snapshot: Snapshot) -> None:
        """Plan in a thread, then request a Sample, so that memory is checked again before the action."""

        try:
            host.choice = await asyncio.to_thread(choose, self._rules, snapshot, self._plan, host.name)
        except Exception as error:
            LOG.exception("the memory watch could not plan")
            host.choice = Choice(None, "", (clean_text(f"planning failed: {type(error).__name__}: {error}"),))
        host.chosen_t = self._clock.now()
        self._request_sample()

    def _act(self, host: _HostWatch) -> bool:
        """Carry the prepared plan out; return whether it has begun."""
        choice, host.choice, host.task = host.choice, None, None
        if choice is None or choice.plan is None:
            why = "; ".join(choice.why_not) if choice else ""
            host.state = memory_watch.failed(host.state)
            self._emit(EventKind.WATCH_ACT, "crit", host.placed(f"nothing can be done: {why}"))
            return False
        instead = f" ({'; '.join(choice.why_not)})" if choice.why_not else ""
        facts = {"act": choice.title, "commands": [list(mask_arguments(argv)) for argv in choice.plan.commands]}
        summary = f"{choice.title}: {commands(choice.plan)}{instead}"
        self._reading = replace(self._reading, did=choice.title, did_t=self._clock.now(), did_ok=None)
        if self._reading.dry_run:
            self._emit(EventKind.WATCH_DRY_RUN, "warn", f"dry run, would now {summary}", facts)
            return False
        self._emit(EventKind.WATCH_ACT, "warn", summary, facts)
        self._begin(choice.plan)
        return True

    def _note_end(self, pool: PoolReading) -> None:
        """Note whether the pool operation that the watch started has succeeded."""
        operation, did_t = pool.operation, self._reading.did_t
        if did_t is None or self._reading.dry_run or self._reading.did_ok is not None:
            return
        if operation is not None and operation.ended_at is not None and operation.started_at >= did_t:
            self._reading = replace(self._reading, did_ok=bool(operation.ok))

    def _emit(self, kind: str, severity: Severity, text: str, facts: Mapping[str, Any] | None = None) -> None:
        text = f"memory watch: {clean_text(text)}"
        LOG.info("%s", text)
        self._pending_events.append(Event(self._clock.now(), kind, severity, text, facts=facts or {}))
        self._request_sample()


class _HostWatch:
    """The memory watch of one host."""

    def __init__(self, name: HostName) -> None:
        self.name = name
        self.state = WatchState()
        self.task: asyncio.Task[None] | None = None
        self.choice: Choice | None = None
        self.chosen_t = 0.0

    def placed(self, text: str) -> str:
        """Return the text with the host in front, where hosts have names."""
        return text if self.name == ONLY_HOST else f"{self.name}: {text}"

    def cancel_planning(self) -> asyncio.Task[None] | None:
        """Forget the plan; return the task that still makes one."""
        task, self.task, self.choice = self.task, None, None
        if task is not None:
            task.cancel()
        return task
