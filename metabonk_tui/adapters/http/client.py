"""Sends one HTTP GET with a deadline and a byte limit, and returns every failure as a named BadStatus.

Does not: interpret a status, follow redirects, decompress, or use a proxy.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from types import TracebackType

import httpx

from metabonk_tui.adapters.http.resolver import resolve_in_daemon_threads
from metabonk_tui.adapters.process.descriptors import most_connections
from metabonk_tui.core.model.sample import BadStatus, Observation
from metabonk_tui.core.ports.shortage import is_own_shortage
from metabonk_tui.core.status.decode import decode_status
from metabonk_tui.core.text.clean import clean_text

KEEP_ALIVE_S = 4.0
"""uvicorn closes an idle connection after 5 s; the client closes earlier, so that no request hits a closed one."""
_REDIRECTS = (301, 302, 303, 307, 308)
if importlib.util.find_spec("sniffio") is None:
    # httpcore tries this import several times a request, a fifth of the cost of a request. None in the module
    # cache fails at once: https://docs.python.org/3/reference/import.html#the-module-cache.
    sys.modules["sniffio"] = None  # type: ignore[assignment]

_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE_S)
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "metabonk-tui"}


class _Link:
    """One kept connection to one URL.

    Each URL has its own transport: a shared pool searches all connections at every request, and at 64 workers
    a poll costs three times as much. A bare transport has no redirects, no proxies and no cookies.
    """

    def __init__(self, url: str) -> None:
        self._request = httpx.Request("GET", url, headers=_HEADERS)
        secure = self._request.url.scheme == "https"
        # Loading the system's certificates takes 30 ms, and plain HTTP does not need them.
        verify = True if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._transport = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=_LIMITS)

    async def get(self, max_bytes: int) -> bytes | BadStatus:
        """Send one request, without a deadline. Raises httpx's errors."""
        response = await self._transport.handle_async_request(self._request)
        try:
            refusal = _refuse(response, max_bytes)
            return refusal if refusal is not None else await _body(response, max_bytes)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        await self._transport.aclose()


class StatusClient:
    """Polls workers and orchestrators, also concurrently. Keeps one connection for each URL.

    Where the limit of open files leaves room for fewer connections, the others wait, and none is kept.
    """

    def __init__(self, timeout_s: float, max_body_bytes: int, room: int | None = None) -> None:
        """Prepare; `room` is the number of connections, None: as many as the limit of open files allows."""
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes
        self._idle: dict[str, _Link] = {}
        self._room = room or most_connections()
        self._free = asyncio.Semaphore(self._room)
        self._urls: set[str] = set()
        self._closed = False

    async def fetch(self, url: str, max_bytes: int | None = None) -> tuple[bytes | BadStatus, float]:
        """Return a body of at most `max_bytes` or a named failure, and the seconds that it took.

        Raises OSError when the monitor has no file descriptor left: that says nothing about the worker.
        """
        self._urls.add(url)
        resolve_in_daemon_threads()
        async with self._free:
            began = time.monotonic()
            try:
                async with asyncio.timeout(self._timeout_s):
                    found = await self._ask(url, max_bytes or self._max_body_bytes)
            except TimeoutError:
                found = BadStatus("timeout", f"no whole answer within {self._timeout_s:g} s")
            return found, time.monotonic() - began

    async def poll(self, url: str) -> Observation:
        """Poll one worker's status URL; a failure is in the Observation."""
        body, latency_s = await self.fetch(url)
        status = body if isinstance(body, BadStatus) else decode_status(body)
        if isinstance(status, BadStatus):
            return Observation(error=status.error, detail=status.detail, latency_s=latency_s)
        return Observation(status=status, latency_s=latency_s)

    async def aclose(self) -> None:
        """Close every idle connection. A request under way closes its connection when it ends."""
        self._closed = True
        while self._idle:
            _, link = self._idle.popitem()
            await link.aclose()

    async def __aenter__(self) -> StatusClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _ask(self, url: str, max_bytes: int) -> bytes | BadStatus:
        kept = self._idle.pop(url, None)
        if kept is not None:
            found = await self._ask_on(kept, url, max_bytes)
            # The worker may have closed the idle connection just now: only a new connection shows its state.
            if not (isinstance(found, BadStatus) and found.error in ("closed", "reset")):
                return found
        try:
            link = _Link(url)
        except (httpx.InvalidURL, UnicodeError) as error:
            return BadStatus("dns", clean_text(f"not a URL: {error}"))
        return await self._ask_on(link, url, max_bytes)

    async def _ask_on(self, link: _Link, url: str, max_bytes: int) -> bytes | BadStatus:
        """Send on a link that no other request uses; keep the link after success, else close it."""
        good = False
        try:
            found = await link.get(max_bytes)
            good = not isinstance(found, BadStatus)
            return found
        except (httpx.TransportError, UnicodeError) as error:
            if (shortage := _own_shortage(error)) is not None:
                raise shortage from error
            return _named(error)
        finally:
            keeps = len(self._urls) <= self._room and url not in self._idle
            if good and keeps and not self._closed:
                self._idle[url] = link
            else:
                await link.aclose()


def _refuse(response: httpx.Response, max_bytes: int) -> BadStatus | None:
    """Return why the body must not be read; None: read it."""
    code = response.status_code
    if code in _REDIRECTS:
        return BadStatus("redirect", clean_text(f"to {response.headers.get('location', 'nowhere')}"))
    if code != 200:
        return BadStatus(f"http {code}", clean_text(response.reason_phrase))
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        return BadStatus("encoded", clean_text(f"content-encoding {encoding}"))
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > max_bytes:
        return _too_large(max_bytes)
    return None


async def _body(response: httpx.Response, max_bytes: int) -> bytes | BadStatus:
    body = bytearray()
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for chunk in response.stream:
        body += chunk
        if len(body) > max_bytes:
            return _too_large(max_bytes)
    return bytes(body)


def _too_large(max_bytes: int) -> BadStatus:
    return BadStatus("too large", f"more than {max_bytes} bytes")


def _named(error: Exception) -> BadStatus:
    """Name a failure of the transport; an error of the operating system counts before the library's."""
    detail = clean_text(str(error))
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror | UnicodeError):
            return BadStatus("dns", detail)
        if isinstance(cause, ConnectionRefusedError):
            return BadStatus("refused")
        if isinstance(cause, ConnectionResetError | BrokenPipeError):
            return BadStatus("reset")
    if isinstance(error, httpx.TimeoutException):
        return BadStatus("timeout", detail)
    if isinstance(error, httpx.RemoteProtocolError):
        if "disconnected" in detail or "peer closed" in detail:
            return BadStatus("closed", detail)
        if "too long" in detail:
            return BadStatus("too large", "headers")
        return BadStatus("not json", f"not HTTP: {detail}")
    if isinstance(error, httpx.ReadError | httpx.WriteError | httpx.CloseError):
        return BadStatus("reset", detail)
    if isinstance(error, httpx.UnsupportedProtocol):
        return BadStatus("dns", detail)
    # For example no route or no permission: no connection was made.
    return BadStatus("refused", detail)


def _own_shortage(error: Exception) -> OSError | None:
    """Return the error of a monitor without free descriptors: the worker was not asked, so it did not refuse."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno is not None and is_own_shortage(cause):
            return OSError(cause.errno, os.strerror(cause.errno))
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes; a connection attempt ("happy eyeballs") has one for each address."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__ or error.__context__
