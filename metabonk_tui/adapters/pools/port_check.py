"""Asks ports who holds them: connects to or binds each, and names the process behind one that is not free.

Does not: keep a port. Each probe socket is closed at once.
"""

from __future__ import annotations

import errno
import os
import pwd
import selectors
import socket
import time
from collections.abc import Collection, Iterable

from msgspec import Struct

from metabonk_tui.adapters.pools.discover import find_processes
from metabonk_tui.adapters.pools.launch_record import record_file
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.sockets import addresses_of, answering, listen_sockets, owned_links
from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.adapters.process.tree import descendants, listeners
from metabonk_tui.core.launch.preflight import PortFinding
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.phrases import cut_list

ASK_LIMIT_S = 1.0
"""Seconds for all connections together: the loopback accepts or refuses in less than 1 ms."""
NOT_VISIBLE = "process not visible: container, hidepid or another user"
_FREE = frozenset({errno.ECONNREFUSED})


class PortHolder(Struct, frozen=True):
    """A port that is not free, and what is known of its holder."""

    port: int
    answers: bool
    """True: the port accepted a connection. False: `why` says why that is not known."""
    pid: int | None = None
    """None: the process is not visible."""
    name: str = ""
    uid: int | None = None
    """The user of the listening socket; None: no such socket in the monitor's network namespace."""
    why: str = ""

    @property
    def text(self) -> str:
        """Name the holder for people: "5000 answers: python3 (pid 4711, user alice)"."""
        if not self.answers:
            return f"{self.port} cannot be asked: {self.why}"
        user = "" if self.uid is None else f"user {_user(self.uid)}"
        if self.pid is None:
            return f"{self.port} answers: {'; '.join(filter(None, (user, NOT_VISIBLE)))}"
        return f"{self.port} answers: {self.name or 'process'} ({', '.join(filter(None, (f'pid {self.pid}', user)))})"


def ask_ports(host: str, ports: Collection[int], proc: Proc, suspects: Iterable[int] = ()) -> tuple[PortHolder, ...]:
    """Connect to each port, and name the holder of each that does not refuse the connection.

    Checks the files of `suspects` first: they are the usual holders. Only a refused connection counts as free: a port
    that could not be asked is returned with its reason, because a check not made is not a pass.
    """
    outcomes = _connect_all(host, ports)
    taken = [port for port, code in outcomes.items() if code not in _FREE]
    if not taken:
        return ()
    sockets = answering(host, taken, listen_sockets())
    owners = _owners({socket.link for port in taken for socket in sockets.get(port, ())}, suspects, proc)
    found = []
    for port in taken:
        listening = sockets.get(port, ())
        pid = next((owners[socket.link] for socket in listening if socket.link in owners), None)
        stat = proc.stat(pid) if pid is not None else None
        found.append(
            PortHolder(
                port,
                # A full queue of connections answers late: that is a hung listener, not a free port.
                answers=outcomes[port] == 0 or bool(listening),
                pid=pid,
                name=clean_text(stat.name, 32) if stat else "",
                uid=listening[0].uid if listening else None,
                why=os.strerror(outcomes[port]),
            )
        )
    return tuple(found)


def describe_holders(holders: Iterable[PortHolder], most: int = 4) -> str:
    """Format the first `most` holders and a count of the others."""
    return cut_list([holder.text for holder in holders], most)


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
                table.read(True), spec, record_file(spec, proc).read(), proc, True
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


def _owners(links: Collection[str], suspects: Iterable[int], proc: Proc) -> dict[str, int]:
    """Map each socket to the first process that has it open."""
    first = list(suspects)
    found: dict[str, int] = {}
    for pid in (*first, *(pid for pid in proc.pids() if pid not in first)):
        if len(found) == len(links):
            break
        for link in owned_links(pid, links):
            found.setdefault(link, pid)
    return found


def _connect_all(host: str, ports: Collection[int]) -> dict[int, int]:
    """Connect to every port at once. Maps each to 0 (accepted) or its errno; ETIMEDOUT: no answer within the limit."""
    found: dict[int, int] = {}
    for address in addresses_of(host):
        for port, code in _connect_to(str(address), address.version, ports).items():
            # `localhost` has two addresses: an answer on either counts, and so does a doubt about either.
            if port not in found or code == 0 or (found[port] in _FREE and code not in _without(address.version)):
                found[port] = code
    return found or dict.fromkeys(ports, errno.EADDRNOTAVAIL)


def _without(version: int) -> frozenset[int]:
    """Return the errors that mean: nothing listens there. Without IPv6 no socket can listen on an IPv6 address."""
    return _FREE | {errno.EADDRNOTAVAIL, errno.ENETUNREACH, errno.EAFNOSUPPORT} if version == 6 else _FREE


def _connect_to(address: str, version: int, ports: Collection[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    waiting: dict[socket.socket, int] = {}
    with selectors.DefaultSelector() as selector:
        try:
            for port in ports:
                code, probe = _begin(address, version, port)
                if code == errno.EINPROGRESS and probe is not None:
                    waiting[probe] = port
                    selector.register(probe, selectors.EVENT_WRITE, probe)
                    continue
                found[port] = _result(code, probe)
            until_s = time.monotonic() + ASK_LIMIT_S
            while waiting and (left_s := until_s - time.monotonic()) > 0:
                for key, _ in selector.select(left_s):
                    ready: socket.socket = key.data
                    selector.unregister(ready)
                    found[waiting.pop(ready)] = _result(ready.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), ready)
            found |= dict.fromkeys(waiting.values(), errno.ETIMEDOUT)
        finally:
            for probe in waiting:
                probe.close()
    return found


def _begin(address: str, version: int, port: int) -> tuple[int, socket.socket | None]:
    """Start one connection. Returns (errno, socket); no socket when none could be made."""
    if not 0 < port <= 65535:
        # No process can listen there.
        return errno.ECONNREFUSED, None
    try:
        probe = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET)
    except OSError as error:
        return error.errno or errno.EINVAL, None
    probe.setblocking(False)
    return probe.connect_ex((address, port)), probe


def _result(code: int, probe: socket.socket | None) -> int:
    """Close the probe and return its errno.

    A connection to a free port of the kernel's own range may connect to itself, once in some 28,000 tries.
    """
    if probe is None:
        return code
    with probe:
        try:
            itself = code == 0 and probe.getsockname() == probe.getpeername()
        except OSError as error:
            # The peer closed at once: it had accepted, so it was there.
            return 0 if code == 0 else error.errno or code
    return errno.ECONNREFUSED if itself else code


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


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
