"""Derives from the configuration what the sidecar is asked to start. Does not: ask it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from metabonk_tui.adapters.env_file.source import EnvFileError, Sourced, source_env_file
from metabonk_tui.adapters.pools.launch_spec import NO_VARIABLES
from metabonk_tui.adapters.ray.actors import Record
from metabonk_tui.core.config.ray import memory_bytes
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.config.slurm import filled
from metabonk_tui.core.text.numbers import gigabytes

SOURCE_LIMIT_S = 2.0
KEEPER_GRACE_S = 10.0
"""How long a worker may withstand SIGTERM after its actor has ended."""


class RaySpec:
    """The settings of one pool on Ray."""

    def __init__(self, config: Config) -> None:
        launcher = config.pool.launcher
        self.config = config
        self.directory = Path(launcher.directory).expanduser().absolute()
        self.env_file = self.directory / Path(launcher.env_file).expanduser() if launcher.env_file else None
        self.start_timeout_s, self.grace_s = launcher.start_timeout_s, launcher.stop_grace_s

    def sourced(self) -> Sourced | EnvFileError:
        """Source the env file on this machine; blocks at most some seconds."""
        return NO_VARIABLES if self.env_file is None else source_env_file(self.env_file, os.environ, SOURCE_LIMIT_S)

    def start(self, record: Record, starts: Mapping[int, int], sourced: Sourced) -> dict[str, object]:
        """Return what the sidecar is asked, to start these slots; `starts` has the number of each one's start."""
        pool = self.config.pool
        environment = {**sourced.values, **pool.launcher.environment}
        workers = [
            {
                "name": record.name(slot, start),
                "label": f"w{slot}.{start}",
                "slot": slot,
                "port": pool.base_port + slot,
                "argv": list(filled(pool.ray.command, slot, pool.base_port)),
            }
            for slot, start in sorted(starts.items())
        ]
        spec = {
            "token": record.token,
            "cwd": str(self.directory),
            "env": environment,
            "removed": sorted(sourced.removed),
            "grace_s": KEEPER_GRACE_S,
        }
        needs = {"cpus": pool.ray.cpus, "gpus": pool.ray.gpus, "memory_bytes": memory_bytes(self.config)}
        return {"workers": workers, "spec": spec, "needs": needs}

    def start_text(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Return the call that creates these actors, as a plan shows it: no command of a shell does."""
        ray = self.config.pool.ray
        needs = (
            f"num_cpus={ray.cpus:g}",
            *((f"num_gpus={ray.gpus:g}",) if ray.gpus else ()),
            f"memory={gigabytes(memory_bytes(self.config))}GB",
        )
        return ("ray.remote", f"namespace={ray.namespace}", *needs, *labels)
