"""Judges what a preflight finds out about a Slurm cluster: PASS, FAIL, UNKNOWN or SKIPPED, each with evidence.

Pure. What only a node could show is SKIPPED with that reason, and never passes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from metabonk_tui.core.config.schema import GB, Config
from metabonk_tui.core.config.slurm import memory_mb
from metabonk_tui.core.launch.checklist import ChecklistItem, CheckState
from metabonk_tui.core.text.numbers import age, gigabytes
from metabonk_tui.core.text.phrases import count_of, cut_list

NOW_S = 60.0
"""Slurm plans in steps of a minute."""
NO_MEMORY_MB = 1
"""What Slurm lists for a node whose memory its configuration does not name."""


class ClusterNode(Struct, frozen=True):
    """One node of a partition, as `sinfo` lists it. Memory is in MiB."""

    name: str
    partition: str
    is_default: bool
    """Whether the partition is the one that a job without a partition gets."""
    is_up: bool
    """Whether the partition accepts jobs."""
    state: str
    takes_jobs: bool
    memory_mb: int
    allocated_mb: int


class ClusterFacts(Struct, frozen=True):
    """What one look at the cluster found."""

    missing: tuple[str, ...] = ()
    """The commands of Slurm that are not on this machine."""
    problem: str = ""
    """Why the controller does not answer; "": it does."""
    nodes: tuple[ClusterNode, ...] | None = None
    """None: they could not be read."""
    settings: Mapping[str, str] | None = None
    """Settings of the cluster by name, in lower case; None: they could not be read."""


def engine_item(facts: ClusterFacts) -> ChecklistItem:
    """Judge whether Slurm can be asked from here."""
    item_id, title = "slurm", "Slurm"
    if facts.missing:
        fix = "run the monitor where you run sbatch: on a login node of the cluster"
        return ChecklistItem(item_id, title, "FAIL", (f"not found: {', '.join(facts.missing)}",), fix)
    if facts.problem:
        return ChecklistItem(item_id, title, "FAIL", (facts.problem,), "try by hand: squeue --me")
    return ChecklistItem(item_id, title, "PASS", ("its commands are here, and its controller answers",))


def of_partition(facts: ClusterFacts, name: str) -> tuple[ClusterNode, ...]:
    """Return the nodes of the partition in which jobs of the pool run; "": the default one."""
    return tuple(node for node in facts.nodes or () if (node.partition == name if name else node.is_default))


def partition_item(facts: ClusterFacts, name: str) -> ChecklistItem:
    """Judge whether the partition exists, accepts jobs, and has a node that takes them."""
    item_id, title = "partition", "partition"
    if facts.nodes is None:
        return ChecklistItem(item_id, title, "UNKNOWN", ("the nodes could not be read",), "try by hand: sinfo")
    nodes = of_partition(facts, name)
    if not nodes:
        known = cut_list(sorted({node.partition for node in facts.nodes}), 6) or "none"
        why = f"there is no partition {name}" if name else "the cluster has no default partition"
        return ChecklistItem(item_id, title, "FAIL", (f"{why}; it has {known}",), "set pool.slurm.partition")
    shown = nodes[0].partition + ("" if name else ", the default one")
    if not any(node.is_up for node in nodes):
        return ChecklistItem(item_id, title, "FAIL", (f"{shown}: it accepts no jobs",), "choose another one")
    up = [node for node in nodes if node.takes_jobs]
    if not up:
        states = cut_list([f"{node.name} {node.state}" for node in nodes], 4)
        return ChecklistItem(item_id, title, "FAIL", (f"{shown}: no node takes jobs: {states}",), "choose another one")
    text = f"{shown}; nodes that take jobs: {len(up)} of {len(nodes)}"
    return ChecklistItem(item_id, title, "PASS", (text,))


def submission_item(
    problem: str | None, starts_in_s: float | None, workers: int, unasked: str = "Slurm was not asked"
) -> ChecklistItem:
    """Judge what Slurm itself says of the submission; `problem`: its refusal, "" for none, None: it gave no answer.

    `starts_in_s`: when the first task would start; None: Slurm did not say it. `unasked`: why there is no answer.
    """
    item_id, title = "submission", "submission"
    if problem is None:
        return ChecklistItem(item_id, title, "UNKNOWN", (unasked,))
    if problem:
        return ChecklistItem(item_id, title, "FAIL", (problem,), "correct [pool.slurm]: a plan shows the whole sbatch")
    text = f"sbatch accepts {count_of(workers, 'task')} (--test-only)"
    if starts_in_s is None:
        return ChecklistItem(item_id, title, "PASS", (text,))
    when = "now" if starts_in_s < NOW_S else f"in {age(starts_in_s)}"
    return ChecklistItem(item_id, title, "PASS", (f"{text}; the first would start {when}",))


def places_item(facts: ClusterFacts, config: Config, workers: int) -> ChecklistItem:
    """Judge whether so many jobs fit into the memory of the partition's nodes."""
    item_id, title, need = "memory", "workers against memory", memory_mb(config)
    nodes = [node for node in of_partition(facts, config.pool.slurm.partition) if node.is_up and node.takes_jobs]
    if facts.nodes is None or not nodes:
        return ChecklistItem(item_id, title, "UNKNOWN", ("how much memory the nodes have, is not known",))
    counted = (facts.settings or {}).get("selecttypeparameters", "MEMORY").upper()
    if "MEMORY" not in counted or all(node.memory_mb <= NO_MEMORY_MB for node in nodes):
        why = "Slurm does not count memory on this cluster: it may place more workers on a node than fit"
        return ChecklistItem(item_id, title, "UNKNOWN", (why,), "ask for SelectTypeParameters=CR_Core_Memory")
    most = sum(node.memory_mb // need for node in nodes)
    free = sum(max(0, node.memory_mb - node.allocated_mb) // need for node in nodes)
    where = count_of(len(nodes), "node")
    text = f"{count_of(most, 'place')} of {need} MiB on {where}, {free} free now, by memory alone"
    if most < workers:
        fix = f"launch {most}, or lower pool.slurm.memory_gb" if most else "lower pool.slurm.memory_gb"
        return ChecklistItem(item_id, title, "FAIL", (f"{count_of(workers, 'worker')}: only {text}",), fix)
    note = (f"{workers - free} would wait for a place",) if free < workers else ()
    return ChecklistItem(item_id, title, "PASS", (text, *note))


def request_item(config: Config, peak_bytes: int | None) -> ChecklistItem:
    """Judge the memory that each job asks for against what a worker needs: the kernel kills what takes more."""
    item_id, title = "request", "memory of a job"
    asked = int((config.pool.slurm.memory_gb or config.memory.worker_gb) * GB)
    fix = "raise pool.slurm.memory_gb"
    if peak_bytes is not None and peak_bytes > asked:
        text = f"a worker took {gigabytes(peak_bytes, 2)} GB, and its job asks for {gigabytes(asked, 2)} GB"
        return ChecklistItem(item_id, title, "FAIL", (text,), fix)
    planned = int(config.memory.worker_gb * GB)
    if peak_bytes is None and asked < planned:
        # A number of the configuration is an assumption: it proves nothing.
        text = f"{gigabytes(asked, 2)} GB, less than memory.worker_gb: {gigabytes(planned, 2)} GB"
        return ChecklistItem(item_id, title, "UNKNOWN", (text,), f"{fix}, or lower memory.worker_gb")
    measured = "no worker was measured" if peak_bytes is None else f"a worker took {gigabytes(peak_bytes, 2)} GB"
    return ChecklistItem(item_id, title, "PASS", (f"{gigabytes(asked, 2)} GB for each worker; {measured}",))


def limit_item(facts: ClusterFacts) -> ChecklistItem:
    """Judge whether Slurm enforces the memory of a job: only then does a worker that grows end its own job alone."""
    item_id, title = "limit", "memory limit of a job"
    settings = facts.settings
    fix = "watch the memory of the nodes; task/cgroup and ConstrainRAMSpace=yes enforce the limit"
    if settings is None or "taskplugin" not in settings:
        return ChecklistItem(item_id, title, "UNKNOWN", ("the settings of the cluster could not be read",), fix)
    plugin = settings["taskplugin"]
    if "cgroup" not in plugin:
        text = f"TaskPlugin is {plugin}: a job may take more memory than it asked for"
        return ChecklistItem(item_id, title, "UNKNOWN", (text,), fix)
    constrains = settings.get("constrainramspace")
    if constrains is None:
        return ChecklistItem(item_id, title, "UNKNOWN", ("whether ConstrainRAMSpace is set, is not shown",), fix)
    if constrains.lower() != "yes":
        return ChecklistItem(item_id, title, "UNKNOWN", (f"ConstrainRAMSpace is {constrains}",), fix)
    return ChecklistItem(item_id, title, "PASS", ("task/cgroup with ConstrainRAMSpace: the kernel ends only the job",))


def folder_item(folder: str, problem: str, *, exists: bool) -> ChecklistItem:
    """Judge the shared folder; `problem` is why this user cannot use it, "" when it can be."""
    item_id, title = "folder", "shared folder"
    if problem:
        return ChecklistItem(item_id, title, "FAIL", (problem,), f"chmod 700 {folder}, or another pool.slurm.folder")
    text = f"{folder} is private and was written to" if exists else f"{folder} is made by the first launch"
    return ChecklistItem(item_id, title, "PASS", (f"{text}; whether every node sees it was not tried",))


def command_item(missing: Collection[str]) -> ChecklistItem:
    """Judge whether directory, command and program are on this machine; the nodes may have them all the same."""
    item_id, title = "command", "command"
    if missing:
        why = tuple(f"{path} is not on this machine; a node may have it" for path in missing)
        return ChecklistItem(item_id, title, "UNKNOWN", why, "look on a node: srun ls -l PATH")
    return ChecklistItem(item_id, title, "PASS", ("directory and programs are here; the nodes were not tried",))


def on_nodes_only(config: Config) -> Sequence[ChecklistItem]:
    """Return what only a node could show."""
    skipped: CheckState = "SKIPPED"
    tests = tuple(test.name for test in config.preflight.test)
    rows = [
        ("ports", "ports", "Slurm chooses the node: a worker takes pool.base_port and its slot there"),
        ("ollama", "Ollama", "the workers ask their node" if config.preflight.ollama else "preflight.ollama is empty"),
        ("tests", "component tests", f"{cut_list(tests, 4)}: they need a node" if tests else "none is configured"),
    ]
    return [ChecklistItem(item_id, title, skipped, (why,)) for item_id, title, why in rows]
