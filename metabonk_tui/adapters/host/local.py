"""Decides whether a host is this machine, and gives each host of a pool one spelling.

Workers on another machine do not use our memory and process table. Does not: ask a resolver.
"""

from __future__ import annotations

import ipaddress
import re

from metabonk_tui.adapters.process.proc import read_bytes
from metabonk_tui.adapters.process.sockets import LOOPBACK_NAMES, parse_address

_LOCAL_IPV4 = re.compile(rb"\|-- (\S+)\n\s+/32 host LOCAL")


def canonical_host(host: str) -> str:
    """Return the one spelling of a host: `localhost`, 0.0.0.0 and 127.1 are 127.0.0.1; 127.0.0.2 is another pool.

    ::1 stays ::1: workers that listen there and workers on 127.0.0.1 can be two pools on the same ports.
    """
    text = host.strip().strip("[]").rstrip(".").lower()
    if text in LOOPBACK_NAMES:
        return "::1" if text.startswith("ip6") else "127.0.0.1"
    address = parse_address(text)
    if address is None:
        return text
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_unspecified:
        # A connection to the address of every interface arrives at the loopback.
        return "127.0.0.1" if address.version == 4 else "::1"
    return str(address)


def is_this_machine(host: str) -> bool:
    """Return whether a host is this machine; a name other than those of the loopback counts as another machine."""
    try:
        address = ipaddress.ip_address(canonical_host(host))
    except ValueError:
        return False
    return address.is_loopback or str(address) in _own_addresses()


def _own_addresses() -> set[str]:
    """Read the addresses of this machine's interfaces from the kernel's tables."""
    ipv4 = {found.decode() for found in _LOCAL_IPV4.findall(read_bytes("/proc/net/fib_trie") or b"")}
    ipv6 = (read_bytes("/proc/net/if_inet6") or b"").splitlines()
    return ipv4 | {str(ipaddress.IPv6Address(int(line[:32], 16))) for line in ipv6}
