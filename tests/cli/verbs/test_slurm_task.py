"""A task of an array becomes the worker: one process, with the env file's values, that said where it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from metabonk_tui.adapters.slurm.announced import announced_file, read_announced
from metabonk_tui.cli.exit_codes import FAILED, USAGE, UsageError
from metabonk_tui.cli.verbs.slurm_task import task_of
from tests.support.paths import ROOT

SAYS = "import json, os, sys; print(json.dumps([os.getpid(), sys.argv[1:], os.environ.get('A'), os.environ.get('B')]))"
TASK = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_JOB_ID": "17", "SLURM_RESTART_COUNT": "1", "SLURMD_NODENAME": "n2"}


def task(folder: Path, *words: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    where = ("--folder", str(folder / "shared"), "--pool", "t", "--base-port", "5000")
    return subprocess.run(
        [sys.executable, "-m", "metabonk_tui", "slurm-task", *where, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), **(TASK if environ is None else environ)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_becomes_the_worker(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text('A="from the file"\nB=file\n')
    done = task(
        tmp_path, "--env-file", f"{tmp_path}/a.env", "--env", "B=x=y", "--", sys.executable, "-c", SAYS, "{port}"
    )
    assert done.returncode == 0, done.stderr
    pid, arguments, a, b = json.loads(done.stdout)
    assert (arguments, a, b) == (["5003"], "from the file", "x=y")
    found = read_announced(tmp_path / "shared", 3, "t", 17, 1)
    assert found is not None
    assert (found.pid, found.host, found.port, found.restarts) == (pid, "n2", 5003, 1), "the same process"
    assert found.start_ticks > 0
    assert read_announced(tmp_path / "shared", 3, "t", 17, 0) is None, "another start of the job"
    assert read_announced(tmp_path / "shared", 3, "other", 17, 1) is None


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"slot": "x"}', "x" * 5000])
def test_a_broken_file_is_no_place(tmp_path: Path, text: str) -> None:
    file = announced_file(tmp_path, 3)
    file.parent.mkdir(mode=0o700)
    file.write_text(text)
    assert read_announced(tmp_path, 3, "t", 17, 1) is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--env-file", "/nowhere/a.env", "--", "true"), "env file: /nowhere/a.env does not exist"),
        (("--", "/nowhere/program"), "/nowhere/program: No such file or directory"),
    ],
)
def test_a_worker_that_cannot_start_says_why(tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    done = task(tmp_path, *words)
    assert done.returncode == FAILED
    assert f"the worker cannot start: {why}" in done.stderr


def test_outside_of_slurm_it_is_wrong_usage(tmp_path: Path) -> None:
    done = task(tmp_path, "--", "true", environ={})
    assert done.returncode == USAGE
    with pytest.raises(UsageError, match="inside a Slurm job array"):
        task_of({"SLURM_ARRAY_TASK_ID": "x", "SLURM_JOB_ID": "1"})
