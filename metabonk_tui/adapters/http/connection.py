"""Sends GET requests on one TCP connection and reads the answers with llhttp, the parser of Node.js and aiohttp.

Nothing wakes up for an answer that comes soon: `Shared` looks at all connections that wait. How long an answer took is
the kernel's word, which notes when the bytes arrived; where it does not, each answer wakes the loop.

Does not: choose an address, limit how long a connection takes to be made, or repeat a request.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import httptools

from metabonk_tui.adapters.http.answer import grace_s, not_http, refuse, timed_out, too_large
from metabonk_tui.core.model.sample import BadStatus
from metabonk_tui.core.ports.looks import look_at_s

BUFFER_BYTES = 65_536
MOST_HEAD_BYTES = 102_400
"""The most bytes that may arrive without a byte of the body: headers, early hints, chunk sizes, trailers."""
_SO_TIMESTAMPNS = 35
"""Makes the kernel add to what is read when it arrived, as seconds and nanoseconds of the wall clock."""
_STAMP = struct.Struct("@qq")
_STAMP_BYTES = socket.CMSG_SPACE(_STAMP.size)
_MOST_READS = 16
"""The most reads of one connection in a row: 1 MB, after which the others have their turn."""
_HEADERS = frozenset({b"location", b"content-encoding", b"content-length", b"transfer-encoding"})


class Shared:
    """What the connections of one client share: a read buffer, the looks, and one timer for all deadlines.

    A timer for each request would cost a tenth of a poll. One suffices, because all have the same timeout: who asked
    first is due first. What arrives in the buffer is parsed at once, so one is enough.
    """

    def __init__(self, timeout_s: float) -> None:
        self.bytes = bytearray(BUFFER_BYTES)
        self.view = memoryview(self.bytes)
        self.has_stamps = True
        """Whether the kernel says when an answer arrived."""
        self._timeout_s = timeout_s
        self._due_s: dict[Connection, float] = {}
        """When each waiting connection is due, the earliest first."""
        self._timer: asyncio.TimerHandle | None = None
        self._looks: dict[Connection, int] = {}
        """How often each waiting connection was looked at; one that is not here wakes the loop itself."""
        self._look_timer: asyncio.TimerHandle | None = None

    def expect(self, connection: Connection, *, wakes: bool) -> None:
        """Look for an answer, and let the connection time out, unless `forget` is called before.

        `wakes`: the answer wakes the loop at once.
        """
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        self._due_s[connection] = due_s = now_s + self._timeout_s
        if self._timer is None:
            self._timer = loop.call_at(due_s, self._check, due_s)
        if self.has_stamps and not wakes:
            self._looks[connection] = 0
            self._look_by(look_at_s(now_s, 0))
        else:
            connection.wake_when_readable()

    def forget(self, connection: Connection) -> None:
        """Let a connection wait for nothing."""
        self._due_s.pop(connection, None)
        self._looks.pop(connection, None)

    def close(self) -> None:
        """Stop the timers."""
        for timer in (self._timer, self._look_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._look_timer = None

    def _look_by(self, at_s: float | None) -> None:
        """Look at this time of the loop's clock or earlier; None: no look is due."""
        if at_s is None or (self._look_timer is not None and self._look_timer.when() <= at_s):
            return
        if self._look_timer is not None:
            self._look_timer.cancel()
        self._look_timer = asyncio.get_running_loop().call_at(at_s, self._look)

    def _look(self) -> None:
        self._look_timer = None
        for connection in tuple(self._looks):
            connection.read()
        now_s = asyncio.get_running_loop().time()
        for connection in tuple(self._looks):
            self._looks[connection] += 1
            next_s = look_at_s(now_s, self._looks[connection]) if self.has_stamps else None
            if next_s is None:
                del self._looks[connection]
                connection.wake_when_readable()
            self._look_by(next_s)

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
            connection.read()
            # What it read may have settled it; then another one is the first.
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


