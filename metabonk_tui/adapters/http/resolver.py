"""Resolves host names in daemon threads, so that a slow name server delays neither the polls nor the end.

asyncio resolves in its default executor and joins that thread at the end: 15 s and more with a name server that does
not answer. Does not: cache answers; a worker may move.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

_Address = tuple[int, int, int, str, tuple[Any, ...]]
_Key = tuple[str, int, int, int, int]
_INSTALLED = "_metabonk_resolver"


class DaemonResolver:
    """Replaces `getaddrinfo` of one event loop. Lookups of one host share one thread, also those of other ports."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._under_way: dict[_Key, asyncio.Future[list[_Address]]] = {}

    async def getaddrinfo(
        self,
        host: str | bytes | None,
        port: str | int | None,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[_Address]:
        """Resolve like `socket.getaddrinfo`. Raises OSError; may take as long as the name server."""
        name = host.decode() if isinstance(host, bytes) else host or ""
        key = (name, family, type, proto, flags)
        found = self._under_way.get(key)
        if found is None:
            found = self._under_way[key] = self._loop.create_future()
            found.add_done_callback(lambda _: self._under_way.pop(key, None))
            threading.Thread(target=self._look_up, args=(key, found), name=f"resolve {name}"[:15], daemon=True).start()
        # A poll that gives up must not end the lookup for the others.
        addresses = await asyncio.shield(found)
        number = int(port or 0)
        return [(*head, (where[0], number, *where[2:])) for *head, where in addresses]  # type: ignore[misc]

    def _look_up(self, key: _Key, found: asyncio.Future[list[_Address]]) -> None:
        name, family, kind, proto, flags = key
        addresses: list[Any] = []
        error: OSError | UnicodeError | None = None
        try:
            addresses = socket.getaddrinfo(name or None, 0, family, kind, proto, flags)
        except (OSError, UnicodeError) as failure:
            error = failure
        try:
            self._loop.call_soon_threadsafe(_settle, found, addresses, error)
        except RuntimeError:
            # The loop has ended: nothing waits for the answer any more.
            return


def _settle(
    found: asyncio.Future[list[_Address]], addresses: list[_Address], error: OSError | UnicodeError | None
) -> None:
    if found.done():
        return
    if error is None:
        found.set_result(addresses)
    else:
        found.set_exception(error)
        # With every poll timed out, no task reads the exception.
        found.exception()


def resolve_in_daemon_threads() -> None:
    """Install the resolver in the running event loop, once."""
    loop = asyncio.get_running_loop()
    if not hasattr(loop, _INSTALLED):
        setattr(loop, _INSTALLED, True)
        loop.getaddrinfo = DaemonResolver(loop).getaddrinfo  # type: ignore[assignment,method-assign]
