"""Finds the memory cgroups above a process (v1, v2, hybrid, namespaced) and reads their files.

Does not: read the host's memory, or judge what a limit means for the workers.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

from metabonk_tui.adapters.files.kind import is_dir
from metabonk_tui.adapters.process.proc import read_bytes

Version = Literal[1, 2]
Read = Callable[[str], bytes | None]
"""Reads a kernel file whole; None: missing, or not permitted."""

# v1 writes "no limit" as the largest page-aligned signed 64-bit number, whatever the page size.
UNLIMITED_BYTES = 1 << 60

_STAT = re.compile(rb"^(total_)?(active_file|inactive_file) (\d+)$", re.MULTILINE)
_SLAB = re.compile(rb"^slab_reclaimable (\d+)$", re.MULTILINE)
_INHERITED_LIMIT = re.compile(rb"^hierarchical_memory_limit (\d+)$", re.MULTILINE)
_OOM_KILL = re.compile(rb"^oom_kill (\d+)$", re.MULTILINE)
_AVG10 = re.compile(rb"^(some|full) avg10=(\d+(?:\.\d+)?) ", re.MULTILINE)
_OCTAL = re.compile(r"\\([0-7]{3})")


class Mount(Struct, frozen=True):
    """One mounted hierarchy that may account memory; `root` is the part of the hierarchy that the mount shows."""

    version: Version
    root: str
    directory: Path


class Cgroup(Struct, frozen=True):
    """One memory cgroup: `name` is its path in the hierarchy, `top` is the outermost that can be seen."""

    version: Version
    name: str
    directory: Path
    top: bool


class CgroupMemory(Struct, frozen=True):
    """The limit of one group and what it leaves; the last two are None if the usage cannot be read."""

    limit_bytes: int
    working_set_bytes: int | None
    available_bytes: int | None


class CgroupTree:
    """Finds the memory cgroups above processes. `root` contains /proc and the mounts."""

    def __init__(self, root: Path = Path("/"), read: Read = read_bytes) -> None:
        self._root = root
        self._read = read
        self._mounts: tuple[Mount, ...] | None = None
        self._chains: dict[tuple[Version, str], tuple[Cgroup, ...]] = {}

    def chains(self, pid: int | None) -> tuple[tuple[Cgroup, ...], ...]:
        """List the groups above one process (None: this one), outermost first, one chain per hierarchy.

        Empty if the process is gone or no memory hierarchy is visible.
        """
        mounts = self._mounts_now()
        # The files of other processes are not worth keeping: they end.
        text = (
            self._read(f"{self._root}/proc/self/cgroup")
            if pid is None
            else read_bytes(f"{self._root}/proc/{pid}/cgroup")
        )
        if not mounts or text is None:
            return ()
        return tuple(chain for path in _paths(text) if (chain := self._chain(mounts, *path, pid)))

    def _mounts_now(self) -> tuple[Mount, ...]:
        if not self._mounts:
            self._mounts = _mounts(read_bytes(f"{self._root}/proc/self/mountinfo") or b"", self._root)
        return self._mounts

    def _chain(self, mounts: Sequence[Mount], version: Version, path: str, pid: int | None) -> tuple[Cgroup, ...]:
        known = self._chains.get((version, path))
        if known is not None and os.path.isdir(known[-1].directory):
            return known
        self._chains.pop((version, path), None)
        chain = _find_chain([mount for mount in mounts if mount.version == version], path, pid)
        if len(self._chains) >= 256:
            self._chains.clear()
        if chain:
            self._chains[version, path] = chain
        return chain


def read_cgroup_memory(group: Cgroup, read: Read = read_bytes) -> CgroupMemory | None:
    """Read what one group leaves: limit - (usage - reclaimable). None: the group has no readable limit."""
    if group.version == 2:
        limits = [_number(group, "memory.max", read), _number(group, "memory.high", read)]
        usage_file, stat = "memory.current", None
    else:
        limits, usage_file, stat = [_number(group, "memory.limit_in_bytes", read)], "memory.usage_in_bytes", None
        if group.top:
            # Inside a container only `hierarchical_memory_limit` shows the tightest limit above it.
            stat = read(f"{group.directory}/memory.stat")
            inherited = _INHERITED_LIMIT.search(stat or b"")
            limits.append(int(inherited[1]) if inherited else None)
    limit = min((each for each in limits if each is not None and each < UNLIMITED_BYTES), default=None)
    if limit is None:
        return None
    usage = _number(group, usage_file, read)
    cache = _reclaimable_bytes(stat if stat is not None else read(f"{group.directory}/memory.stat"))
    if usage is None or cache is None:
        return CgroupMemory(limit, None, None)
    working_set = max(0, usage - cache)
    return CgroupMemory(limit, working_set, max(0, limit - working_set))


def read_cgroup_swap(group: Cgroup, read: Read = read_bytes) -> tuple[int, int] | None:
    """Read (limit, used) of a v2 group's own swap limit in bytes; None: no limit."""
    if group.version != 2:
        return None
    limit, used = _number(group, "memory.swap.max", read), _number(group, "memory.swap.current", read)
    return None if limit is None or used is None else (limit, used)


def oom_file(group: Cgroup) -> Path:
    """Return the file with a group's `oom_kill` counter."""
    return group.directory / ("memory.events" if group.version == 2 else "memory.oom_control")


