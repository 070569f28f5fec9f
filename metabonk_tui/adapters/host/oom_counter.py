"""Counts the kernel's OOM kills among the workers; a new or vanished counter is never a kill.

Does not: name the victim or the reason, because a counter has neither.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

from metabonk_tui.adapters.host.cgroup import Cgroup, CgroupMemory, Read, oom_file, read_oom_kills
from metabonk_tui.adapters.process.proc import read_bytes

Scope = Literal["cgroup", "host"]
Chain = tuple[Cgroup, ...]


class OomCounter:
    """Counts OOM kills in the workers' cgroups; for workers without one, on the whole host.

    Within one scope only kills change the count: a new group adds no earlier kills, and a vanished group
    removes none. The counter of a worker that was just killed is still read once more.
    """

    def __init__(self, root: Path = Path("/"), read: Read = read_bytes) -> None:
        self._read = read
        self._vmstat = root / "proc/vmstat"
        self._watched: dict[Path, int] = {}
        self._kills: int | None = None

    @property
    def files(self) -> Collection[Path]:
        """The counters of the cgroups that the last reading counted."""
        return self._watched.keys()

    def read(self, files: Collection[Path | None]) -> tuple[int | None, Scope | None]:
        """Read the count and its scope. `files`: the counter of every worker; None in it: a worker without one."""
        groups = _outermost({file for file in files if file is not None})
        now = self._count({*groups, *self._watched})
        if groups:
            self._watched = {file: kills for file, kills in now.items() if file in groups}
        else:
            self._watched = now
        if None in files or (self._kills is None and not self._watched):
            kills = read_oom_kills(self._vmstat, self._read)
            return kills, None if kills is None else "host"
        return (self._kills, "cgroup") if self._watched else (None, None)

    def _count(self, files: Collection[Path]) -> dict[Path, int]:
        now: dict[Path, int] = {}
        first = self._kills is None
        for file in files:
            kills = read_oom_kills(file, self._read)
            if kills is None:
                continue
            now[file] = kills
            before = self._watched.get(file, 0 if first else kills)
            # A counter that fell belongs to a recreated group: all of its kills are new.
            self._kills = (self._kills or 0) + (kills - before if kills >= before else kills)
        return now


def counter_file(chain: Chain, memory: Mapping[Cgroup, CgroupMemory | None], read: Read = read_bytes) -> Path | None:
    """Choose the counter that includes kills of a process in this chain; None: only the host's does.

    v1 counts a kill in the victim's own group only. v2 also counts it in every ancestor. There the group
    with the tightest limit is used: it outlives the workers' own groups and counts the same kill.
    """
    if not chain:
        return None
    if chain[0].version == 1:
        return None if chain[-1].name == "/" and chain[-1].top else _readable(chain[-1:], read)
    limited = [(limit.limit_bytes, group) for group in chain if (limit := memory.get(group)) is not None]
    tightest = [min(limited, key=lambda each: each[0])[1]] if limited else []
    return _readable([*tightest, *reversed(chain)], read)


def _readable(groups: Sequence[Cgroup], read: Read) -> Path | None:
    return next((file for group in groups if read_oom_kills(file := oom_file(group), read) is not None), None)


def _outermost(files: Collection[Path]) -> set[Path]:
    """Drop every v2 counter below another one, which counts the same kills."""
    above = {file.parent for file in files if file.name == "memory.events"}
    return {file for file in files if above.isdisjoint(file.parent.parents)}
