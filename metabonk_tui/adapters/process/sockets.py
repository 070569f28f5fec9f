"""Finds listening TCP sockets, their owners and processes, from the kernel's tables and the open files in /proc.

Does not: connect to a port, or know which port belongs to a pool.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket as sockets
import sys
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from metabonk_tui.adapters.process import socket_diag
from metabonk_tui.adapters.process.proc import read_bytes

_LISTENING, _LISTENING_ROW = b"0A", b" 0A "
LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
_WIDE_V4, _WIDE_V6 = ipaddress.IPv4Address("0.0.0.0"), ipaddress.IPv6Address("::")
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class ListenSocket(NamedTuple):
    """One listening socket. `link` names it as the links in /proc/PID/fd do."""

    link: str
    address: IpAddress
    port: int
    uid: int
    """The user that made the socket; the kernel shows it to every user."""
    ipv6_only: bool = False
    """Whether an IPv6 socket takes no IPv4 connections: another pool may listen on the same port of IPv4."""

    @property
    def addresses(self) -> tuple[IpAddress, ...]:
        """The addresses on which it listens: :: without IPV6_V6ONLY is every address of both families."""
        return (_WIDE_V4, _WIDE_V6) if self.address == _WIDE_V6 and not self.ipv6_only else (self.address,)

    def is_wide_for(self, wanted: IpAddress) -> bool:
        """Return whether it listens on every address of the family of `wanted`."""
        return any(address.is_unspecified and address.version == wanted.version for address in self.addresses)


def listen_sockets(pid: int | None = None) -> tuple[ListenSocket, ...]:
    """List the listening sockets in the network namespace of `pid`; None: the monitor's.

    An unreadable table counts as empty.
    """
    listed = socket_diag.listening() if pid is None else None
    if listed is None:
        return _from_tables("self" if pid is None else str(pid))
    return tuple(
        ListenSocket(f"socket:[{each.inode}]", _on_wire(each.address), each.port, each.uid, each.ipv6_only)
        for each in listed
    )


def _from_tables(pid: str) -> tuple[ListenSocket, ...]:
    """List the listening sockets by the tables in /proc, which do not show IPV6_V6ONLY."""
    found: list[ListenSocket] = []
    for table in ("tcp", "tcp6"):
        text = read_bytes(f"/proc/{pid}/net/{table}") or b""
        # Most rows are connections: with 1000 workers, two for each.
        for row in (line.split() for line in text.splitlines()[1:] if _LISTENING_ROW in line):
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
    text = host.strip("[] ").rstrip(".").lower()
    if text in LOOPBACK_NAMES:
        return both[1:] if text.startswith("ip6") else both
    address = parse_address(text)
    if address is None:
        return ()
    return both if address.is_unspecified else (_plain(address),)


def parse_address(text: str) -> IpAddress | None:
    """Parse an address, also the short forms that connect() takes, such as 127.1; None: a name."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    if not re.fullmatch(r"[0-9]+(\.[0-9]+){1,2}", text):
        return None
    try:
        return ipaddress.IPv4Address(sockets.inet_aton(text))
    except OSError:
        return None


def answering(
    host: str, ports: Collection[int], sockets: Iterable[ListenSocket]
) -> dict[int, tuple[ListenSocket, ...]]:
    """Map each port to the sockets that a connection to `host` reaches.

    A socket on exactly that address wins over one on every address (0.0.0.0 or ::). Of the two addresses of
    `localhost` 127.0.0.1 wins, as it does for the polls: on ::1 another pool may listen.
    """
    addresses, ports = addresses_of(host), frozenset(ports)
    found: dict[int, tuple[ListenSocket, ...]] = {}
    by_port: dict[int, list[ListenSocket]] = {}
    for socket in sockets:
        if socket.port in ports:
            by_port.setdefault(socket.port, []).append(socket)
    for port, listening in by_port.items():
        for address in addresses:
            exact = [socket for socket in listening if socket.address == address]
            wide = [socket for socket in listening if socket.is_wide_for(address)]
            if reached := exact or wide:
                found[port] = tuple(dict.fromkeys(reached))
                break
    return found


@lru_cache(maxsize=256)
def _address(text: bytes) -> IpAddress:
    """Read the kernel's hexadecimal address: 32-bit words in the byte order of the machine."""
    raw = bytes.fromhex(text.decode())
    if sys.byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return _plain(ipaddress.ip_address(raw))


@lru_cache(maxsize=256)
def _on_wire(address: bytes) -> IpAddress:
    return _plain(ipaddress.ip_address(address))


def _plain(address: IpAddress) -> IpAddress:
    """Return the IPv4 address inside ::ffff:1.2.3.4, which answers like a socket on 1.2.3.4."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
