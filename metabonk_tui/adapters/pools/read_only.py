"""Provides the pool backend `backend = "none"`: finds no processes and refuses every action."""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.model.pool import Action, Plan
from metabonk_tui.core.model.sample import Event, Operation, PoolReading

REFUSAL = 'this monitor only looks: pool.backend is "none" in its configuration'


class WatchOnlyPool:
    """The backend without any action."""

    name = "none"

    def __init__(self, refusal: str = REFUSAL) -> None:
        self._refusal = refusal

    async def read(self) -> PoolReading:
        """Return an empty reading with the refusal as its problem."""
        return PoolReading(backend=self.name, problem=self._refusal)

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        return Plan(action, "refused", (), (), 0, None, refusal=self._refusal)

    async def apply(self, plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        """Return no events: every plan of this pool is refused."""
        return ()

    async def aclose(self) -> None:
        """Do nothing: this pool has no lock."""
