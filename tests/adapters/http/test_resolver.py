"""A name server that does not answer delays neither the end of the loop nor the lookups of other hosts."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from metabonk_tui.adapters.http.client import StatusClient
from metabonk_tui.adapters.http.resolver import DaemonResolver, resolve_in_daemon_threads

REAL = socket.getaddrinfo


class SlowNames:
    """Makes the lookup of "slow.invalid" wait until the test ends, and counts the lookups."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.give_up = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", self.look_up)

    def look_up(self, host: Any, port: Any, *more: Any, **named: Any) -> Any:
        self.asked.append(host)
        if host == "slow.invalid":
            self.give_up.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return REAL(host, port, *more, **named)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowNames]:
    slow = SlowNames(monkeypatch)
    yield slow
    slow.give_up.set()


def test_the_loop_ends_while_a_lookup_hangs(names: SlowNames) -> None:
    async def poll() -> str | None:
        async with StatusClient(0.2, 1000) as client:
            return (await client.poll("http://slow.invalid:5000/status")).error

    assert asyncio.run(poll()) == "timeout"
    assert not names.give_up.is_set(), "the loop has ended before the name server answered"


def test_lookups_of_one_host_share_one_thread(names: SlowNames) -> None:
    async def poll() -> None:
        async with StatusClient(0.1, 1000) as client:
            await asyncio.gather(*(client.poll(f"http://slow.invalid:{port}/status") for port in range(5000, 5020)))

    asyncio.run(poll())
    assert names.asked.count("slow.invalid") == 1


async def test_other_hosts_are_resolved_meanwhile_with_their_port(names: SlowNames) -> None:
    resolver = DaemonResolver(asyncio.get_running_loop())
    hanging = asyncio.create_task(resolver.getaddrinfo("slow.invalid", 5000))
    await asyncio.sleep(0)
    found = await asyncio.wait_for(resolver.getaddrinfo("127.0.0.1", 5001, type=socket.SOCK_STREAM), 10)
    assert found[0][4] == ("127.0.0.1", 5001)
    names.give_up.set()
    with pytest.raises(socket.gaierror):
        await asyncio.wait_for(hanging, 10)


async def test_it_is_installed_once(names: SlowNames) -> None:
    resolve_in_daemon_threads()
    before = asyncio.get_running_loop().getaddrinfo
    resolve_in_daemon_threads()
    assert asyncio.get_running_loop().getaddrinfo == before
    began = time.monotonic()
    addresses = await asyncio.get_running_loop().getaddrinfo("localhost", 80)
    assert time.monotonic() - began < 60
    assert {address[4][1] for address in addresses} == {80}
