"""Knows who belongs to whom: descendants, ancestors, bearers of a pool's token, and who listens on a port.

Refuses to know what a pool is, and only looks.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

from metabonk_tui.adapters.process.proc import Proc, ProcessStat
from metabonk_tui.adapters.process.sockets import listening_sockets, owned_ports

TOKEN_VARIABLE = "METABONK_TUI_POOL"
"""Stands in the environment of whatever we launch: whoever carries it descends from us, however it was detached."""


def same_start(first: float, second: float) -> bool:
    """Tell whether two readings by different readers can be one start.

    The kernel counts ticks since a boot time that is cut to whole seconds: readers may be apart by exactly one second.
    """
    apart = abs(first - second)
    return apart < 0.02 or abs(apart - 1.0) < 0.02


def ancestors(proc: Proc, pid: int) -> tuple[ProcessStat, ...]:
    """List the parents of a process, nearest first, without init."""
    found: list[ProcessStat] = []
    stat = proc.stat(pid)
    while stat is not None and stat.parent_pid > 1 and len(found) < 64:
        stat = proc.stat(stat.parent_pid)
        if stat is not None:
            found.append(stat)
    return tuple(found)


def own_ancestry(proc: Proc) -> frozenset[int]:
    """Name ourselves and everybody above us: who must never be hit."""
    return frozenset({0, 1, os.getpid(), *(stat.pid for stat in ancestors(proc, os.getpid()))})


def descendants(proc: Proc, roots: Collection[int]) -> tuple[ProcessStat, ...]:
    """List the living descendants of some processes, without themselves."""
    children: dict[int, list[ProcessStat]] = {}
    for pid in proc.pids():
        stat = proc.stat(pid)
        if stat is not None:
            children.setdefault(stat.parent_pid, []).append(stat)
    found: dict[int, ProcessStat] = {}
    waiting = list(roots)
    while waiting:
        for stat in children.get(waiting.pop(), ()):
            if stat.pid not in found and stat.pid not in roots:
                found[stat.pid] = stat
                waiting.append(stat.pid)
    return tuple(found.values())


def has_token(proc: Proc, pid: int, token: str) -> bool:
    """Tell whether a process was started with a pool's token; False where its environment is hidden."""
    try:
        environment = proc.environment(pid)
    except OSError:
        return False
    return f"{TOKEN_VARIABLE}={token}".encode() in environment.split(b"\0")


def processes_with_token(proc: Proc, token: str) -> tuple[ProcessStat, ...]:
    """List the living processes that carry a token."""
    found = (proc.stat(pid) for pid in proc.pids() if has_token(proc, pid, token))
    return tuple(stat for stat in found if stat is not None)


def supervisors(proc: Proc, pid: int) -> tuple[ProcessStat, ...]:
    """List the ancestors of an orphaned worker that were started for it alone.

    Only where the worker's group leads a session of its own, as a supervisor's does; a shell's job never does.
    """
    try:
        group = os.getpgid(pid)
        if group != os.getsid(pid):
            return ()
        return tuple(stat for stat in ancestors(proc, pid) if os.getpgid(stat.pid) == group)
    except OSError:
        return ()


def listeners(ports: Collection[int], suspects: Iterable[int], proc: Proc) -> Mapping[int, int | None]:
    """Say which of some TCP ports are listened on, and by which pid: None where that may not be seen.

    `suspects` are looked at first: usually it is them, and then nobody else is opened.
    """
    sockets = {link: port for link, port in listening_sockets().items() if port in ports}
    found: dict[int, int | None] = dict.fromkeys(sockets.values())
    first = list(suspects)
    for pid in (*first, *(pid for pid in proc.pids() if pid not in first)):
        if all(owner is not None for owner in found.values()):
            break
        for port in owned_ports(pid, sockets):
            if found[port] is None:
                found[port] = pid
    return found
