"""The agent of one node, which runs in a step of one of the pool's jobs there.

Passes on only what concerns the pool's own slots on that node: other users' workers may run beside them. Does not:
judge how long the node is away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

from msgspec.structs import replace

from metabonk_tui import __version__
from metabonk_tui.adapters.agent.link import AgentLink
from metabonk_tui.adapters.agent.protocol import SCHEMA, Open
from metabonk_tui.adapters.slurm.batch import SlurmSpec
from metabonk_tui.adapters.slurm.commands import slurm_environment
from metabonk_tui.core.model.refs import HostName, WorkerRef
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.ports.hosts import HostAnswer

V = TypeVar("V")


class NodeLink:
    """One node of the pool. `slots` may change while the agent runs, up to `most_slots`."""

    def __init__(self, spec: SlurmSpec, node: HostName, job_id: int, slots: tuple[int, ...]) -> None:
        pool = spec.config.pool
        self.name, self.job_id, self.slots, self.workers = node, job_id, slots, len(slots)
        self.most_slots = max(pool.workers, max(slots, default=0) + 1)
        opening = Open(
            SCHEMA,
            __version__,
            pool.base_port,
            self.most_slots,
            spec.config.observe.interval_s or None,
            str(spec.directory),
            str(spec.env_file or ""),
        )
        environment = slurm_environment()
        # The agent's own commands read times as people write them.
        environment.pop("SLURM_TIME_FORMAT", None)
        self._agent = AgentLink(node, spec.agent(job_id, node), opening, len(slots), environment)

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
        """End the agent and its step."""
        await self._agent.aclose()


def only_slots(sample: Sample, node: HostName, slots: Collection[int]) -> Sample:
    """Return the Sample without workers of other slots, which are none of the pool's here."""
    host = sample.host(node)
    processes = host.processes
    if processes is not None:
        # A launcher or an orchestrator on a node is another pool's: Slurm starts this one.
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
