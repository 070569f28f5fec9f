"""Finds MetaBonk checkouts: where a pool of this user runs, the current folder, the home folder two levels deep.

Does not: run anything in them, or read their files.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from msgspec import Struct

from metabonk_tui.adapters.process.command_line import parse_command
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.roles import Match, instance_of, port_of, recognise
from metabonk_tui.core.config.schema import Config

MOST_FOLDERS = 300
"""Folders that are looked at on each level of the home: a network file system answers slowly."""
_POOL_ROLES = ("launcher", "worker", "orchestrator")


class RunningPool(Struct, frozen=True):
    """What the processes of a pool show from outside."""

    directory: str
    pid: int
    """One of its processes, the launcher if it runs."""
    base_port: int | None = None
    """None: no worker names its port and its number."""
    workers: int = 0
    orchestrator_port: int | None = None
    python: str = ""
    """The interpreter that runs it, as an absolute path; "": not known."""


class Checkout(Struct, frozen=True):
    """A folder that has MetaBonk's launcher and worker."""

    path: str
    origin: str
    """Where it was found, for people: "your home", "pid 4711 runs there"."""
    danger: str = ""
    """Why it is not taken without a person: another user may change what runs there; "": nothing speaks against it."""
    pool: RunningPool | None = None


def find_checkouts(config: Config, cwd: Path, home: Path, proc: Proc) -> tuple[Checkout, ...]:
    """Return the checkouts, the likeliest first, each once."""
    found: dict[str, Checkout] = {}
    for pool in running_pools(config, proc):
        _add(found, config, pool.directory, f"a pool runs there, pid {pool.pid}", pool)
    for folder in (cwd, *cwd.parents):
        _add(found, config, str(folder), "the current folder" if folder == cwd else "above the current folder")
    for path in _home_folders(home):
        _add(found, config, path, "your home folder")
    return tuple(sorted(found.values(), key=lambda checkout: bool(checkout.danger)))


def why_no_checkout(path: str, config: Config) -> str:
    """Return what a folder lacks to be MetaBonk; "" for a checkout."""
    if not os.path.isdir(path):
        return f"{path} is no folder" if os.path.lexists(path) else f"{path} does not exist"
    missing = [name for name in _signs(config) if not os.path.isfile(os.path.join(path, name))]
    return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not in {path}" if missing else ""


def danger_of(path: str) -> str:
    """Return why another user may change what runs in a folder; "" when none but root may."""
    try:
        found = os.stat(path)
    except OSError as error:
        return f"it cannot be examined: {error.strerror or error}"
    if found.st_uid not in (0, os.geteuid()):
        return f"it belongs to uid {found.st_uid}"
    return "every user may write there" if found.st_mode & stat.S_IWOTH else ""


def running_pools(config: Config, proc: Proc) -> tuple[RunningPool, ...]:
    """Return the pools whose processes belong to this user, by the folder in which they run."""
    members: dict[str, list[tuple[int, Match, Sequence[str]]]] = {}
    for pid in proc.pids():
        if proc.uid(pid) != os.geteuid() or pid == os.getpid():
            continue
        arguments = proc.arguments(pid)
        match = recognise(arguments, config.processes, config.pool.base_port)
        directory = _directory(proc, pid, arguments) if match is not None and match.role in _POOL_ROLES else ""
        if match is not None and directory and not why_no_checkout(directory, config):
            members.setdefault(directory, []).append((pid, match, arguments))
    return tuple(_pool(directory, found, proc) for directory, found in sorted(members.items()))


def _pool(directory: str, members: Sequence[tuple[int, Match, Sequence[str]]], proc: Proc) -> RunningPool:
    launchers = [pid for pid, match, _ in members if match.role == "launcher"]
    workers = [arguments for _, match, arguments in members if match.role == "worker"]
    places = [(port_of(arguments), instance_of(arguments)) for arguments in workers]
    bases = [port - slot for port, slot in places if port is not None and slot is not None and port > slot]
    base = min(bases, default=None)
    orchestrators = [port_of(arguments) for _, match, arguments in members if match.role == "orchestrator"]
    by_role = sorted(members, key=lambda member: _POOL_ROLES.index(member[1].role))
    return RunningPool(
        directory,
        launchers[0] if launchers else by_role[0][0],
        base_port=base,
        workers=bases.count(base) if base is not None else 0,
        orchestrator_port=next(filter(None, orchestrators), None),
        python=next(filter(None, (_python(proc, pid, arguments, directory) for pid, _, arguments in by_role)), ""),
    )


def _directory(proc: Proc, pid: int, arguments: Sequence[str]) -> str:
    """Return the folder of a launcher's script, else the working directory; "" where it is not known."""
    entry = parse_command(arguments).entry
    if entry.startswith("/"):
        return os.path.dirname(entry)
    found = proc.working_directory(pid) or ""
    # A path that names another folder in this mount namespace does not begin with "/".
    return found if found.startswith("/") else ""


def _python(proc: Proc, pid: int, arguments: Sequence[str], directory: str) -> str:
    if not parse_command(arguments).is_python:
        return ""
    program = arguments[0]
    if "/" in program:
        path = os.path.join(directory, program)
    else:
        path = shutil.which(program, path=_environment(proc, pid).get("PATH", "")) or ""
    return path if path.startswith("/") and os.access(path, os.X_OK) else ""


def _environment(proc: Proc, pid: int) -> Mapping[str, str]:
    try:
        text = proc.environment(pid)
    except OSError:
        return {}
    pairs = (os.fsdecode(entry).partition("=") for entry in text.split(b"\0") if b"=" in entry)
    return {key: value for key, _, value in pairs}


def _add(found: dict[str, Checkout], config: Config, path: str, origin: str, pool: RunningPool | None = None) -> None:
    real = os.path.realpath(path)
    if real not in found and not why_no_checkout(path, config):
        found[real] = Checkout(os.path.abspath(path), origin, danger_of(path), pool)


def _signs(config: Config) -> tuple[str, ...]:
    """Return the files by which a checkout is known: the launcher's script and the worker's module."""
    scripts = [argument for argument in config.pool.launcher.launch[1:2] if argument.endswith(".py")]
    module = config.processes.worker[0][0]
    return (*scripts, f"{module.replace('.', '/')}.py")


def _home_folders(home: Path) -> Iterator[str]:
    """Yield the visible folders of the home and those in them, the ones with MetaBonk's name first."""
    outer = _subfolders(str(home))[:MOST_FOLDERS]
    inner = (path for folder in outer for path in _subfolders(folder))
    places = [*outer, *islice(inner, MOST_FOLDERS)]
    yield from sorted(places, key=lambda path: "metabonk" not in os.path.basename(path).lower())


def _subfolders(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(entry.path for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return []
