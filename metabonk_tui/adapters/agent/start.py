"""Makes the connections of a configuration: the command that starts each agent, and what it is asked for.

Does not: start anything.
"""

from __future__ import annotations

import os
import shlex
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path

from metabonk_tui import __version__
from metabonk_tui.adapters.agent.link import AgentLink
from metabonk_tui.adapters.agent.protocol import SCHEMA, Open
from metabonk_tui.core.config.hosts import base_port_of, workers_of
from metabonk_tui.core.config.schema import Config, HostConfig
from metabonk_tui.core.model.refs import HostName

AGENT = ("metabonk-tui", "agent")
SSH = (
    *("ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"),
    *("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"),
)
"""Never asks for a password; a connection whose network died ends after 15 s."""
LONGEST_FOLDER = 76
"""Characters of the folder of ssh's sockets: with the name and the ending that ssh adds, 107 are possible."""


def links_of(config: Config, state: Path, *, read_only: bool = False) -> Mapping[HostName, AgentLink]:
    """Return the connection of every host, by its name; `read_only`: no agent is asked to act."""
    return {
        host.name: AgentLink(
            host.name,
            agent_command(host, state),
            _opening(host, config, acts=not (read_only or host.read_only)),
            workers_of(host, config),
            is_local=not host.ssh,
        )
        for host in config.host
    }


def agent_command(host: HostConfig, state: Path) -> tuple[str, ...]:
    """Return the argument list that starts the agent of a host: through ssh, or on this machine."""
    if not host.ssh:
        return tuple(host.command) or (sys.executable, "-m", "metabonk_tui", "agent")
    # ssh joins what follows the destination with spaces, and the login shell of the host reads it.
    remote = shlex.join(host.command or AGENT)
    return (*SSH, *_shared(host, state), *host.ssh_options, "--", host.ssh, remote)


def _shared(host: HostConfig, state: Path) -> tuple[str, ...]:
    """Let several monitors share the connection to a host, where the folder of its socket is private and short."""
    folder = str(state)
    if len(folder) > LONGEST_FOLDER or not os.path.isabs(folder) or any(c in folder for c in "% \t\"'"):
        return ()
    # Two hosts of a configuration never share one, even where both are one machine: each has its own options.
    name = f"{zlib.crc32(repr((host.name, host.ssh, host.ssh_options)).encode()):08x}"
    return ("-o", "ControlMaster=auto", "-o", f"ControlPath={folder}/ssh-{name}", "-o", "ControlPersist=no")


def _opening(host: HostConfig, config: Config, *, acts: bool) -> Open:
    return Open(
        SCHEMA,
        __version__,
        base_port_of(host, config),
        workers_of(host, config),
        config.observe.interval_s or None,
        host.directory,
        host.env_file,
        acts,
    )
