"""Sends requests with httpx: for https, which an orchestrator behind a proxy may speak, and for webhooks.

Importing httpx costs as much CPU as a second of monitoring, so this module is imported only for such a URL.
Does not: follow redirects, decompress, or use a proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import ssl
import sys
from collections.abc import Mapping

import httpx
from msgspec import Struct

from metabonk_tui.adapters.http.answer import (
    HEADERS,
    KEEP_ALIVE_S,
    named_os_error,
    not_http,
    own_shortage,
    refuse,
    timed_out,
    too_large,
)
from metabonk_tui.adapters.http.resolver import resolve_in_daemon_threads
from metabonk_tui.core.model.sample import BadStatus
from metabonk_tui.core.text.clean import clean_text

if importlib.util.find_spec("sniffio") is None:
    # httpcore tries this import several times a request, a fifth of the cost of a request. None in the module
    # cache fails at once: https://docs.python.org/3/reference/import.html#the-module-cache.
    sys.modules["sniffio"] = None  # type: ignore[assignment]

_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE_S)


class HttpxLink:
    """One kept connection to one URL.

    Each URL has its own transport: a shared pool searches all connections at every request, and at 64 workers
    a poll costs three times as much. A bare transport has no redirects, no proxies and no cookies.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        """Prepare. Raises ValueError: not a URL."""
        try:
            self._request = httpx.Request("GET", url, headers=HEADERS)
        except httpx.InvalidURL as error:
            raise ValueError(str(error)) from error
        self._timeout_s = timeout_s
        secure = self._request.url.scheme == "https"
        # Loading the system's certificates takes 30 ms, and plain HTTP does not need them.
        verify = True if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._transport = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=_LIMITS)

    async def get(self, max_bytes: int) -> bytes | BadStatus:
        """Send one request. Raises OSError: the monitor has no file descriptor left."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._get(max_bytes)
        except TimeoutError:
            return timed_out(self._timeout_s)
        except (httpx.TransportError, UnicodeError) as error:
            return _named(error)

    @property
    def is_kept(self) -> bool:
        """True: the transport itself replaces a connection that is too old."""
        return True

    async def aclose(self) -> None:
        """Close the connection."""
        await self._transport.aclose()

    async def _get(self, max_bytes: int) -> bytes | BadStatus:
        response = await self._transport.handle_async_request(self._request)
        try:
            header = response.headers.get
            refusal = refuse(
                response.status_code,
                response.reason_phrase,
                header("location", ""),
                header("content-encoding", ""),
                header("content-length", ""),
                max_bytes,
            )
            return refusal if refusal is not None else await _body(response, max_bytes)
        finally:
            await response.aclose()


class PostAnswer(Struct, frozen=True):
    """The answer to a POST."""

    code: int
    retry_after: str
    body: bytes
    """Its begin, of a refusal only: what a success says is not read."""


async def post(
    url: str, headers: Mapping[str, str], content: bytes, timeout_s: float, max_bytes: int
) -> PostAnswer | BadStatus:
    """Send one POST on a connection of its own; read at most `max_bytes` of a refusal.

    `timeout_s` limits name server, connection and head of the answer together. Certificates count by the lists of
    certifi and of the system. Raises OSError: the monitor has no file descriptor left.
    """
    resolve_in_daemon_threads()
    trusted = httpx.create_ssl_context(trust_env=False)
    trusted.load_default_certs()
    transport = httpx.AsyncHTTPTransport(verify=trusted, trust_env=False, limits=_LIMITS)
    try:
        async with asyncio.timeout(timeout_s):
            request = httpx.Request("POST", url, headers={**HEADERS, **headers}, content=content)
            response = await transport.handle_async_request(request)
        return PostAnswer(
            response.status_code,
            response.headers.get("retry-after", ""),
            b"" if response.is_success else await _begin(response, timeout_s, max_bytes),
        )
    except TimeoutError:
        return timed_out(timeout_s)
    except httpx.InvalidURL as error:
        return BadStatus("dns", clean_text(str(error)))
    except (httpx.TransportError, UnicodeError) as error:
        return _named(error)
    finally:
        await transport.aclose()


async def _begin(response: httpx.Response, timeout_s: float, max_bytes: int) -> bytes:
    """Read the begin of a body, as far as it comes in time: the head has said what counts."""
    body = bytearray()
    assert isinstance(response.stream, httpx.AsyncByteStream)
    with contextlib.suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout(timeout_s):
            async for chunk in response.stream:
                body += chunk
                if len(body) >= max_bytes:
                    break
    return bytes(body[:max_bytes])


async def _body(response: httpx.Response, max_bytes: int) -> bytes | BadStatus:
    body = bytearray()
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for chunk in response.stream:
        body += chunk
        if len(body) > max_bytes:
            return too_large(max_bytes)
    return bytes(body)


def _named(error: Exception) -> BadStatus:
    """Name a failure of the transport; an error of the operating system counts before the library's."""
    if (shortage := own_shortage(error)) is not None:
        raise shortage from error
    if (named := named_os_error(error)) is not None:
        return named
    detail = clean_text(str(error))
    if isinstance(error, httpx.TimeoutException):
        return BadStatus("timeout", detail)
    if isinstance(error, httpx.RemoteProtocolError):
        if "disconnected" in detail or "peer closed" in detail:
            return BadStatus("closed", detail)
        if "too long" in detail:
            return BadStatus("too large", "headers")
        return not_http(detail)
    if isinstance(error, httpx.ReadError | httpx.WriteError | httpx.CloseError):
        return BadStatus("reset", detail)
    if isinstance(error, httpx.UnsupportedProtocol):
        return BadStatus("dns", detail)
    # For example no route or no permission: no connection was made.
    return BadStatus("refused", detail)
