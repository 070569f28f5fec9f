"""Plans and acts on the pool of this host for the monitor behind the pipe: one plan, one action at a time.

Holds the pool's role only while it plans or acts. Does not: choose what to do, or end an action with its pipe.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import msgspec
from msgspec.structs import replace

from metabonk_tui.adapters.agent.protocol import Act, ActionProgress
from metabonk_tui.adapters.pools.plan import NO_PROCESS
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.core.model.pool import Action, Plan, Restart, Stop, StopWorker
from metabonk_tui.core.model.sample import Event, Operation, PoolReading
from metabonk_tui.core.ports.live import PoolBackend
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.mask import mask_arguments

LOG = logging.getLogger(__name__)
BUSY = "another action is under way on this host"
OTHER_PLAN = "this is not the plan that the agent made last: plan again"


class HostActor(Protocol):
    """Plans and acts on the pool of this host."""

    async def plan(self, action: Action) -> tuple[str, Plan]:
        """Return what an action would do now, and the id of that plan."""
        ...

    def begin(self, act: Act) -> str:
        """Begin to carry out the plan with this id; return why not, "" when it has begun."""
        ...

    def progress(self, number: int) -> ActionProgress:
        """Return how far the action is."""
        ...

    async def finish(self) -> None:
        """Wait until the action has ended."""
        ...


class ActionRole(ControllerRole):
    """A role that is taken only for a plan or an action, so that the pool's own monitor keeps it otherwise."""

    is_wanted = False

    def try_acquire(self) -> bool:
        """Acquire or keep the role while it is wanted. Raises OSError."""
        return self.is_wanted and super().try_acquire()


class PoolActor:
    """Acts on the pool of this host through its own backend."""

    def __init__(
        self,
        pool: PoolBackend,
        role: ActionRole,
        without_limits: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """`without_limits` lifts the limits of this process, which what it starts would inherit."""
        self._pool, self._role = pool, role
        self._without_limits = without_limits
        self._made: tuple[str, Plan] | None = None
        self._task: asyncio.Task[tuple[Event, ...]] | None = None
        self._operation: Operation | None = None
        self._salt = uuid.uuid4().hex
        """Ids of an earlier agent name no plan of this one."""

    async def plan(self, action: Action) -> tuple[str, Plan]:
        """Plan with the processes as they are now. A plan forgets the one before."""
        self._made = None
        if self._is_busy:
            return "", _refused(action, BUSY)
        if isinstance(action, Restart) and not action.workers:
            # A restart of several hosts keeps the number of each, which is known best here.
            desired = (await self._pool.read()).desired
            if not desired:
                return "", replace(_refused(action, ""), mode="noop", warnings=(NO_PROCESS,))
            action = replace(action, workers=desired)
        self._role.is_wanted = True
        try:
            with self._without_limits():
                plan = await asyncio.to_thread(self._pool.plan, action, PoolReading())
        except Exception as error:
            LOG.exception("planning failed")
            return "", _refused(action, clean_text(f"planning failed: {type(error).__name__}: {error}"))
        finally:
            await self._give_role_back()
        if plan.mode in ("refused", "noop"):
            return "", plan
        digest = hashlib.sha256(self._salt.encode() + msgspec.json.encode(plan)).hexdigest()[:32]
        self._made = (digest, plan)
        # What is shown elsewhere is masked; what runs is not.
        return digest, replace(plan, commands=tuple(mask_arguments(argv) for argv in plan.commands))

    def begin(self, act: Act) -> str:
        """Begin; the pool looks again first, and refuses when it has changed since the plan."""
        if self._is_busy:
            return BUSY
        if self._made is None or self._made[0] != act.plan:
            return OTHER_PLAN
        plan, self._made = self._made[1], None
        action = plan.action
        if not isinstance(action, Stop | StopWorker):
            action = replace(action, hours=act.hours, override=act.override)
        plan = replace(plan, action=action, overridden=act.overridden or plan.overridden)
        self._operation = None
        self._role.is_wanted = True
        self._task = asyncio.get_running_loop().create_task(self._carry_out(plan))
        return ""

    def progress(self, number: int) -> ActionProgress:
        """Return the newest steps; with the events once the action has ended."""
        events = self._task.result() if self._task is not None and self._task.done() else None
        return ActionProgress(number, self._operation, events)

    async def finish(self) -> None:
        """Wait for the end of an action whose monitor is gone. A half-made pool would have to be repaired by hand."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def _is_busy(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _carry_out(self, plan: Plan) -> tuple[Event, ...]:
        try:
            with self._without_limits():
                return await self._pool.apply(plan, self._note)
        except Exception as error:
            LOG.exception("an action failed")
            text = clean_text(f"failed: {type(error).__name__}: {error}")
            now = self._operation or Operation(type(plan.action).__name__.lower(), 0.0, ())
            self._operation = replace(now, ended_at=now.ended_at or now.started_at, ok=False, message=text)
            return ()
        finally:
            await self._give_role_back()

    async def _give_role_back(self) -> None:
        self._role.is_wanted = False
        await asyncio.to_thread(self._role.release)

    def _note(self, operation: Operation) -> None:
        self._operation = operation


def _refused(action: Action, why: str) -> Plan:
    return Plan(action, "refused", (), (), 0, None, refusal=why)
