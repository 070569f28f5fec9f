"""Says which steps a plan on a Slurm pool has, and whether the jobs are still those of the plan. Does not: act."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from metabonk_tui.adapters.files.private import open_private
from metabonk_tui.adapters.pools.action_text import title
from metabonk_tui.adapters.slurm.batch import SCRIPT
from metabonk_tui.adapters.slurm.jobs import Job
from metabonk_tui.core.model.pool import Action, Launch, Plan, Resize, Restart, Stop
from metabonk_tui.core.text.phrases import count_of, cut_list

ASKED, GONE, SUBMITTED, PLACED = "SIGTERM sent", "jobs gone", "jobs submitted", "workers started"


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
    return (*((ASKED, GONE) if plan.hits else ()), *((SUBMITTED, PLACED) if plan.start else ()))


def slots_to_start(plan: Plan, living: Mapping[int, Job]) -> list[int]:
    action = plan.action
    if not plan.start or not isinstance(action, Launch | Resize | Restart):
        return []
    return [slot for slot in range(action.workers) if slot not in living]


def why_stale(plan: Plan, living: Mapping[int, Job], labels: Collection[str]) -> str:
    """Return why the jobs are no longer those of the plan; "" when they are."""
    now = {job.label for job in living.values()}
    if isinstance(plan.action, Launch) and now:
        return "the pool changed since the plan: jobs of it run or wait now"
    if isinstance(plan.action, Stop | Restart) and now - set(labels):
        return f"the pool changed since the plan: {cut_list(sorted(now - set(labels)), 4)} came"
    if isinstance(plan.action, Resize) and any(
        slot >= plan.action.workers and job.label not in labels for slot, job in living.items()
    ):
        return "the pool changed since the plan: it has other jobs now"
    return ""


def refused(action: Action, why: str) -> Plan:
    return Plan(action, "refused", (), (), 0, None, refusal=why)


def write_script(path: Path) -> None:
    """Write the batch script where it is missing or differs. Raises OSError."""
    descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
    with os.fdopen(descriptor, "r+") as file:
        if file.read() != SCRIPT:
            file.seek(0)
            file.truncate()
            file.write(SCRIPT)
