"""Makes the link to the agent of one node, which runs in a step of one of the pool's jobs there."""

from __future__ import annotations

from metabonk_tui.adapters.agent.link import AgentLink
from metabonk_tui.adapters.agent.placed_link import PlacedNodeLink, opening_of
from metabonk_tui.adapters.slurm.batch import SlurmSpec
from metabonk_tui.adapters.slurm.commands import slurm_environment
from metabonk_tui.core.model.refs import HostName


def node_link(spec: SlurmSpec, node: HostName, job_id: int, slots: tuple[int, ...]) -> PlacedNodeLink:
    """Return the link; its first read starts the agent, and its end ends the step."""
    opening = opening_of(spec.config, slots, spec.directory, spec.env_file)
    environment = slurm_environment()
    # The agent's own commands read times as people write them.
    environment.pop("SLURM_TIME_FORMAT", None)
    agent = AgentLink(node, spec.agent(job_id, node), opening, len(slots), environment)
    return PlacedNodeLink(node, job_id, slots, opening, agent)
