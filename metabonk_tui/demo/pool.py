"""One demo pool: its name, its ports, and its processes, which carry its token in their environment.

A process is this pool's by that token alone, read through /proc and pinned by a pidfd: never by a name or a bare pid.
"""

from __future__ import annotations

import errno
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

TOKEN_KEY = "METABONK_DEMO_POOL"
MAX_WORKERS = 64
FREE_WORKERS = 16
"""So many workers' ports are free when a block is picked."""
ORCHESTRATOR_OFFSET = MAX_WORKERS
OLLAMA_OFFSET = MAX_WORKERS + 1
BLOCK = 80
FIRST_PORT, LAST_PORT = 10_000, 32_000
"""Below the range that kernels hand out for outgoing connections."""
GRACE_S = 4.0
KILL_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class PoolLocation:
    """A folder and a block of ports."""

    directory: Path
    base_port: int

    @property
    def name(self) -> str:
        """The word that names this pool, and no other one of this machine, in command lines and environments."""
        digest = blake2b(os.fsencode(self.directory), digest_size=6).hexdigest()
        return f"{self.base_port}-{digest}"

    @property
    def orchestrator_port(self) -> int:
        """Where `/workers` is served."""
        return self.base_port + ORCHESTRATOR_OFFSET

    @property
    def ollama_port(self) -> int:
        """Where the Ollama stand-in answers."""
        return self.base_port + OLLAMA_OFFSET

    @property
    def env_file(self) -> Path:
        """The file with the flags."""
        return self.directory / "game_agnostic.env"

    @property
    def job_file(self) -> Path:
        """What was launched last."""
        return self.directory / "last_job.json"

    def ports(self, workers: int) -> list[int]:
        """List the ports of so many workers and of what goes with them."""
        return [*range(self.base_port, self.base_port + workers), self.orchestrator_port, self.ollama_port]


def pool_at(directory: str, base_port: int) -> PoolLocation:
    """Name the pool of a folder (however it is written) and a base port."""
    return PoolLocation(Path(directory).resolve(), base_port)


def free_base_port() -> int:
    """Pick a block of ports of which the first ones, the orchestrator's and Ollama's are free now. Raises OSError."""
    starts = list(range(FIRST_PORT, LAST_PORT - BLOCK, BLOCK))
    random.shuffle(starts)
    for start in starts:
        if all(is_free(port) for port in PoolLocation(Path("/"), start).ports(FREE_WORKERS)):
            return start
    raise OSError(errno.EADDRINUSE, "no free block of ports")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a loopback port."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def accepts(port: int) -> bool:
    """Tell whether somebody listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def members(pool: PoolLocation) -> list[int]:
    """List the living processes that carry the pool's token, except this one."""
    own = os.getpid()
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [pid for pid in pids if pid != own and _carries_token(pid, pool)]


def _carries_token(pid: int, pool: PoolLocation) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        # Gone meanwhile, or another user's: then it is not ours.
        return False
    return f"{TOKEN_KEY}={pool.name}".encode() in environment.split(b"\0")


def send(pid: int, pool: PoolLocation, number: int) -> bool:
    """Signal a process if it still is one of the pool's; tell whether it was."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        # The handle pins the process: a pid that was given to another one since does not pass the second look.
        if not _carries_token(pid, pool):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def end(pool: PoolLocation, log_line: Callable[[str], None], ports: Iterable[int] = ()) -> list[int]:
    """End every process of the pool but this one; return the pids that are still there after all."""
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
