"""The agent of a node on Slurm."""

from __future__ import annotations

from metabonk_tui.adapters.slurm.batch import SlurmSpec
from metabonk_tui.adapters.slurm.node_link import node_link
from tests.support.children import config


def test_the_agent_knows_how_many_slots_there_may_be() -> None:
    spec = SlurmSpec(config('[pool]\nbackend = "slurm"\nworkers = 4\n[pool.slurm]\nfolder = "/srv/pool"'))
    link = node_link(spec, "n1", 17, (2, 9))
    assert (link.most_slots, link.workers, link.job_id) == (10, 2, 17)
    assert node_link(spec, "n1", 17, (2,)).most_slots == 4
