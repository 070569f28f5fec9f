"""The exact commands."""

from __future__ import annotations

import sys

import pytest

from metabonk_tui.adapters.slurm.batch import SlurmSpec, ranges
from metabonk_tui.adapters.slurm.folder_record import FolderRecord
from metabonk_tui.core.config.slurm import filled
from tests.support.children import config
from tests.support.slurm_words import job

POOL = """
[pool]
backend = "slurm"
[pool.launcher]
directory = "/srv/mb"
env_file = "a.env"
environment = { KEY = "a b; $(c)" }
[pool.slurm]
folder = "/srv/pool"
partition = "gpu"
gpus = "gpu:1"
memory_gb = 8.0
time = "24:00:00"
options = ["--qos=high"]
"""


@pytest.mark.parametrize(
    ("slots", "text"), [([0], "0"), ([0, 1, 2], "0-2"), ([4, 0, 1, 7], "0-1,4,7"), (range(100), "0-99")]
)
def test_slots_as_sbatch_reads_them(slots: list[int], text: str) -> None:
    assert ranges(slots) == text


def test_a_submission_names_memory_gpus_and_the_token() -> None:
    command = SlurmSpec(config(POOL)).submit(FolderRecord(token="t"), [0, 1, 3])
    split = command.index("/srv/pool/task.sh")
    assert command[:split] == (
        *("sbatch", "--parsable", "--job-name=metabonk", "--comment=metabonk-tui:t", "--array=0-1,3"),
        *("--nodes=1", "--ntasks=1", "--mem=7694M", "--output=/srv/pool/logs/%A_%a.log", "--open-mode=append"),
        *("--chdir=/srv/mb", "--partition=gpu", "--gres=gpu:1", "--time=24:00:00", "--qos=high"),
    )
    task = command[split + 1 :]
    assert task[:4] == (sys.executable, "-m", "metabonk_tui", "slurm-task")
    assert task[task.index("--env-file") + 1] == "/srv/mb/a.env"
    assert task[task.index("--env") + 1] == "KEY=a b; $(c)", "one word, which no shell reads"
    assert task[task.index("--") + 1 :][:3] == ("python3", "-m", "src.worker.main")


def test_without_memory_the_budget_says_how_much() -> None:
    spec = SlurmSpec(config(POOL.replace("memory_gb = 8.0", "") + "[memory]\nworker_gb = 2.0"))
    assert "--mem=1972M" in spec.submit(FolderRecord(token="t"), [0])


def test_an_end_names_user_and_name_again() -> None:
    spec = SlurmSpec(config(POOL))
    jobs = [job(0, "RUNNING"), job(1, "RUNNING")]
    assert spec.cancel(jobs) == ("scancel", "--user=0", "--name=metabonk", "12_0", "12_1")
    assert spec.ask_to_end(jobs)[:3] == ("scancel", "--signal=TERM", "--batch")


def test_the_agent_runs_inside_a_job_without_a_terminal() -> None:
    command = SlurmSpec(config(POOL)).agent(17, "n2")
    assert command[0] == "srun"
    assert {"--jobid=17", "--nodelist=n2", "--overlap", "--ntasks=1"} <= set(command)
    assert "--unbuffered" not in command
    assert command[-1] == "agent"


def test_a_command_is_filled_with_slot_and_port() -> None:
    assert filled(["w", "{slot}", "--p={port}", "{other}", "{{slot}}"], 3, 5000) == (
        *("w", "3", "--p=5003", "{other}", "{3}"),
    )
