"""Samples of a pool on several hosts, made of the Samples that each host's agent would send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from metabonk_tui.core.model.host import HostReading, LinkReading
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.on_host import on_host
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.model.sample import PoolReading, Sample, WaitingWorker
from metabonk_tui.core.model.snapshot import Snapshot
from tests.support.samples import coarse, last


def up(workers: int = 2, since_t: float = 0.0) -> LinkReading:
    """Return the link of a host that answers."""
    return LinkReading("UP", since_t, "", workers, "0.1.0")


def lost(since_t: float | None, reason: str = "Connection refused", workers: int = 2) -> LinkReading:
    """Return the link of a host that answered last at this time."""
    return LinkReading("LOST", since_t, reason, workers, "0.1.0")


def joined(samples: Mapping[HostName, Sample], away: Mapping[HostName, LinkReading] | None = None) -> Sample:
    """Join one Sample of each host; the hosts that are `away` have only their link."""
    first = next(iter(samples.values()))
    gone = away or {}
    placed = {name: on_host(sample, name, lambda t: t) for name, sample in samples.items() if name not in gone}
    hosts = {name: replace(each.host(name), link=up(len(samples[name].workers))) for name, each in placed.items()} | {
        name: HostReading(link=link) for name, link in gone.items()
    }
    return replace(
        first,
        workers={ref: seen for each in placed.values() for ref, seen in each.workers.items()},
        hosts=hosts,
        environments={ref: env for each in placed.values() for ref, env in each.environments.items()},
    )


def side_by_side(
    of_hosts: Mapping[HostName, Iterable[Sample]],
    away: Mapping[HostName, LinkReading] | None = None,
    away_from_t: float = float("inf"),
) -> list[Sample]:
    """Join the Samples of every host time by time; the hosts of `away` do not answer from a time on."""
    rows = zip(*of_hosts.values(), strict=True)
    return [joined(dict(zip(of_hosts, row, strict=True)), away if row[0].t >= away_from_t else None) for row in rows]


def one_lost() -> Snapshot:
    """Return the Snapshot of two hosts, of which the second does not answer any more."""
    both = {name: coarse(workers=2, for_s=900.0) for name in ("node1", "node2")}
    return last(side_by_side(both, {"node2": lost(570.0)}, 600.0))


def some_wait() -> Snapshot:
    """Return the Snapshot of a cluster on which two workers run and one waits for a place."""
    return last(on_cluster({"n1": (0,), "n2": (1,)}, waiting=(2,), for_s=900.0))


def on_cluster(
    slots: Mapping[HostName, tuple[int, ...]],
    waiting: Iterable[int] = (),
    desired: int | None = None,
    **how: Any,
) -> list[Sample]:
    """Return the Samples of a pool on Slurm: each node has these slots, and others wait since the begin."""
    wait = tuple(WaitingWorker(slot, f"12_{slot}", "Resources", 10.0, "PENDING") for slot in waiting)
    number = sum(map(len, slots.values())) + len(wait) if desired is None else desired
    pool = PoolReading(backend="slurm", placed=True, desired=number, waiting=wait)
    most = max((slot for each in slots.values() for slot in each), default=0) + 1
    rows = side_by_side({name: coarse(workers=most, **how) for name in slots})
    return [replace(_of_slots(row, slots), pool=pool) for row in rows]


def _of_slots(sample: Sample, slots: Mapping[HostName, tuple[int, ...]]) -> Sample:
    """Return the Sample with these slots on each node alone."""
    hosts = {
        name: replace(
            host,
            link=LinkReading("UP", 0.0, "", len(slots[name]), "0.1.0", slots=slots[name]),
            processes=None
            if host.processes is None
            else tuple(p for p in host.processes if p.worker is None or p.worker.slot in slots[name]),
        )
        for name, host in sample.hosts.items()
    }
    workers = {ref: seen for ref, seen in sample.workers.items() if ref.slot in slots[ref.host]}
    environments = {ref: env for ref, env in sample.environments.items() if ref.slot in slots[ref.host]}
    return replace(sample, hosts=hosts, workers=workers, environments=environments)


def two_hosts(workers: int = 2) -> Snapshot:
    """Return the Snapshot of two hosts that answer, with so many workers on each."""
    return last(side_by_side({name: coarse(workers=workers, for_s=900.0) for name in ("node1", "node2")}))


def with_memory(snapshot: Snapshot, available_bytes: Mapping[HostName, int]) -> Snapshot:
    """Return the Snapshot with this much free memory on some hosts."""
    hosts = {
        name: replace(host, memory=_with_free(host.memory, available_bytes[name])) if name in available_bytes else host
        for name, host in snapshot.hosts.items()
    }
    return replace(snapshot, hosts=hosts)


def _with_free(memory: MemoryView, available_bytes: int) -> MemoryView:
    assert memory.reading is not None
    return replace(memory, reading=replace(memory.reading, available_bytes=available_bytes))


def roomy(workers: int = 2) -> Snapshot:
    """Return two hosts on which the processes are known and any number of workers fits."""
    scene = two_hosts(workers)
    named = tuple(replace(each, pid=100 + at, pid_started_at=1.0) for at, each in enumerate(scene.workers))
    hosts = {}
    for name, host in scene.hosts.items():
        assert host.memory.budget is not None
        budget = replace(host.memory.budget, budget_bytes=10**15, fits=1000)
        hosts[name] = replace(host, memory=replace(host.memory, budget=budget))
    return replace(scene, workers=named, hosts=hosts)