def read_oom_kills(path: Path, read: Read = read_bytes) -> int | None:
    """Read the `oom_kill` counter of a v1, v2 or vmstat file; None: not readable."""
    found = _OOM_KILL.search(read(str(path)) or b"")
    return int(found[1]) if found else None


def read_pressure(path: str | Path, read: Read = read_bytes) -> tuple[float | None, float | None]:
    """Read (some, full) avg10 of a pressure file, in percent; None: not readable."""
    found = {name: float(value) for name, value in _AVG10.findall(read(str(path)) or b"")}
    return found.get(b"some"), found.get(b"full")


def _number(group: Cgroup, name: str, read: Read) -> int | None:
    text = read(f"{group.directory}/{name}")
    return int(text) if text is not None and text.strip().isdigit() else None


def _reclaimable_bytes(stat: bytes | None) -> int | None:
    """Add up the file pages and the reclaimable slab in bytes: the kernel frees both before it kills.

    v1 has the sums over the sub-groups under `total_`, and only those count; it does not have the slab.
    """
    own: dict[bytes, int] = {}
    total: dict[bytes, int] = {}
    for prefix, name, value in _STAT.findall(stat or b""):
        (total if prefix else own)[name] = int(value)
    found = total if len(total) == 2 else own
    if len(found) != 2:
        return None
    slab = _SLAB.search(stat or b"")
    return sum(found.values()) + (int(slab[1]) if slab else 0)


@lru_cache(maxsize=64)
def _paths(cgroup: bytes) -> Sequence[tuple[Version, str]]:
    """Take the lines of /proc/PID/cgroup that may account memory: `N:...,memory,...:PATH` and `0::PATH`."""
    paths: list[tuple[Version, str]] = []
    for line in cgroup.decode(errors="surrogateescape").splitlines():
        number, _, rest = line.partition(":")
        controllers, colon, path = rest.partition(":")
        if not colon or not path.startswith("/"):
            continue
        if number == "0" and not controllers:
            paths.append((2, path))
        elif "memory" in controllers.split(","):
            paths.append((1, path))
    return paths


def _mounts(mountinfo: bytes, root: Path) -> tuple[Mount, ...]:
    """Take the hierarchies from mountinfo; a later mount at the same place hides the earlier one."""
    mounts: dict[str, Mount] = {}
    for line in mountinfo.decode(errors="surrogateescape").splitlines():
        left, _, right = line.partition(" - ")
        place, kind = left.split(), right.split()
        if len(place) < 5 or not kind:
            continue
        mountpoint = _OCTAL.sub(lambda octal: chr(int(octal[1], 8)), place[4])
        mounts.pop(mountpoint, None)
        version: Version | None = None
        if kind[0] == "cgroup2":
            version = 2
        elif kind[0] == "cgroup" and "memory" in kind[-1].split(","):
            version = 1
        if version is not None:
            mounts[mountpoint] = Mount(version, place[3], root / mountpoint.lstrip("/"))
    return tuple(mounts.values())


def _find_chain(mounts: Sequence[Mount], path: str, pid: int | None) -> tuple[Cgroup, ...]:
    """Walk from the mount that shows the most ancestors of `path` down to it, as far as the directories exist."""
    best: tuple[Cgroup, ...] = ()
    for mount in mounts:
        names = _names(mount, path, pid)
        chain = () if names is None else _groups(mount, names)
        if len(chain) > len(best):
            best = chain
    return best


def _names(mount: Mount, path: str, pid: int | None) -> list[str] | None:
    """List the levels from the mount down to a process's group; None: the mount does not show the group."""
    walk = _walk(mount.root, path)
    if walk is not None:
        unknown, names = walk
        found: list[str] | None = names if unknown == 0 else _search(mount, unknown, names, pid)
        if found is not None:
            return found
    # A mount that the monitor sees limits the monitor itself, even if its own path does not match.
    return [] if pid is None else None


def _groups(mount: Mount, names: Sequence[str]) -> tuple[Cgroup, ...]:
    groups: list[Cgroup] = []
    directory, name = mount.directory, mount.root.rstrip("/")
    for level in ("", *names):
        directory, name = (directory / level, f"{name}/{level}") if level else (directory, name)
        if not is_dir(directory):
            break
        groups.append(Cgroup(mount.version, name or "/", directory, top=not groups))
    return tuple(groups)


def _walk(root: str, path: str) -> tuple[int, list[str]] | None:
    """Return the way from a mount's root down to a path: number of unknown levels, then names. None: outside.

    In a cgroup namespace the kernel gives both relative to the namespace's root, so either may begin with `/..`.
    """
    root_up, root_names = _split(root)
    path_up, path_names = _split(path)
    if root_up == path_up and path_names[: len(root_names)] == root_names:
        return 0, path_names[len(root_names) :]
    if root_up > path_up and not root_names:
        return root_up - path_up, path_names
    return None


def _split(path: str) -> tuple[int, list[str]]:
    parts = [part for part in path.split("/") if part]
    up = next((index for index, part in enumerate(parts) if part != ".."), len(parts))
    return up, parts[up:]


def _search(mount: Mount, unknown: int, names: list[str], pid: int | None) -> list[str] | None:
    """Find the names of the levels that a namespace hides, by the group whose `cgroup.procs` lists the process."""
    number = str(os.getpid() if pid is None else pid).encode()
    for directory in mount.directory.glob("/".join(["*"] * unknown + [glob.escape(name) for name in names])):
        if number in (read_bytes(directory / "cgroup.procs") or b"").split():
            return list(directory.relative_to(mount.directory).parts)
    return None
