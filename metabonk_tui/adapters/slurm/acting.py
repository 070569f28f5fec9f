"""Says which steps a plan on a Slurm pool has, and whether the jobs are still those of the plan. Does not: act."""

from __future__ import annotations

import os
from pathlib import Path

from metabonk_tui.adapters.files.private import open_private
from metabonk_tui.adapters.slurm.batch import SCRIPT
from metabonk_tui.core.model.pool import Plan

ASKED, GONE, SUBMITTED, PLACED = "SIGTERM sent", "jobs gone", "jobs submitted", "workers started"


def steps_of(plan: Plan) -> tuple[str, ...]:
    if plan.mode in ("noop", "refused"):
        return ()
    return (*((ASKED, GONE) if plan.hits else ()), *((SUBMITTED, PLACED) if plan.start else ()))


def write_script(path: Path) -> None:
    """Write the batch script where it is missing or differs. Raises OSError."""
    descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
    with os.fdopen(descriptor, "r+") as file:
        if file.read() != SCRIPT:
            file.seek(0)
            file.truncate()
            file.write(SCRIPT)
