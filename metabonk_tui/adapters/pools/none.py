"""Knows a pool that is only looked at: `pool.backend = "none"`.

Refuses every action, saying why.
"""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.action import Action, Plan
from metabonk_tui.core.ports import Clock
from metabonk_tui.core.sample import Event, Operation, PoolReading

WHY = 'pool.backend is "none": this monitor only looks'


class NonePool:
    """A pool without hands."""

    name = "none"

    def __init__(self, clock: Clock, *, read_only: bool = False) -> None:
        self._clock = clock
        self._read_only = read_only

    async def read(self) -> PoolReading:
        """Say that nobody can act."""
        return PoolReading(backend=self.name, read_only=self._read_only, problem=WHY)

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        """Refuse."""
        return Plan(action, "refused", (), (), 0, directory="", env_file=None, env_keys=None, refusal=WHY)

    async def apply(self, plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        """Refuse again."""
        now = self._clock.now()
        progress(Operation("nothing", now, (), ended_at=now, ok=False, message=WHY))
        return ()

    async def aclose(self) -> None:
        """Detach."""
