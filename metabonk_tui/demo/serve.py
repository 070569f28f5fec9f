"""Serves the minimum of HTTP/1.1 over plain threads that `curl` and a keep-alive client need.

It starts a tenth of a second faster than a full server. Does not: interpret requests.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable

HEAD_MAX_BYTES = 16_384
BODY_MAX_BYTES = 1_048_576
IDLE_S = 75.0
REASONS = {200: "OK", 404: "Not Found", 400: "Bad Request", 500: "Internal Server Error"}

Responder = Callable[[str, str, bytes], tuple[int, object] | None]
"""(method, path, body) → (code, JSON document); None: never answer."""


class Server:
    """Serves one loopback port from its own threads. `last_request`: monotonic time of the last request."""

    def __init__(self, port: int, answer: Responder, *, access_log: bool = False) -> None:
        """Bind the port at once. Raises OSError if the port is taken."""
        self.answer = answer
        self.access_log = access_log
        self.last_request = time.monotonic()
        self._socket = socket.create_server(("127.0.0.1", port), backlog=64)

    def start(self) -> None:
        """Accept connections in a daemon thread."""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, (host, port) = self._socket.accept()
            threading.Thread(target=self._serve_connection, args=(connection, f"{host}:{port}"), daemon=True).start()

    def _serve_connection(self, connection: socket.socket, peer: str) -> None:
        with connection:
            try:
                connection.settimeout(IDLE_S)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                rest = b""
                while True:
                    request, rest = _read_request(connection, rest)
                    if request is None or not self._reply(connection, peer, *request):
                        return
            except OSError:
                # The client disconnected or timed out (75 s); only this connection ends.
                return

    def _reply(self, connection: socket.socket, peer: str, line: str, keep: bool, body: bytes) -> bool:
        """Answer one request; return whether the connection stays open."""
        self.last_request = time.monotonic()
        method, _, target = line.partition(" ")
        path = target.partition(" ")[0]
        answer = self.answer(method, path.partition("?")[0], body)
        if answer is None:
            # Hang only until the client disconnects. Otherwise one thread per abandoned poll would remain.
            connection.settimeout(None)
            while connection.recv(4096):
                pass
            return False
        code, document = answer
        payload = json.dumps(document, separators=(",", ":")).encode()
        status = f"{code} {REASONS.get(code, '')}"
        head = (
            f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(payload)}\r\n"
            f"connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
        )
        connection.sendall(head.encode() + payload)
        if self.access_log:
            print(f'INFO:     {peer} - "{line}" {status}', file=sys.stdout, flush=True)
        return keep


def _read_request(connection: socket.socket, buffer: bytes) -> tuple[tuple[str, bool, bytes] | None, bytes]:
    """Return (request line, keep-alive, body) and the bytes after it; None at the end of the connection."""
    while b"\r\n\r\n" not in buffer:
        more = connection.recv(8192)
        if not more or len(buffer) > HEAD_MAX_BYTES:
            return None, b""
        buffer += more
    head, _, rest = buffer.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    length_text = headers.get("content-length", "0")
    length = int(length_text) if length_text.isdecimal() else 0
    if length > BODY_MAX_BYTES:
        return None, b""
    while len(rest) < length:
        more = connection.recv(65_536)
        if not more:
            return None, b""
        rest += more
    connection_option = headers.get("connection", "").lower()
    keep = connection_option != "close" if line.endswith("HTTP/1.1") else connection_option == "keep-alive"
    return (line, keep, rest[:length]), rest[length:]


def exchange(port: int, request: bytes, timeout_s: float) -> bytes:
    """Send a complete request to a loopback port and return the answer up to its end. Raises OSError."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def get(port: int, path: str, timeout_s: float = 1.0) -> bytes:
    """GET a path and return the raw answer. Raises OSError."""
    return exchange(port, f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode(), timeout_s)


def post(port: int, path: str, document: object, timeout_s: float = 1.0) -> bytes:
    """POST a JSON document and return the raw answer. Raises OSError."""
    body = json.dumps(document).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    return exchange(port, head.encode() + body, timeout_s)
