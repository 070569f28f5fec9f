"""Holds real memory by touching every page, and measures how much the machine has left."""

from __future__ import annotations

from pathlib import Path

MB = 1_000_000
PAGE_BYTES = 4096
RESERVE_MB = 500.0
"""A demo stops growing when the machine has less than this left."""
_CGROUPS = Path("/sys/fs/cgroup")


class Ballast:
    """Resident memory that only grows."""

    def __init__(self) -> None:
        self._blocks: list[bytearray] = []
        self.held_mb = 0.0

    def grow_to(self, megabytes: float) -> None:
        """Grow to this size, unless less than `RESERVE_MB` would be left. Steps below 0.25 MB are skipped."""
        missing = megabytes - self.held_mb
        if missing < 0.25 or available_mb() - missing < RESERVE_MB:
            return
        block = bytearray(int(missing * MB))
        block[::PAGE_BYTES] = b"\1" * len(range(0, len(block), PAGE_BYTES))
        self._blocks.append(block)
        self.held_mb = megabytes


def meminfo_mb() -> dict[str, float]:
    """Return the sizes in /proc/meminfo by name, in megabytes."""
    rows = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) * 1024 / MB for row in rows if len(row) >= 2}


def available_mb() -> float:
    """Return the memory left in megabytes: the tightest limit of the host and every cgroup (v2) above."""
    return min([meminfo_mb()["MemAvailable"], *_cgroup_headrooms_mb()])


def rss_mb() -> tuple[float, float]:
    """Return this process's resident and virtual size in megabytes."""
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
            # The root group and groups of other controllers have no such files, so they set no limit.
            continue
        if limit != "max":
            cache = int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0))
            found.append((int(limit) - used + cache) / MB)
    return found
