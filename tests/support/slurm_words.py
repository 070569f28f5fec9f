"""What a real Slurm printed, and jobs made for a test."""

from __future__ import annotations

from metabonk_tui.adapters.slurm.jobs import Job
from tests.support.paths import ROOT


def squeue(number: int) -> str:
    """Return a recorded look at a queue: three some seconds apart, before the third a node went down; one later."""
    return (ROOT / "tests" / "data" / "slurm" / f"squeue-{number}.txt").read_text()


def job(slot: int, state: str, *, node: str = "", array: int = 12, status: int = 0, restarts: int = 0) -> Job:
    """Return a task; one that runs or ended is on a node."""
    where = node or ("" if state == "PENDING" else "n1")
    reason = "Resources" if state == "PENDING" else "None"
    times = (100.0 + array, None if state == "PENDING" else 110.0, None)
    return Job(
        array, slot, array * 10 + slot, state, reason, where, status, restarts, *times, 0, "mb", "metabonk-tui:t"
    )
