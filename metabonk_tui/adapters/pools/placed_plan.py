"""Says what a plan on a pool begins whose workers an engine places, and when it no longer fits. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec.structs import replace

from metabonk_tui.adapters.pools.action_text import title
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
from metabonk_tui.core.text.phrases import count_of, cut_list


def placed_plan(
    action: Action,
    commands: Collection[tuple[str, ...]],
    hits: tuple[TargetProcess, ...],
    start: int,
    source: PlanSource | None,
    warnings: tuple[str, ...],
    kept: int = 0,
) -> Plan:
    """Return a plan that ends and starts single workers; `kept`: how many live and go on."""
    mode = {Launch: "start", Stop: "stop", StopWorker: "stop", Restart: "restart_all"}.get(type(action), "incremental")
    plan = Plan(action, mode, tuple(commands), hits, start, source, warnings=warnings)  # type: ignore[arg-type]
    # What a resize keeps goes on in its run.
    return replace(plan, begins_run=mode != "incremental" or not kept)


def refused(action: Action, why: str) -> Plan:
    return Plan(action, "refused", (), (), 0, None, refusal=why)


def title_of(plan: Plan) -> str:
    """Name an action for people; a resize says what it ends and starts, because it keeps all others."""
    if not isinstance(plan.action, Resize):
        return title(plan)
    parts = [f"end {len(plan.hits)}" if plan.hits else "", f"start {plan.start}" if plan.start else ""]
    how = ", ".join(part for part in parts if part)
    return f"resize to {count_of(plan.action.workers, 'worker')}" + (f" ({how})" if how else "")


def labels_of(plan: Plan) -> list[str]:
    """Return the labels of the jobs that a plan ends."""
    return [hit.name.split(" ")[1] for hit in plan.hits]


def slots_to_start(plan: Plan, living: Collection[int]) -> list[int]:
    action = plan.action
    if not plan.start or not isinstance(action, Launch | Resize | Restart):
        return []
    return [slot for slot in range(action.workers) if slot not in living]


def why_stale(plan: Plan, living: Mapping[int, str], noun: str) -> str:
    """Return why a plan no longer fits the pool; "": it does.

    `living` has the label of each slot, and `noun` is what the engine calls one of them.
    """
    now, labels = set(living.values()), set(labels_of(plan))
    if isinstance(plan.action, Launch) and now:
        return f"the pool changed since the plan: {noun}s of it run or wait now"
    if isinstance(plan.action, Stop | Restart) and now - labels:
        return f"the pool changed since the plan: {cut_list(sorted(now - labels), 4)} came"
    if isinstance(plan.action, Resize) and any(
        slot >= plan.action.workers and label not in labels for slot, label in living.items()
    ):
        return f"the pool changed since the plan: it has other {noun}s now"
    return ""
