"""Knows HTTP: one GET with one deadline and one byte cap; whatever goes wrong comes back as a named failure.

Refuses to know what a status means, and to follow, decompress or send through a proxy anything at all.
"""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from types import TracebackType

import httpx

from metabonk_tui.core.model.sample import BadStatus, Observation
from metabonk_tui.core.status.decode import decode_status
from metabonk_tui.core.text.clean import clean_text

KEEP_ALIVE_S = 4.0
"""uvicorn closes an idle connection after 5 s; we let go first, so that no request meets its closing."""
_REDIRECTS = (301, 302, 303, 307, 308)
if importlib.util.find_spec("sniffio") is None:
    # httpcore imports it several times a request to learn that it is not there, a fifth of what a request costs;
    # None says so at once: https://docs.python.org/3/reference/import.html#the-module-cache.
    sys.modules["sniffio"] = None  # type: ignore[assignment]

_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE_S)
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "metabonk-tui"}


class _Link:
    """One kept connection to one URL.

    A transport for each, because one pool for all searches itself at every request: at 64 workers a poll costs
    three times as much. A bare transport knows neither redirects, proxies from the environment, nor cookies.
    """

    def __init__(self, url: str) -> None:
        self._request = httpx.Request("GET", url, headers=_HEADERS)
        secure = self._request.url.scheme == "https"
        # A context with the system's certificates takes 30 ms to make, and loopback has no use for it.
        verify = True if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._transport = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=_LIMITS)

    async def get(self, max_bytes: int) -> bytes | BadStatus:
        """Ask once. Has no deadline of its own; raises httpx's errors."""
        response = await self._transport.handle_async_request(self._request)
        try:
            refusal = _refuse(response, max_bytes)
            return refusal if refusal is not None else await _body(response, max_bytes)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        await self._transport.aclose()


class StatusClient:
    """Ask workers and orchestrators, all at once if need be. Holds one kept connection for each URL."""

    def __init__(self, timeout_s: float, max_body_bytes: int) -> None:
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes
        self._idle: dict[str, _Link] = {}
        self._closed = False

    async def fetch(self, url: str, max_bytes: int | None = None) -> tuple[bytes | BadStatus, float]:
        """Get a body of at most `max_bytes`, or a named failure; and how long that took, in seconds."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await self._ask(url, max_bytes or self._max_body_bytes)
        except TimeoutError:
            found = BadStatus("timeout", f"no whole answer within {self._timeout_s:g} s")
        return found, time.monotonic() - began

    async def poll(self, url: str) -> Observation:
        """Ask one worker for its status."""
        body, latency_s = await self.fetch(url)
        status = body if isinstance(body, BadStatus) else decode_status(body)
        if isinstance(status, BadStatus):
            return Observation(error=status.error, detail=status.detail, latency_s=latency_s)
        return Observation(status=status, latency_s=latency_s)

    async def aclose(self) -> None:
        """Close every kept connection. What is under way closes its own when it ends."""
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
            # The other side may have closed what we kept, just as we used it: that says nothing about it now.
            if not (isinstance(found, BadStatus) and found.error in ("closed", "reset")):
                return found
        try:
            link = _Link(url)
        except (httpx.InvalidURL, UnicodeError) as error:
            return BadStatus("dns", clean_text(f"not a URL: {error}"))
        return await self._ask_on(link, url, max_bytes)

    async def _ask_on(self, link: _Link, url: str, max_bytes: int) -> bytes | BadStatus:
        """Ask on a link that nobody else uses; keep it when all went well, else close it."""
        good = False
        try:
            found = await link.get(max_bytes)
            good = not isinstance(found, BadStatus)
            return found
        except (httpx.TransportError, UnicodeError) as error:
            return _named(error)
        finally:
            if good and not self._closed and url not in self._idle:
                self._idle[url] = link
            else:
                await link.aclose()


def _refuse(response: httpx.Response, max_bytes: int) -> BadStatus | None:
    """Say why the body is not worth reading."""
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
    """Name a failure of the transport; the operating system's word counts more than the library's."""
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
    # No route, no permission: whatever it is, no connection was made.
    return BadStatus("refused", detail)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came from; happy eyeballs bring one for each address."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__ or error.__context__
