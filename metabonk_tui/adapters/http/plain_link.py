"""Sends requests to one http URL over one kept connection. Does not: speak TLS; `httpx_link` does."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from metabonk_tui.adapters.http.answer import (
    HAPPY_EYEBALLS_S,
    HEADERS,
    KEEP_ALIVE_S,
    named_os_error,
    own_shortage,
)
from metabonk_tui.adapters.http.connection import Connection, Shared
from metabonk_tui.adapters.http.resolver import resolve_in_daemon_threads
from metabonk_tui.core.model.sample import BadStatus
from metabonk_tui.core.text.clean import clean_text

_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")
_ALL_ERRORS: dict[str, Any] = {"all_errors": True} if sys.version_info >= (3, 12) else {}
"""Makes asyncio raise the errors of all addresses; before 3.12 it joins their texts."""


class PlainLink:
    """One kept connection to one URL."""

    def __init__(self, url: str, shared: Shared) -> None:
        """Prepare. Raises ValueError: not a URL; UnicodeError is one."""
        if _UNPRINTABLE.search(url):
            raise ValueError("it contains a space or a control character")
        parts = urlsplit(url)
        host = parts.hostname
        if not host:
            raise ValueError("no host")
        self._host = host
        self._port = 80 if parts.port is None else parts.port
        self._is_address = _is_address(host)
        # Python loads 40 KB of tables for the IDNA of a name.
        name = host if self._is_address or ":" in host else host.encode("idna").decode()
        self._request = _request(name, parts.port, parts.path, parts.query)
        self._shared = shared
        self._connection: Connection | None = None
        self._used_s = 0.0

    async def get(self, max_bytes: int) -> bytes | BadStatus:
        """Send one request; make the connection first. Raises OSError: the monitor has no file descriptor left."""
        if self._connection is None:
            try:
                self._connection = await self._connect()
            except (OSError, UnicodeError, ExceptionGroup) as error:
                return _named(error)
        found = await self._connection.ask(self._request, max_bytes)
        self._used_s = time.monotonic()
        return found

    def send(self, max_bytes: int, settled: Callable[[bytes | BadStatus], None]) -> None:
        """Send one request on a kept connection. `settled` gets what `get` returns; it must not raise."""
        assert self._connection is not None
        self._used_s = time.monotonic()
        self._connection.send(self._request, max_bytes, settled)

    @property
    def is_kept(self) -> bool:
        """Whether the connection is open and so young that the server still keeps it."""
        connection = self._connection
        return connection is not None and connection.is_open and time.monotonic() - self._used_s < KEEP_ALIVE_S

    @property
    def waited_s(self) -> float:
        """Seconds from the last request until its answer arrived."""
        return 0.0 if self._connection is None else self._connection.waited_s

    def abort(self) -> None:
        """Close the connection, without waiting until its descriptor is free."""
        if self._connection is not None:
            self._connection.abort()

    async def aclose(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.aclose()

    async def _connect(self) -> Connection:
        resolve_in_daemon_threads()
        transport, early = await asyncio.get_running_loop().create_connection(
            _Early,
            self._host,
            self._port,
            # A name may have addresses on which nothing answers.
            happy_eyeballs_delay=None if self._is_address else HAPPY_EYEBALLS_S,
            **_ALL_ERRORS,
        )
        try:
            # No longer the transport's: the reader is removed before its descriptor is closed.
            transport.pause_reading()
            made = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
        finally:
            transport.abort()
        made.setblocking(False)
        connection = Connection(self._shared, made)
        if early.has_data:
            connection.abort()
            raise ConnectionResetError("it sent something before it was asked")
        return connection


class _Early(asyncio.Protocol):
    """Notes what comes before a request was sent."""

    has_data = False

    def data_received(self, data: bytes) -> None:
        self.has_data = True


def _request(host: str, port: int | None, path: str, query: str) -> bytes:
    name = f"[{host}]" if ":" in host else host
    target = quote(path or "/", safe="/%:@!$&'()*+,;=~-._") + (
        f"?{quote(query, safe='/?%:@!$&()*+,;=~-._')}" if query else ""
    )
    lines = [f"GET {target} HTTP/1.1", f"Host: {name}{'' if port is None else f':{port}'}"]
    lines += [f"{key}: {value}" for key, value in HEADERS.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _is_address(host: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    except OSError:
        return False
    return True


def _named(error: Exception) -> BadStatus:
    if (shortage := own_shortage(error)) is not None:
        raise shortage from error
    # For example no route or no permission: no connection was made.
    return named_os_error(error) or BadStatus("refused", clean_text(str(error)))
