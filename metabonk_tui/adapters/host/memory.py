"""Reads the memory left for workers: the tightest limit of the host and every cgroup above them.

Does not: judge how much is enough, or forecast when memory runs out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from metabonk_tui.adapters.host.cgroup import (
    Cgroup,
    CgroupMemory,
    CgroupTree,
    Read,
    oom_file,
    read_cgroup_memory,
    read_cgroup_swap,
    read_pressure,
)
from metabonk_tui.adapters.host.kept_files import KeptFiles
from metabonk_tui.adapters.host.oom_counter import Chain, OomCounter, counter_file
from metabonk_tui.adapters.process.proc import read_bytes
from metabonk_tui.core.model.host import MemoryReading
from metabonk_tui.core.text.clean import clean_text

_ARC = re.compile(rb"^(size|c_min) +\d+ +(\d+)$", re.MULTILINE)
_OWN_MEMINFO = re.compile(rb"^\S+ \S+ \S+ \S+ /proc/meminfo ", re.MULTILINE)
_MEMINFO = re.compile(
    rb"^(Mem(?:Total|Free|Available)|(?:A|Ina)ctive\(file\)|Swap(?:Total|Free)): +(\d+) kB$", re.MULTILINE
)


class KernelMemory:
    """Reads the memory that this machine and every cgroup leave to the monitor and to given processes.

    `root` contains /proc and /sys.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        # Paths are joined once: a Path takes as long to join as a small file to read.
        self._proc = f"{root}/proc"
        self._meminfo, self._pressures = f"{self._proc}/meminfo", f"{self._proc}/pressure/memory"
        self._arcstats, self._mountinfo = f"{self._proc}/spl/kstat/zfs/arcstats", f"{self._proc}/self/mountinfo"
        # Of files that are no kernel's, an open one stays what it was after its name is gone.
        self._kept = KeptFiles() if root == Path("/") else None
        self._read: Read = self._kept.read if self._kept is not None else read_bytes
        self._tree = CgroupTree(root, self._read)
        self._oom = OomCounter(root, self._read)
        self._worker_groups: tuple[str, ...] | None = None

    def read(self, pids: Iterable[int] = ()) -> MemoryReading:
        """Read the memory now. `pids`: the workers and Ollama, whose groups count too. Unreadable values are None."""
        own = self._tree.chains(None)
        theirs = {pid: self._tree.chains(pid) for pid in pids}
        workers = tuple(dict.fromkeys(chain for chains in theirs.values() for chain in chains))
        seen = dict.fromkeys(group for chain in (*own, *workers) for group in chain)
        groups = {group: read_cgroup_memory(group, self._read) for group in seen}
        host = _host(self._read(self._meminfo) or b"")
        host_total, host_available = host.get("MemTotal"), self._host_available(host)

        limits = [memory.limit_bytes for memory in groups.values() if memory is not None]
        known = [] if host_total is None else [host_total]
        available, limited_by, working_set = _least(host_total, host_available, groups)
        swap_total, swap_used = _swap(host, groups, self._read)
        counters = self._counters(theirs, groups)
        oom_kills, oom_scope = self._oom.read({file for file, _ in counters})
        self._worker_groups = tuple(sorted({name for _, name in counters if name is not None})) or self._worker_groups
        files = {str(file) for file in self._oom.files}
        counted = (
            sorted({clean_text(group.name) for group in groups if str(oom_file(group)) in files}) if files else []
        )
        some, full = self._pressure(workers or own)
        if self._kept is not None:
            self._kept.close_unread()
        return MemoryReading(
            total_bytes=min(known + limits, default=None),
            available_bytes=available,
            limit_bytes=min(limits, default=None),
            limited_by=limited_by,
            working_set_bytes=working_set,
            swap_total_bytes=swap_total,
            swap_used_bytes=swap_used,
            oom_kills=oom_kills,
            oom_scope=oom_scope,
            oom_groups=tuple(counted) if oom_scope == "cgroup" and counted else None,
            worker_groups=self._worker_groups,
            pressure_some_avg10=some,
            pressure_full_avg10=full,
        )

    def _host_available(self, host: Mapping[str, int]) -> int | None:
        """Return the host's available memory with the part of the ZFS cache that ZFS gives back."""
        available, total = _host_available(host), host.get("MemTotal")
        if available is None or total is None:
            return available
        found = {name: int(value) for name, value in _ARC.findall(self._read(self._arcstats) or b"")}
        cache = found.get(b"size", 0)
        if not cache:
            return available
        # A container's own meminfo (LXCFS) does not count the host's cache as used, so nothing comes back to it.
        if cache > total - available or _OWN_MEMINFO.search(self._read(self._mountinfo) or b""):
            return available
        return min(total, available + max(0, cache - found.get(b"c_min", cache)))

    def _counters(
        self, theirs: Mapping[int, tuple[Chain, ...]], groups: Mapping[Cgroup, CgroupMemory | None]
    ) -> set[tuple[Path | None, str | None]]:
        """Return the OOM counter of every living process, and its own group; None: a process without a counter."""
        found_of_all: set[tuple[Path | None, str | None]] = set()
        # Most workers share their groups, so each chain is searched only once.
        counters = {
            chain: counter_file(chain, groups, self._read)
            for chain in {c for chains in theirs.values() for c in chains}
        }
        for pid, chains in theirs.items():
            found = [(file, clean_text(chain[-1].name)) for chain in chains if (file := counters[chain]) is not None]
            # The kernel lists a v1 zombie in the root group, whatever group it died in.
            if found or self._lives(pid):
                found_of_all.add(found[0] if found else (None, None))
        return found_of_all

    def _lives(self, pid: int) -> bool:
        stat = read_bytes(f"{self._proc}/{pid}/stat")
        return stat is not None and stat.rpartition(b")")[2].split()[:1] not in ([b"Z"], [b"X"])

    def _pressure(self, chains: Iterable[Chain]) -> tuple[float | None, float | None]:
        """Read the highest pressure of the processes' own groups, else the host's."""
        leaves = {chain[-1].directory for chain in chains if chain[-1].version == 2}
        readings = [read_pressure(f"{leaf}/memory.pressure", self._read) for leaf in leaves]
        some = max((reading[0] for reading in readings if reading[0] is not None), default=None)
        full = max((reading[1] for reading in readings if reading[1] is not None), default=None)
        return (some, full) if some is not None else read_pressure(self._pressures, self._read)


