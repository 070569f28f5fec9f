"""Reads the address of another pool as a person types it, and finds one that was seen. Pure. Does not: ask it."""

from __future__ import annotations

import re

from metabonk_tui.core.config.consistency import is_host
from metabonk_tui.core.model.snapshot import Snapshot

FORMS = "5600, node2 or node2:5600"
LAST_PORT = 65535
_LISTENS_ON = re.compile(r"\blistens? on (\d+)")


def options_of(text: str) -> tuple[str, ...]:
    """Return the options that watch the pool at this address: a port, a host or both; () for any other text."""
    host, port = text.strip(), ""
    if _is_number(host):
        host, port = "", host
    elif host.startswith("["):
        # The brackets separate an IPv6 address from its port.
        host, bracket, rest = host[1:].partition("]")
        port = rest.removeprefix(":")
        if not bracket or rest == ":" or (rest and not rest.startswith(":")):
            return ()
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
        if not host or not port:
            return ()
    if port and not (_is_number(port) and 1 <= int(port) <= LAST_PORT):
        return ()
    if host and not is_host(host):
        return ()
    return (*(("--host", host) if host else ()), *(("--base-port", port) if port else ()))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def seen_port(snapshot: Snapshot) -> str:
    """Return the first port on which workers listen that this monitor does not ask; "" for none."""
    found = _LISTENS_ON.search(snapshot.pool.elsewhere)
    return found[1] if found else ""
