"""Decides whether a Host header names this machine. Guards local servers against pages that own a name for it."""

from __future__ import annotations

import ipaddress


def is_own_name(host: str, configured: str = "localhost") -> bool:
    """Return whether a Host header names this machine's loopback, or the configured address; the port is free."""
    name = host.rpartition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    name = name.lower().removesuffix(".")
    if name in ("localhost", configured.lower()):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
