"""Sends GET requests on one TCP connection and reads the answers with llhttp, the parser of Node.js and aiohttp.

Does not: choose an address, limit how long a connection takes to be made, or repeat a request.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from functools import partial

import httptools

from metabonk_tui.adapters.http.answer import grace_s, not_http, refuse, timed_out, too_large
from metabonk_tui.core.model.sample import BadStatus

BUFFER_BYTES = 65_536
MOST_HEAD_BYTES = 102_400
"""The most bytes that may arrive without a byte of the body: headers, early hints, chunk sizes, trailers."""
_HEADERS = frozenset({b"location", b"content-encoding", b"content-length", b"transfer-encoding"})


class Shared:
    """What the connections of one client share: a read buffer, and one timer for all deadlines.

    A timer for each request would cost a tenth of a poll. One suffices, because all have the same timeout: who asked
    first is due first. What arrives in the buffer is parsed at once, so one is enough.
    """

    def __init__(self, timeout_s: float) -> None:
        self.bytes = bytearray(BUFFER_BYTES)
        self.view = memoryview(self.bytes)
        self._timeout_s = timeout_s
        self._due_s: dict[Connection, float] = {}
        """When each waiting connection is due, the earliest first."""
        self._timer: asyncio.TimerHandle | None = None

    def expect(self, connection: Connection) -> None:
        """Let a connection time out, unless `forget` is called before."""
        loop = asyncio.get_running_loop()
        self._due_s[connection] = due_s = loop.time() + self._timeout_s
        if self._timer is None:
            self._timer = loop.call_at(due_s, self._check, due_s)

    def forget(self, connection: Connection) -> None:
        """Let a connection wait for nothing."""
        self._due_s.pop(connection, None)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self, planned_s: float) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        if (more_s := grace_s(loop.time() - planned_s)) > 0 and self._due_s:
            self._timer = loop.call_later(more_s, self._check, math.inf)
            return
        while self._due_s:
            connection, due_s = next(iter(self._due_s.items()))
            if due_s > loop.time():
                self._timer = loop.call_at(due_s, self._check, due_s)
                return
            connection.settle(timed_out(self._timeout_s))


class _Answer:
    """What has come of one answer."""

    __slots__ = (
        "body_bytes",
        "first_line",
        "headers",
        "is_interim",
        "overhead_bytes",
        "parts",
        "reads_to_end",
        "reason",
    )

    def __init__(self) -> None:
        self.first_line: bytearray | None = bytearray()
        """None: it is complete. Half a line shows nothing but a lost connection."""
        self.reason = b""
        self.headers: dict[bytes, bytes] = {}
        self.is_interim = False
        self.reads_to_end = False
        """Whether only the end of the connection ends the body."""
        self.parts: list[bytes] = []
        self.body_bytes = 0
        self.overhead_bytes = 0
        """Bytes since the last byte of the body."""

    def body(self) -> bytes:
        return self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)


class Connection(asyncio.BufferedProtocol):
    """One connection; one request at a time."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._ended = self._loop.create_future()
        self._parser = httptools.HttpResponseParser(self)
        # Servers written by hand end lines without a carriage return.
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)
        self._waiting: Callable[[bytes | BadStatus], None] | None = None
        self._max_bytes = 0
        self._answer = _Answer()

    @property
    def is_open(self) -> bool:
        """Whether another request may be sent."""
        return self._transport is not None and self._waiting is None and not self._transport.is_closing()

    async def ask(self, request: bytes, max_bytes: int) -> bytes | BadStatus:
        """Send a request; return the body or a named failure, after which the connection is closed."""
        answered: asyncio.Future[bytes | BadStatus] = self._loop.create_future()
        self.send(request, max_bytes, partial(_set_result, answered))
        return await answered

    def send(self, request: bytes, max_bytes: int, settled: Callable[[bytes | BadStatus], None]) -> None:
        """Send a request. `settled` gets what `ask` returns, once, while the answer is read; it must not raise."""
        assert self._transport is not None
        self._max_bytes = max_bytes
        self._answer = _Answer()
        self._waiting = settled
        self._shared.expect(self)
        self._transport.write(request)

    async def aclose(self) -> None:
        """Close the connection and wait until its descriptor is free."""
        self._waiting = None
        self._shared.forget(self)
        if self._transport is not None:
            self._transport.abort()
            await self._ended

    def abort(self) -> None:
        """Close the connection; who asked gets nothing."""
        self._waiting = None
        self._shared.forget(self)
        self._close()

    def settle(self, result: bytes | BadStatus) -> None:
        """Return this to who asked; after a failure the connection is of no more use."""
        waiting, self._waiting = self._waiting, None
        self._shared.forget(self)
        self._answer.parts = []  # an idle connection keeps no body
        if waiting is not None:
            waiting(result)
        if isinstance(result, BadStatus):
            self._close()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._shared.view

    def buffer_updated(self, count: int) -> None:
        if self._waiting is None:
            self._close()  # nothing was asked
            return
        answer = self._answer
        body_bytes = answer.body_bytes
        if not answer.first_line and self._shared.bytes.find(b"\n", 0, count) >= 0:
            answer.first_line = None
        if answer.first_line is None:
            self._feed(self._shared.view[:count])
        else:
            self._feed_first_line(answer.first_line, count)
        if self._waiting is not None:
            answer.overhead_bytes = answer.overhead_bytes + count if body_bytes == answer.body_bytes else 0
            if answer.overhead_bytes > MOST_HEAD_BYTES:
                self.settle(BadStatus("too large", "headers"))

    def eof_received(self) -> None:
        answer = self._answer
        if self._waiting is None:
            return
        if answer.reads_to_end:
            self.settle(answer.body())
        elif answer.first_line is not None:
            self.settle(BadStatus("closed", "disconnected before an answer"))
        else:
            self.settle(BadStatus("closed", f"disconnected in the middle of an answer, at byte {answer.body_bytes}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self.eof_received()
        elif self._waiting is not None:
            self.settle(BadStatus("reset", "" if isinstance(exc, ConnectionError) else str(exc)))
        if not self._ended.done():
            self._ended.set_result(None)

    # What the parser calls. An exception here would be lost in the parser.

    def on_status(self, reason: bytes) -> None:
        self._answer.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.lower()
        if key in _HEADERS:
            known = self._answer.headers.get(key)
            self._answer.headers[key] = value if known is None else known + b", " + value

    def on_headers_complete(self) -> None:
        code = self._parser.get_status_code()
        self._answer.is_interim = 100 <= code < 200 and code != 101
        if self._waiting is None or self._answer.is_interim:
            return
        length = self._answer.headers.get(b"content-length")
        if (
            code == 200
            and length is not None
            and len(self._answer.headers) == 1
            and _is_within(length, self._max_bytes)
        ):
            return  # the usual head: nothing to refuse, and the length ends the body
        head = {name: value.decode("latin-1") for name, value in self._answer.headers.items()}
        location, encoding = head.get(b"location", ""), head.get(b"content-encoding", "")
        transfer = head.get(b"transfer-encoding")
        reason = self._answer.reason.decode("latin-1")
        refusal = refuse(code, reason, location, encoding, head.get(b"content-length", ""), self._max_bytes)
        if refusal is not None:
            self.settle(refusal)
        elif transfer is not None and transfer.strip().lower() != "chunked":
            self.settle(not_http(f"transfer-encoding {transfer}"))
        self._answer.reads_to_end = length is None and transfer is None

    def on_body(self, part: bytes) -> None:
        if self._waiting is None:
            return
        self._answer.parts.append(part)
        self._answer.body_bytes += len(part)
        if self._answer.body_bytes > self._max_bytes:
            self.settle(too_large(self._max_bytes))

    def on_message_begin(self) -> None:
        if self._waiting is None:
            self._close()  # an answer that was not asked for

    def on_message_complete(self) -> None:
        if self._answer.is_interim:
            self._answer.headers, self._answer.reason = {}, b""
        elif self._waiting is not None:
            self.settle(self._answer.body())
            if not self._parser.should_keep_alive():
                self._close()

    def _feed_first_line(self, line: bytearray, count: int) -> None:
        line += self._shared.view[:count]
        if b"\n" in line:
            self._answer.first_line = None
            self._feed(line)

    def _feed(self, data: bytearray | memoryview) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if self._waiting is not None:
                self.settle(not_http(error))
            self._close()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _is_within(length: bytes, max_bytes: int) -> bool:
    return length.isdigit() and len(length) < 20 and int(length) <= max_bytes


def _set_result(answered: asyncio.Future[bytes | BadStatus], result: bytes | BadStatus) -> None:
    if not answered.done():
        answered.set_result(result)
