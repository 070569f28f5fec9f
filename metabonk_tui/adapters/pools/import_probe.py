"""Asks the launcher's Python, in its directory and environment, which of the workers' modules it lacks.

Does not: import any of them; a worker's import may take seconds and the GPU.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metabonk_tui.adapters.files.kind import is_file
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.process import import_probe_script
from metabonk_tui.adapters.process.command_line import parse_command
from metabonk_tui.adapters.process.import_probe_script import LEVELS, MARK
from metabonk_tui.adapters.process.run_command import run_command
from metabonk_tui.adapters.process.spawn import describe_exit
from metabonk_tui.core.launch.imports import ImportProbe, MissingModule

TIMEOUT_S = 20.0
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_SHEBANG = re.compile(rb"#!\s*(?:/\S*/env\s+(?:-S\s+)?)?(\S*python[0-9.]*)\b")


def modules_of(spec: LaunchSpec) -> tuple[str, ...]:
    """List the modules of the workers and the orchestrator that the checkout has."""
    patterns = (*spec.processes.worker, *spec.processes.orchestrator)
    named = [text for pattern in patterns for text in pattern if _MODULE.fullmatch(text)]
    return tuple(name for name in dict.fromkeys(named) if is_file(_file_of(spec, name)))


def probe_imports(
    spec: LaunchSpec, environment: Mapping[str, str], give_up: threading.Event, timeout_s: float = TIMEOUT_S
) -> ImportProbe | str:
    """Run the probe. Blocks up to `timeout_s`. Returns the reason where there is no answer."""
    modules = modules_of(spec)
    if not modules:
        return f"no worker module is in {spec.directory}: what the workers import is not known"
    python = _python_of(spec)
    if python is None:
        return f"{spec.launch_argv(1)[0]} is no Python: which Python runs the workers is not known"
    script = Path(import_probe_script.__file__).read_text(encoding="utf-8")
    try:
        done = run_command(
            (python, "-c", script, *modules),
            timeout_s=timeout_s,
            give_up=give_up,
            directory=spec.directory,
            environment=environment,
        )
    except (OSError, ValueError) as error:
        return f"{python} cannot be run: {error}"
    if done.code is None:
        return f"{python} gave no answer within {timeout_s:g} s"
    lines = [line.split() for line in done.tail if line.startswith(MARK)]
    ends = [words for words in lines if words[1:2] == ["end"] and len(words) == 5 and words[3].isdecimal()]
    if done.code != 0 or not ends:
        last = f": {done.tail[-1]}" if done.tail else ""
        return f"{python} could not be asked: {describe_exit(done.code)}{last}"
    missing = tuple(found for words in lines if (found := _missing(words)) is not None)
    _, _, whole, files, version = ends[-1]
    return ImportProbe(f"{python} {version}", int(files), whole == "whole", missing)


def _missing(words: list[str]) -> MissingModule | None:
    if len(words) < 5 or words[1] not in LEVELS or words[2] not in ("missing", "broken"):
        return None
    level: Any = words[1]
    how: Any = words[2]
    return MissingModule(words[3], level, how, " ".join(words[4:]))


def _file_of(spec: LaunchSpec, module: str) -> Path:
    return spec.directory.joinpath(*module.split(".")).with_suffix(".py")


def _python_of(spec: LaunchSpec) -> str | None:
    """Return the interpreter of the launch command, also of a script's first line; None: it runs something else."""
    argv = spec.launch_argv(1)
    if parse_command(argv).is_python:
        return argv[0]
    if argv and "/" in argv[0]:
        try:
            with (spec.directory / argv[0]).open("rb") as file:
                found = _SHEBANG.match(file.readline(200))
        except OSError:
            return None
        return found[1].decode(errors="replace") if found else None
    return None
