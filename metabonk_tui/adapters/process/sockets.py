"""Finds listening TCP sockets, their owners and processes, from the kernel's tables and the open files in /proc.

Does not: connect to a port, or know which port belongs to a pool.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from metabonk_tui.adapters.process.proc import read_bytes

_LISTENING = b"0A"
_LOOPBACK_NAMES = ("localhost",)
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class ListenSocket(NamedTuple):
    """One listening socket. `link` names it as the links in /proc/PID/fd do."""

    link: str
    address: IpAddress
    port: int
    uid: int
    """The user that made the socket; the kernel shows it to every user."""


def listen_sockets(pid: int | None = None) -> tuple[ListenSocket, ...]:
    """List the listening sockets in the network namespace of `pid`; None: the monitor's.

    An unreadable table counts as empty.
    """
    found: list[ListenSocket] = []
    for table in ("tcp", "tcp6"):
        text = read_bytes(f"/proc/{'self' if pid is None else pid}/net/{table}") or b""
        for row in (line.split() for line in text.splitlines()[1:]):
            if len(row) > 9 and row[3] == _LISTENING:
                address, _, port = row[1].rpartition(b":")
                link = f"socket:[{row[9].decode()}]"
                found.append(ListenSocket(link, _address(address), int(port, 16), int(row[7])))
    return tuple(found)


def listening_sockets(pid: int | None = None) -> dict[str, int]:
    """Map each listening socket, in the form of a link in /proc/PID/fd, to its port."""
    return {socket.link: socket.port for socket in listen_sockets(pid)}


def owned_links(pid: int, links: Collection[str]) -> set[str]:
    """Return which of these links a process has open; empty if its files are not readable."""
    owned: set[str] = set()
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                try:
                    link = os.readlink(entry.path)
                except OSError:
                    continue
                if link in links:
                    owned.add(link)
    except OSError:
        return owned
    return owned


def owned_ports(pid: int, sockets: Mapping[str, int]) -> set[int]:
    """Return the ports of those sockets that a process has open; empty if its files are not readable."""
    return {sockets[link] for link in owned_links(pid, sockets)}


def listening_ports(pid: int) -> list[int]:
    """List the ports that a process listens on, the lowest first."""
    return sorted(owned_ports(pid, listening_sockets(pid)))


def addresses_of(host: str) -> tuple[IpAddress, ...]:
    """List the addresses that a host of the configuration stands for; empty: a name that needs a resolver.

    A connection to 0.0.0.0 or :: arrives at the loopback, as one to `localhost` does.
    """
    both = (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))
    if host.lower() in _LOOPBACK_NAMES:
        return both
    try:
        address = _plain(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return ()
    return both if address.is_unspecified else (address,)


def answering(
    host: str, ports: Collection[int], sockets: Iterable[ListenSocket]
) -> dict[int, tuple[ListenSocket, ...]]:
    """Map each port to the sockets that a connection to `host` reaches.

    A socket on exactly that address wins over one on every address (0.0.0.0 or ::).
    """
    addresses = addresses_of(host)
    found: dict[int, tuple[ListenSocket, ...]] = {}
    by_port: dict[int, list[ListenSocket]] = {}
    for socket in sockets:
        if socket.port in ports:
            by_port.setdefault(socket.port, []).append(socket)
    for port, listening in by_port.items():
        reached: list[ListenSocket] = []
        for address in addresses:
            exact = [socket for socket in listening if socket.address == address]
            wide = [socket for socket in listening if _is_wide(socket.address, address)]
            reached += exact or wide
        if reached:
            found[port] = tuple(dict.fromkeys(reached))
    return found


def _is_wide(bound: IpAddress, wanted: IpAddress) -> bool:
    """Return whether a socket on every address answers on `wanted`; :: also answers for IPv4 by default."""
    return bound.is_unspecified and (bound.version == 6 or wanted.version == 4)


def _address(text: bytes) -> IpAddress:
    """Read the kernel's hexadecimal address: 32-bit words in the byte order of the machine."""
    raw = bytes.fromhex(text.decode())
    if sys.byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return _plain(ipaddress.ip_address(raw))


def _plain(address: IpAddress) -> IpAddress:
    """Return the IPv4 address inside ::ffff:1.2.3.4, which answers like a socket on 1.2.3.4."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
