"""What is read of a cluster before a launch, from lines that Slurm 22.05 printed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from metabonk_tui.adapters.slurm import cluster
from metabonk_tui.adapters.slurm.batch import SlurmSpec
from metabonk_tui.adapters.slurm.cluster import (
    COMMANDS,
    folder_problem,
    look_at,
    nodes_of,
    settings_of,
    starts_at,
    trial_command,
)
from metabonk_tui.adapters.slurm.commands import Printed
from metabonk_tui.adapters.slurm.folder_record import FolderRecord
from metabonk_tui.core.launch.cluster_preflight import ClusterNode
from tests.support.children import config

SINFO = "n1|main*|up|idle|4000|300|\nn1|gpu|down|idle|4000|300|\nn2|main*|up|drained*|4000|0|\n"


def test_nodes_of_every_partition() -> None:
    assert nodes_of(SINFO) == (
        ClusterNode("n1", "main", True, True, "idle", True, 4000, 300),
        ClusterNode("n1", "gpu", False, False, "idle", True, 4000, 300),
        ClusterNode("n2", "main", True, True, "drained", False, 4000, 0),
    )


@pytest.mark.parametrize(
    ("state", "takes_jobs"),
    [
        *(("idle", True), ("mixed", True), ("allocated", True), ("completing", True), ("planned", True)),
        # Slurm switches it on for a job.
        ("idle~", True),
        ("idle#", True),
        *(("idle*", False), ("down*", False), ("drained", False), ("draining", False), ("fail", False)),
        *(("powering_down", False), ("maint", False), ("reserved", False), ("unknown*", False), ("future", False)),
    ],
)
def test_which_states_take_jobs(state: str, takes_jobs: bool) -> None:
    (node,) = nodes_of(f"n1|main*|up|{state}|4000|0|")
    assert node.takes_jobs is takes_jobs


@pytest.mark.parametrize("line", ["", "x", "n 1|p|up|idle|1|1|", "n1|p|up|idle|many|1|", "n1|p|up|idle|4000|-1|"])
def test_a_line_that_cannot_be_read_is_no_node(line: str) -> None:
    assert nodes_of(line) == ()


def test_settings_by_name() -> None:
    text = "Configuration data as of x\nTaskPlugin              = task/cgroup\nPrologFlags = (null)\n"
    found = settings_of(text)
    assert found["taskplugin"] == "task/cgroup"


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("Job 1 to start at 1796008571 using 1 processors on nodes n1 in partition main", 1796008571.0),
        ("Job 1 to start at 2026-11-30T03:17:08 using 1 processors", None),
        ("", None),
    ],
)
def test_when_the_first_task_would_start(said: str, at: float | None) -> None:
    assert starts_at(said) == at


def test_a_trial_has_the_options_of_the_submission_and_no_file_that_a_launch_makes() -> None:
    spec = SlurmSpec(
        config(
            '[pool]\nbackend = "slurm"\n[pool.slurm]\nfolder = "/srv/pool"\npartition = "gpu"\n'
            'gpus = "gpu:1"\noptions = ["--qos=high"]'
        )
    )
    argv = trial_command(spec, spec.submit(FolderRecord("t"), range(4)))
    assert argv[:2] == ("sbatch", "--test-only")
    assert argv[-1] == "--wrap=true"
    assert {"--array=0-3", "--partition=gpu", "--gres=gpu:1", "--qos=high"} <= set(argv)
    assert not [word for word in argv if "/srv/pool" in word]
    assert "--parsable" not in argv


def test_a_look_asks_three_times_and_keeps_what_failed_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster.shutil, "which", lambda name: f"/usr/bin/{name}")
    asked: list[str] = []

    def answer(argv: Sequence[str], limit_s: float) -> Printed:
        asked.append(argv[0])
        return Printed(error=f"{argv[0]}: down") if argv[0] != "sinfo" else Printed(SINFO)

    found = look_at(answer)
    assert asked == ["sinfo", "squeue", "scontrol"]
    assert (found.problem, found.settings, len(found.nodes or ())) == ("squeue: down", None, 3)
    monkeypatch.setattr(cluster.shutil, "which", lambda name: None)
    assert look_at(answer).missing == COMMANDS
    assert len(asked) == 3, "without its commands Slurm is not asked"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "cannot be made in" in folder_problem(tmp_path / "pool")


def test_a_folder_is_written_to_and_nothing_stays(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    assert folder_problem(folder) == ""
    assert not folder.exists(), "a preflight makes none"
    folder.mkdir(mode=0o700)
    assert folder_problem(folder) == ""
    assert list(folder.iterdir()) == []
    folder.chmod(0o777)
    assert "chmod" in folder_problem(folder) or "write" in folder_problem(folder)
