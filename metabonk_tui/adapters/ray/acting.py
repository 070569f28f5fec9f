"""Says which steps a plan on a pool of actors has, and whether the actors are still those of the plan. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from metabonk_tui.adapters.pools.action_text import title
from metabonk_tui.core.model.pool import Action, Launch, Plan, Resize, Restart, Stop
from metabonk_tui.core.text.phrases import count_of, cut_list

ASKED, GONE, CREATED, PLACED = "SIGTERM sent", "actors gone", "actors created", "workers started"


def title_of(plan: Plan) -> str:
    """Name an action for people; a resize says what it ends and starts, because it keeps all others."""
    if not isinstance(plan.action, Resize):
        return title(plan)
    parts = [f"end {len(plan.hits)}" if plan.hits else "", f"start {plan.start}" if plan.start else ""]
    how = ", ".join(part for part in parts if part)
    return f"resize to {count_of(plan.action.workers, 'worker')}" + (f" ({how})" if how else "")


def steps_of(plan: Plan) -> tuple[str, ...]:
    if plan.mode in ("noop", "refused"):
        return ()
    return (*((ASKED, GONE) if plan.hits else ()), *((CREATED, PLACED) if plan.start else ()))


def slots_to_start(plan: Plan, living: Collection[int]) -> list[int]:
    action = plan.action
    if not plan.start or not isinstance(action, Launch | Resize | Restart):
        return []
    return [slot for slot in range(action.workers) if slot not in living]


def why_stale(plan: Plan, living: Mapping[int, str], labels: Collection[str]) -> str:
    """Return why the actors are no longer those of the plan; "" when they are. `living` has the label of each slot."""
    now = set(living.values())
    if isinstance(plan.action, Launch) and now:
        return "the pool changed since the plan: actors of it run or wait now"
    if isinstance(plan.action, Stop | Restart) and now - set(labels):
        return f"the pool changed since the plan: {cut_list(sorted(now - set(labels)), 4)} came"
    if isinstance(plan.action, Resize) and any(
        slot >= plan.action.workers and label not in labels for slot, label in living.items()
    ):
        return "the pool changed since the plan: it has other actors now"
    return ""


def refused(action: Action, why: str) -> Plan:
    return Plan(action, "refused", (), (), 0, None, refusal=why)
