"""Runs the commands of Slurm, each with a deadline, and returns what they print.

An argument list each, in a session of its own, without the variables of a job that the monitor itself runs in. Does
not: know what the commands mean.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from msgspec import Struct

from metabonk_tui.adapters.process.process_facts import SEAT_VARIABLES
from metabonk_tui.adapters.process.spawn import start_session
from metabonk_tui.adapters.process.tree import TOKEN_VARIABLE
from metabonk_tui.core.text.clean import clean_text

LIMIT_S = 15.0
"""A slurmctld under load answers in seconds; beyond this the answer would be of no use."""
MOST_BYTES = 4_000_000
"""A line of a job has 150 bytes: 1000 workers with some hundred jobs of before fit many times."""
_PREFIXES = ("SLURM_", "SBATCH_", "SRUN_", "SQUEUE_", "SCANCEL_", "SACCT_", "SLURMD_")
_KEPT = ("SLURM_CONF", "SLURM_JWT")


class Printed(Struct, frozen=True):
    """What a command printed, or why that is of no use."""

    out: str = ""
    error: str = ""
    """Why it failed, for people; "": it exited with 0."""
    said: str = ""
    """The last line that it wrote to stderr although it exited with 0."""


def slurm_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment for a command: a job that the monitor runs in must not name partition or job.

    Nor do a pool and a multiplexer that it runs in mark what it submits.
    """
    marks = {TOKEN_VARIABLE, *SEAT_VARIABLES}
    kept = {
        key: value for key, value in environ.items() if key in _KEPT or not (key in marks or key.startswith(_PREFIXES))
    }
    return {**kept, "LC_ALL": "C.UTF-8", "SLURM_TIME_FORMAT": "%s"}


def run(argv: Sequence[str], limit_s: float = LIMIT_S, environ: Mapping[str, str] = os.environ) -> Printed:
    """Run a command to its end, at most `limit_s`; blocks. Never raises for what the command does."""
    try:
        child = start_session(argv, None, slurm_environment(environ), subprocess.PIPE, subprocess.PIPE)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return Printed(error=f"{argv[0]} cannot be run: {why}")
    with child:
        try:
            out, complaint = child.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)  # not reaped yet: the group is its own
            return Printed(error=f"{argv[0]} did not answer within {limit_s:g} s")
    if len(out) > MOST_BYTES:
        return Printed(error=f"{argv[0]} printed more than {MOST_BYTES // 1_000_000} MB")
    if child.returncode:
        return Printed(error=f"{argv[0]}: {_last_words(complaint) or f'exit code {child.returncode}'}")
    return Printed(out.decode(errors="replace"), said=_last_words(complaint))


def _last_words(complaint: bytes) -> str:
    lines = [line.strip() for line in complaint[-4000:].decode(errors="replace").splitlines() if line.strip()]
    words = clean_text(lines[-1]) if lines else ""
    for prefix in ("squeue: ", "sbatch: ", "scancel: ", "sacct: ", "srun: ", "error: ", "fatal: "):
        words = words.removeprefix(prefix)
    return words
