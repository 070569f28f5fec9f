"""Real sockets: every bad answer gets its name within the deadline, and never touches a good neighbour."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from metabonk_tui.adapters.http.client import StatusClient
from metabonk_tui.adapters.http.httpx_link import HttpxLink
from metabonk_tui.core.model.sample import ERRORS, BadStatus
from metabonk_tui.core.status.decode import number, text
from tests.support.fault_server import FAULTS, GOOD, ODD, TEXTS, FaultServer, answer, fault_server
from tests.support.ports import free_port
from tests.support.waiting import wait_for_async

TIMEOUT_S = 0.5
CAP = 65536
MARGIN_S = 5.0
"""For a machine that many share; what it must show is that there is an end."""


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as bound:
            bound.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture(params=["own", "httpx"], autouse=True)
def _link(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test on both kinds of link; without the patch, httpx serves https alone."""
    if request.param == "httpx":
        monkeypatch.setattr(StatusClient, "_make_link", lambda self, url: HttpxLink(url, self._timeout_s))


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with fault_server() as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[StatusClient]:
    async with StatusClient(TIMEOUT_S, CAP) as opened:
        yield opened


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("path", FAULTS)
async def test_a_bad_answer_has_its_name_and_a_good_neighbour_its_numbers(
    server: FaultServer, client: StatusClient, path: str
) -> None:
    assert (await client.poll(server.url("good"))).error is None
    began = time.monotonic()
    bad, good = await asyncio.gather(client.poll(server.url(path)), client.poll(server.url("good")))
    took_s = time.monotonic() - began
    assert (bad.status, bad.error) == (None, FAULTS[path][1])
    assert bad.error in ERRORS or bad.error.startswith("http ")
    assert took_s < TIMEOUT_S + MARGIN_S
    assert good.status is not None
    assert dict(good.status.fields) == GOOD


async def test_no_failure_leaves_a_connection_or_a_task_behind(server: FaultServer) -> None:
    before, tasks = descriptors(), len(asyncio.all_tasks())
    async with StatusClient(TIMEOUT_S, CAP) as client:
        await asyncio.gather(*(client.poll(server.url(path)) for path in FAULTS))
    await wait_for_async(lambda: server.open == 0)
    await wait_for_async(lambda: len(asyncio.all_tasks()) == tasks)
    await wait_for_async(lambda: descriptors() == before)


@pytest.mark.parametrize("path", ODD)
async def test_one_bad_field_never_costs_the_others(server: FaultServer, client: StatusClient, path: str) -> None:
    seen = await client.poll(server.url(path))
    assert seen.error is None
    assert number(seen.status, "step").value == 7
    bad = number(seen.status, "odd").bad
    assert bad is not None
    assert bad.why == ODD[path][1]


@pytest.mark.parametrize("path", TEXTS)
async def test_odd_text_comes_through_cleaned(server: FaultServer, client: StatusClient, path: str) -> None:
    seen = await client.poll(server.url(path))
    assert text(seen.status, "text") == TEXTS[path][1]
    assert number(seen.status, "step").value == 7


async def test_nobody_there_is_refused(client: StatusClient) -> None:
    port = free_port()
    for host in ("127.0.0.1", "localhost"):
        seen = await client.poll(f"http://{host}:{port}/status")
        assert (seen.error, seen.status) == ("refused", None)


