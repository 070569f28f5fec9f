"""Ports that others hold, with real sockets: named, and asked whether a worker of MetaBonk answers."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from metabonk_tui.adapters.pools.launch_ports import held_ports, worker_name
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.process.proc import Proc
from tests.support.children import config
from tests.support.ports import free_ports

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


def spec(port: int, host: str = "127.0.0.1") -> LaunchSpec:
    return LaunchSpec(config(f'[pool]\nhost = "{host}"\nbase_port = {port}\n'), Path("/nonexistent"))


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Serve one fixed answer on a free port while the block runs."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection = server.accept()[0]
            except OSError:
                return
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(10)


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (HEAD + b'{"instance_id": "omega-3", "step": 1}', "omega-3"),
        (HEAD + b'{"reward": 0.5}', "a worker"),
        (HEAD + b'{"status": "ok"}', None),
        (HEAD + b"[1]", None),
        (HEAD + b"<html>", None),
        (b"", None),
        (b"SSH-2.0-x\r\n", None),
    ],
)
def test_only_a_worker_answers_like_a_worker(answer: bytes, name: str | None) -> None:
    with answering(answer) as port:
        assert worker_name("localhost", port) == name


def test_a_silent_listener_delays_for_half_a_second_at_most() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert worker_name("127.0.0.1", server.getsockname()[1]) is None


def test_a_holder_is_named_unless_it_is_ours() -> None:
    with answering(HEAD + b'{"instance_id": "omega-0", "step": 1}') as port:
        (text,) = held_ports(spec(port), 1, (), Proc()).values()
        assert text.startswith(f"port {port} is held by ")
        assert f"pid {os.getpid()}" in text
        assert text.endswith("answers /status as omega-0")
        assert held_ports(spec(port), 1, {os.getpid()}, Proc()) == {}


def test_another_loopback_address_holds_nothing_of_ours() -> None:
    port = free_ports(1)
    with socket.create_server(("127.0.0.2", port)):
        assert held_ports(spec(port), 1, (), Proc()) == {}
        assert list(held_ports(spec(port, "127.0.0.2"), 1, (), Proc())) == [port]


def test_a_socket_that_does_not_listen_is_in_the_way() -> None:
    port = free_ports(1)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", port))
        assert "does not listen" in held_ports(spec(port), 1, (), Proc())[port]
    assert held_ports(spec(port), 1, (), Proc()) == {}
