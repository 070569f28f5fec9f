"""Names a host, a worker and a process, so that no two of them are taken for one.

A slot number names a worker on one host only, a pid a process only as long as it lives: both need their other half.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

HostName = str
"""A host as the configuration names it; "" is the only one of a configuration that names none."""

ONLY_HOST: HostName = ""
NAMED_WORKERS = 8
MAX_WORKERS = 1024
"""The most workers that a pool may want; a larger number in a file or an answer is an error, not a pool."""
MOST_NODES = 2 * MAX_WORKERS
"""The most hosts of a Sample: a cluster may have each worker on a node of its own, and others just released."""
SAME_START_S = 0.02
HOST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
"""A host, as a configuration or a cluster names it: the kernel and Slurm allow 64 characters."""

_KEY = re.compile(r"(?:(?P<host>[^/\s]+)/)?w?(?P<slot>[0-9]{1,4})", re.ASCII)


class WorkerRef(NamedTuple):
    """One worker: its slot on its host. Refs sort by host, then by slot."""

    host: HostName = ONLY_HOST
    slot: int = 0

    @property
    def label(self) -> str:
        """The worker's name on screen: "w3", and "node2/w3" where the hosts have names."""
        return f"{self.host}/w{self.slot}" if self.host else f"w{self.slot}"

    @property
    def written(self) -> int | str:
        """What stands for it in JSON: the bare slot 3, and "node2/3" where the hosts have names."""
        return f"{self.host}/{self.slot}" if self.host else self.slot


class ProcessRef(NamedTuple):
    """One process: its pid, and when it started (Unix seconds). A pid alone may name another process by now."""

    pid: int
    started_at: float

    def same_as(self, other: ProcessRef, tolerance_s: float = SAME_START_S, *, other_reader: bool = False) -> bool:
        """Return whether both name one process; `other_reader`: another program, or a recording, read the other one.

        The kernel counts a start in ticks of 10 ms since boot: two readings of one reader differ by less than two. A
        reader adds the boot time, which the kernel rounds to a whole second, so another reader may be exactly 1 s off.
        A wider `tolerance_s` is for starts that were rounded or converted, and never for a signal.
        """
        apart_s = abs(self.started_at - other.started_at)
        off_by_one = other_reader and abs(apart_s - 1.0) < SAME_START_S
        return self.pid == other.pid and (apart_s < tolerance_s or off_by_one)


@functools.lru_cache(maxsize=MAX_WORKERS)
def slot_ref(slot: int) -> WorkerRef:
    """Return a slot of the only host: the same object each time, which is found faster in a mapping than an equal one.

    Only for an integer: what is equal to it, as 3.0 or true, would be kept in its place.
    """
    return WorkerRef(slot=slot)


@functools.lru_cache(maxsize=16)
def first_slots(count: int) -> frozenset[WorkerRef]:
    """Return the first `count` slots of the only host."""
    return frozenset(map(slot_ref, range(count)))


@functools.lru_cache(maxsize=2 * MAX_WORKERS)
def label_of(process: WorkerRef | str) -> str:
    """Return the name of a process on screen: a worker's label, or the role of another process."""
    return process.label if isinstance(process, WorkerRef) else process


def worker_ref(written: object) -> WorkerRef | None:
    """Read a label, or what `WorkerRef.written` gives, also as a key of a JSON object; None: it is neither."""
    if isinstance(written, bool) or not isinstance(written, int | str):
        return None
    if isinstance(written, int):
        return WorkerRef(slot=written)
    found = _KEY.fullmatch(written)
    return WorkerRef(found["host"] or ONLY_HOST, int(found["slot"])) if found else None


def worker_names(refs: Sequence[WorkerRef], most: int | None = NAMED_WORKERS) -> str:
    """Name the first `most` workers, None for all: "w0 w1 w2 ..."."""
    named = " ".join(ref.label for ref in refs[:most])
    return named if most is None or len(refs) <= most else f"{named} ..."


def worker_ranges(refs: Iterable[WorkerRef]) -> str:
    """Name workers in ascending order, three or more neighbours as a range: "w0-w7 w9 w10"."""
    groups: list[list[WorkerRef]] = []
    for ref in sorted(refs):
        if groups and ref == groups[-1][-1]._replace(slot=groups[-1][-1].slot + 1):
            groups[-1].append(ref)
        else:
            groups.append([ref])
    return " ".join(
        f"{group[0].label}-{group[-1].label}" if len(group) > 2 else worker_names(group, None) for group in groups
    )
