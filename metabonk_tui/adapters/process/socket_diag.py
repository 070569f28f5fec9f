"""Asks the kernel for the listening TCP sockets alone, and which of IPv6 take no IPv4 connections.

Reading them from /proc costs 6 ms: the kernel walks the table of all connections. /proc does not show IPV6_V6ONLY
either: two pools may listen on the same ports, one on 0.0.0.0 and one on `::` with IPV6_V6ONLY, as asyncio sets it.
Does not: connect to a port.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

_NETLINK_SOCK_DIAG = 4  # include/uapi/linux/netlink.h
_SOCK_DIAG_BY_FAMILY = 20  # include/uapi/linux/sock_diag.h
_REQUEST_AND_DUMP = 0x301
_INTERRUPTED = 0x10
_DONE, _ERROR = 3, 2
_LISTEN = 1 << 10
_V6ONLY = 11  # INET_DIAG_SKV6ONLY, include/uapi/linux/inet_diag.h
_HEADER = struct.Struct("=IHHII")
_QUESTION = struct.Struct("=BBBxI48x")
_ANSWER = struct.Struct("=4B2s2x16s16x12x3III")
_ATTRIBUTE = struct.Struct("=HH")
_ADDRESS_BYTES = {socket.AF_INET: 4, socket.AF_INET6: 16}
_LIMIT_S = 1.0


class Listening(NamedTuple):
    """One listening socket as the kernel describes it."""

    inode: int
    address: bytes
    """4 or 16 bytes, as on the wire."""
    port: int
    uid: int
    ipv6_only: bool


def listening() -> list[Listening] | None:
    """List the listening sockets of the monitor's network namespace; None where the kernel does not answer whole."""
    found: list[Listening] = []
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as channel:
            channel.settimeout(_LIMIT_S)
            for family in _ADDRESS_BYTES:
                question = _QUESTION.pack(family, socket.IPPROTO_TCP, 0, _LISTEN)
                length = _HEADER.size + len(question)
                channel.send(_HEADER.pack(length, _SOCK_DIAG_BY_FAMILY, _REQUEST_AND_DUMP, 1, 0) + question)
                while _read(channel.recv(1 << 16), found):
                    pass
    except (OSError, struct.error, LookupError):
        # No netlink, or not for this user.
        return None
    return found


def _read(answer: bytes, found: list[Listening]) -> bool:
    """Collect the sockets of one answer; return whether more answers follow. Raises OSError for half an answer."""
    at = 0
    while at < len(answer):
        length, kind, flags, *_ = _HEADER.unpack_from(answer, at)
        if kind == _ERROR or length < _HEADER.size or flags & _INTERRUPTED:
            raise OSError("the kernel did not list the sockets")
        if kind == _DONE:
            return False
        body = at + _HEADER.size
        family, *_, port, address, _, _, _, uid, inode = _ANSWER.unpack_from(answer, body)
        only = _is_v6_only(answer[body + _ANSWER.size : at + length])
        found.append(
            Listening(inode, address[: _ADDRESS_BYTES[family]], int.from_bytes(port, "big"), uid, ipv6_only=only)
        )
        at += (length + 3) & ~3
    if not answer:
        raise OSError("the kernel did not list the sockets")
    return True


def _is_v6_only(attributes: bytes) -> bool:
    at = 0
    while at + _ATTRIBUTE.size < len(attributes):
        length, kind = _ATTRIBUTE.unpack_from(attributes, at)
        if kind == _V6ONLY:
            return attributes[at + _ATTRIBUTE.size] == 1
        if length < _ATTRIBUTE.size:
            return False
        at += (length + 3) & ~3
    return False
