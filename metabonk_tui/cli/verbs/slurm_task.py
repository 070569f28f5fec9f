"""`slurm-task`: becomes one worker on a node of a Slurm cluster; the monitor submits it.

Reads the env file there, writes where the worker is, and replaces itself by the worker's command: no process stands
between Slurm and the worker. Does not: watch the worker.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from metabonk_tui.adapters.env_file.source import EnvFileError, source_env_file
from metabonk_tui.adapters.pools.launch_record import boot_id
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.slurm.announced import Announced, write_announced
from metabonk_tui.cli.exit_codes import FAILED, UsageError
from metabonk_tui.cli.options import Parser
from metabonk_tui.core.config.slurm import filled

SOURCE_LIMIT_S = 60.0
"""A shared folder may be slow when many tasks begin at once."""


def add_options(parser: Parser, verb: str) -> None:
    parser.epilog = "The monitor starts it with sbatch: docs/slurm.md."
    parser.add_argument("--folder", required=True, metavar="FOLDER", help="shared folder of the pool")
    parser.add_argument("--pool", required=True, metavar="MARK", help="mark of the pool in the comments of its jobs")
    parser.add_argument("--base-port", required=True, type=int, metavar="PORT", help="port of worker 0")
    parser.add_argument("--env-file", metavar="FILE", help="env file that bash sources")
    parser.add_argument("--env", metavar="KEY=VALUE", action="append", default=[], help="set a variable")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="command of the worker")


def main(options: argparse.Namespace, verb: str) -> int:
    """Become the worker. Returns only when that is impossible, with 1."""
    slot, job_id, restarts = task_of(os.environ)
    environment = dict(os.environ)
    if options.env_file:
        sourced = source_env_file(Path(options.env_file), environment, SOURCE_LIMIT_S)
        if isinstance(sourced, EnvFileError):
            return _fail(f"env file: {sourced.text}")
        environment = {key: value for key, value in environment.items() if key not in sourced.removed}
        environment |= sourced.values
    environment |= dict(pair.split("=", 1) for pair in options.env if "=" in pair)
    argv = filled(options.command, slot, options.base_port)
    stat = Proc().stat(os.getpid())
    here = Announced(
        slot,
        os.environ.get("SLURMD_NODENAME") or socket.gethostname(),
        options.base_port + slot,
        os.getpid(),
        stat.start_ticks if stat is not None else 0,
        boot_id(),
        job_id,
        restarts,
        options.pool,
    )
    try:
        write_announced(Path(options.folder), here)
        print(f"w{slot} on {here.host} as pid {here.pid}, port {here.port}", file=sys.stderr, flush=True)
        os.execvpe(argv[0], argv, environment)
    except OSError as error:
        return _fail(f"{error.filename or argv[0]}: {error.strerror or error}")


def task_of(environ: Mapping[str, str]) -> tuple[int, int, int]:
    """Return slot, job id and number of restarts of this task. Raises UsageError outside of a job array."""
    try:
        return (
            int(environ["SLURM_ARRAY_TASK_ID"]),
            int(environ["SLURM_JOB_ID"]),
            int(environ.get("SLURM_RESTART_COUNT", "0")),
        )
    except (KeyError, ValueError):
        raise UsageError("this runs inside a Slurm job array, which the monitor submits: docs/slurm.md") from None


def _fail(why: str) -> int:
    print(f"the worker cannot start: {why}", file=sys.stderr)
    return FAILED
