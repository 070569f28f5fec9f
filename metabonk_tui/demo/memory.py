"""Real memory: holds it, page by page touched, and knows how much the machine can still give."""

from __future__ import annotations

from pathlib import Path

MB = 1_000_000
PAGE_BYTES = 4096
RESERVE_MB = 500.0
"""A demo stops growing when the machine has less than this to give."""
_CGROUPS = Path("/sys/fs/cgroup")


class Ballast:
    """Memory that is really held; it only grows."""

    def __init__(self) -> None:
        self._blocks: list[bytearray] = []
        self.held_mb = 0.0

    def grow_to(self, megabytes: float) -> None:
        """Hold this much, unless the machine would run short."""
        missing = megabytes - self.held_mb
        if missing < 0.25 or available_mb() - missing < RESERVE_MB:
            return
        block = bytearray(int(missing * MB))
        block[::PAGE_BYTES] = b"\1" * len(range(0, len(block), PAGE_BYTES))
        self._blocks.append(block)
        self.held_mb = megabytes


def meminfo_mb() -> dict[str, float]:
    """Read /proc/meminfo: megabytes by name."""
    rows = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) * 1024 / MB for row in rows if len(row) >= 2}


def available_mb() -> float:
    """Say what can still be had: the least of the host and every cgroup (v2) above this process."""
    return min([meminfo_mb()["MemAvailable"], *_cgroup_headrooms_mb()])


def rss_mb() -> tuple[float, float]:
    """Read this process's resident and virtual size: megabytes."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * PAGE_BYTES / MB, int(fields[0]) * PAGE_BYTES / MB


def _cgroup_headrooms_mb() -> list[float]:
    own = next((row[3:] for row in Path("/proc/self/cgroup").read_text().splitlines() if row.startswith("0::")), "/")
    group = _CGROUPS / own.lstrip("/")
    found = []
    for directory in (group, *group.parents):
        if directory == _CGROUPS.parent:
            break
        try:
            limit = (directory / "memory.max").read_text().strip()
            used = int((directory / "memory.current").read_text())
            stat = dict(row.split() for row in (directory / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):
            # The root group and groups of other controllers have no such files: they set no limit.
            continue
        if limit != "max":
            cache = int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0))
            found.append((int(limit) - used + cache) / MB)
    return found
