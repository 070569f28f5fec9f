"""Looks up a host name once, within a limit. Does not: keep or return the addresses."""

from __future__ import annotations

import socket
import threading

from metabonk_tui.core.text.clean import clean_text

LIMIT_S = 3.0
"""Real seconds that a name server may take. A thread that waits longer ends with the program."""


def why_unresolved(host: str, limit_s: float = LIMIT_S) -> str:
    """Return why the host has no address; "" when it has one, or when no answer came within the limit."""
    problems: list[str] = []

    def look_up() -> None:
        try:
            socket.getaddrinfo(host, None)
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else "not a host name"
            problems.append(clean_text(f"{host} cannot be resolved: {why}"))

    thread = threading.Thread(target=look_up, name="look up a host", daemon=True)
    thread.start()
    thread.join(limit_s)
    return problems[0] if problems else ""
