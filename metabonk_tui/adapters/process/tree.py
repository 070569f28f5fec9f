"""Finds related processes: descendants, ancestors, processes with a pool's token, and listeners on a port.

Does not: signal a process, or know what a pool is.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

from metabonk_tui.adapters.process.proc import Proc, ProcessStat
from metabonk_tui.adapters.process.sockets import listening_sockets, owned_ports

TOKEN_VARIABLE = "METABONK_TUI_POOL"
"""A variable that the monitor sets for every command that it launches; detached descendants still have it."""


def ancestors(proc: Proc, pid: int) -> tuple[ProcessStat, ...]:
    """List the ancestors of a process, nearest first, without init; at most 64."""
    found: list[ProcessStat] = []
    stat = proc.stat(pid)
    while stat is not None and stat.parent_pid > 1 and len(found) < 64:
        stat = proc.stat(stat.parent_pid)
        if stat is not None:
            found.append(stat)
    return tuple(found)


def own_ancestry(proc: Proc) -> frozenset[int]:
    """Return the pids that must never be signalled: 0, 1, the monitor and its ancestors."""
    return frozenset({0, 1, os.getpid(), *(stat.pid for stat in ancestors(proc, os.getpid()))})


def descendants(proc: Proc, roots: Collection[int]) -> tuple[ProcessStat, ...]:
    """List the living descendants of `roots`, without `roots`."""
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
    """Return whether a process was started with a pool's token; False if its environment is not readable."""
    try:
        environment = proc.environment(pid)
    except OSError:
        return False
    return f"{TOKEN_VARIABLE}={token}".encode() in environment.split(b"\0")


def processes_with_token(proc: Proc, token: str) -> tuple[ProcessStat, ...]:
    """List the living processes that were started with a token."""
    found = (proc.stat(pid) for pid in proc.pids() if has_token(proc, pid, token))
    return tuple(stat for stat in found if stat is not None)


def supervisors(proc: Proc, pid: int) -> tuple[ProcessStat, ...]:
    """List the ancestors of an orphaned worker that serve this worker only.

    Empty unless the worker's process group leads its own session. A supervisor's group does; a shell job's does not.
    """
    try:
        group = os.getpgid(pid)
        if group != os.getsid(pid):
            return ()
        return tuple(stat for stat in ancestors(proc, pid) if os.getpgid(stat.pid) == group)
    except OSError:
        return ()


def listeners(ports: Collection[int], suspects: Iterable[int], proc: Proc) -> Mapping[int, int | None]:
    """Map each of these TCP ports that has a listener to its pid; None: the pid is not visible.

    Checks `suspects` first: they are the usual listeners, and the search ends once all ports are found.
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
