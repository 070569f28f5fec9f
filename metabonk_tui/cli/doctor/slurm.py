"""Checks what a pool on Slurm needs: its commands, an answer of its controller, the shared folder.

Does not: submit a job. An agent is tried only by a running pool.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from metabonk_tui.adapters.files.kind import is_dir
from metabonk_tui.adapters.files.private import refuse_foreign, refuse_to_make
from metabonk_tui.adapters.slurm.batch import SlurmSpec
from metabonk_tui.adapters.slurm.cluster import COMMANDS
from metabonk_tui.adapters.slurm.queue import SlurmQueue
from metabonk_tui.cli.doctor.finding import Finding
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.engine.clock import RunClock

COSTS = "the pool can be neither seen nor launched"


def slurm_findings(config: Config) -> Iterator[Finding]:
    """Ask Slurm once; blocks for at most 15 s."""
    missing = [name for name in COMMANDS if shutil.which(name) is None]
    if missing:
        remedy = "run the monitor where you run sbatch: on a login node of the cluster"
        yield Finding("pool", "slurm", "WRONG", f"not found: {', '.join(missing)}", COSTS, remedy)
        return
    queue = SlurmQueue(SlurmSpec(config), RunClock())
    problem = queue.look()
    if problem:
        yield Finding("pool", "slurm", "WRONG", problem, COSTS, "try by hand: squeue --me")
    else:
        living = queue.living()
        running = sum(job.state == "RUNNING" for job in living.values())
        text = f"answers; {count_of(running, 'job')} of this pool run, {len(living) - running} wait"
        yield Finding("pool", "slurm", "PASS", text)
    folder = queue.spec.folder
    refusal = refuse_to_make(folder) or refuse_foreign(folder)
    if refusal:
        yield Finding("pool", "shared folder", "WRONG", refusal, "no launch", f"chmod 700 {folder}, or another folder")
    else:
        there = "is private" if is_dir(folder) else "is made by the first launch"
        yield Finding("pool", "shared folder", "PASS", f"{folder} {there}; every node must see it")
