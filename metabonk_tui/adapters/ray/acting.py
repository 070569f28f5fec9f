"""Says which steps a plan on a pool of actors has, and whether the actors are still those of the plan. Pure."""

from __future__ import annotations

from metabonk_tui.core.model.pool import Plan

ASKED, GONE, CREATED, PLACED = "SIGTERM sent", "actors gone", "actors created", "workers started"


def steps_of(plan: Plan) -> tuple[str, ...]:
    if plan.mode in ("noop", "refused"):
        return ()
    return (*((ASKED, GONE) if plan.hits else ()), *((CREATED, PLACED) if plan.start else ()))