def _least(
    host_total: int | None, host_available: int | None, groups: Mapping[Cgroup, CgroupMemory | None]
) -> tuple[int | None, str | None, int | None]:
    """Find (available, limited by, working set). A limit with unknown usage makes all but its name unknown."""
    # A limit above the host's memory never leaves less than the host does.
    binding = 1 << 63 if host_total is None else host_total
    limited = [(group, memory) for group, memory in groups.items() if memory is not None]
    limited = [(group, memory) for group, memory in limited if memory.limit_bytes < binding]
    unknown = next((group for group, memory in limited if memory.available_bytes is None), None)
    if unknown is not None:
        return None, clean_text(unknown.name), None
    if host_available is None or host_total is None:
        return None, None, None
    least, limited_by, working_set = host_available, "host", max(0, host_total - host_available)
    for group, memory in limited:
        if memory.available_bytes is not None and memory.available_bytes < least:
            least, limited_by = memory.available_bytes, clean_text(group.name)
            working_set = memory.working_set_bytes or 0
    return least, limited_by, working_set


def _host(meminfo: bytes) -> dict[str, int]:
    return {name.decode(): int(value) * 1024 for name, value in _MEMINFO.findall(meminfo)}


def _host_available(host: Mapping[str, int]) -> int | None:
    """Return MemAvailable in bytes; on kernels before 3.14, free memory plus page cache."""
    if "MemAvailable" in host:
        return host["MemAvailable"]
    parts = [host.get(name) for name in ("MemFree", "Active(file)", "Inactive(file)")]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _swap(host: Mapping[str, int], groups: Iterable[Cgroup], read: Read) -> tuple[int | None, int | None]:
    """Find (total, used) of the usable swap in bytes: the host's, or a group's limit if that is smaller."""
    total, free = host.get("SwapTotal"), host.get("SwapFree")
    if total is None or free is None:
        return None, None
    used = max(0, total - free)
    for group in groups:
        limit = read_cgroup_swap(group, read)
        if limit is not None and limit[0] < total:
            total, used = limit
    return total, used
