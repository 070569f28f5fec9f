"""A small HTTP server for one page: one thread, few connections, short deadlines, and only for this machine's names.

A client that sends nothing costs a connection until a newer one needs it, at most 5 s. A foreign Host header is
refused, so that no web page can read the page through a name that it owns. Does not: know what the page contains.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import time
from collections.abc import Callable
from threading import Thread

from msgspec import Struct, field

from metabonk_tui.adapters.http.own_name import is_own_name

LOG = logging.getLogger(__name__)
MAX_CONNECTIONS = 8
DEADLINE_S = 5.0
"""Seconds for one whole request and its answer."""
MAX_HEAD_BYTES = 8192
BACKLOG = 128
CLOSE_S = 2.0
PATHS = ("/metrics", "/")
REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    421: "Misdirected Request",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
}

ScrapedPage = tuple[str, bytes]
"""Content type and content."""


class _Connection(Struct):
    socket: socket.socket
    ends_s: float
    received: bytearray = field(default_factory=bytearray)
    answer: memoryview | None = None
    """What is still to be sent; None: the request is not complete."""


class ScrapeServer:
    """Answers GET on one port until `close`."""

    def __init__(self, host: str, port: int, render: Callable[[str], ScrapedPage]) -> None:
        """Open the port; 0 takes a free one. `render` gets the Accept header. Raises OSError."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._host = host
        self._render = render
        self._connections: dict[int, _Connection] = {}
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._closing = False
        self._thread = Thread(target=self._serve, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Free the port and drop every client; waits at most 2 s for a page that is being computed."""
        if self._closing:
            return
        self._closing = True
        os.write(self._wake_write, b"x")
        self._thread.join(CLOSE_S)
        if not self._thread.is_alive():
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _serve(self) -> None:
        try:
            while not self._closing:
                self._step()
        except Exception:
            # threading would print it over the screen.
            LOG.exception("the metrics endpoint ended")
        finally:
            for connection in list(self._connections.values()):
                self._drop(connection)
            self._selector.close()
            self._listener.close()

    def _step(self) -> None:
        soonest_s = min((each.ends_s for each in self._connections.values()), default=None)
        for key, _ in self._selector.select(None if soonest_s is None else max(0.0, soonest_s - time.monotonic())):
            if key.fileobj is self._listener:
                self._accept()
            elif (connection := self._connections.get(key.fd)) is not None:
                self._continue(connection)
        now_s = time.monotonic()
        for connection in [each for each in self._connections.values() if each.ends_s <= now_s]:
            self._drop(connection)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError as error:
            # No descriptor is free, or the client is gone. A short sleep: the listener stays ready.
            LOG.debug("metrics: a client was not accepted: %s", error)
            time.sleep(0.05)
            return
        client.setblocking(False)
        if len(self._connections) >= MAX_CONNECTIONS:
            # The oldest client that has sent least: a scrape sends its request at once.
            self._drop(min(self._connections.values(), key=lambda each: (len(each.received) > 0, each.ends_s)))
        connection = _Connection(client, time.monotonic() + DEADLINE_S)
        self._connections[client.fileno()] = connection
        self._selector.register(client, selectors.EVENT_READ)
        self._continue(connection)

    def _continue(self, connection: _Connection) -> None:
        try:
            if connection.answer is None and not self._receive(connection):
                return
            answer = connection.answer
            if answer is None:
                return
            connection.answer = answer[connection.socket.send(answer) :]
            if connection.answer:
                self._selector.modify(connection.socket, selectors.EVENT_WRITE)
                return
            connection.socket.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            if connection.answer is not None:
                self._selector.modify(connection.socket, selectors.EVENT_WRITE)
            return
        except OSError as error:
            LOG.debug("metrics: a client is gone: %s", error)
        self._drop(connection)

    def _receive(self, connection: _Connection) -> bool:
        """Read what has come; return whether the connection goes on. Sets the answer when the head is complete."""
        chunk = connection.socket.recv(MAX_HEAD_BYTES)
        connection.received += chunk
        head, end, _ = bytes(connection.received).replace(b"\r\n", b"\n").partition(b"\n\n")
        if end:
            connection.answer = memoryview(self._answer(head))
        elif len(connection.received) >= MAX_HEAD_BYTES:
            connection.answer = memoryview(_response(431))
        elif not chunk:
            self._drop(connection)
            return False
        return True

    def _answer(self, head: bytes) -> bytes:
        code, accept, only_head = self._judge(head)
        if code != 200:
            return _response(code)
        try:
            kind, content = self._render(accept)
        except Exception:
            LOG.exception("the metrics cannot be computed")
            return _response(500)
        return _response(200, kind, content, only_head=only_head)

    def _judge(self, head: bytes) -> tuple[int, str, bool]:
        """Return the status of a request, its Accept header, and whether it asks for the head only."""
        first, *lines = head.decode("latin-1").split("\n")
        words = first.split(" ")
        if len(words) != 3 or words[2] not in ("HTTP/1.0", "HTTP/1.1") or not words[1].startswith("/"):
            return 400, "", False
        headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        hosts = [value for name, value in headers if name == "host"]
        if len(hosts) > 1 or (not hosts and words[2] == "HTTP/1.1"):
            return 400, "", False
        if hosts and not is_own_name(hosts[0], self._host):
            return 421, "", False
        if words[0] not in ("GET", "HEAD"):
            return 405, "", False
        if words[1].partition("?")[0] not in PATHS:
            return 404, "", False
        return 200, next((value for name, value in headers if name == "accept"), ""), words[0] == "HEAD"

    def _drop(self, connection: _Connection) -> None:
        self._connections.pop(connection.socket.fileno(), None)
        self._selector.unregister(connection.socket)
        connection.socket.close()


def _response(
    code: int, kind: str = "text/plain; charset=utf-8", content: bytes = b"", *, only_head: bool = False
) -> bytes:
    body = content if code == 200 else f"{code} {REASONS[code]}\n".encode()
    head = (
        f"HTTP/1.1 {code} {REASONS[code]}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if only_head else body)
