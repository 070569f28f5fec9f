"""Which ports a process listens on, by the kernel's own tables."""

from __future__ import annotations

import os
import socket

import pytest

from metabonk_tui.adapters.process.sockets import listening_ports, listening_sockets, owned_ports


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"]
)
def test_a_socket_counts_while_it_listens(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family) as bound:
        bound.bind((address, 0))
        port = bound.getsockname()[1]
        assert port not in listening_ports(os.getpid())
        bound.listen()
        assert port in listening_ports(os.getpid())
    assert port not in listening_ports(os.getpid())


def test_a_connection_is_no_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getsockname()[1] not in listening_sockets().values()


def test_a_process_that_is_gone_owns_nothing() -> None:
    assert owned_ports(2**22 + 1, {"socket:[1]": 80}) == set()
    assert listening_ports(2**22 + 1) == []
