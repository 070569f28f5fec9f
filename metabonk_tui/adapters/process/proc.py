"""Reads one process from /proc: identity, memory, arguments and environment.

Does not: know the role of a process.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from metabonk_tui.core.model.refs import ProcessRef
from metabonk_tui.core.ports.shortage import is_own_shortage

_KERNEL_THREAD = 0x00200000  # PF_KTHREAD, include/linux/sched.h
_KTHREADD = 2
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_CONTAINER = re.compile(rb"\b((?:docker|libpod|crio|cri-containerd|lxc\.payload|lxc|kubepods)[-./][\w.-]+)")
ELSEWHERE = "another file system's "
"""Stands before a path that names another folder, or none, in the monitor's mount namespace."""
_BOOT_TIME = re.compile(rb"^btime (\d+)$", re.MULTILINE)


class ProcessStat(Struct, frozen=True):
    """One living process from one line of /proc/PID/stat: a single read cannot mix two processes."""

    pid: int
    parent_pid: int
    started_at: float
    rss_bytes: int
    name: str
    of_kernel: bool = False
    """Whether it is a kernel thread, without command line, environment and memory of its own."""
    start_ticks: int = 0
    """The start in ticks since boot: exact, and the same for every reader of this boot."""
    has_terminal: bool = False
    """Whether it has a controlling terminal: a person or a terminal multiplexer started it."""
    is_stopped: bool = False
    """Whether a signal or a debugger has stopped it: it lives and does nothing until it is resumed."""
    image: tuple[bytes, ...] = ()
    """Where its arguments and environment lie in its memory: another place after every exec, zeros where hidden."""

    @property
    def ref(self) -> ProcessRef:
        return ProcessRef(self.pid, self.started_at)