@asynccontextmanager
async def answering(address: str, port: int, head: bytes, body: bytes = b"") -> AsyncIterator[None]:
    """Answer every request on one address of the loopback."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + head + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, address, port)
    try:
        yield
    finally:
        server.close()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
@pytest.mark.parametrize("worker", ["127.0.0.1", "::1"])
async def test_localhost_is_asked_where_the_worker_listens(client: StatusClient, worker: str) -> None:
    other = "::1" if worker == "127.0.0.1" else "127.0.0.1"
    port = free_port()
    async with answering(worker, port, b"200 OK", b'{"step": 7}'):
        seen = await client.poll(f"http://localhost:{port}/status")
        assert number(seen.status, "step").value == 7
        async with answering(other, port, b"403 Forbidden"):
            seen = await client.poll(f"http://localhost:{port}/status")
            assert number(seen.status, "step").value == 7, "another program on the other address is not asked"


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
async def test_a_stranger_on_one_address_of_localhost_is_named_with_it(client: StatusClient) -> None:
    port = free_port()
    async with answering("::1", port, b"403 Forbidden"):
        seen = await client.poll(f"http://localhost:{port}/status")
    assert (seen.error, seen.detail) == ("http 403", "[::1] answers: Forbidden")


@pytest.mark.parametrize(
    "url", ["http://no.such.host.invalid:1/", "http://[::1/", "ftp://127.0.0.1/", f"http://{'a' * 70}/"]
)
async def test_what_leads_nowhere_is_dns(client: StatusClient, url: str) -> None:
    seen = await StatusClient(30.0, CAP).poll(url)
    assert seen.error == "dns", seen


async def test_a_backlog_that_nobody_accepts_is_a_timeout(client: StatusClient) -> None:
    # The kernel shakes hands for a program that never calls accept: a worker whose loop has died.
    import socket

    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(5)
        seen = await client.poll(f"http://127.0.0.1:{deaf.getsockname()[1]}/status")
    assert seen.error == "timeout"
    assert seen.latency_s is not None
    assert seen.latency_s >= TIMEOUT_S


async def test_a_proxy_in_the_environment_is_not_asked(
    server: FaultServer, client: StatusClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with StatusClient(TIMEOUT_S, CAP) as fresh:
        assert (await fresh.poll(server.url("good"))).error is None


async def test_an_endless_body_costs_no_memory(server: FaultServer, client: StatusClient) -> None:
    await client.poll(server.url("good"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(5):
        assert (await client.poll(server.url("endless-body"))).error == "too large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10 * 1024


async def test_a_body_at_the_cap_is_read_and_one_byte_more_is_not(server: FaultServer) -> None:
    size = len(json.dumps(GOOD))
    async with StatusClient(TIMEOUT_S, size) as client:
        assert (await client.poll(server.url("good"))).error is None
    async with StatusClient(TIMEOUT_S, size - 1) as client:
        assert (await client.poll(server.url("good"))).error == "too large"


async def test_a_connection_is_kept_and_cookies_are_not(server: FaultServer, client: StatusClient) -> None:
    for _ in range(5):
        assert (await client.poll(server.url("good"))).error is None
    assert server.connections == 1
    assert all(b"accept-encoding: identity" in request.lower() for request in server.requests)
    assert not any(b"cookie" in request.lower() for request in server.requests)


async def test_a_kept_connection_that_the_worker_closed_is_no_failure(
    server: FaultServer, client: StatusClient
) -> None:
    server.good_then_close = 3
    for _ in range(6):
        assert (await client.poll(server.url("good"))).error is None


async def test_a_kept_connection_that_closes_under_the_request_is_asked_anew() -> None:
    answered = 0
    open_now: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        open_now.add(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        answered += 1
        # The next request is read and never answered: the other side had already made up its mind to close.
        await reader.read(1)
        writer.transport.abort()
        open_now.discard(writer)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener, StatusClient(TIMEOUT_S, CAP) as client:
        for _ in range(3):
            assert (await client.poll(f"http://127.0.0.1:{port}/status")).error is None
        assert answered == 3
        await client.aclose()
        await wait_for_async(lambda: not open_now)


async def test_a_cancelled_poll_leaves_nothing_behind(server: FaultServer, client: StatusClient) -> None:
    before = descriptors()
    poll = asyncio.create_task(client.poll(server.url("hang")))
    await wait_for_async(lambda: server.open == 1)
    poll.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poll
    await wait_for_async(lambda: server.open == 0)
    await wait_for_async(lambda: descriptors() <= before)


async def test_closing_closes_what_was_kept(server: FaultServer) -> None:
    client = StatusClient(TIMEOUT_S, CAP)
    await asyncio.gather(*(client.poll(server.url(f"good?{n}")) for n in range(5)))
    assert server.open == 5
    await client.aclose()
    await wait_for_async(lambda: server.open == 0)


async def test_a_fetch_may_have_a_cap_of_its_own(server: FaultServer, client: StatusClient) -> None:
    body, _ = await client.fetch(server.url("huge"), 4_000_000)
    assert isinstance(body, bytes)
    assert isinstance((await client.fetch(server.url("huge")))[0], BadStatus)


async def test_sixty_four_hung_workers_are_named_at_once(server: FaultServer) -> None:
    timeout_s = 4 * TIMEOUT_S  # the good one comes last, and on a busy machine 64 connections take their time
    async with StatusClient(timeout_s, CAP) as client:
        began = time.monotonic()
        polls = (client.poll(server.url(name)) for name in (*["hang"] * 64, "good"))
        seen = await asyncio.gather(*polls)
    assert time.monotonic() - began < timeout_s + MARGIN_S
    assert [each.error for each in seen] == ["timeout"] * 64 + [None]


async def test_where_few_files_may_be_open_every_worker_is_still_polled(server: FaultServer) -> None:
    before = descriptors()
    async with StatusClient(TIMEOUT_S, CAP, room=3) as client:
        seen: list[int] = []

        async def poll(number: int) -> str | None:
            found = await client.poll(server.url(f"good?{number}"))
            # Each connection has an end in the client and one in the server, which is this process too.
            seen.append(descriptors() - before)
            return found.error

        for _ in range(2):
            assert await asyncio.gather(*map(poll, range(20))) == [None] * 20
    assert max(seen) <= 2 * 3 + 1, "one more while a closed connection leaves"


async def test_on_localhost_the_ipv4_address_is_asked_first_and_the_other_only_when_it_refuses() -> None:
    async def serve(word: str, address: str, port: int) -> asyncio.Server:
        async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer(json.dumps({"instance_id": word}).encode()))
            writer.close()

        return await asyncio.start_server(reply, address, port)

    port = free_port()
    try:
        six = await serve("six", "::1", port)
    except OSError as error:
        pytest.skip(f"no IPv6 loopback: {error}")
    client = StatusClient(30.0, CAP)
    url = f"http://localhost:{port}/status"
    async with six, client:
        assert text((await client.poll(url)).status, "instance_id") == "six"
        async with await serve("four", "127.0.0.1", port):
            assert text((await client.poll(url)).status, "instance_id") == "four"
