"""Checks what a pool on Ray needs: its Python, the token, an answer of the cluster, Ray's memory monitor.

Does not: create an actor. An agent is tried only by a running pool.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from metabonk_tui.adapters.ray.sidecar_process import (
    CONNECT_LIMIT_S,
    Sidecar,
    sidecar_command,
    sidecar_environment,
)
from metabonk_tui.adapters.ray.watch import RayWatch
from metabonk_tui.cli.doctor.finding import Finding
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.engine.clock import RunClock

COSTS = "the pool can be neither seen nor launched"
OTHERS_MAY_READ = 0o077


def ray_findings(config: Config, connect_limit_s: float = CONNECT_LIMIT_S) -> Iterator[Finding]:
    """Join the cluster once and look; blocks until Ray lets it join, some seconds."""
    yield token_finding(config.pool.ray.token_file)
    python = Path(config.pool.ray.python).expanduser()
    if not os.access(python, os.X_OK):
        remedy = "python -m venv /srv/ray, install ray of the cluster's version there, and name it in pool.ray.python"
        yield Finding("pool", "ray", "WRONG", f"no program: {python}", COSTS, remedy)
        return
    sidecar = Sidecar(sidecar_command(config), sidecar_environment(config))
    watch = RayWatch(sidecar, RunClock(), config.clock.startup_grace_s)
    try:
        problem = watch.look(connect_limit_s)
        if problem:
            remedy = f"is {config.pool.ray.address} the cluster, is this machine a node of it, is the token right?"
            yield Finding("pool", "ray", "WRONG", problem, COSTS, remedy)
            return
        living = watch.living()
        running = sum(actor.runs for actor in living.values())
        text = f"Ray {sidecar.version} answers; {count_of(running, 'worker')} of this pool run, "
        yield Finding("pool", "ray", "PASS", text + f"{len(living) - running} wait")
    finally:
        sidecar.close()


def token_finding(token_file: str) -> Finding:
    """Check the file of the token, which alone keeps other users of the network off the cluster."""
    if not token_file:
        remedy = "start the cluster with RAY_AUTH_MODE=token, and name the file in pool.ray.token_file"
        return Finding(
            "pool", "ray token", "MISSING", "none: who reaches the cluster may run programs there", "", remedy
        )
    path = Path(token_file).expanduser()
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return Finding(
            "pool", "ray token", "WRONG", f"{path}: {error.strerror or error}", COSTS, "name the right file"
        )
    if mode & OTHERS_MAY_READ:
        costs = "other users of this machine may use the cluster"
        return Finding(
            "pool", "ray token", "MISSING", f"{path} may be read by other users", costs, f"chmod 600 {path}"
        )
    return Finding("pool", "ray token", "PASS", f"{path} is private")
