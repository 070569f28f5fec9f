"""Finds the ports of a launch that others hold, also those that answer like workers of MetaBonk.

Does not: decide whether the launch is refused, or keep a port.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Iterable, Mapping

from metabonk_tui.adapters.host.local import canonical_host
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.pools.port_check import NOT_VISIBLE, PortHolder, ask_ports
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.status.decode import decode_json
from metabonk_tui.core.status.known_fields import READ, READ_IF_PRESENT
from metabonk_tui.core.text.clean import clean_text

_ANSWER_LIMIT_S = 0.5
_MAX_BYTES = 1 << 16
_ASKED = 4
"""Only so many ports are asked for /status: each may take 0.5 s, and the operator waits."""


def held_ports(spec: LaunchSpec, workers: int, own_pids: Iterable[int], proc: Proc) -> Mapping[int, str]:
    """Map each port of `workers` workers that a process outside `own_pids` holds to a text about the holder."""
    ports = range(spec.base_port, spec.base_port + workers)
    ours = frozenset(own_pids)
    holders = {holder.port: holder for holder in ask_ports(spec.host, ports, proc, ours)}
    held = {port: _text(spec.host, holder) for port, holder in holders.items() if holder.pid not in ours}
    for port in list(held)[:_ASKED]:
        speaker = worker_name(spec.host, port) if holders[port].answers else None
        if speaker is not None:
            held[port] += f", and answers /status as {speaker}"
    for port in ports:
        if port not in holders and (why := _cannot_bind(canonical_host(spec.host), port)):
            held[port] = f"port {port} cannot be taken: {why}"
    return dict(sorted(held.items()))


def worker_name(host: str, port: int) -> str | None:
    """Return the name by which a worker of MetaBonk answers /status; None: nothing there answers like one."""
    deadline_s = time.monotonic() + _ANSWER_LIMIT_S
    answer = b""
    try:
        with socket.create_connection((canonical_host(host), port), _ANSWER_LIMIT_S) as connection:
            connection.sendall(b"GET /status HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            while len(answer) < _MAX_BYTES and (left_s := deadline_s - time.monotonic()) > 0:
                connection.settimeout(left_s)
                chunk = connection.recv(8192)
                if not chunk:
                    break
                answer += chunk
                if _document(answer) is not None:
                    break
    except OSError:
        return None
    document = _document(answer)
    if document is None or not (READ.keys() | READ_IF_PRESENT.keys()) & document.keys():
        return None
    return clean_text(str(document.get("instance_id") or "a worker"), 40)


def _document(answer: bytes) -> dict[str, object] | None:
    """Return the JSON object in an HTTP answer; None: it is not whole, or another thing."""
    body = answer.partition(b"\r\n\r\n")[2]
    found = decode_json(body) if body else None
    return found if isinstance(found, dict) else None


def _text(host: str, holder: PortHolder) -> str:
    if not holder.answers:
        return f"port {holder.port} cannot be asked on {host}: {holder.why}"
    who = holder.text.partition(": ")[2] or NOT_VISIBLE
    return f"port {holder.port} is held by {who}"


def _cannot_bind(host: str, port: int) -> str:
    """Return why no worker could listen there although nothing does; "" when it could."""
    if not 0 < port <= 65535:
        return "no such port"
    with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
        # As a worker binds: a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            return "a socket that does not listen has it" if in_use else error.strerror or str(error)
    return ""
