"""Finds what MetaBonk's own launch and stop scripts would end outside the pool, and other pools of this user.

Those scripts end every process of the user whose command line contains one of their modules, with its process group
and its descendants, whatever its port. Does not: signal a process.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.process.command_line import option, parse_command
from metabonk_tui.adapters.process.proc import Proc, ProcessStat
from metabonk_tui.adapters.process.sockets import listening_ports
from metabonk_tui.adapters.process.tree import descendants
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.phrases import cut_list

SCRIPTS = frozenset({"launch", "launch.py", "stop", "stop.py"})
"""Scripts of MetaBonk that sweep over every process of the user."""
NEEDLES = (
    "src.worker.main",
    "src.orchestrator.main",
    "src.learner.service",
    "src.vision.service",
    "scripts/start_omega.py",
    "scripts/start.py",
    "scripts/watch_visual.py",
)
"""What MetaBonk's scripts/stop.py looks for in a command line."""
KEEP_OPTION = "--skip-stop"
_WORKER_MODULE = "src.worker.main"
_LAST_JOB = Path("temp/metabonk_last_job.json")
_MAX_JOB_BYTES = 4096
_SHOWN = 4


class Bystander(Struct, frozen=True):
    """A process outside the pool that a sweep of MetaBonk's scripts ends."""

    pid: int
    name: str
    port: int | None = None
    """The port of a worker; None: another process, or no port is known."""
    slot: int | None = None

    @property
    def text(self) -> str:
        where = f" on {self.port}" if self.port is not None else ""
        return f"{self.name} (pid {self.pid}){where}"


FindBystanders = Callable[[LaunchSpec, Collection[int], Proc], tuple[Bystander, ...]]


def sweeps(argv: tuple[str, ...]) -> bool:
    """Return whether a command is a script of MetaBonk that sweeps over every process of the user."""
    return any(os.path.basename(word) in SCRIPTS for word in argv[:3]) and KEEP_OPTION not in argv


def find_bystanders(spec: LaunchSpec, own_pids: Collection[int], proc: Proc) -> tuple[Bystander, ...]:
    """List the processes outside `own_pids` that a sweep would end, workers first.

    They are of this user; of every user if this is root, because the scripts signal what they may. `own_pids` are the
    pool's processes with their descendants.
    """
    stats = {pid: stat for pid in proc.pids() if (stat := proc.stat(pid)) is not None and not stat.of_kernel}
    lines = {pid: proc.arguments(pid) for pid in stats if _is_in_reach(pid, proc)}
    needles = (*NEEDLES, *(str(spec.directory / "temp" / name) for name in ("compatdata", "megabonk_instances")))
    matching = {pid for pid, words in lines.items() if any(needle in " ".join(words) for needle in needles)}
    groups = {group for pid in matching if (group := _group(pid)) is not None}
    last_job = _last_job_group(spec.directory)
    groups |= {last_job} if last_job is not None else set()
    hit = matching | {pid for pid in lines if _group(pid) in groups}
    hit |= {stat.pid for stat in descendants(proc, hit)}
    found = [_bystander(stats[pid], lines.get(pid, ())) for pid in hit - set(own_pids) if pid in stats]
    return tuple(sorted(found, key=lambda each: (each.port is None, each.port or 0, each.pid)))


def warn_of(bystanders: Iterable[Bystander], argv: tuple[str, ...]) -> tuple[str, ...]:
    """Describe for the plan what a command ends, or may end, beside the pool; empty when it sweeps over nothing."""
    names = [each.text for each in bystanders]
    if not names:
        return ()
    shown = cut_list(names, _SHOWN)
    if sweeps(argv):
        script = next(os.path.basename(word) for word in argv if os.path.basename(word) in SCRIPTS)
        return (f"{script} also ends these processes, which are not of this pool: {shown}",)
    program = parse_command(argv)
    if program.is_python or KEEP_OPTION in argv:
        return ()
    wrapper = os.path.basename(program.entry or program.interpreter)
    return (f"if {wrapper} runs MetaBonk's launch.py or stop.py, it also ends processes of others: {shown}",)


def other_pools(bystanders: Iterable[Bystander], base_port: int) -> tuple[str, ...]:
    """Name the other pools of this user by their first port, with the option that watches them."""
    workers = sorted({each.port - (each.slot or 0) for each in bystanders if each.port is not None})
    slotless = {each.port for each in bystanders if each.port is not None and each.slot is None}
    # Workers without a slot on adjacent ports are one pool: its first port is its base.
    bases = [port for port in workers if not (port in slotless and port - 1 in workers)]
    return tuple(f"a pool answers on {port}: --base-port {port}" for port in bases if port != base_port)


def _bystander(stat: ProcessStat, arguments: tuple[str, ...]) -> Bystander:
    name = clean_text(stat.name, 32)
    if not any(word == _WORKER_MODULE for word in arguments):
        return Bystander(stat.pid, name)
    ports = listening_ports(stat.pid)
    named = option(arguments, "--port") or ""
    port = int(named) if named.isdecimal() and int(named) in ports else min(ports, default=None)
    instance = re.search(r"-(\d{1,3})$", option(arguments, "--instance-id") or "")
    return Bystander(stat.pid, name, port, int(instance[1]) if instance and port is not None else None)


def _last_job_group(directory: Path) -> int | None:
    """Return the process group that MetaBonk's scripts wrote down for the last job; None: none is readable."""
    try:
        # O_NONBLOCK: a named pipe in its place must not hold the plan.
        with os.fdopen(os.open(directory / _LAST_JOB, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found: object = json.loads(file.read(_MAX_JOB_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    group = found.get("pgid") if isinstance(found, Mapping) else None
    return group if isinstance(group, int) and not isinstance(group, bool) and group > 1 else None


def _group(pid: int) -> int | None:
    try:
        group = os.getpgid(pid)
    except OSError:
        return None
    return group if group > 1 else None


def _is_in_reach(pid: int, proc: Proc) -> bool:
    """Return whether a script of this user may signal a process, whose folder in /proc may belong to root."""
    return os.geteuid() == 0 or proc.uid(pid) == os.geteuid()
