"""Checks whether the pool's ports are free: binds each, and looks up the owner of a busy one.

Does not: keep a port. Each probe socket is closed at once.
"""

from __future__ import annotations

import errno
import os
import socket

from metabonk_tui.adapters.pools.discover import find_processes
from metabonk_tui.adapters.pools.launch_record import RecordFile
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.adapters.process.tree import descendants, listeners
from metabonk_tui.core.launch.preflight import PortFinding
from metabonk_tui.core.text.clean import clean_text


def check_ports(spec: LaunchSpec, table: ProcessTable, workers: int, proc: Proc) -> tuple[PortFinding, ...]:
    """Classify each port of `workers` workers as free, ours, stranger or unknown."""
    ports = range(spec.base_port, spec.base_port + workers)
    errors = {port: _bind(spec.host, port) for port in ports if port <= 65535}
    taken = [port for port, code in errors.items() if code == errno.EADDRINUSE]
    owners = {}
    own_pids: set[int] = set()
    if taken:
        pids = [
            target.pid
            for target in find_processes(
                table.read(True), spec, RecordFile(spec.record_path).read(), proc, True
            ).all_targets
        ]
        own_pids = {*pids, *(stat.pid for stat in descendants(proc, pids))}
        owners = dict(listeners(taken, own_pids, proc))
    found = []
    for port in ports:
        code = errors.get(port, errno.EINVAL)
        if code == 0:
            found.append(PortFinding(port, "free"))
        elif code != errno.EADDRINUSE:
            found.append(PortFinding(port, "unknown", os.strerror(code)))
        elif port not in owners:
            found.append(PortFinding(port, "stranger", "a connection that does not listen"))
        elif (pid := owners[port]) is None:
            found.append(PortFinding(port, "unknown", "held by a process that may not be seen"))
        elif pid in own_pids:
            found.append(PortFinding(port, "ours", f"pid {pid}"))
        else:
            stat = proc.stat(pid)
            found.append(
                PortFinding(port, "stranger", clean_text(f"{stat.name} (pid {pid})" if stat else f"pid {pid}"))
            )
    return tuple(found)


def _bind(host: str, port: int) -> int:
    """Bind and close a probe socket. Returns 0 or the errno."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # A port in TIME_WAIT counts as free: a worker binds with SO_REUSEADDR, too.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno or errno.EINVAL
    return 0
