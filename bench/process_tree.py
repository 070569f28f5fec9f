"""Reads CPU time and memory of a process and all its descendants. Does not: start or end a process."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SCHEDULED = 2
"""The kernel's clock of a process id counts what its threads ran, to the nanosecond, ended threads included."""


def pids(root: int) -> list[int]:
    """Return a process and its living descendants."""
    found, left = [], [root]
    while left:
        pid = left.pop()
        found.append(pid)
        with suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with suppress(OSError):
                    left += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


def cpu_s(root: int) -> float:
    """Return user and system seconds of a process, its descendants, and all children that they have waited for."""
    return sum(_own_cpu_s(pid) + _ended_children_cpu_s(pid) for pid in pids(root))


def _own_cpu_s(pid: int) -> float:
    try:
        return time.clock_gettime((~pid << 3) | _SCHEDULED)
    except OSError:
        return 0.0  # it ended in between; its parent counts it now


def _ended_children_cpu_s(pid: int) -> float:
    with suppress(OSError):
        # The name of the program is in parentheses and may contain anything.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[13]) + int(fields[14])) / _TICKS
    return 0.0


def rss_bytes(pid: int) -> int:
    """Return the resident memory of one process; 0: it has ended."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    return 0


def peak_rss_bytes(pid: int) -> int:
    """Return the most resident memory that one process ever had; 0: it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


class PeakRss:
    """Follows the memory of a tree: the peak of its root, and the largest sum of its children that was seen."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._before: set[int] = set()
        self._children_bytes = 0

    def look(self) -> None:
        """Read the children. One that was not there before does not count: a fork looks like its parent at first."""
        children = set(pids(self._root)) - {self._root}
        self._children_bytes = max(self._children_bytes, sum(map(rss_bytes, children & self._before)))
        self._before = children

    @property
    def peak_bytes(self) -> int:
        return peak_rss_bytes(self._root) + self._children_bytes
