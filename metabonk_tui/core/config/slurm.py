"""Says what is wrong with `[pool.slurm]`, and names its pool. Does not: ask Slurm."""

from __future__ import annotations

import re

from msgspec.structs import replace

from metabonk_tui.core.config.schema import GB, Config

JOB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
WORD = re.compile(r"[A-Za-z0-9_.:,=@+-]{0,100}")
TIME = re.compile(r"(\d{1,4}-)?\d{1,4}(:\d{1,2}){0,2}|")
PLACEHOLDERS = ("slot", "port")
"""What stands for a worker's own numbers in `command`."""
RESERVED = ("array", "comment", "job-name", "output", "parsable", "chdir", "wrap", "nodes", "ntasks", "export")
"""Options of sbatch that the monitor sets itself, or that would give a worker several nodes."""
AGENT_MB = 64
"""An agent takes 36 MiB. One job of each node has it, and no job can know which one."""


def of_cluster(config: Config) -> Config:
    """Return the configuration with its pool named after its jobs: no host of it is this machine."""
    # A plus is in no name of a host, so no part of the program looks the pool up or takes it for this machine.
    return replace(config, pool=replace(config.pool, host=f"slurm+{config.pool.slurm.job_name.lower()}"))


def memory_mb(config: Config) -> int:
    """Return the memory that each job asks for, in the MiB of Slurm: that of its worker and of an agent."""
    wanted_gb = config.pool.slurm.memory_gb or config.memory.worker_gb
    return AGENT_MB + max(1, -(-int(wanted_gb * GB) // (1 << 20)))


def filled(command: list[str], slot: int, base_port: int) -> tuple[str, ...]:
    """Return the command of one worker."""
    values = {"slot": str(slot), "port": str(base_port + slot)}
    return tuple(re.sub(r"\{(slot|port)\}", lambda found: values[found[1]], argument) for argument in command)


def slurm_problems(config: Config) -> list[tuple[str, str]]:
    """List (key, text) for what no monitor of a Slurm pool may start with."""
    slurm, listed = config.pool.slurm, []
    if config.host:
        listed.append(("host", 'the nodes of backend = "slurm" are hosts by themselves: leave out [[host]]'))
    if not slurm.folder.startswith(("/", "~/")):
        listed.append(("pool.slurm.folder", "expected an absolute folder that every node sees"))
    if not slurm.command:
        listed.append(("pool.slurm.command", "empty: expected what a worker runs, with {port} or {slot}"))
    if not any(f"{{{name}}}" in argument for argument in slurm.command for name in PLACEHOLDERS) and slurm.command:
        listed.append(("pool.slurm.command", "no {port} and no {slot}: every worker would be the same"))
    if not JOB_NAME.fullmatch(slurm.job_name):
        listed.append(("pool.slurm.job_name", "expected at most 40 letters, digits, . - and _"))
    listed += [
        (f"pool.slurm.{key}", "expected a word without spaces")
        for key, value in (("partition", slurm.partition), ("account", slurm.account), ("gpus", slurm.gpus))
        if not WORD.fullmatch(value) or value.startswith("-")
    ]
    if not TIME.fullmatch(slurm.time):
        listed.append(("pool.slurm.time", 'expected minutes, hours:minutes:seconds or days-hours: "24:00:00"'))
    listed += [("pool.slurm.options", problem) for option in slurm.options if (problem := _option_problem(option))]
    return listed


def _option_problem(option: str) -> str:
    if not option.startswith("--") or "\x00" in option or "\n" in option:
        return f'`{option[:40]}`: expected a long option in one word, like "--qos=high"'
    name = option[2:].partition("=")[0]
    return f"`--{name}` is set by the monitor" if name in RESERVED else ""
