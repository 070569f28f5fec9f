"""The ports of a pool with real sockets: free, our own worker's, a stranger's."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from metabonk_tui.adapters.host.disk import free_space
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.pools.port_check import NOT_VISIBLE, PortHolder, ask_ports, check_ports, describe_holders
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.core.launch.preflight import PortFinding
from metabonk_tui.core.model.pool import Launch
from tests.support.fake_pool import FakePool, do


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[FakePool]:
    fake = FakePool(tmp_path)
    yield fake
    fake.close()


def found(pool: FakePool, workers: int) -> tuple[PortFinding, ...]:
    settings = pool.config()
    return check_ports(LaunchSpec(settings, pool.state), ProcessTable(settings), workers, Proc())


def test_a_stranger_is_named_and_a_free_port_is_free(pool: FakePool) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", pool.base_port + 1))
        stranger.listen()
        first, second = found(pool, 2)
    assert (first.state, second.state) == ("free", "stranger")
    assert f"pid {os.getpid()}" in second.holder
    assert {one.state for one in found(pool, 2)} == {"free"}


def test_a_socket_that_does_not_listen_is_in_the_way_too(pool: FakePool) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", pool.base_port))
        assert found(pool, 1)[0].state == "stranger"


async def test_our_own_worker_may_hold_its_port(pool: FakePool) -> None:
    await do(pool.backend(), Launch(2))
    assert [one.state for one in found(pool, 3)] == ["ours", "ours", "free"]


def test_the_room_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    there, missing = free_space(tmp_path), free_space(tmp_path / "a" / "b")
    assert there.free_bytes
    assert missing.free_bytes is not None


# Asking a port


def asked(host: str, *ports: int) -> dict[int, str]:
    return {holder.port: holder.text for holder in ask_ports(host, ports, Proc())}


@pytest.mark.parametrize(
    ("bound", "reached"),
    [
        ("127.0.0.1", {"127.0.0.1", "localhost", "0.0.0.0"}),
        ("127.0.0.2", {"127.0.0.2"}),
        ("::1", {"::1", "localhost", "0.0.0.0"}),
        ("0.0.0.0", {"127.0.0.1", "127.0.0.2", "localhost", "0.0.0.0"}),
    ],
)
def test_a_port_answers_on_its_own_address_only(bound: str, reached: set[str]) -> None:
    with listening(bound) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "127.0.0.2", "::1", "localhost", "0.0.0.0"):
            found = asked(host, port)
            assert bool(found) == (host in reached), (host, found)
            if found:
                assert f"{port} answers: " in found[port]
                assert f"pid {os.getpid()}" in found[port]
    assert asked("127.0.0.1", port) == {}


def listening(address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, 0), family=family)
    except OSError as error:
        pytest.skip(f"no {address} on this machine: {error}")


def test_a_listener_whose_queue_is_full_is_not_taken_for_a_free_port() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        clients = [socket.socket() for _ in range(4)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        assert f"{port} answers: " in asked("127.0.0.1", port)[port]
        for client in clients:
            client.close()


def test_a_host_that_cannot_be_asked_is_no_free_port() -> None:
    assert "cannot be asked" in asked("not-an-address", 5000)[5000]
    assert asked("127.0.0.1", 0, 70_000) == {}, "no process can listen there"


def test_a_holder_without_a_visible_process_is_named_by_its_user() -> None:
    assert PortHolder(5000, True, uid=0).text == f"5000 answers: user root; {NOT_VISIBLE}"
    assert PortHolder(5000, True).text == f"5000 answers: {NOT_VISIBLE}"
    assert describe_holders([PortHolder(port, True, pid=9, name="x") for port in range(6)]).endswith("and 2 more")
