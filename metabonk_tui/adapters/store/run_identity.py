"""Recognises the run that a recording holds: the same pool, the same boot and one of the same workers.

Start times count from the boot, because the wall clock may be set between two openings. Does not: choose among files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.adapters.host.local import canonical_host, is_this_machine
from metabonk_tui.adapters.pools.launch_record import boot_id
from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.refs import ProcessRef
from metabonk_tui.core.model.snapshot import DEMO_PROFILE, source_of
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.clean import clean_text

SAME_START_S = 1.15
"""Seconds of tolerance: the kernel's boot time has whole seconds, and starts are rounded to 0.1 s: 1.1 s apart."""
NO_TRAINING = ("demo", "sample")
"""The sources of runs that are no training: nothing is measured by them."""
BOOT_TIME = re.compile(r"^btime (\d+)$", re.MULTILINE)

WorkerId = tuple[int, float]
"""(pid, start time in seconds since boot)"""


def boot_t(stat: Path = Path("/proc/stat")) -> float:
    """Return the boot time as the kernel derives it from the wall clock, Unix seconds; 0.0 when unreadable."""
    try:
        found = BOOT_TIME.search(stat.read_text(encoding="ascii", errors="replace"))
    except OSError:
        return 0.0
    return float(found[1]) if found else 0.0


def elapsed_s(clock: Clock) -> float:
    """Return the seconds since boot, as the clock of the run counts them."""
    reading = clock.reading()
    return reading.elapsed_s + (clock.now() - reading.t) / reading.speed


def pool_name(host: str, base_port: int) -> str:
    """Return the name under which a pool is recorded, the same for every spelling of its host."""
    return f"{canonical_host(host)}:{base_port}"


def pool_of(meta: Mapping[str, Any]) -> str:
    """Return the pool of a recording; "" for a run that was imported."""
    # Earlier versions wrote the host as the configuration spelt it.
    host, _, port = str(meta.get("pool") or "").rpartition(":")
    return f"{canonical_host(host)}:{port}" if port else ""


def machine_id(path: Path = Path("/etc/machine-id")) -> str:
    """Return an id of this machine that does not reveal its machine-id, which is confidential; "" when unreadable."""
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
    return blake2b(text.encode(), digest_size=8, person=b"metabonk-tui").hexdigest() if text else ""


@cache
def _own_machine_id() -> str:
    return machine_id()


def is_cut_by_restart(meta: Mapping[str, Any]) -> bool:
    """Return whether this machine was restarted before a monitor saw the end of a recorded run.

    Of workers on another machine, and of a recording that another machine made, this boot says nothing.
    """
    recorded, now = meta.get("boot_id"), boot_id()
    if not recorded or not now or recorded == now or meta.get("machine", machine_id()) != machine_id():
        return False
    is_known_end = "after" in meta or "ended_t" in meta.get("summary", {})
    return not is_known_end and is_this_machine(pool_of(meta).rpartition(":")[0])


def shown_source(meta: Mapping[str, Any]) -> str:
    """Return the word for the source of a recording: "demo", "sample", "live", "replay" or "metabonk-csv"."""
    header = meta.get("header", {})
    return source_of(clean_text(str(header.get("source", "live"))), str(header.get("profile") or ""))


def is_demo(meta: Mapping[str, Any]) -> bool:
    """Return whether a recording is of a demo pool."""
    return str(meta.get("header", {}).get("profile") or "").startswith(DEMO_PROFILE)


class RunIdentity(Struct, frozen=True):
    """Identifies the pool, the boot and the workers that a recording must match."""

    pool: str
    boot_id: str
    boot_t: float
    """The boot time with which the start times were read: Unix seconds."""
    workers: frozenset[WorkerId] = frozenset()

    def seen(self, processes: Iterable[ProcessReading], real: Callable[[float], float]) -> RunIdentity:
        """Return this identity with the workers among processes whose start times `real` makes Unix seconds."""
        timed = [
            replace(p, started_at=real(p.started_at))
            for p in processes
            if p.role == "worker" and p.started_at is not None
        ]
        workers = self.workers_of(timed)
        return replace(self, workers=workers) if workers else self

    def workers_of(self, processes: Iterable[ProcessReading]) -> frozenset[WorkerId]:
        """Return the workers among these processes, whose start times are Unix seconds on the real clock."""
        return frozenset(
            (p.pid, round(p.started_at - self.boot_t, 1))
            for p in processes
            if p.role == "worker" and p.pid is not None and p.started_at is not None
        )

    def meta(self) -> dict[str, Any]:
        """Return the entries of a recording that identify its run."""
        return {
            "pool": self.pool,
            "boot_id": self.boot_id,
            "machine": _own_machine_id(),
            "workers": sorted((pid, round(since_s + self.boot_t, 1)) for pid, since_s in self.workers),
            "workers_since_boot": sorted(self.workers),
        }

    def recorded_workers(self, meta: Mapping[str, Any]) -> frozenset[WorkerId]:
        """Return the workers of a recording. Raises ValueError or TypeError on damage."""
        known = meta.get("workers_since_boot")
        offset_s = 0.0
        if known is None:
            # Recordings of version 0.1.0 have Unix seconds only.
            known, offset_s = meta.get("workers", ()), self.boot_t
        return frozenset((int(pid), float(at) - offset_s) for pid, at in known)

    def is_of_pool(self, meta: Mapping[str, Any]) -> bool:
        """Return whether a recording is of this pool and this boot."""
        return pool_of(meta) == self.pool and meta.get("boot_id") == self.boot_id and "clock" in meta

    def shares_worker(self, known: Iterable[WorkerId]) -> bool:
        """Return whether one of the workers is among `known`."""
        return any(
            ProcessRef(*worker).same_as(ProcessRef(*other), SAME_START_S) for worker in self.workers for other in known
        )
