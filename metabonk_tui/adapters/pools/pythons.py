"""Finds a Python that has the modules of MetaBonk's workers: those of the checkout, of conda, and on PATH.

Asks each with a deadline, in the checkout, and without a shell. Does not: install anything.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from metabonk_tui.adapters.pools.import_probe import probe_imports
from metabonk_tui.adapters.pools.launch_spec import NO_VARIABLES, LaunchSpec
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.launch.imports import ImportProbe

TIMEOUT_S = 10.0
_IN_CHECKOUT = (".venv", "venv", "env", ".conda", "conda")
_CONDA_HOMES = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", ".conda")
_CONDA_LIST = ".conda/environments.txt"
"""conda writes the folder of every environment into it."""


class PythonCandidate(Struct, frozen=True):
    """A Python that may run MetaBonk."""

    command: str
    """An absolute path, or a name that is found on PATH."""
    origin: str
    is_own: bool = False
    """Whether it runs this program, as pipx's does."""


class AskedPython(Struct, frozen=True):
    """A candidate and what it answered."""

    candidate: PythonCandidate
    answer: ImportProbe | str
    """A text is the reason why there is no answer."""

    @property
    def is_complete(self) -> bool:
        """Whether it has all that the workers need."""
        return not isinstance(self.answer, str) and all(module.level == "optional" for module in self.answer.missing)

    @property
    def text(self) -> str:
        """What it has or lacks, for people."""
        if isinstance(self.answer, str):
            return self.answer
        needed = [module for module in self.answer.missing if module.level != "optional"]
        if not needed:
            return f"{self.answer.python.rpartition(' ')[2]}, has all that the workers import"
        names = ", ".join(f"{module.name} is {module.how}" for module in needed[:3])
        return names + (f" and {len(needed) - 3} more" if len(needed) > 3 else "")


def python_candidates(
    checkout: Path, running: str, home: Path, environ: Mapping[str, str]
) -> tuple[PythonCandidate, ...]:
    """List the Pythons to ask, the likeliest first, each once; this program's own comes last."""
    found: dict[tuple[str, str], PythonCandidate] = {}
    for command, origin in _places(checkout, running, home, environ):
        path = shutil.which(command, path=environ.get("PATH", os.defpath))
        if path is not None:
            # A virtual environment is known by the folder of its link, not by the file behind it.
            place = (os.path.dirname(os.path.abspath(path)), os.path.realpath(path))
            found.setdefault(place, PythonCandidate(command, origin, _is_own(path)))
    return tuple(sorted(found.values(), key=lambda candidate: candidate.is_own))


def ask_pythons(
    config: Config, checkout: Path, candidates: Sequence[PythonCandidate], timeout_s: float = TIMEOUT_S
) -> Iterator[AskedPython]:
    """Ask one after the other, and end with the first that has all. Each may take `timeout_s`."""
    for candidate in candidates:
        asked = ask_python(config, checkout, candidate, timeout_s)
        yield asked
        if asked.is_complete:
            return


def ask_python(
    config: Config, checkout: Path, candidate: PythonCandidate, timeout_s: float = TIMEOUT_S
) -> AskedPython:
    """Ask this Python in the checkout. Blocks up to `timeout_s`."""
    launcher = config.pool.launcher
    command = [candidate.command, *launcher.launch[1:]]
    launcher = msgspec.structs.replace(launcher, directory=str(checkout), launch=command, env_file="")
    pool = msgspec.structs.replace(config.pool, launcher=launcher)
    spec = LaunchSpec(msgspec.structs.replace(config, pool=pool), checkout)
    return AskedPython(candidate, probe_imports(spec, spec.environment(NO_VARIABLES), threading.Event(), timeout_s))


def best_python(asked: Sequence[AskedPython]) -> AskedPython | None:
    """Return the first that has all, else the first that is not this program's own; None: no Python was found."""
    complete = [each for each in asked if each.is_complete]
    others = [each for each in asked if not each.candidate.is_own]
    return next(iter([*complete, *others, *asked]), None)


def _places(checkout: Path, running: str, home: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if running:
        yield running, "runs the pool now"
    for name in _IN_CHECKOUT:
        yield str(checkout / name / "bin" / "python"), f"{name} of the checkout"
    for variable, origin in (("VIRTUAL_ENV", "the active environment"), ("CONDA_PREFIX", "the active conda")):
        if folder := environ.get(variable):
            yield f"{folder}/bin/python", origin
    for folder in _conda_environments(home):
        if any(name in os.path.basename(folder).lower() for name in ("metabonk", checkout.name.lower())):
            yield f"{folder}/bin/python", "a conda environment of this name"
    yield "python3", "on PATH"
    yield "python", "on PATH"


def _conda_environments(home: Path) -> Iterator[str]:
    try:
        listed = (home / _CONDA_LIST).read_text(encoding="utf-8", errors="replace").splitlines()[:200]
    except OSError:
        listed = []
    yield from (line.strip() for line in listed if line.startswith("/"))
    for name in _CONDA_HOMES:
        folder = str(home / name / "envs")
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            names = []
        yield from (f"{folder}/{each}" for each in names)


def _is_own(path: str) -> bool:
    """Return whether this is the Python of this program's own virtual environment."""
    return sys.prefix != sys.base_prefix and Path(os.path.abspath(path)).is_relative_to(sys.prefix)
