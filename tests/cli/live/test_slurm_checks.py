"""The preflight of a pool on Slurm, on scripted commands: nothing is submitted, and Slurm is looked at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from metabonk_tui.adapters.slurm import cluster
from metabonk_tui.adapters.slurm.commands import Printed
from metabonk_tui.cli.live.slurm_checks import SlurmChecks
from metabonk_tui.core.launch.checklist import ChecklistItem
from tests.support.children import config

ANSWERS = {
    "sinfo": Printed("n1|main*|up|idle|4000|0|\n"),
    "squeue": Printed(""),
    "scontrol": Printed("TaskPlugin = task/cgroup\nConstrainRAMSpace = yes\n"),
    "sbatch": Printed("", said="Job 1 to start at 100 using 1 processors"),
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    monkeypatch.setattr(cluster.shutil, "which", lambda name: f"/usr/bin/{name}")
    return []


def run(folder: Path, asked: list[tuple[str, ...]], **answers: Printed) -> dict[str, ChecklistItem]:
    def answer(argv: Sequence[str], limit_s: float) -> Printed:
        asked.append(tuple(argv))
        return {**ANSWERS, **answers}[argv[0]]

    pool = config(
        f'[pool]\nbackend = "slurm"\nworkers = 2\n[memory]\nworker_gb = 0.5\n[pool.launcher]\ndirectory = "{folder}"\n'
        f'env_file = "a.env"\n[pool.slurm]\nfolder = "{folder}/pool"\n'
    )
    checks = SlurmChecks(pool, folder, answer).checks(2, None)
    return {check.id: check.run(lambda lines: None, threading.Event()) for check in checks}


def test_each_item_has_a_result_and_nothing_is_submitted(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    found = run(tmp_path, asked)
    standings = {item_id: item.standing for item_id, item in found.items()}
    assert standings == {
        **dict.fromkeys(
            ("slurm", "partition", "submission", "memory", "request", "limit", "folder", "command"), "PASS"
        ),
        **dict.fromkeys(("ports", "ollama", "tests", "env-processes"), "SKIPPED"),
        "env-file": "UNKNOWN",
        "disk": found["disk"].standing,
    }
    assert "each node reads it itself" in found["env-file"].evidence[0]
    assert [argv[0] for argv in asked] == ["sinfo", "squeue", "scontrol", "sbatch"]
    assert "--test-only" in asked[-1]


@pytest.mark.parametrize(
    ("answers", "item_id", "standing"),
    [
        ({"sbatch": Printed(error="sbatch: invalid account")}, "submission", "FAIL"),
        ({"sbatch": Printed(error="sbatch did not answer within 15 s")}, "submission", "UNKNOWN"),
        ({"squeue": Printed(error="squeue: down")}, "submission", "UNKNOWN"),
        ({"squeue": Printed(error="squeue: down")}, "slurm", "FAIL"),
        ({"sinfo": Printed(error="sinfo: down")}, "partition", "UNKNOWN"),
        ({"sinfo": Printed(error="sinfo: down")}, "memory", "UNKNOWN"),
        ({"scontrol": Printed(error="scontrol: down")}, "limit", "UNKNOWN"),
    ],
)
def test_what_slurm_does_not_say_is_no_pass(
    tmp_path: Path, asked: list[tuple[str, ...]], answers: dict[str, Printed], item_id: str, standing: str
) -> None:
    assert run(tmp_path, asked, **answers)[item_id].standing == standing


def test_the_env_file_is_judged_where_it_can_be_read(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    (tmp_path / "a.env").write_text("X=two words\n")
    assert run(tmp_path, asked)["env-file"].standing == "FAIL"
    (tmp_path / "a.env").write_text("X=1\n")
    assert "is not set" in " ".join(run(tmp_path, asked)["env-file"].evidence)
