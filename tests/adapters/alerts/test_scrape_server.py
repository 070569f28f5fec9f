"""The server behind the metrics: whom it answers, and what clients that hang cost."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from metabonk_tui.adapters.alerts import scrape_server
from metabonk_tui.adapters.alerts.scrape_server import MAX_CONNECTIONS, ScrapeServer
from tests.support.waiting import wait_for

PAGE = b"metabonk_up 1\n" * 20_000
"""More than a socket's buffer takes at once."""


@pytest.fixture
def server() -> Iterator[ScrapeServer]:
    server = ScrapeServer("127.0.0.1", 0, lambda accept: ("text/plain", PAGE))
    yield server
    server.close()


def ask(server: ScrapeServer, request: str) -> tuple[int, bytes]:
    """Send raw bytes; return the status and the body."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(request.encode("latin-1"))
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := client.recv(1 << 16):
                answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


def get(host: str, path: str = "/metrics", version: str = "1.1", method: str = "GET") -> str:
    return f"{method} {path} HTTP/{version}\r\nHost: {host}\r\n\r\n"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:9", "127.8.8.8", "[::1]", "[::1]:9"]
)
def test_own_names_are_answered(server: ScrapeServer, host: str) -> None:
    assert ask(server, get(host)) == (200, PAGE)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:9",
        "127.0.0.1.evil.example",
        "localhost.evil",
        "",
        "10.0.0.1",
        "[::2]",
        "[",
        "a@b",
    ],
)
def test_a_foreign_name_is_refused(server: ScrapeServer, host: str) -> None:
    """A web page can let its own name resolve to 127.0.0.1, and read what this machine answers."""
    status, body = ask(server, get(host))
    assert status == 421
    assert b"metabonk_up" not in body


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET /metrics HTTP/1.0\r\n\r\n", 200),
        ("GET /metrics HTTP/1.1\nHost: localhost\n\n", 200),
        (get("localhost", "/metrics?name=x"), 200),
        (get("localhost", "/"), 200),
        ("GET /metrics HTTP/1.1\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", 400),
        (get("localhost", "http://evil/metrics"), 400),
        (get("localhost", "/secret"), 404),
        (get("localhost", method="POST"), 405),
        (get("localhost", version="2.0"), 400),
        ("\r\n\r\n", 400),
        ("\x00\xff\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nX: " + "x" * 20_000, 431),
    ],
)
def test_requests(server: ScrapeServer, request_text: str, status: int) -> None:
    assert ask(server, request_text)[0] == status


def test_a_head_has_no_body(server: ScrapeServer) -> None:
    assert ask(server, get("localhost", method="HEAD")) == (200, b"")


def test_five_hundred_silent_clients_cost_nothing(server: ScrapeServer) -> None:
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
    with contextlib.ExitStack() as clients:
        for _ in range(500):
            clients.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
        assert ask(server, get("localhost")) == (200, PAGE), "a scrape must be answered meanwhile"
        assert threading.active_count() == threads
        ours = len(os.listdir("/proc/self/fd")) - descriptors - 500
        assert ours <= MAX_CONNECTIONS


@pytest.mark.parametrize("sent", ["", "GET /metrics HTTP/1.1\r\n", get("localhost")])
def test_a_client_that_hangs_is_dropped_after_the_deadline(monkeypatch: pytest.MonkeyPatch, sent: str) -> None:
    """Also a client that does not read its answer."""
    monkeypatch.setattr(scrape_server, "DEADLINE_S", 0.2)
    server = ScrapeServer("127.0.0.1", 0, lambda accept: ("text/plain", PAGE * 100))
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
            client.sendall(sent.encode())
            wait_for(lambda: len(server._connections) > 0 or not sent, "the client was never accepted")
            wait_for(lambda: not server._connections, "the client is still there")
    finally:
        server.close()


def test_a_client_cannot_prolong_its_time_by_single_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape_server, "DEADLINE_S", 0.5)
    server = ScrapeServer("127.0.0.1", 0, lambda accept: ("text/plain", PAGE))
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\nX: ")

            def is_dropped() -> bool:
                with contextlib.suppress(BlockingIOError):
                    try:
                        client.send(b"x")
                        return client.recv(1, socket.MSG_DONTWAIT) == b""
                    except ConnectionError:
                        return True
                return False

            wait_for(is_dropped, "single bytes keep the connection")
    finally:
        server.close()


def test_a_page_that_fails_is_500_and_the_next_one_is_answered() -> None:
    def render(accept: str) -> tuple[str, bytes]:
        if accept == "fail":
            raise ValueError("a bug")
        return "text/plain", accept.encode()

    server = ScrapeServer("127.0.0.1", 0, render)
    try:
        assert ask(server, "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: fail\r\n\r\n")[0] == 500
        assert ask(server, "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: good\r\n\r\n") == (200, b"good")
    finally:
        server.close()


def test_closing_does_not_wait_for_clients(server: ScrapeServer) -> None:
    with contextlib.ExitStack() as clients:
        for _ in range(MAX_CONNECTIONS + 4):
            clients.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
        began = time.monotonic()
        server.close()
        assert not server._thread.is_alive()
        assert time.monotonic() - began < scrape_server.CLOSE_S + scrape_server.DEADLINE_S
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0


def test_a_server_on_ipv6() -> None:
    server = ScrapeServer("::1", 0, lambda accept: ("text/plain", b"x"))
    try:
        with socket.create_connection(("::1", server.port), timeout=60) as client:
            client.sendall(get(f"[::1]:{server.port}").encode())
            assert client.recv(100).startswith(b"HTTP/1.1 200")
    except OSError as error:
        pytest.skip(f"no IPv6 loopback here: {error}")
    finally:
        server.close()
