"""Serves bad answers on real sockets: each path of `FAULTS` fails in its own way, `/good` does not."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

GOOD = {"instance_id": "omega-0", "step": 12.0, "gameplay_started": False, "dynamic_ui_state_type": "menu_ui"}
Fault = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    lines = (
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def fixed(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> Fault:
    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(body, status, *headers, length=length))
        await writer.drain()

    return send


def raw(data: bytes) -> Fault:
    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return send


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the other side gives up


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def slow_header(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(1_000_000):
        writer.write(f"X-{number}: y\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.05)


async def early_hints(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        await writer.drain()


async def endless_header(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"x" * 0x4000)
        await writer.drain()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # A linger time of 0 makes the kernel send RST instead of FIN.
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


async def reset_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    await writer.drain()
    await asyncio.sleep(0.05)
    await reset(reader, writer)


FAULTS: dict[str, tuple[Fault, str]] = {
    "hang": (hang, "timeout"),
    "drip": (drip, "timeout"),
    "slow-header": (slow_header, "timeout"),
    "early-hints": (early_hints, "timeout"),
    "short-body": (fixed(b'{"step": 1}', length=5000), "timeout"),
    "endless-body": (endless_body, "too large"),
    "endless-header": (endless_header, "too large"),
    "huge": (fixed(json.dumps({"text": "x" * 2_000_000}).encode()), "too large"),
    "huge-claim": (fixed(b"", length=10**18), "too large"),
    "gzip": (fixed(gzip.compress(b" " * 50_000_000), "200 OK", "Content-Encoding: gzip"), "encoded"),
    "brotli": (fixed(b"x", "200 OK", "Content-Encoding: br, gzip"), "encoded"),
    "redirect": (fixed(b"", "302 Found", "Location: /good"), "redirect"),
    "redirect-away": (fixed(b"", "307 Temporary Redirect", "Location: http://169.254.169.254/"), "redirect"),
    "redirect-nowhere": (fixed(b"", "301 Moved Permanently"), "redirect"),
    "http-500": (fixed(b"Internal Server Error", "500 Internal Server Error"), "http 500"),
    "http-404": (fixed(b'{"detail": "Not Found"}', "404 Not Found"), "http 404"),
    "http-204": (raw(b"HTTP/1.1 204 No Content\r\n\r\n"), "http 204"),
    "http-304": (raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "http 304"),
    "html": (fixed(b"<html>busy</html>"), "not json"),
    "half": (fixed(b'{"step": 1'), "not json"),
    "empty": (fixed(b""), "not json"),
    "list": (fixed(b"[1, 2]"), "not an object"),
    "number": (fixed(b"12"), "not an object"),
    "deep": (fixed(b"[" * 20_000 + b"]" * 20_000), "too deep"),
    "deep-field": (fixed(b'{"step": 1, "x": ' + b"[" * 200 + b"]" * 200 + b"}"), "too deep"),
    "reset": (reset, "reset"),
    "reset-in-body": (reset_in_body, "reset"),
    "close": (raw(b""), "closed"),
    "close-in-header": (raw(b"HTTP/1.1 200 OK\r\nContent-Le"), "closed"),
    "close-in-body": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), "closed"),
    "close-in-chunks": (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"), "closed"),
    "garbage": (raw(b"\x00\x01\x02 not HTTP\r\n\r\n"), "not json"),
    "http-0.9": (raw(b'{"step": 1}'), "closed"),
    "ssh": (raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "not json"),
    "bad-chunks": (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"), "not json"),
}
"""Path → (the answer, the error that it must become)."""

ODD: dict[str, tuple[bytes, str]] = {
    "nan": (b'{"step": 7, "odd": NaN}', "nan"),
    "infinity": (b'{"step": 7, "odd": -Infinity}', "infinite"),
    "1e999": (b'{"step": 7, "odd": 1e999}', "infinite"),
    "digits": (b'{"step": 7, "odd": ' + b"1" * 5000 + b"}", "too large"),
    "type": (b'{"step": 7, "odd": "12"}', "wrong type"),
    "boolean": (b'{"step": 7, "odd": true}', "wrong type"),
}
"""Path → (a document with one bad field, why `odd` is bad); `step` must come through."""

TEXTS: dict[str, tuple[bytes, str]] = {
    "latin-1": (b'{"step": 7, "text": "caf\xe9"}', "caf\ufffd"),
    "surrogate": (b'{"step": 7, "text": "\\ud800"}', "\ufffd"),
    "escape": (b'{"step": 7, "text": "\\u001b]0;x\\u0007"}', "\ufffd]0;x\ufffd"),
    "bom": (b'\xef\xbb\xbf{"step": 7, "text": "bom"}', "bom"),
}
"""Path → (a document with an odd text, how `text` must come through)."""


class FaultServer:
    """Serves every fault; counts connections and requests."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.open = 0
        self.requests: list[bytes] = []
        self.good_then_close = 0
        """Number of answers of `/good` after which the server closes the connection without notice."""
        self._tasks: set[asyncio.Task[None]] = set()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        try:
            while not writer.is_closing() and (request := await self._request(reader)):
                self.requests.append(request)
                path = request.split(b" ")[1].decode().strip("/")
                await self._answer(path, reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _request(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""

    async def _answer(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if path in FAULTS:
            await FAULTS[path][0](reader, writer)
            return
        body = (ODD | TEXTS)[path][0] if path in ODD | TEXTS else json.dumps(GOOD).encode()
        await fixed(body)(reader, writer)
        if path == "good" and self.good_then_close:
            self.good_then_close -= 1
            writer.close()


@asynccontextmanager
async def fault_server() -> AsyncIterator[FaultServer]:
    """Serve on a free port of loopback while the block runs."""
    faults = FaultServer()
    server = await asyncio.start_server(faults.serve, "127.0.0.1", 0)
    faults.port = server.sockets[0].getsockname()[1]
    try:
        yield faults
    finally:
        server.close()
        await faults.close()
        await server.wait_closed()
