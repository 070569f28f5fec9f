"""Reads what the processes of a pool hold, each page once: file pages out, shared pages divided.

Does not: know the role of a process, or what a limit means.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from metabonk_tui.adapters.process.proc import Proc

EVERY_S = 5.0
"""Seconds between two readings of /proc/PID/status."""
DIVIDE_EVERY_S = 60.0
"""Seconds between two divisions of shared pages: the kernel walks all pages of a process, about 5 ms per GB."""
DIVIDE_SHMEM_BYTES = 1_000_000
DIVIDE_ANON_BYTES = 20_000_000
"""Less than this is not worth the walk."""
UNLISTED = "unlisted"
"""Stands for shared memory whose segments cannot be read."""

Identity = tuple[int, float]
Trees = Mapping[Identity, Sequence[Identity]]

_RESIDENT = re.compile(rb"^Rss(Anon|Shmem):\s+(\d+) kB$", re.MULTILINE)
_PSS_ANON = re.compile(rb"^Pss_Anon:\s+(\d+) kB$", re.MULTILINE)
_SEGMENT = re.compile(
    rb"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ (\S+ \d+) +(?:/dev/shm/|/SYSV|/memfd:|/dev/zero)[^\n]*\n"
    rb"(?:\w+: [^\n]*\n)*?Rss: +(\d+) kB\nPss: +(\d+) kB",
    re.MULTILINE,
)


class HeldMemory(Struct, frozen=True):
    """Bytes that a process and its descendants hold, so that the numbers of several trees can be added up."""

    anon_bytes: int
    """Memory of their own; pages that a fork shares are divided."""
    shmem_bytes: int
    """Shared memory, each segment divided among the processes that map it."""
    common_bytes: int
    """The part of `shmem_bytes` in segments that another tree maps too."""


class _Divided(Struct, frozen=True):
    """What one process shares: bytes of anonymous pages that count elsewhere, and its part of each segment."""

    anon_elsewhere: int = 0
    segments: Mapping[str, int] = field(default_factory=dict)
    mapped: int = 0
    """Bytes of these segments that the process has mapped and resident."""


class PoolMemory:
    """Reads what the trees of a pool hold, at most every 5 s. For one thread at a time."""

    def __init__(self, proc: Proc, monotonic: Callable[[], float]) -> None:
        self._proc = proc
        self._monotonic = monotonic
        self._held: dict[Identity, HeldMemory] = {}
        self._read_at = float("-inf")
        self._known: set[Identity] = set()
        self._divided: dict[Identity, _Divided] = {}
        self._divided_at = float("-inf")

    def read(self, trees: Trees) -> Mapping[Identity, HeldMemory]:
        """Return what each tree holds; `trees`: the processes of each, its root included. Left out: not readable."""
        now = self._monotonic()
        if now - self._read_at < EVERY_S and trees.keys() == self._known:
            return self._held
        self._known, self._read_at = set(trees), now
        resident = {
            identity: found
            for tree in trees.values()
            for identity in tree
            if (found := self._resident(identity[0])) is not None
        }
        worth = {
            identity
            for identity, (anon, shmem) in resident.items()
            if anon >= DIVIDE_ANON_BYTES or shmem >= DIVIDE_SHMEM_BYTES
        }
        if now - self._divided_at >= (EVERY_S if worth - self._divided.keys() else DIVIDE_EVERY_S):
            self._divided = {identity: self._divide(identity[0], *resident[identity]) for identity in worth}
            self._divided_at = now
        self._held = self._sums(trees, resident)
        return self._held

    def _sums(self, trees: Trees, resident: Mapping[Identity, tuple[int, int]]) -> dict[Identity, HeldMemory]:
        segments = {identity: self._segments(identity, shmem) for identity, (_, shmem) in resident.items()}
        unlisted = {identity: found.pop(UNLISTED, 0) for identity, found in segments.items()}
        # The kernel does not show which of these pages are the same, so the largest part counts, once.
        largest = max(unlisted, key=lambda identity: unlisted[identity], default=None)
        if largest is not None and unlisted[largest]:
            segments[largest][UNLISTED] = unlisted[largest]
        users: dict[str, set[Identity]] = defaultdict(set)
        for root, tree in trees.items():
            for identity in tree:
                for name in segments.get(identity, ()):
                    users[name].add(root)
        held = {}
        for root, tree in trees.items():
            if root not in resident:
                continue
            known = [identity for identity in tree if identity in resident]
            parts = [part for identity in known for part in segments[identity].items()]
            held[root] = HeldMemory(
                sum(self._anon(identity, resident[identity][0]) for identity in known),
                sum(size for _, size in parts),
                sum(size for name, size in parts if name == UNLISTED or len(users[name]) > 1),
            )
        return held

    def _anon(self, identity: Identity, anon: int) -> int:
        divided = self._divided.get(identity)
        return anon if divided is None else max(0, anon - divided.anon_elsewhere)

    def _segments(self, identity: Identity, shmem: int) -> dict[str, int]:
        """Return the process's part of each segment; what is in none of them is unlisted."""
        divided = self._divided.get(identity, _Divided())
        found = dict(divided.segments) if shmem else {}
        if shmem - divided.mapped >= DIVIDE_SHMEM_BYTES:
            found[UNLISTED] = shmem - divided.mapped
        return found

    def _resident(self, pid: int) -> tuple[int, int] | None:
        """Read (anonymous, shared) resident bytes; None: gone, or a kernel before 4.5."""
        found = {name: int(kb) * 1024 for name, kb in _RESIDENT.findall(self._proc.text(pid, "status"))}
        return (found[b"Anon"], found[b"Shmem"]) if len(found) == 2 else None

    def _divide(self, pid: int, anon: int, shmem: int) -> _Divided:
        """Read how the kernel divides the shared pages of a process; where it may not be read nothing is divided."""
        elsewhere, mapped = 0, 0
        segments: dict[str, int] = defaultdict(int)
        if anon >= DIVIDE_ANON_BYTES:
            part = _PSS_ANON.search(self._proc.text(pid, "smaps_rollup"))
            elsewhere = max(0, anon - int(part[1]) * 1024) if part else 0
        if shmem >= DIVIDE_SHMEM_BYTES:
            for name, rss, pss in _SEGMENT.findall(self._proc.text(pid, "smaps")):
                segments[name.decode()] += int(pss) * 1024
                mapped += int(rss) * 1024
        return _Divided(elsewhere, segments, mapped)
