"""Decides whether a host is this machine: workers on another machine do not use our memory and process table."""

from __future__ import annotations

import ipaddress
import re

from metabonk_tui.adapters.process.proc import read_bytes

_LOCAL_IPV4 = re.compile(rb"\|-- (\S+)\n\s+/32 host LOCAL")


def is_this_machine(host: str) -> bool:
    """Return whether a host is this machine; a name other than `localhost` counts as another machine."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return True
    return str(address) in _own_addresses()


def _own_addresses() -> set[str]:
    """Read the addresses of this machine's interfaces from the kernel's tables."""
    ipv4 = {found.decode() for found in _LOCAL_IPV4.findall(read_bytes("/proc/net/fib_trie") or b"")}
    ipv6 = (read_bytes("/proc/net/if_inet6") or b"").splitlines()
    return ipv4 | {str(ipaddress.IPv6Address(int(line[:32], 16))) for line in ipv6}
