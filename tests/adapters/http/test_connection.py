"""Real sockets: what one connection accepts as an answer, and after which it is asked again."""

from __future__ import annotations

import asyncio
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from metabonk_tui.adapters.http import connection, plain_link
from metabonk_tui.adapters.http.client import StatusClient
from metabonk_tui.adapters.http.httpx_link import HttpxLink
from metabonk_tui.adapters.http.plain_link import PlainLink
from metabonk_tui.core.model.sample import BadStatus
from tests.support.waiting import wait_for_async

TIMEOUT_S = 60.0
"""No test here waits for it, unless it says so."""
CAP = 1000
OK = b"HTTP/1.1 200 OK\r\n"
BODY = b'{"step": 1}'
WHOLE = OK + b"Content-Length: 11\r\n\r\n" + BODY
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Sends the scripted bytes, each part by itself, after every request."""

    def __init__(self, *parts: bytes, closes: bool = False) -> None:
        self.parts, self.closes = parts, closes
        self.port = self.connections = self.open = 0
        self.requests: list[bytes] = []
        self._transports: list[asyncio.WriteTransport] = []

    def abort(self) -> None:
        """Reset every connection so far."""
        for transport in self._transports:
            transport.abort()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/status"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self._transports.append(writer.transport)
        try:
            while not writer.is_closing():
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                for part in self.parts:
                    writer.write(part)
                    await writer.drain()
                    # Lets the client read the parts one by one, where the order of events allows it.
                    await asyncio.sleep(0)
                if self.closes:
                    writer.close()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.transport.abort()


@asynccontextmanager
async def serving(*parts: bytes, closes: bool = False) -> AsyncIterator[Server]:
    server = Server(*parts, closes=closes)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server
        await wait_for_async(lambda: server.open == 0, "a connection stays open")


def in_bytes(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


CHUNKED = OK + b'Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n{"ste\r\n6\r\np": 1}\r\n0\r\nTrailer: x\r\n\r\n'


@pytest.mark.parametrize(
    ("parts", "closes", "connections"),
    [
        ([WHOLE], False, 1),
        (in_bytes(WHOLE), False, 1),
        ([CHUNKED], False, 1),
        (in_bytes(CHUNKED), False, 1),
        ([OK + b"Transfer-Encoding: Chunked\r\n\r\nb\r\n" + BODY + b"\r\n0\r\n\r\n"], False, 1),
        ([b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + WHOLE], False, 1),
        (
            [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5000\r\n\r\n", WHOLE],
            False,
            1,
        ),
        ([OK + b"content-encoding: Identity\r\nCONTENT-LENGTH: 11\r\n\r\n" + BODY], False, 1),
        # Lines that end without a carriage return, and no reason.
        ([b"HTTP/1.1 200 OK\nContent-Length: 11\n\n" + BODY], False, 1),
        ([b"HTTP/1.1 200\r\nContent-Length: 11\r\n\r\n" + BODY], False, 1),
        # After these the connection is not asked again.
        ([OK + b"Connection: close\r\nContent-Length: 11\r\n\r\n" + BODY], False, 2),
        ([b"HTTP/1.0 200 OK\r\nContent-Length: 11\r\n\r\n" + BODY], False, 2),
        ([WHOLE + WHOLE], False, 2),
        ([WHOLE + b"junk"], False, 2),
        # The end of the connection is the end of the body.
        ([b"HTTP/1.0 200 OK\r\n\r\n" + BODY], True, 2),
        ([OK + b"\r\n", *in_bytes(BODY)], True, 2),
    ],
)
async def test_a_good_answer_is_read_whole(parts: list[bytes], closes: bool, connections: int) -> None:
    async with serving(*parts, closes=closes) as server, StatusClient(TIMEOUT_S, CAP) as client:
        for _ in range(2):
            assert (await client.fetch(server.url))[0] == BODY
        assert server.connections == connections
        for _ in range(2):
            seen = (await client.ask(server.url))()
            assert seen.status is not None
            assert seen.status.fields == {"step": 1}
        assert server.connections == (1 if connections == 1 else 4)


BAD = [
    (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", False, "http 101"),
    (b"HTTP/1.1 404 Not\x1b[2J Found\r\nContent-Length: 0\r\n\r\n", False, "http 404"),
    (b"HTTP/1.1 204 No Content\r\n\r\n", False, "http 204"),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 11\r\n\r\n", False, "http 304"),
    (OK + b"Transfer-Encoding: gzip\r\n\r\nxx", False, "not json"),
    (
        OK + b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx",
        False,
        "encoded",
    ),
    (OK + b"Content-Length: 1001\r\n\r\n", False, "too large"),
    (OK + b"Content-Length: 99999999999999999999999999\r\n\r\n", False, "not json"),
    (OK + b"Content-Length: -1\r\n\r\n", False, "not json"),
    (OK + b"\r\n" + b"x" * 1001, False, "too large"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", False, "not json"),
    # Flooded with what is no body: headers, early hints, trailers, extensions of a chunk, half a first line.
    (OK + b"X: y\r\n" * 50_000, False, "too large"),
    (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000, False, "too large"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n" + b"X: y\r\n" * 50_000, False, "too large"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 300_000, False, "too large"),
    (b"HTTP/1.1 200 " + b"x" * 300_000, False, "too large"),
    (b"x" * 300_000, False, "too large"),
    (b"SSH-2.0-OpenSSH_9.6", True, "closed"),
    (b"SSH-2.0-OpenSSH_9.6\r\n", False, "not json"),
    (b"HTTP/1.1 200 OK", True, "closed"),
    (WHOLE[:-1], True, "closed"),
]


@pytest.mark.parametrize(("answer", "closes", "expected"), BAD)
async def test_a_bad_answer_is_named_and_its_connection_closed(answer: bytes, closes: bool, expected: str) -> None:
    async with serving(answer, closes=closes) as server, StatusClient(TIMEOUT_S, CAP) as client:
        found, _ = await client.fetch(server.url)
        assert isinstance(found, BadStatus)
        assert found.error == expected
        assert "\x1b" not in found.detail
        await wait_for_async(lambda: server.open == 0, "the connection stays open")


@pytest.mark.parametrize(("answer", "closes", "expected"), BAD)
async def test_a_kept_connection_names_a_bad_answer_as_a_new_one_does(
    answer: bytes, closes: bool, expected: str
) -> None:
    async with serving(WHOLE) as server, StatusClient(TIMEOUT_S, CAP) as client:
        assert (await client.ask(server.url))().status is not None
        server.parts, server.closes = (answer,), closes
        found = (await client.ask(server.url))()
        assert (found.status, found.error) == (None, expected)
        # One that was closed may have been idle for too long: it is asked once more.
        assert server.connections == (2 if expected in ("closed", "reset") else 1)
        await wait_for_async(lambda: server.open == 0, "the connection stays open")


async def test_a_kept_connection_that_was_closed_is_replaced_and_its_answer_counts() -> None:
    async with serving(WHOLE) as server, StatusClient(TIMEOUT_S, CAP) as client:
        await client.ask(server.url)
        asking = client.ask(server.url)
        server.abort()
        assert (await asking)().status is not None
        assert server.connections == 2


async def test_closing_ends_what_a_kept_connection_is_asked() -> None:
    async with serving(WHOLE) as server:
        client = StatusClient(TIMEOUT_S, CAP)
        await client.ask(server.url)
        server.parts = ()
        asking = asyncio.ensure_future(client.ask(server.url))
        await wait_for_async(lambda: len(server.requests) == 2)
        asking.cancel()
        await client.aclose()


async def test_what_comes_unasked_closes_the_connection() -> None:
    async with serving(WHOLE, b"") as server, StatusClient(TIMEOUT_S, CAP) as client:
        assert (await client.fetch(server.url))[0] == BODY
        server.parts = (WHOLE, WHOLE)
        assert (await client.fetch(server.url))[0] == BODY
        server.parts = (WHOLE,)
        assert (await client.fetch(server.url))[0] == BODY


async def test_connections_that_share_a_buffer_do_not_mix_their_answers() -> None:
    bodies = {name: name * 400 for name in (b"a", b"b", b"c")}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = (await reader.readuntil(b"\r\n\r\n"))[5:6]
        for part in in_bytes(OK + b"Content-Length: 400\r\n\r\n" + bodies[name]):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener, StatusClient(TIMEOUT_S, CAP) as client:
        found = await asyncio.gather(*(client.fetch(f"http://127.0.0.1:{port}/{name.decode()}") for name in bodies))
    assert [body for body, _ in found] == list(bodies.values())


async def test_an_old_connection_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(WHOLE) as server, StatusClient(TIMEOUT_S, CAP) as client:
        await client.fetch(server.url)
        monkeypatch.setattr(plain_link, "KEEP_ALIVE_S", 0.0)
        await client.fetch(server.url)
        assert server.connections == 2
        await wait_for_async(lambda: server.open == 1, "the old connection stays open")


async def test_every_request_has_its_own_deadline_on_the_one_timer() -> None:
    timeout_s = 0.3
    async with serving() as deaf, serving(WHOLE) as good, StatusClient(timeout_s, CAP) as client:

        async def poll(url: str) -> tuple[object, float]:
            began = time.monotonic()
            found, _ = await client.fetch(url)
            return found, time.monotonic() - began

        assert (await poll(good.url))[0] == BODY
        for _ in range(2):
            first = asyncio.create_task(poll(deaf.url))
            await asyncio.sleep(timeout_s / 2)
            second = asyncio.create_task(poll(deaf.url + "?2"))
            assert (await poll(good.url))[0] == BODY
            for found, took_s in await asyncio.gather(first, second):
                assert isinstance(found, BadStatus)
                assert (found.error, found.detail) == ("timeout", "no whole answer within 0.3 s")
                # The clock of the loop counts in steps of its own.
                assert took_s >= timeout_s - 0.05


async def test_a_kept_connection_has_the_deadline_too() -> None:
    async with serving(WHOLE) as server, StatusClient(0.3, CAP) as client:
        assert (await client.fetch(server.url))[0] == BODY
        server.parts = ()
        found, took_s = await client.fetch(server.url)
        assert server.connections == 1
        assert isinstance(found, BadStatus)
        assert found.error == "timeout"
        assert took_s >= 0.25
        server.parts = (WHOLE,)
        await client.ask(server.url)
        server.parts = ()
        seen = (await client.ask(server.url))()
        assert (server.connections, seen.error) == (2, "timeout")
        assert seen.latency_s is not None
        assert seen.latency_s >= 0.25


async def test_the_latency_is_when_the_answer_arrived_not_when_somebody_looked() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Quick) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            async with StatusClient(TIMEOUT_S, CAP) as client:
                url = f"http://127.0.0.1:{server.server_address[1]}/"
                await client.ask(url)
                asking = client.ask(url)
                # Far longer than a busy machine takes to answer; the loop looks only then.
                time.sleep(2.0)  # noqa: ASYNC251 - a step that takes too long
                seen = (await asking)()
                assert seen.latency_s is not None
                assert 0 < seen.latency_s < 2.0
        finally:
            server.shutdown()
            thread.join()


async def test_where_the_kernel_notes_no_time_each_answer_wakes_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_SO_TIMESTAMPNS", socket.SO_KEEPALIVE)  # adds nothing to what is read
    async with serving(WHOLE) as server, StatusClient(TIMEOUT_S, CAP) as client:
        for _ in range(3):
            seen = (await client.ask(server.url))()
            assert seen.status is not None
            assert seen.latency_s is not None
            assert seen.latency_s > 0
        assert not client._shared.has_stamps
        assert server.connections == 1


async def test_an_answer_that_came_before_it_was_asked_for_does_not_count() -> None:
    async with serving(WHOLE) as server, StatusClient(TIMEOUT_S, CAP) as client:
        await client.ask(server.url)
        late = b'{"step": 9}'
        (transport,) = server._transports
        transport.write(OK + b"Content-Length: 11\r\n\r\n" + late)
        await asyncio.sleep(0.01)  # to loopback, a write arrives at once
        seen = (await client.ask(server.url))()
        assert seen.status is not None
        assert seen.status.fields == {"step": 1}
        assert server.connections == 2


@pytest.mark.parametrize(
    ("url", "first", "host"),
    [
        ("http://127.0.0.1:{port}/status", "GET /status HTTP/1.1", "127.0.0.1:{port}"),
        ("http://127.0.0.1:{port}", "GET / HTTP/1.1", "127.0.0.1:{port}"),
        ("HTTP://LOCALHOST:{port}/a%20b?c=d&e=%2F", "GET /a%20b?c=d&e=%2F HTTP/1.1", "127.0.0.1:{port}"),
        ("http://user:hunter2@127.0.0.1:{port}/é#top", "GET /%C3%A9 HTTP/1.1", "127.0.0.1:{port}"),
    ],
)
async def test_the_request_is_what_the_url_says(url: str, first: str, host: str) -> None:
    async with serving(WHOLE) as server, StatusClient(TIMEOUT_S, CAP) as client:
        assert (await client.fetch(url.format(port=server.port)))[0] == BODY
        lines = server.requests[0].decode().split("\r\n")
        assert lines[:2] == [first, f"Host: {host.format(port=server.port)}"]
        assert lines[-2:] == ["", ""]
        assert "hunter2" not in server.requests[0].decode()


@pytest.mark.parametrize(
    "url",
    [
        *("", "status", "127.0.0.1:5000", "http://", "http:///status", "http://host:port/", "http://host:70000/"),
        *("http://a b/", "http://a\r\nX: y/", "http://127.0.0.1/\r\nX: y", "file:///etc/passwd", "http://a..b/"),
    ],
)
async def test_what_is_no_url_is_dns_and_sends_nothing(url: str) -> None:
    async with StatusClient(TIMEOUT_S, CAP) as client:
        found, _ = await client.fetch(url)
        assert isinstance(found, BadStatus)
        assert (found.error, found.detail[:9]) == ("dns", "not a URL")


async def test_https_is_spoken_by_httpx_and_http_is_not() -> None:
    async with StatusClient(TIMEOUT_S, CAP) as client:
        assert isinstance(client._make_link("https://127.0.0.1:1/"), HttpxLink)
        assert isinstance(client._make_link("http://127.0.0.1:1/"), PlainLink)


def test_a_poll_over_http_does_not_import_httpx() -> None:
    program = (
        "import asyncio, sys\n"
        "from metabonk_tui.adapters.http.client import StatusClient\n"
        "async def poll():\n"
        "    async with StatusClient(5.0, 1000) as client:\n"
        "        return (await client.poll('http://127.0.0.1:1/')).error\n"
        "print(asyncio.run(poll()), 'httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["refused", "False"], done.stderr


class Quick(socketserver.BaseRequestHandler):
    """Answers each request at once, whatever the event loop does."""

    def handle(self) -> None:
        while self.request.recv(65536):
            self.request.sendall(WHOLE)


@pytest.mark.parametrize("kept", [False, True])
async def test_what_the_loop_itself_delays_is_no_timeout(kept: bool) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Quick) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            async with StatusClient(0.2, CAP) as client:
                url = f"http://127.0.0.1:{server.server_address[1]}/"
                if kept:
                    assert (await client.fetch(url))[0] == BODY
                polling = asyncio.create_task(client.fetch(url))
                await asyncio.sleep(0)
                time.sleep(0.4)  # noqa: ASYNC251 - a step that takes too long
                assert (await polling)[0] == BODY
        finally:
            server.shutdown()
            thread.join()


async def test_a_loop_that_is_late_puts_off_a_deadline_only_once() -> None:
    async with serving() as deaf, StatusClient(0.2, CAP) as client:
        polling = asyncio.create_task(client.fetch(deaf.url))
        await wait_for_async(lambda: deaf.requests)
        while not polling.done():
            time.sleep(0.1)  # noqa: ASYNC251 - every timer is late
            await asyncio.sleep(0.01)
        found, _ = await polling
        assert isinstance(found, BadStatus)
        assert found.error == "timeout"
