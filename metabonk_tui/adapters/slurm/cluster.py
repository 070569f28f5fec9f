"""Looks at a Slurm cluster before a launch: its commands, its partitions and nodes, its settings, and a trial.

Does not: submit a job. `sbatch --test-only` asks Slurm and leaves nothing behind.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from metabonk_tui.adapters.files.kind import may_exist
from metabonk_tui.adapters.files.private import refuse_foreign, refuse_to_make
from metabonk_tui.adapters.slurm.batch import SlurmSpec
from metabonk_tui.adapters.slurm.commands import LIMIT_S, Printed, run
from metabonk_tui.adapters.slurm.jobs import NOT_UP
from metabonk_tui.core.launch.cluster_preflight import ClusterFacts, ClusterNode
from metabonk_tui.core.model.refs import HOST_NAME
from metabonk_tui.core.text.clean import clean_text

COMMANDS = ("sbatch", "squeue", "scancel", "srun")
COLUMNS = ("NodeList", "Partition", "Available", "StateLong", "Memory", "AllocMem")
_START = re.compile(r"to start at (\d{9,12})\b")
_NOT_FOR_ALL = ("reserv", "resv", "block", "future")
"""States of a node that takes only the jobs of a reservation."""
_FLAGS = "*~#%$@^!+-"
"""What `sinfo` puts behind a state: powered down, booting, reserved; * is a node that does not answer."""


def look_at(run_command: Callable[..., Printed] = run) -> ClusterFacts:
    """Ask Slurm; blocks for at most three deadlines."""
    missing = tuple(name for name in COMMANDS if shutil.which(name) is None)
    if missing:
        return ClusterFacts(missing)
    listed = run_command(("sinfo", "--noheader", "--Node", f"--Format={','.join(f'{c}:|' for c in COLUMNS)}"), LIMIT_S)
    asked = run_command(("squeue", "--noheader", f"--user={os.geteuid()}", "--format=%i"), LIMIT_S)
    shown = run_command(("scontrol", "show", "config"), LIMIT_S)
    return ClusterFacts(
        problem=asked.error,
        nodes=None if listed.error else nodes_of(listed.out),
        settings=None if shown.error else settings_of(shown.out),
    )


def nodes_of(text: str) -> tuple[ClusterNode, ...]:
    """Read the lines of sinfo: one for each node and partition. A line that cannot be read is left out."""
    found = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("|")]
        if len(parts) < len(COLUMNS) or not HOST_NAME.fullmatch(parts[0]):
            continue
        name, partition, available, state, memory, allocated = parts[: len(COLUMNS)]
        if not (memory.isascii() and memory.isdigit() and allocated.isascii() and allocated.isdigit()):
            continue
        bare = state.rstrip(_FLAGS)
        found.append(
            ClusterNode(
                name,
                clean_text(partition.removesuffix("*"), 60),
                partition.endswith("*"),
                available.lower() == "up",
                clean_text(bare, 20),
                not bare.lower().startswith((*NOT_UP, *_NOT_FOR_ALL)) and "*" not in state,
                int(memory),
                int(allocated),
            )
        )
    return tuple(found)


def settings_of(text: str) -> dict[str, str]:
    """Read the lines of `scontrol show config`: "TaskPlugin              = task/cgroup"."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip().lower(): clean_text(value.strip(), 80) for name, _, value in pairs}


def trial_command(spec: SlurmSpec, submit: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command that asks Slurm whether it would accept a submission."""
    options = submit[1 : submit.index(str(spec.script))]
    # The script, the log folder and the working directory may not be there yet, and --test-only reads them.
    kept = [word for word in options if not word.startswith(("--output=", "--chdir=", "--open-mode=", "--parsable"))]
    return ("sbatch", "--test-only", *kept, "--wrap=true")


def starts_at(said: str) -> float | None:
    """Return when the first task would start, in Unix seconds; None: Slurm did not say it."""
    found = _START.search(said)
    return None if found is None else float(found[1])


def folder_problem(folder: Path) -> str:
    """Return why the shared folder cannot be used; "" when it can be. Writes a nameless file where it exists."""
    if refusal := refuse_to_make(folder) or refuse_foreign(folder):
        return refusal
    place = folder
    while not may_exist(place) and place != place.parent:
        place = place.parent
    if place != folder:
        return "" if os.access(place, os.W_OK | os.X_OK) else f"{folder} cannot be made in {place}"
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"preflight")
            file.flush()
    except OSError as error:
        return f"{folder} cannot be written to: {error.strerror or error}"
    return ""
