"""Derives the commands of a Slurm pool from the configuration: sbatch, scancel, srun. Does not: run them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from metabonk_tui.adapters.slurm.folder_record import FolderRecord
from metabonk_tui.adapters.slurm.jobs import Job
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.config.slurm import memory_mb


class SlurmSpec:
    """The settings of one Slurm pool."""

    def __init__(self, config: Config) -> None:
        slurm, launcher = config.pool.slurm, config.pool.launcher
        self.config = config
        self.name = slurm.job_name
        self.folder = Path(slurm.folder).expanduser()
        self.directory = Path(launcher.directory).expanduser().absolute()
        self.env_file = self.directory / Path(launcher.env_file).expanduser() if launcher.env_file else None
        self.program = tuple(slurm.program) or (sys.executable, "-m", "metabonk_tui")
        self.start_timeout_s, self.grace_s = launcher.start_timeout_s, launcher.stop_grace_s
        self.script = self.folder / "task.sh"
        self.logs = self.folder / "logs"

    def submit(self, record: FolderRecord, slots: Iterable[int]) -> tuple[str, ...]:
        """Return the command that submits one task for each slot."""
        slurm = self.config.pool.slurm
        optional = {"partition": slurm.partition, "account": slurm.account, "gres": slurm.gpus, "time": slurm.time}
        return (
            *("sbatch", "--parsable", f"--job-name={self.name}", f"--comment={record.comment}"),
            *(f"--array={ranges(slots)}", "--nodes=1", "--ntasks=1", f"--mem={memory_mb(self.config)}M"),
            *(f"--output={self.logs}/%A_%a.log", "--open-mode=append", f"--chdir={self.directory}"),
            *(f"--{name}={value}" for name, value in optional.items() if value),
            *slurm.options,
            str(self.script),
            *self.task(record),
        )

    def task(self, record: FolderRecord) -> tuple[str, ...]:
        """Return what a task runs on its node; it fills in slot and port itself."""
        pool = self.config.pool
        env_file = ("--env-file", str(self.env_file)) if self.env_file is not None else ()
        variables = [word for key, value in pool.launcher.environment.items() for word in ("--env", f"{key}={value}")]
        where = ("--folder", str(self.folder), "--pool", record.token, "--base-port", str(pool.base_port))
        return (*self.program, "slurm-task", *where, *env_file, *variables, "--", *pool.slurm.command)

    def ask_to_end(self, jobs: Iterable[Job]) -> tuple[str, ...]:
        """Return the command that sends SIGTERM to the workers of these jobs, which ends no job by itself."""
        return ("scancel", "--signal=TERM", "--batch", *self._only_ours(jobs))

    def cancel(self, jobs: Iterable[Job]) -> tuple[str, ...]:
        """Return the command that ends these jobs; Slurm kills what withstands after its KillWait."""
        return ("scancel", *self._only_ours(jobs))

    def _only_ours(self, jobs: Iterable[Job]) -> tuple[str, ...]:
        listed = tuple(jobs)
        # Slurm itself compares user and name again: an id that was given anew meanwhile is not hit.
        return (f"--user={listed[0].uid}", f"--name={self.name}", *(job.label for job in listed))

    def agent(self, job_id: int, node: str) -> tuple[str, ...]:
        """Return the command that runs the agent beside the worker of a job, in a step that ends with the job."""
        # Without --unbuffered: that gives the agent a terminal, which does not end with the monitor.
        place = (f"--jobid={job_id}", f"--nodelist={node}", "--nodes=1", "--ntasks=1")
        return ("srun", *place, "--overlap", "--quiet", "--gres=none", *self.program, "agent")


def ranges(slots: Iterable[int]) -> str:
    """Write slots as sbatch reads them: "0-3,7"."""
    groups: list[list[int]] = []
    for slot in sorted(slots):
        if groups and slot == groups[-1][-1] + 1:
            groups[-1].append(slot)
        else:
            groups.append([slot])
    return ",".join(str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}" for group in groups)
