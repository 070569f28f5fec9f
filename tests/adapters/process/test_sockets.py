"""Which ports a process listens on, by the kernel's own tables."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import struct
from contextlib import ExitStack
from unittest.mock import Mock

import pytest

from metabonk_tui.adapters.process import socket_diag
from metabonk_tui.adapters.process.sockets import (
    addresses_of,
    answering,
    listen_sockets,
    listening_ports,
    listening_sockets,
    owned_ports,
)


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


def test_the_kernel_and_its_tables_list_the_same_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel answers no question, or only in part, the tables in /proc are read."""
    families = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")]
    with ExitStack() as opened:
        ports = set()
        for family, address in families:
            with contextlib.suppress(OSError):
                server = opened.enter_context(socket.create_server((address, 0), family=family))
                ports.add(server.getsockname()[1])

        def own() -> set[tuple[object, ...]]:
            return {each[:4] for each in listen_sockets() if each.port in ports}

        asked = own()
        assert len(asked) == len(ports) > 1
        monkeypatch.setattr(socket_diag, "_read", Mock(side_effect=OSError("half an answer")))
        assert socket_diag.listening() is None
        assert own() == asked


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(struct.pack("=IHHII", 16, 2, 0, 1, 0), id="an error"),
        pytest.param(struct.pack("=IHHII", 16, 20, 0x10, 1, 0), id="an interrupted list"),
        pytest.param(struct.pack("=IHHII", 4, 20, 0, 1, 0), id="a length that cannot be"),
    ],
)
def test_half_an_answer_of_the_kernel_is_none(answer: bytes) -> None:
    with pytest.raises(OSError, match="did not list"):
        socket_diag._read(answer, [])


def test_a_process_that_is_gone_owns_nothing() -> None:
    assert owned_ports(2**22 + 1, {"socket:[1]": 80}) == set()
    assert listening_ports(2**22 + 1) == []


def test_a_socket_on_every_ipv6_address_answers_for_ipv4_unless_it_takes_ipv6_only() -> None:
    try:
        both = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    except (OSError, ValueError) as error:
        pytest.skip(f"no IPv6: {error}")
    with both, socket.create_server(("::", 0), family=socket.AF_INET6) as only:
        ports = [both.getsockname()[1], only.getsockname()[1]]
        sockets = listen_sockets()
        assert list(answering("127.0.0.1", ports, sockets)) == ports[:1]
        assert sorted(answering("::1", ports, sockets)) == sorted(ports)
        with socket.create_server(("0.0.0.0", ports[1])):
            [found] = answering("127.0.0.1", ports[1:], listen_sockets())[ports[1]]
            assert found.addresses == (ipaddress.ip_address("0.0.0.0"),)


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("127.1", ["127.0.0.1"]),
        ("::ffff:127.0.0.1", ["127.0.0.1"]),
        ("[::1]", ["::1"]),
        ("ip6-localhost", ["::1"]),
        ("LOCALHOST.", ["127.0.0.1", "::1"]),
        ("0.0.0.0", ["127.0.0.1", "::1"]),
        ("node2", []),
        ("1.2.3.4.5", []),
    ],
)
def test_each_spelling_of_a_host_has_its_addresses(host: str, addresses: list[str]) -> None:
    assert [str(address) for address in addresses_of(host)] == addresses
