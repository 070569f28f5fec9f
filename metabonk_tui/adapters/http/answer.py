"""Names what is wrong with an HTTP answer or a connection, for every client alike. Does not: send or read anything."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Protocol

from metabonk_tui.core.model.sample import BadStatus
from metabonk_tui.core.ports.shortage import is_own_shortage
from metabonk_tui.core.text.clean import clean_text

HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "metabonk-tui"}
KEEP_ALIVE_S = 4.0
"""uvicorn closes an idle connection after 5 s; the client closes earlier, so that no request hits a closed one."""
HAPPY_EYEBALLS_S = 0.25
"""How long a connection attempt runs alone; then the host's next address is tried beside it."""
LATE_S = 0.05
"""A timer of an event loop that has time is late by a few ms."""
_REDIRECTS = (301, 302, 303, 307, 308)


class Link(Protocol):
    """One kept connection to one URL; it sends one request at a time."""

    async def get(self, max_bytes: int) -> bytes | BadStatus:
        """Send one request. An answer has the client's timeout; making a connection has none.

        Raises OSError: the monitor has no file descriptor left.
        """
        ...

    @property
    def is_kept(self) -> bool:
        """Whether the link can be used for another request."""
        ...

    async def aclose(self) -> None:
        """Close the connection."""
        ...


def refuse(code: int, reason: str, location: str, encoding: str, length: str, max_bytes: int) -> BadStatus | None:
    """Return why the body must not be read, from the head of an answer; None: read it."""
    if code in _REDIRECTS:
        return BadStatus("redirect", clean_text(f"to {location or 'nowhere'}"))
    if code != 200:
        return BadStatus(f"http {code}", clean_text(reason))
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity"):
        return BadStatus("encoded", clean_text(f"content-encoding {encoding}"))
    if length.isdecimal() and int(length[:20]) > max_bytes:
        return too_large(max_bytes)
    return None


def too_large(max_bytes: int) -> BadStatus:
    """Name a body beyond the limit."""
    return BadStatus("too large", f"more than {max_bytes} bytes")


def timed_out(timeout_s: float) -> BadStatus:
    """Name an answer that did not come in time, or not whole."""
    return BadStatus("timeout", f"no whole answer within {timeout_s:g} s")


def grace_s(late_s: float) -> float:
    """Return how long to put off a deadline that the event loop itself reaches so late.

    A step for 1000 workers, or a busy machine, stops the loop: then the answer may be there, and was not read yet.
    """
    return late_s if late_s > LATE_S else 0.0


def not_http(why: object) -> BadStatus:
    """Name an answer that is not HTTP."""
    return BadStatus("not json", clean_text(f"not HTTP: {why}"))


def named_os_error(error: BaseException) -> BadStatus | None:
    """Name a failure that the operating system or the resolver reported, also as a cause; None: it reported none."""
    for cause in causes(error):
        if isinstance(cause, socket.gaierror | UnicodeError):
            return BadStatus("dns", clean_text(str(error)))
        if isinstance(cause, ConnectionRefusedError):
            return BadStatus("refused")
        if isinstance(cause, ConnectionResetError | BrokenPipeError):
            return BadStatus("reset")
    return None


def own_shortage(error: BaseException) -> OSError | None:
    """Return the error of a monitor without free descriptors: the worker was not asked, so it did not refuse."""
    for cause in causes(error):
        if isinstance(cause, OSError) and cause.errno is not None and is_own_shortage(cause):
            return OSError(cause.errno, os.strerror(cause.errno))
    return None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes; a connection attempt ("happy eyeballs") has one for each address."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from causes(member)
        error = error.__cause__ or error.__context__
