"""What a preflight says of a Slurm cluster: what was not seen is never a pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.launch.cluster_preflight import (
    ClusterFacts,
    ClusterNode,
    command_item,
    engine_item,
    folder_item,
    limit_item,
    on_nodes_only,
    partition_item,
    places_item,
    request_item,
    submission_item,
)
from tests.support.samples import CONFIG

GPU = ClusterNode("n1", "gpu", True, True, "idle", True, 4000, 0)
OTHER = replace(GPU, name="n2", partition="cpu", is_default=False)


def pool(memory_gb: float = 0.9, partition: str = "") -> Config:
    """A job asks for 923 MiB: 0.9 GB and an agent."""
    slurm = replace(CONFIG.pool.slurm, memory_gb=memory_gb, partition=partition)
    return replace(CONFIG, pool=replace(CONFIG.pool, slurm=slurm), memory=replace(CONFIG.memory, worker_gb=0.5))


def facts(*nodes: ClusterNode, **settings: str) -> ClusterFacts:
    return ClusterFacts(nodes=nodes, settings=settings)


@pytest.mark.parametrize(
    ("found", "standing"),
    [
        (ClusterFacts(), "PASS"),
        (ClusterFacts(("sbatch", "srun")), "FAIL"),
        (ClusterFacts(problem="squeue: Unable to contact slurm controller"), "FAIL"),
    ],
)
def test_slurm_is_here_and_answers(found: ClusterFacts, standing: str) -> None:
    assert engine_item(found).standing == standing


@pytest.mark.parametrize(
    ("found", "name", "standing", "evidence"),
    [
        (facts(GPU, OTHER), "", "PASS", "gpu, the default one; nodes that take jobs: 1 of 1"),
        (facts(GPU, OTHER), "cpu", "PASS", "cpu; nodes that take jobs: 1 of 1"),
        (facts(GPU, OTHER), "nope", "FAIL", "there is no partition nope; it has cpu, gpu"),
        (facts(OTHER), "", "FAIL", "the cluster has no default partition; it has cpu"),
        (facts(), "", "FAIL", "the cluster has no default partition; it has none"),
        (facts(replace(GPU, is_up=False)), "gpu", "FAIL", "gpu: it accepts no jobs"),
        (facts(replace(GPU, state="drained", takes_jobs=False)), "gpu", "FAIL", "gpu: no node takes jobs: n1 drained"),
        (ClusterFacts(), "gpu", "UNKNOWN", "the nodes could not be read"),
    ],
)
def test_the_partition(found: ClusterFacts, name: str, standing: str, evidence: str) -> None:
    item = partition_item(found, name)
    assert (item.standing, item.evidence[0]) == (standing, evidence)


@pytest.mark.parametrize(
    ("found", "workers", "standing", "evidence"),
    [
        (facts(GPU), 4, "PASS", "4 places of 923 MiB on 1 node, 4 free now, by memory alone"),
        (facts(GPU), 5, "FAIL", "5 workers: only 4 places of 923 MiB on 1 node, 4 free now, by memory alone"),
        (
            facts(GPU, replace(GPU, name="n3")),
            5,
            "PASS",
            "8 places of 923 MiB on 2 nodes, 8 free now, by memory alone",
        ),
        # What is left of two nodes is no place together.
        (facts(*[replace(GPU, name=f"n{i}", memory_mb=900) for i in range(9)]), 1, "FAIL", "1 worker: only 0 places"),
        (facts(replace(GPU, allocated_mb=3000)), 4, "PASS", "4 places of 923 MiB on 1 node, 1 free now"),
        (facts(replace(GPU, allocated_mb=9000)), 4, "PASS", "4 places of 923 MiB on 1 node, 0 free now"),
        (facts(replace(GPU, takes_jobs=False)), 1, "UNKNOWN", "how much memory the nodes have"),
        (facts(OTHER), 1, "UNKNOWN", "how much memory the nodes have"),
        (ClusterFacts(), 1, "UNKNOWN", "how much memory the nodes have"),
        (facts(replace(GPU, memory_mb=1)), 1, "UNKNOWN", "Slurm does not count memory"),
        (facts(GPU, selecttypeparameters="CR_CORE"), 4, "UNKNOWN", "Slurm does not count memory"),
        (facts(GPU, selecttypeparameters="CR_CORE_MEMORY"), 4, "PASS", "4 places"),
    ],
)
def test_places_by_memory(found: ClusterFacts, workers: int, standing: str, evidence: str) -> None:
    item = places_item(found, pool(), workers)
    assert (item.standing, item.evidence[0][: len(evidence)]) == (standing, evidence)


def test_who_would_wait_is_named() -> None:
    assert places_item(facts(replace(GPU, allocated_mb=3000)), pool(), 4).evidence[1] == "3 would wait for a place"


@pytest.mark.parametrize(
    ("memory_gb", "peak_bytes", "standing", "evidence"),
    [
        (0.9, None, "PASS", "0.90 GB for each worker; no worker was measured"),
        (0.9, 800_000_000, "PASS", "0.90 GB for each worker; a worker took 0.80 GB"),
        (0.9, 950_000_000, "FAIL", "a worker took 0.95 GB, and its job asks for 0.90 GB"),
        (0.4, None, "UNKNOWN", "0.40 GB, less than memory.worker_gb: 0.50 GB"),
        (0.4, 300_000_000, "PASS", "0.40 GB for each worker; a worker took 0.30 GB"),
        (0.0, None, "PASS", "0.50 GB for each worker; no worker was measured"),
    ],
)
def test_a_job_asks_for_what_a_worker_needs(
    memory_gb: float, peak_bytes: int | None, standing: str, evidence: str
) -> None:
    item = request_item(pool(memory_gb), peak_bytes)
    assert (item.standing, item.evidence[0]) == (standing, evidence)


@pytest.mark.parametrize(
    ("settings", "standing"),
    [
        ({"taskplugin": "task/affinity,task/cgroup", "constrainramspace": "yes"}, "PASS"),
        ({"taskplugin": "task/cgroup", "constrainramspace": "no"}, "UNKNOWN"),
        ({"taskplugin": "task/cgroup"}, "UNKNOWN"),
        ({"taskplugin": "task/none", "constrainramspace": "yes"}, "UNKNOWN"),
        ({}, "UNKNOWN"),
        (None, "UNKNOWN"),
    ],
)
def test_a_limit_counts_only_where_the_cluster_enforces_it(settings: Mapping[str, str] | None, standing: str) -> None:
    assert limit_item(ClusterFacts(settings=settings)).standing == standing


@pytest.mark.parametrize(
    ("how", "standing", "evidence"),
    [
        ((None, None, 4), "UNKNOWN", "Slurm was not asked"),
        ((None, None, 4, "sbatch did not answer within 15 s"), "UNKNOWN", "sbatch did not answer within 15 s"),
        (("sbatch: invalid account", None, 4), "FAIL", "sbatch: invalid account"),
        (("", None, 4), "PASS", "sbatch accepts 4 tasks (--test-only)"),
        (("", -0.5, 1), "PASS", "sbatch accepts 1 task (--test-only); the first would start now"),
        (("", 7200.0, 4), "PASS", "sbatch accepts 4 tasks (--test-only); the first would start in 2h"),
    ],
)
def test_slurm_itself_says_whether_it_would_accept(how: tuple[Any, ...], standing: str, evidence: str) -> None:
    item = submission_item(*how)
    assert (item.standing, item.evidence[0]) == (standing, evidence)


def test_what_a_node_alone_could_show_is_skipped_and_says_why() -> None:
    rows = {item.id: item for item in on_nodes_only(pool())}
    assert {item.standing for item in rows.values()} == {"SKIPPED"}
    assert rows["ports"].evidence[0].startswith("Slurm chooses the node")
    assert rows["tests"].evidence == ("none is configured",)


def test_folder_and_command() -> None:
    assert folder_item("/s", "/s belongs to uid 7", exists=True).standing == "FAIL"
    assert (
        folder_item("/s", "", exists=False)
        .evidence[0]
        .startswith("/s is made by the first launch; whether every node")
    )
    assert command_item(["/srv/x"]).standing == "UNKNOWN", "a node may have it"
    assert command_item([]).standing == "PASS"
