"""Names one demo pool, picks its ports, and finds and ends its processes.

A process belongs to the pool only if its /proc environment carries the pool's token. A pidfd pins it before a
signal. Does not: match names or bare pids.
"""

from __future__ import annotations

import errno
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterable
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

TOKEN_KEY = "METABONK_DEMO_POOL"
MAX_WORKERS = 64
FREE_WORKERS = 16
"""Number of worker ports that must be free in a picked block."""
ORCHESTRATOR_OFFSET = MAX_WORKERS
OLLAMA_OFFSET = MAX_WORKERS + 1
BLOCK = 80
FIRST_PORT, LAST_PORT = 10_000, 20_000
"""Below the range of ports that kernels use for outgoing connections."""
GRACE_S = 4.0
KILL_WITHIN_S = 10.0


class PoolLocation(Struct, frozen=True):
    """The folder and the block of ports of one pool."""

    directory: Path
    base_port: int

    @property
    def name(self) -> str:
        """The pool's unique name on this machine, for command lines and environments."""
        digest = blake2b(os.fsencode(self.directory), digest_size=6).hexdigest()
        return f"{self.base_port}-{digest}"

    @property
    def orchestrator_port(self) -> int:
        """The port of the orchestrator's `/workers`."""
        return self.base_port + ORCHESTRATOR_OFFSET

    @property
    def ollama_port(self) -> int:
        """The port of the Ollama stand-in."""
        return self.base_port + OLLAMA_OFFSET

    @property
    def env_file(self) -> Path:
        """The path of the pool's env file."""
        return self.directory / "game_agnostic.env"

    @property
    def job_file(self) -> Path:
        """The path of the JSON description of the last launch."""
        return self.directory / "last_job.json"

    def ports(self, workers: int) -> list[int]:
        """Return the ports of `workers` workers, the orchestrator and Ollama."""
        return [*range(self.base_port, self.base_port + workers), self.orchestrator_port, self.ollama_port]


def pool_at(directory: str, base_port: int) -> PoolLocation:
    """Return the pool of a folder, with its path resolved, and a base port."""
    return PoolLocation(Path(directory).resolve(), base_port)


def free_base_port() -> int:
    """Return the first port of a random free block. Raises OSError if no block is free."""
    starts = list(range(FIRST_PORT, LAST_PORT - BLOCK, BLOCK))
    random.shuffle(starts)
    for start in starts:
        if all(is_free(port) for port in PoolLocation(Path("/"), start).ports(FREE_WORKERS)):
            return start
    raise OSError(errno.EADDRINUSE, "no free block of ports")


def is_free(port: int) -> bool:
    """Return whether a server could listen on a loopback port."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def accepts(port: int) -> bool:
    """Return whether a server listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def members(pool: PoolLocation) -> list[int]:
    """Return the pids of running processes with the pool's token, except this process."""
    own = os.getpid()
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [pid for pid in pids if pid != own and _carries_token(pid, pool)]


def _carries_token(pid: int, pool: PoolLocation) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        # The process ended, or belongs to another user; both mean "not in the pool".
        return False
    return f"{TOKEN_KEY}={pool.name}".encode() in environment.split(b"\0")


def send(pid: int, pool: PoolLocation, number: int) -> bool:
    """Signal a process if it still belongs to the pool; return whether the signal was sent."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        # The handle pins the process, so the second check rejects a reused pid.
        if not _carries_token(pid, pool):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def end(pool: PoolLocation, log_line: Callable[[str], None], ports: Iterable[int] = ()) -> list[int]:
    """End every other process of the pool: SIGTERM, then SIGKILL after 4 s. Return the pids left after 10 s."""
    started = time.monotonic()
    signalled: set[tuple[int, int]] = set()
    while True:
        left = members(pool)
        waited = time.monotonic() - started
        if not left and (waited > GRACE_S or not any(accepts(port) for port in ports)):
            return []
        if waited > KILL_WITHIN_S:
            return left
        number = signal.SIGTERM if waited < GRACE_S else signal.SIGKILL
        for pid in left:
            if (pid, number) not in signalled and send(pid, pool, number):
                signalled.add((pid, number))
                log_line(f"[stop] {signal.Signals(number).name} -> pid {pid}")
        time.sleep(0.05)
