"""The ports of a pool with real sockets: free, our own worker's, a stranger's."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from metabonk_tui.adapters.host.disk import free_space
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.pools.port_check import check_ports
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
