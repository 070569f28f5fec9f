"""The servers as a client meets them: keep-alive, refusals, heartbeats, and an orphan's end."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
from collections.abc import Iterator

import pytest

from metabonk_tui.demo import orphan
from tests.support.demo_pools import DEMO, clean_environment
from tests.support.ports import free_port
from tests.support.waiting import wait_for


@pytest.fixture
def port() -> Iterator[int]:
    """Run an orchestrator of no pool."""
    port = free_port()
    argv = [*DEMO, "orchestrator", "--pool", "none", "--port", str(port)]
    env = clean_environment(METABONK_WORKER_TTL_S="0.5")
    with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: listens(port), "it listens")
            yield port
        finally:
            process.kill()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_one_connection_serves_many_requests_and_a_404_does_not_end_it(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.connect()
    local = connection.sock.getsockname()
    for path, code in (("/workers", 200), ("/nothing", 404), ("/overview/health?window=300", 200)):
        connection.request("GET", path)
        answer = connection.getresponse()
        document = json.loads(answer.read())
        assert (answer.status, answer.version) == (code, 11)
        assert answer.getheader("content-type") == "application/json"
        assert isinstance(document, dict)
        assert connection.sock.getsockname() == local
    connection.close()


def raw(port: int, *parts: bytes) -> bytes:
    """Send bytes in pieces; return all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        got = b""
        for part in parts:
            connection.sendall(part)
        while more := connection.recv(65_536):
            got += more
    return got


def test_it_closes_when_asked_and_for_old_clients(port: int) -> None:
    for request in (b"GET /workers HTTP/1.1\r\nConnection: close\r\n\r\n", b"GET /workers HTTP/1.0\r\n\r\n"):
        assert raw(port, request).startswith(b"HTTP/1.1 200 OK\r\n")


def test_pipelined_and_split_requests_are_distinguished(port: int) -> None:
    body = b'{"instance_id": "omega-9"}'
    post = b"POST /heartbeat HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body)
    last = b"GET /workers HTTP/1.1\r\nconnection: close\r\n\r\n"
    answer = raw(port, post[:20], post[20:] + body[:5], body[5:] + last)
    assert answer.count(b"200 OK") == 2
    assert b"omega-9" in answer


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"port": 1}', b"3", b"null", b"\xff"])
def test_nonsense_is_no_heartbeat(port: int, body: bytes) -> None:
    head = b"POST /heartbeat HTTP/1.1\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    assert raw(port, head + body).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("request_bytes", [b"G" * 40_000, b"POST / HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n"])
def test_too_much_is_refused(port: int, request_bytes: bytes) -> None:
    try:
        assert raw(port, request_bytes) == b""
    except ConnectionError:
        # Closed while we were still sending: refused as well.
        assert listens(port)


def test_a_worker_that_falls_silent_is_forgotten(port: int) -> None:
    body = b'{"instance_id": "omega-0", "step": 1, "worker_pid": 5}'
    head = b"POST /heartbeat HTTP/1.1\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    raw(port, head + body)
    last = b"GET /workers HTTP/1.1\r\nconnection: close\r\n\r\n"
    wait_for(lambda: b'"count":0' in raw(port, last), "its time to live is over")


class FakeServer:
    """Was asked last at `last_request`."""

    last_request = 0.0

    def start(self) -> None:
        """Nothing to serve."""


@pytest.mark.parametrize(
    ("orphaned_at", "asked_at", "ends_at"),
    [(100.0, 0.0, 900.0), (2000.0, 0.0, 2000.0), (100.0, 800.0, 1700.0), (2000.0, 1990.0, 2890.0)],
)
def test_an_orphan_ends_itself_when_nobody_has_asked_for_a_quarter_of_an_hour(
    monkeypatch: pytest.MonkeyPatch, orphaned_at: float, asked_at: float, ends_at: float
) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now == asked_at:
            server.last_request = now

    server = FakeServer()
    monkeypatch.setattr(orphan.time, "monotonic", lambda: now)
    monkeypatch.setattr(orphan.time, "sleep", sleep)
    monkeypatch.setattr(orphan.os, "getppid", lambda: 1 if now >= orphaned_at else 4711)
    monkeypatch.setattr(orphan.signal, "signal", lambda number, handler: None)
    ticks: list[float] = []
    orphan.live(server, lambda: ticks.append(now), 5.0)  # type: ignore[arg-type]
    assert now == ends_at
    assert len(ticks) == ends_at / 5
