"""A pool that is none of ours to act on: `backend = "none"`. Sees nothing, refuses everything."""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.model.pool import Action, Plan
from metabonk_tui.core.model.sample import Event, Operation, PoolReading

REFUSAL = 'this monitor only looks: pool.backend is "none" in its configuration'


class WatchOnlyPool:
    """The backend that never acts."""

    name = "none"

    async def read(self) -> PoolReading:
        """Say that nothing can be done here."""
        return PoolReading(backend=self.name, problem=REFUSAL)

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        """Refuse."""
        return Plan(action, "refused", (), (), 0, None, refusal=REFUSAL)

    async def apply(self, plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        """Do nothing: every plan of this pool is a refusal."""
        return ()

    async def aclose(self) -> None:
        """Detach from nothing."""
