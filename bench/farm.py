"""Serves many workers from one process: one port each, and an orchestrator on the port behind the last.

    python -m bench.farm COUNT CHANGE

Prints its first port when all ports listen, and ends with its standard input. GET /counts on the orchestrator's port
returns how often each worker was polled, and when first and last. Does not: simulate processes or logs.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import create_server, socket

from msgspec import Struct

from bench.documents import ENVIRONMENT, Change, WorkerDocuments

FIRST_PORT, LAST_PORT = 20_000, 32_000
"""Where ports are looked for: below the range from which the kernel takes ports."""
ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 60.0
TRIES = 200


class Farm(Struct, frozen=True):
    """The address of a running farm."""

    base_port: int
    workers: int

    @property
    def orchestrator_port(self) -> int:
        return self.base_port + self.workers

    def counts(self) -> list[tuple[int, float, float]]:
        """Return polls, time of the first and of the last poll of each worker, since the last call."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.orchestrator_port}/counts", timeout=LIMIT_S) as answer:
            return [tuple(row) for row in json.load(answer)]

    def write_config(self, folder: Path, interval_s: float = 1.0) -> Path:
        """Write a configuration that watches this farm and launches nothing."""
        path = folder / "bench.toml"
        path.write_text(
            f"""[pool]
base_port = {self.base_port}
workers = {self.workers}
orchestrator = "http://127.0.0.1:{self.orchestrator_port}"
backend = "none"

[observe]
interval_s = {interval_s:g}
"""
        )
        return path


def done_of_due(counts: list[tuple[int, float, float]], interval_s: float) -> float | None:
    """Return how many of the polls that were due the workers saw; None: no worker was polled twice.

    The first poll starts a worker's count, so that the edges of the measured time do not matter.
    """
    if not any(count > 1 for count, _, _ in counts):
        return None
    # A worker that was polled once at most was due for as long as the others.
    longest_s = max(last - first for _, first, last in counts)
    shares = [
        (count - 1) / ((last - first) / interval_s) if count > 1 else interval_s / longest_s
        for count, first, last in counts
    ]
    return sum(shares) / len(shares)


@contextmanager
def running(workers: int, change: Change) -> Iterator[Farm]:
    """Run a farm while the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.farm", str(workers), change.value],
        env=os.environ | ENVIRONMENT,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line.strip().isdecimal():
            raise RuntimeError("the farm did not start")
        yield Farm(int(line), workers)
    finally:
        process.stdin.close()
        process.wait(LIMIT_S)
        process.stdout.close()


class Worker:
    """One port: its documents and how often they were asked for."""

    def __init__(self, slot: int, change: Change) -> None:
        self._documents = WorkerDocuments(slot, change)
        self._began_s = time.monotonic()
        self.polls, self.first_s, self.last_s = 0, 0.0, 0.0

    def answer(self, _path: bytes) -> bytes:
        now_s = time.monotonic()
        self.first_s = self.first_s if self.polls else now_s
        self.polls, self.last_s = self.polls + 1, now_s
        return self._documents.body(now_s - self._began_s, time.time())


class Orchestrator:
    """The port behind the last: heartbeats for the monitor, counts for the measurement."""

    def __init__(self, base_port: int, workers: list[Worker]) -> None:
        self._base_port = base_port
        self._workers = workers

    def answer(self, path: bytes) -> bytes:
        if path == b"/counts":
            rows = [(worker.polls, worker.first_s, worker.last_s) for worker in self._workers]
            for worker in self._workers:
                worker.polls = 0
            return json.dumps(rows).encode()
        now_t = time.time()
        heartbeats = [
            {
                "instance_id": f"omega-{slot}",
                "port": self._base_port + slot,
                "worker_pid": os.getpid(),
                "episode_idx": 3,
                "last_seen_ts": now_t,
                "step_age_s": 1.0,
            }
            for slot in range(len(self._workers))
        ]
        return json.dumps({"workers": heartbeats}).encode()


class Connection(asyncio.Protocol):
    """One client of one port; requests without a body, connections stay open."""

    def __init__(self, site: Worker | Orchestrator) -> None:
        self._site = site
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, self._received = self._received[:end], self._received[end + 4 :]
            body = self._site.answer(head.split(b" ", 2)[1])
            assert self._transport is not None
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                % (len(body), body)
            )


def free_sockets(count: int) -> tuple[int, list[socket]]:
    """Listen on so many ports in a row; return the first. Raises RuntimeError where there are none."""
    for number in range(TRIES):
        base = FIRST_PORT + (os.getpid() * 37 + number * 61) % (LAST_PORT - FIRST_PORT - count)
        with ExitStack() as opened:
            try:
                sockets = [opened.enter_context(create_server(("127.0.0.1", base + i))) for i in range(count)]
            except OSError:
                continue
            opened.pop_all()
            return base, sockets
    raise RuntimeError(f"no {count} free ports in a row between {FIRST_PORT} and {LAST_PORT}")


async def serve(count: int, change: Change) -> None:
    """Serve until standard input ends."""
    base_port, sockets = free_sockets(count + 1)
    workers = [Worker(slot, change) for slot in range(count)]
    loop = asyncio.get_running_loop()
    for sock, site in zip(sockets, [*workers, Orchestrator(base_port, workers)], strict=True):
        await loop.create_server(lambda site=site: Connection(site), sock=sock)  # type: ignore[misc]
    ended = asyncio.Event()
    loop.add_reader(sys.stdin, ended.set)
    print(base_port, flush=True)
    await ended.wait()


def main() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(serve(int(sys.argv[1]), Change(sys.argv[2])))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
