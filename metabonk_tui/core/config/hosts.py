"""Says what is wrong with the hosts of a configuration, and how many workers each has. Does not: ask the network."""

from __future__ import annotations

import re
import zlib

from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config, HostConfig

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,23}")
DESTINATION = re.compile(r"[^\s\x00-\x1f-][^\s\x00-\x1f]{0,255}")
"""No white space, and no option of ssh."""
MOST_HOSTS = 64
MOST_WORKERS = 1000
LAST_PORT = 65535
LONGEST_NAME = 60


def of_several_hosts(config: Config) -> Config:
    """Return the configuration with its pool named after its hosts: none is this machine, only agents act on them."""
    # A plus is in no name of a host, so no part of the program looks the pool up or takes it for this machine.
    names = "+".join(host.name for host in config.host).lower() + ("+" if len(config.host) == 1 else "")
    if len(names) > LONGEST_NAME:
        names = f"{config.host[0].name.lower()}+{len(config.host) - 1}-{zlib.crc32(names.encode()):08x}"
    # Where no host uses the pool's own port, two pools on the same hosts differ in their ports alone.
    ports = [host.base_port for host in config.host if host.base_port is not None]
    base_port = ports[0] if len(ports) == len(config.host) else config.pool.base_port
    return only_watched(replace(config, pool=replace(config.pool, host=names, base_port=base_port)))


def only_watched(config: Config) -> Config:
    """Return the configuration with a pool that nothing here can launch or stop."""
    return replace(config, pool=replace(config.pool, backend="none"))


def workers_of(host: HostConfig, config: Config) -> int:
    """Return how many workers are wanted on a host."""
    return host.workers if host.workers is not None else config.pool.workers


def base_port_of(host: HostConfig, config: Config) -> int:
    """Return the port of worker 0 of a host."""
    return host.base_port if host.base_port is not None else config.pool.base_port


def host_problems(config: Config) -> list[tuple[str, str]]:
    """List (key, text) for the hosts that no monitor may start with."""
    listed: list[tuple[str, str]] = []
    if len(config.host) > MOST_HOSTS:
        listed.append(("host", f"{len(config.host)} hosts; at most {MOST_HOSTS} are supported"))
    wanted = sum(workers_of(host, config) for host in config.host)
    if wanted > MOST_WORKERS:
        listed.append(("host", f"{wanted} workers on all hosts; at most {MOST_WORKERS} are supported"))
    for at, host in enumerate(config.host):
        listed += [(f"host[{at}].{key}", text) for key, text in _problems(host, config)]
    return listed


def _problems(host: HostConfig, config: Config) -> list[tuple[str, str]]:
    listed: list[tuple[str, str]] = []
    if not NAME.fullmatch(host.name):
        listed.append(("name", "expected at most 24 letters, digits, . - and _, beginning with a letter or digit"))
    if host.ssh and not DESTINATION.fullmatch(host.ssh):
        listed.append(("ssh", "expected what ssh connects to, like node2 or me@10.0.0.2; options go to ssh_options"))
    if host.ssh_options and not host.ssh:
        listed.append(("ssh_options", "the agent runs on this machine, so there is no ssh"))
    last = base_port_of(host, config) + workers_of(host, config) - 1
    if last > LAST_PORT:
        listed.append(("base_port", f"its last worker would answer on port {last}; the last port is {LAST_PORT}"))
    return listed