class Proc:
    """Reads processes under `root`/proc. A process that is gone, dead or hidden reads as None.

    Raises OSError if the monitor has no file descriptor left.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._proc = str(root / "proc")
        self.is_real = root == Path("/")
        """Whether this is the /proc of the machine, to which its sockets belong."""
        found = _BOOT_TIME.search(self._bytes("stat") or b"")
        # Read once: the kernel changes it with the wall clock, and then no known start time would match.
        self._boot_time = float(found[1]) if found else 0.0

    def pids(self) -> Iterator[int]:
        """Yield the pids of the visible processes. Raises OSError if the monitor has no descriptor left."""
        try:
            names = os.listdir(self._proc)
        except OSError as error:
            if is_own_shortage(error):
                raise
            return
        for name in names:
            if name.isdigit():
                yield int(name)

    def kernel_threads(self) -> frozenset[int]:
        """Return the kernel's threads, from one file; empty where they are not visible, or the file is not there.

        All of them are children of kthreadd, pid 2. In another pid namespace pid 2 is any process.
        """
        parent = self.stat(_KTHREADD)
        if parent is None or not parent.of_kernel:
            return frozenset()
        return frozenset(map(int, (self._bytes(f"{_KTHREADD}/task/{_KTHREADD}/children") or b"").split()))

    def stat(self, pid: int) -> ProcessStat | None:
        """Read a living process; None: gone, hidden or a zombie."""
        text = self._bytes(f"{pid}/stat", in_pieces=False)
        if text is None:
            return None
        # The name is in brackets and may itself contain brackets and spaces.
        head, _, tail = text.rpartition(b")")
        fields = tail.split()
        # A process whose first thread has ended looks like a zombie and lives on in its other threads.
        if len(fields) < 22 or (fields[0] in (b"Z", b"X", b"x") and int(fields[17]) < 2):
            return None
        name = head.partition(b"(")[2].decode(errors="replace")
        ticks = int(fields[19])
        return ProcessStat(
            pid,
            int(fields[1]),
            self._boot_time + ticks / _TICKS_PER_S,
            int(fields[21]) * _PAGE_BYTES,
            name,
            of_kernel=bool(int(fields[6]) & _KERNEL_THREAD),
            start_ticks=ticks,
            has_terminal=fields[4] != b"0",
            is_stopped=fields[0] in (b"T", b"t"),
            image=tuple(fields[45:49]),
        )

    def is_same(self, pid: int, started_at: float) -> bool:
        """Return whether a pid still belongs to the living process that started then (Unix seconds)."""
        stat = self.stat(pid)
        return stat is not None and stat.ref.same_as(ProcessRef(pid, started_at))

    def arguments(self, pid: int) -> tuple[str, ...]:
        """Read the unchanged argument list; empty for kernel threads and hidden processes."""
        text = self._bytes(f"{pid}/cmdline") or b""
        return tuple(text.rstrip(b"\0").decode(errors="replace").split("\0")) if text else ()

    def uid(self, pid: int) -> int | None:
        """Read the effective user id of a process; None: gone or hidden."""
        for line in (self._bytes(f"{pid}/status") or b"").splitlines():
            if line.startswith(b"Uid:"):
                return int(line.split()[2])
        return None

    def container(self, pid: int | str) -> str:
        """Return the container that a process's cgroup names: "docker-1f2e"; "" for none or an unreadable one."""
        found = _CONTAINER.search(self._bytes(f"{pid}/cgroup") or b"")
        return found[1].decode(errors="replace").removesuffix(".scope") if found else ""

    def link(self, pid: int | str, name: str) -> str | None:
        """Read a link of a process, such as "cwd", "exe" or "ns/net"; None: gone, hidden or not permitted."""
        try:
            return os.readlink(f"{self._proc}/{pid}/{name}")
        except OSError:
            return None

    def working_directory(self, pid: int) -> str | None:
        """Read the working directory of a process; None: gone, hidden or not permitted.

        A path of another mount namespace may name another folder here: then the text does not begin with "/".
        """
        path = self.link(pid, "cwd")
        return path if path is None or self._is_seen_here(pid, path, "cwd") else f"{ELSEWHERE}{path}"

    def is_path_shared(self, pid: int, path: str) -> bool:
        """Return whether an absolute path names the same file for a process as for us."""
        return self._is_seen_here(pid, path, f"root{path}")

    def _is_seen_here(self, pid: int, path: str, name: str) -> bool:
        if self.link(pid, "ns/mnt") == self.link("self", "ns/mnt"):
            return True
        try:
            return os.path.samefile(f"{self._proc}/{pid}/{name}", path)
        except OSError:
            return False

    def environment(self, pid: int) -> bytes:
        """Read the environment that the process was started with. Raises OSError."""
        return read_whole(f"{self._proc}/{pid}/environ")

    def text(self, pid: int, name: str) -> bytes:
        """Read a file of a process, such as "status"; b"": gone, hidden or not permitted."""
        return self._bytes(f"{pid}/{name}") or b""

    def _bytes(self, name: str, in_pieces: bool = True) -> bytes | None:
        return read_bytes(f"{self._proc}/{name}", in_pieces)


def read_bytes(path: str | Path, in_pieces: bool = True) -> bytes | None:
    """Read a small kernel file; None: missing, not permitted, or its process has just ended.

    Raises OSError if the monitor has no descriptor left: then no process may be taken for gone.
    """
    try:
        return read_whole(path, in_pieces)
    except OSError as error:
        if is_own_shortage(error):
            raise
        return None


def read_whole(path: str | Path, in_pieces: bool = True) -> bytes:
    """Read a small kernel file whole. Raises OSError.

    Unbuffered reads cost half, and the monitor makes thousands of them a minute. Not `in_pieces`: a file of one
    record, which the kernel returns at once.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        text = os.read(descriptor, 65536)
        # The kernel may return a file in pieces; only an empty read is the end.
        while in_pieces and text and (more := os.read(descriptor, 65536)):
            text += more
        return text
    finally:
        os.close(descriptor)
