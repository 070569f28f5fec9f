"""The agent of a node of a cluster, which runs beside one of the pool's workers there.

Passes on only what concerns the pool's own slots on that node: other users' workers may run beside them. Does not:
judge how long the node is away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from metabonk_tui import __version__
from metabonk_tui.adapters.agent.link import AgentLink
from metabonk_tui.adapters.agent.protocol import SCHEMA, Open
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.refs import HostName, WorkerRef
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.ports.hosts import HostAnswer

V = TypeVar("V")


class PlacedNodeLink:
    """One node of the pool. `slots` may change while the agent runs, up to `most_slots`."""

    def __init__(self, node: HostName, job_id: int, slots: tuple[int, ...], opening: Open, agent: AgentLink) -> None:
        self.name, self.job_id, self.slots, self.workers = node, job_id, slots, len(slots)
        self.most_slots = opening.workers or 0
        self._agent = agent

    async def read(self, fresh: bool = False) -> HostAnswer:
        """Ask the agent for one Sample of its slots."""
        slots = self.slots
        self._agent.slots = slots
        answer = await self._agent.read(fresh)
        if answer.sample is None:
            return answer
        return replace(answer, sample=only_slots(answer.sample, self.name, frozenset(slots)))

    def resend_all(self) -> None:
        self._agent.resend_all()

    async def aclose(self) -> None:
        """End the agent."""
        await self._agent.aclose()


def opening_of(config: Config, slots: Collection[int], directory: Path, env_file: Path | None) -> Open:
    """Return what the agent of a node is asked to read: every slot that may come to it."""
    pool = config.pool
    return Open(
        SCHEMA,
        __version__,
        pool.base_port,
        max(pool.workers, max(slots, default=0) + 1),
        config.observe.interval_s or None,
        str(directory),
        str(env_file or ""),
    )


def only_slots(sample: Sample, node: HostName, slots: Collection[int]) -> Sample:
    """Return the Sample without workers of other slots, which are none of the pool's here."""
    host = sample.host(node)
    processes = host.processes
    if processes is not None:
        # A launcher or an orchestrator on a node is another pool's: the engine starts this one.
        processes = tuple(
            each
            for each in processes
            if each.role == "ollama" or (each.worker is not None and each.worker.slot in slots)
        )
    exits = tuple(each for each in host.exits if each.worker is not None and each.worker.slot in slots)
    return replace(
        sample,
        workers=_of(sample.workers, slots),
        environments=_of(sample.environments, slots),
        log_tails=_of(sample.log_tails, slots),
        log_ends=_of(sample.log_ends, slots),
        hosts={**sample.hosts, node: replace(host, processes=processes, exits=exits)},
    )


def _of(readings: Mapping[WorkerRef, V], slots: Collection[int]) -> dict[WorkerRef, V]:
    return {ref: reading for ref, reading in readings.items() if ref.slot in slots}
