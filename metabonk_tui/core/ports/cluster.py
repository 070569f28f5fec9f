"""Declares the interface to the engine of a cluster, which places the workers on its nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.ports.hosts import HostReader


class NodePlace(Struct, frozen=True):
    """The workers of the pool that belong to one node."""

    slots: tuple[int, ...]
    """Also those whose job has ended, as long as no other job has their slot."""
    jobs: tuple[int, ...] = ()
    """The jobs that run there, in which an agent can run; empty: none."""
    is_lost: bool = False
    """Whether the engine lost the node: what ran there may still run."""
    ended: Mapping[int, str] = {}
    """How the job of a slot ended, for those that have: "Slurm: job 12_1 on n2: TIMEOUT"."""
    young: frozenset[int] = frozenset()
    """The slots whose job began so lately that a worker without an answer is starting."""
    reason: str = ""
    """What the engine says of the jobs there that do not run."""


class PlacedLink(HostReader, Protocol):
    """The agent of a node, inside one of the pool's jobs there."""

    job_id: int
    slots: tuple[int, ...]
    """The workers that it is asked for, and the only ones that it may answer for."""
    most_slots: int
    """The agent reads slots below this number."""


class Cluster(Protocol):
    """What the engine of a cluster says of the pool. Fast: what `PoolBackend.read` last learned."""

    @property
    def desired(self) -> int | None:
        """How many workers are wanted; None: the pool was stopped, or never launched."""
        ...

    def places(self) -> Mapping[HostName, NodePlace]:
        """Return the nodes that have workers of the pool."""
        ...

    def link(self, node: HostName, job_id: int, slots: tuple[int, ...]) -> PlacedLink:
        """Make the link to an agent that runs inside a job; nothing is started before its first read."""
        ...

    def take_events(self) -> tuple[Event, ...]:
        """Return what happened to the jobs since the last call; times are on the run's clock."""
        ...

    def take_exits(self) -> Mapping[HostName, tuple[ExitReading, ...]]:
        """Return how workers ended since the last call."""
        ...
