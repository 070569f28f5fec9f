"""Finds listening TCP ports and their processes, from the kernel's tables and the open files in /proc."""

from __future__ import annotations

import os
from collections.abc import Mapping

from metabonk_tui.adapters.process.proc import read_bytes

_LISTENING = b"0A"


def listening_sockets(pid: int | None = None) -> dict[str, int]:
    """Map each listening socket, in the form of a link in /proc/PID/fd, to its port.

    Reads the network namespace of `pid`, None: the monitor's. An unreadable table counts as empty.
    """
    sockets: dict[str, int] = {}
    for table in ("tcp", "tcp6"):
        text = read_bytes(f"/proc/{'self' if pid is None else pid}/net/{table}") or b""
        for row in (line.split() for line in text.splitlines()[1:]):
            if len(row) > 9 and row[3] == _LISTENING:
                sockets[f"socket:[{row[9].decode()}]"] = int(row[1].rpartition(b":")[2], 16)
    return sockets


def owned_ports(pid: int, sockets: Mapping[str, int]) -> set[int]:
    """Return the ports of those sockets that a process has open; empty if its files are not readable."""
    owned: set[int] = set()
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                try:
                    link = os.readlink(entry.path)
                except OSError:
                    continue
                if link in sockets:
                    owned.add(sockets[link])
    except OSError:
        return owned
    return owned


def listening_ports(pid: int) -> list[int]:
    """List the ports that a process listens on, the lowest first."""
    return sorted(owned_ports(pid, listening_sockets(pid)))
