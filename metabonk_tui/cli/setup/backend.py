"""Finds Slurm and Ray on this machine, and asks whether one of them runs the workers. The launcher stays the default.

Does not: ask a cluster, or run one of its programs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from msgspec import Struct

from metabonk_tui.adapters.files.kind import may_exist
from metabonk_tui.cli.setup.questions import Questions
from metabonk_tui.core.config.ray import ADDRESS
from metabonk_tui.core.text.clean import clean_text

ClusterName = Literal["slurm", "ray"]
LAUNCHER = "launcher"
PROGRAMS: dict[ClusterName, str] = {"slurm": "sbatch", "ray": "ray"}
"""The program that shows that a cluster can be used from here."""
SLURM_FOLDER = "~/metabonk-pool"
NONE = "none"
_WHAT = {
    "slurm": "each worker is a task of a job array: docs/slurm.md",
    "ray": "each worker runs with an actor of the cluster: docs/ray.md",
}


class ClusterAnswer(Struct, frozen=True):
    """The cluster that runs the workers, and the keys that have no default there."""

    backend: ClusterName
    folder: str = ""
    """Slurm: the private folder that every node sees."""
    address: str = ""
    """Ray: HOST:PORT of the cluster."""
    python: str = ""
    """Ray: the Python that has it."""
    token_file: str = ""
    """Ray: the file with the cluster's token; "": it has none."""


def find_clusters(environ: Mapping[str, str]) -> dict[ClusterName, str]:
    """Map each cluster that can be used from here to the path of its program."""
    found = {name: shutil.which(program, path=environ.get("PATH", os.defpath)) for name, program in PROGRAMS.items()}
    return {name: path for name, path in found.items() if path}


def default_address(environ: Mapping[str, str]) -> str:
    """Return the address of the Ray cluster that the environment names; "" for none."""
    address = environ.get("RAY_ADDRESS", "")
    return "" if _address_problem(address) else address


def ask_backend(ask: Questions, environ: Mapping[str, str], given: str, has_checkout: bool) -> ClusterAnswer | None:
    """Say which clusters are found, and ask what starts the workers. None: the launcher, or nothing."""
    found = find_clusters(environ)
    if not found:
        return None
    ask.say("\nBACKEND    what starts the workers")
    if not has_checkout:
        for name, path in found.items():
            ask.say(f'  {clean_text(path)} is found; for backend = "{name}" name a checkout that every node sees')
        return None
    names = [LAUNCHER, *found]
    ask.say("  1  launcher   MetaBonk's own launcher, on this machine")
    for number, (name, path) in enumerate(found.items(), 2):
        ask.say(f"  {number}  {name:<9}  {clean_text(path)} is found; {_WHAT[name]}")
    if given:
        chosen = given
        ask.say(f"  {given}")
    else:
        answer = ask.choice("number", len(names), 1, lambda typed: "" if typed in names else _one_of(names))
        chosen = answer if isinstance(answer, str) else names[answer - 1]
    if chosen == LAUNCHER:
        return None
    cluster = cast(ClusterName, chosen)
    return _slurm(ask) if cluster == "slurm" else _ray(ask, found[cluster], environ)


def _one_of(names: list[str]) -> str:
    return f"a number from 1 to {len(names)}, or one of {', '.join(names)}"


def _slurm(ask: Questions) -> ClusterAnswer:
    folder = ask.text("private folder that every node sees", SLURM_FOLDER, _path_problem)
    ask.say("  partition, gpus, memory_gb and time are further keys of [pool.slurm]")
    return ClusterAnswer("slurm", folder=folder)


def _ray(ask: Questions, program: str, environ: Mapping[str, str]) -> ClusterAnswer | None:
    address = ask.text("address of the cluster, HOST:PORT", default_address(environ) or NONE, _address_problem)
    if address == NONE:
        ask.say("  without its address the cluster cannot be used: the launcher stays")
        return None
    python = ask.text("Python that has ray", _python_beside(program), _program_problem)
    token = environ.get("RAY_AUTH_TOKEN_PATH", "")
    token_file = ask.text("file with the cluster's token", NONE if _path_problem(token) else token, _token_problem)
    ask.say("  namespace, cpus, gpus and memory_gb are further keys of [pool.ray]")
    return ClusterAnswer("ray", address=address, python=python, token_file="" if token_file == NONE else token_file)


def _python_beside(program: str) -> str:
    """Return the Python of the environment in which `ray` is installed."""
    folder = Path(program).absolute().parent
    return str(next((folder / name for name in ("python", "python3") if may_exist(folder / name)), folder / "python"))


def _path_problem(typed: str) -> str:
    return "" if typed.startswith(("/", "~/")) else "expected an absolute path, like ~/metabonk-pool"


def _token_problem(typed: str) -> str:
    return "" if typed == NONE else _path_problem(typed)


def _program_problem(typed: str) -> str:
    if problem := _path_problem(typed):
        return problem
    return "" if os.access(os.path.expanduser(typed), os.X_OK) else f"{typed} is no program"


def _address_problem(typed: str) -> str:
    if typed == NONE:
        return ""
    found = ADDRESS.fullmatch(typed)
    return "" if found is not None and int(found[2]) < 65536 else "expected HOST:PORT, like 10.0.0.1:6379"
