"""Knows whether a host is this machine. What runs elsewhere has its own memory and processes, not ours."""

from __future__ import annotations

import ipaddress

import psutil


def is_this_machine(host: str) -> bool:
    """Tell whether workers on this host share our memory and processes; a name counts as elsewhere."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return True
    ours = {entry.address.split("%")[0] for entries in psutil.net_if_addrs().values() for entry in entries}
    return str(address) in ours
