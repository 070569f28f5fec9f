"""Derives the launch of one pool from the configuration: argument lists, directory, environment, files.

Does not: look at running processes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from metabonk_tui.adapters.env_file.launcher_environment import LauncherEnvironment, launcher_environment
from metabonk_tui.adapters.env_file.source import TIMEOUT_S, EnvFileError, Sourced, source_env_file
from metabonk_tui.adapters.files.kind import is_dir, is_file
from metabonk_tui.adapters.host.local import canonical_host, is_this_machine
from metabonk_tui.adapters.process.launch_command import LaunchCommand
from metabonk_tui.adapters.process.process_facts import SEAT_VARIABLES, SERVICE_VARIABLES
from metabonk_tui.adapters.process.tree import TOKEN_VARIABLE
from metabonk_tui.adapters.state.paths import pool_name, pool_stem
from metabonk_tui.core.config.schema import Config

NO_VARIABLES = Sourced({})


class LaunchSpec:
    """The launch and stop settings of one pool."""

    def __init__(self, config: Config, state_dir: Path, environ: Mapping[str, str] = os.environ) -> None:
        launcher = config.pool.launcher
        self.host = config.pool.host
        self.base_port = config.pool.base_port
        self.required_environment = config.required_environment
        self.grace_s = launcher.stop_grace_s
        self.start_timeout_s = launcher.start_timeout_s
        self.directory = Path(launcher.directory).expanduser().absolute()
        self.env_file = self.directory / Path(launcher.env_file).expanduser() if launcher.env_file else None
        self.canonical_host = canonical_host(self.host)
        self.name = pool_name(self.canonical_host, self.base_port)
        """`HOST-PORT`: names the scope or the group that the pool is launched into."""
        self.stem = pool_stem(self.canonical_host, self.base_port)
        """The begin of the names of this pool's files."""
        own_log = f"{self.stem}.log"
        self.log_path = state_dir / (Path(launcher.log_file).expanduser() if launcher.log_file else own_log)
        self.state_dir = state_dir
        self.record_path = state_dir / f"{self.stem}.json"
        self.old_record_path = state_dir / f"{pool_stem('127.0.0.1', self.base_port)}.json"
        """Where earlier versions wrote the record of a pool on any host."""
        self._launcher = launcher
        # A monitor may run inside a pool: that pool's token must not mark this pool.
        # A multiplexer's variables would mark the pool's processes as opened by a person in that multiplexer.
        left_out = {TOKEN_VARIABLE, *SEAT_VARIABLES, *SERVICE_VARIABLES}
        self._environ = {key: value for key, value in environ.items() if key not in left_out}
        self.workers = config.pool.workers
        self.processes = config.processes
        self.command = LaunchCommand(os.path.realpath(self.directory), tuple(launcher.launch), tuple(launcher.stop))

    def launch_argv(self, workers: int) -> tuple[str, ...]:
        """Fill the placeholders of the launch command for this number of workers."""
        return tuple(self._filled(argument, workers) for argument in self._launcher.launch)

    def stop_argv(self, workers: int) -> tuple[str, ...]:
        """Fill the placeholders of the stop command; empty when none is configured."""
        return tuple(self._filled(argument, workers) for argument in self._launcher.stop)

    def source(self, timeout_s: float = TIMEOUT_S) -> Sourced | EnvFileError:
        """Source the env file; without one, return no variables. Blocks up to `timeout_s`."""
        if self.env_file is None:
            return NO_VARIABLES
        return source_env_file(self.env_file, self._environ, timeout_s)

    def environment(self, sourced: Sourced, token: str | None = None) -> dict[str, str]:
        """Merge four layers, later ones win: our environment, the env file, the configuration, the launch token."""
        environment = {key: value for key, value in self._environ.items() if key not in sourced.removed}
        environment |= sourced.values
        environment |= self._launcher.environment
        if token is not None:
            environment[TOKEN_VARIABLE] = token
        return environment

    def launcher_sets(self) -> LauncherEnvironment:
        """Return the variables that the launcher's script sets over the env file."""
        return launcher_environment(self.directory, self.launch_argv(1))

    def cannot_act(self) -> str:
        """Return why this monitor cannot act on the pool; "" when it can."""
        if is_this_machine(self.host):
            return ""
        return f"the workers are on {self.host}: only processes of this machine can be acted on"

    def cannot_launch(self, environment: Mapping[str, str] | None = None) -> str:
        """Return why the launch command cannot run; "" when it can."""
        argv = self.launch_argv(1)
        if not argv:
            return "no launch command in the configuration (pool.launcher.launch)"
        return self._cannot_run(argv, environment)

    def cannot_run_stop(self, environment: Mapping[str, str] | None = None) -> str:
        """Return why the stop command cannot run; "" when it can."""
        argv = self.stop_argv(1)
        return self._cannot_run(argv, environment) if argv else "no stop command in the configuration"

    def stop_names_port(self) -> bool:
        """Return whether the stop command names this pool, and so cannot mean another one."""
        return any("{base_port}" in argument for argument in self._launcher.stop)

    def _filled(self, argument: str, workers: int) -> str:
        return argument.replace("{workers}", str(workers)).replace("{base_port}", str(self.base_port))

    def _cannot_run(self, argv: tuple[str, ...], environment: Mapping[str, str] | None) -> str:
        if not is_dir(self.directory):
            return f"the directory {self.directory} does not exist (pool.launcher.directory)"
        program = argv[0]
        if "/" in program:
            path = self.directory / program
            if not os.access(path, os.X_OK) or is_dir(path):
                return f"{path} does not exist or cannot be executed (pool.launcher)"
        elif shutil.which(program, path=(environment or self._environ).get("PATH")) is None:
            return f"no program {program} is found in PATH (pool.launcher)"
        if len(argv) > 1 and argv[1].endswith((".py", ".sh")) and not is_file(self.directory / argv[1]):
            return f"{argv[1]} is not in {self.directory}: set pool.launcher.directory to your MetaBonk checkout"
        return ""
