"""Ports for tests: free ones, and whether a process listens on one."""

import os
import socket
import sys
from collections import deque

FIRST_PORT, LAST_PORT = 20000, 32000
"""Where `free_ports` looks: below the range from which the kernel takes ports, above that of the demo."""

BLOCK = 30
_KEPT = 24
_reserved: deque[int] = deque()
"""The newest reservations of this process: older ones are over, or their ports are in use. There are 400 in all."""


def free_port() -> int:
    """Return a port that no process listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    assert not FIRST_PORT <= port < LAST_PORT
    return port


def free_ports(count: int) -> int:
    """Return the first of so many free ports in a row, which no other test on this machine gets meanwhile."""
    seed = os.getpid() % 400
    for step in range(400):
        base = FIRST_PORT + (seed + step * 7) % 400 * BLOCK
        blocks = range(base, min(base + count, LAST_PORT), BLOCK)
        if all(not accepts(port) and _binds(port) for port in range(base, base + count)) and all(
            map(_reserve, blocks)
        ):
            return base
    raise RuntimeError("no free ports")


def _reserve(base: int) -> bool:
    """Keep other processes from these ports until a worker listens; False: another process has reserved them."""
    if sys.platform != "linux":
        return True
    mark = socket.socket(socket.AF_UNIX)
    try:
        mark.bind(f"\0metabonk-tui-tests-{base}")
    except OSError:
        mark.close()
        return False
    _reserved.append(mark.detach())
    if len(_reserved) > _KEPT:
        os.close(_reserved.popleft())
    return True


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a process on the loopback accepts a connection."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as client:
        client.settimeout(0.5)
        return client.connect_ex((host, port)) == 0


def _binds(port: int) -> bool:
    with socket.socket() as server:
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
