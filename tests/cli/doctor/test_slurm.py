"""What `doctor` says of a pool on Slurm."""

from __future__ import annotations

from pathlib import Path

import pytest

from metabonk_tui.cli.doctor import slurm
from metabonk_tui.cli.doctor.slurm import slurm_findings
from tests.support.children import config


def findings(folder: Path) -> dict[str, tuple[str, str]]:
    found = slurm_findings(config(f'[pool]\nbackend = "slurm"\n[pool.slurm]\nfolder = "{folder}"'))
    return {each.title: (each.standing, each.found) for each in found}


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, squeue: str) -> None:
    """Put commands of Slurm into an empty PATH."""
    for name in slurm.COMMANDS:
        (folder / name).write_text(f"#!/bin/sh\n{squeue if name == 'squeue' else 'exit 0'}\n")
        (folder / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


def test_without_its_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    standing, text = findings(tmp_path)["slurm"]
    assert (standing, text) == ("WRONG", "not found: sbatch, squeue, scancel, srun")


def test_an_answer_and_a_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch, "exit 0")
    assert findings(tmp_path / "pool") == {
        "slurm": ("PASS", "answers; 0 jobs of this pool run, 0 wait"),
        "shared folder": ("PASS", f"{tmp_path}/pool is made by the first launch; every node must see it"),
    }


def test_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch, "echo slurm_load_jobs error: Unable to contact slurm controller >&2; exit 1")
    standing, text = findings(tmp_path / "pool")["slurm"]
    assert (standing, text.split(": ", 1)[0]) == ("WRONG", "squeue")
    assert "Unable to contact slurm controller" in text


def test_a_folder_that_others_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch, "exit 0")
    (tmp_path / "pool").mkdir(mode=0o777)
    (tmp_path / "pool").chmod(0o777)
    assert findings(tmp_path / "pool")["shared folder"][0] == "WRONG"