class Connection:
    """One connection; one request at a time."""

    def __init__(self, shared: Shared, made: socket.socket) -> None:
        """Take over a socket that is connected and does not block."""
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = made
        self._parser = httptools.HttpResponseParser(self)
        # Servers written by hand end lines without a carriage return.
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)
        self._waiting: Callable[[bytes | BadStatus], None] | None = None
        self._wakes = False
        self._max_bytes = 0
        self._answer = _Answer()
        self._sent_t = self._sent_s = 0.0
        self._arrived_t: float | None = None
        self.waited_s = 0.0
        """Seconds from the last request until its answer arrived."""
        try:
            made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        except OSError:
            shared.has_stamps = False

    @property
    def is_open(self) -> bool:
        """Whether another request may be sent: no other waits, and neither unasked bytes nor the end came."""
        if self._socket is None or self._waiting is not None:
            return False
        try:
            self._socket.recv_into(self._shared.view, 1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        self._close()
        return False

    async def ask(self, request: bytes, max_bytes: int) -> bytes | BadStatus:
        """Send a request; return the body or a named failure, after which the connection is closed.

        The answer wakes the loop: who asks here measures by itself how long that took.
        """
        answered: asyncio.Future[bytes | BadStatus] = self._loop.create_future()
        self._send(request, max_bytes, partial(_set_result, answered), wakes=True)
        return await answered

    def send(self, request: bytes, max_bytes: int, settled: Callable[[bytes | BadStatus], None]) -> None:
        """Send a request. `settled` gets what `ask` returns, once, while the answer is read; it must not raise."""
        self._send(request, max_bytes, settled, wakes=False)

    def _send(
        self, request: bytes, max_bytes: int, settled: Callable[[bytes | BadStatus], None], *, wakes: bool
    ) -> None:
        assert self._socket is not None
        self._max_bytes = max_bytes
        self._answer = _Answer()
        self._waiting = settled
        self._arrived_t = None
        self._sent_t, self._sent_s = time.time(), time.monotonic()
        self._shared.expect(self, wakes=wakes)
        try:
            # The kernel has taken the request before this one, so there is room for a whole one.
            sent = self._socket.send(request)
        except OSError as error:
            self._settle_reset(error)
        else:
            if sent < len(request):
                self.settle(BadStatus("reset", f"the kernel took {sent} of {len(request)} bytes of the request"))

    async def aclose(self) -> None:
        """Close the connection; who asked gets nothing."""
        self.abort()

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
            self.waited_s = self._seconds_waited()
            self._sleep()
            waiting(result)
        if isinstance(result, BadStatus):
            self._close()

    def wake_when_readable(self) -> None:
        """Let the loop call `read` when something arrives, until the answer is whole."""
        if self._socket is not None and self._waiting is not None:
            self._wakes = True
            self._loop.add_reader(self._socket, self.read)

    def read(self) -> None:
        """Read what has arrived."""
        for _ in range(_MOST_READS):
            if self._socket is None or self._waiting is None:
                return
            try:
                count, stamps, _, _ = self._socket.recvmsg_into((self._shared.view,), _STAMP_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                self._settle_reset(error)
                return
            if count == 0:
                self._end()
                return
            if stamps and stamps[0][1] == _SO_TIMESTAMPNS and len(stamps[0][2]) == _STAMP.size:
                whole_s, nanoseconds = _STAMP.unpack(stamps[0][2])
                self._arrived_t = whole_s + nanoseconds / 1e9
            else:
                self._arrived_t, self._shared.has_stamps = None, False
            self._take(count)

    def _take(self, count: int) -> None:
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

    def _end(self) -> None:
        """Take the end of the connection."""
        answer = self._answer
        if answer.reads_to_end:
            self.settle(answer.body())
        elif answer.first_line is not None:
            self.settle(BadStatus("closed", "disconnected before an answer"))
        else:
            self.settle(BadStatus("closed", f"disconnected in the middle of an answer, at byte {answer.body_bytes}"))
        self._close()

    def _settle_reset(self, error: OSError) -> None:
        self.settle(BadStatus("reset", "" if isinstance(error, ConnectionError) else str(error)))

    def _seconds_waited(self) -> float:
        passed_s = time.monotonic() - self._sent_s
        if self._arrived_t is None:
            return passed_s
        waited_s = self._arrived_t - self._sent_t
        # The wall clock may have been set between the two.
        return waited_s if 0 <= waited_s <= passed_s else passed_s

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

    def _sleep(self) -> None:
        if self._wakes and self._socket is not None:
            self._wakes = False
            self._loop.remove_reader(self._socket)

    def _close(self) -> None:
        self._sleep()
        if self._socket is not None:
            with suppress(OSError):  # a reset that was not read yet
                self._socket.close()
            self._socket = None


def _is_within(length: bytes, max_bytes: int) -> bool:
    return length.isdigit() and len(length) < 20 and int(length) <= max_bytes


def _set_result(answered: asyncio.Future[bytes | BadStatus], result: bytes | BadStatus) -> None:
    if not answered.done():
        answered.set_result(result)
