"""Polls every worker once a second with one client and prints the CPU seconds of the polling.

    python bench/poll_probe.py CLIENT BASE_PORT WORKERS SECONDS

CLIENT is `ours`, `decoded` (ours, with cleaning and decoding), `samples` (the monitor's whole collector), `aiohttp` or
`httpx`. Runs in a process of its own, and in an environment that has the client: only the first three need the
monitor. `ours`, `aiohttp` and `httpx` read the whole answer and decode nothing. Does not: count the polls; the workers
do.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

TIMEOUT_S = 2.0
MAX_BYTES = 262_144
WARM_UP = 3
"""Rounds before the CPU time counts: in these every connection is made."""
Round = Callable[[], Awaitable[object]]
"""Polls every worker once."""


@asynccontextmanager
async def ours(urls: list[str]) -> AsyncIterator[Round]:
    """Poll with the client of the monitor."""
    from metabonk_tui.adapters.http.client import StatusClient

    async with StatusClient(TIMEOUT_S, MAX_BYTES) as client:
        yield lambda: asyncio.gather(*map(client.fetch, urls), return_exceptions=True)


@asynccontextmanager
async def ours_decoded(urls: list[str]) -> AsyncIterator[Round]:
    """Poll with the client of the monitor, and decode every answer."""
    from metabonk_tui.adapters.http.client import StatusClient

    async with StatusClient(TIMEOUT_S, MAX_BYTES) as client:
        yield lambda: asyncio.gather(*map(client.poll, urls), return_exceptions=True)


@asynccontextmanager
async def samples(urls: list[str]) -> AsyncIterator[Round]:
    """Gather one Sample, as the monitor does."""
    from metabonk_tui.adapters.http.client import StatusClient
    from metabonk_tui.adapters.pools.read_only import WatchOnlyPool
    from metabonk_tui.adapters.state.package_data import default_config_text
    from metabonk_tui.core.config.load import parse_config
    from metabonk_tui.core.model.refs import ONLY_HOST
    from metabonk_tui.engine.clock import RunClock
    from metabonk_tui.engine.collector import Collector, PoolReaders
    from metabonk_tui.engine.host_collector import HostReaders
    from metabonk_tui.engine.single_flight import FaultLog

    own = f"[pool]\nworkers = {len(urls)}\nbase_port = {urlsplit(urls[0]).port}\norchestrator = ''\n"
    config = parse_config(default_config_text(), f"{own}[observe]\ninterval_s = 1.0\n")
    clock = RunClock()
    async with StatusClient(TIMEOUT_S, MAX_BYTES) as client:
        readers = PoolReaders(status=client, pool=WatchOnlyPool(), hosts={ONLY_HOST: HostReaders()})
        collector = Collector(config, readers, clock, FaultLog(clock))
        yield collector.gather
        await collector.aclose()


@asynccontextmanager
async def with_aiohttp(urls: list[str]) -> AsyncIterator[Round]:
    """Poll with a good general client."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def fetch(url: str) -> bytes:
            async with session.get(url) as answer:
                return await answer.read()

        yield lambda: asyncio.gather(*map(fetch, urls), return_exceptions=True)


@asynccontextmanager
async def with_httpx(urls: list[str]) -> AsyncIterator[Round]:
    """Poll with the client that the monitor had first."""
    import httpx

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=TIMEOUT_S, trust_env=False) as client:
        yield lambda: asyncio.gather(*map(client.get, urls), return_exceptions=True)


CLIENTS: dict[str, Callable[[list[str]], AbstractAsyncContextManager[Round]]] = {
    "ours": ours,
    "decoded": ours_decoded,
    "samples": samples,
    "aiohttp": with_aiohttp,
    "httpx": with_httpx,
}


async def poll_for(client: str, base_port: int, workers: int, seconds: int) -> float:
    """Poll for so many seconds after the warm-up; return the CPU seconds that they took."""
    urls = [f"http://127.0.0.1:{base_port + slot}/status" for slot in range(workers)]
    async with CLIENTS[client](urls) as poll_all:
        cpu_s, began_s = 0.0, time.monotonic()
        for number in range(WARM_UP + seconds):
            await asyncio.sleep(max(0.0, began_s + number - time.monotonic()))
            if number == WARM_UP:
                cpu_s = time.process_time()
                # The line asks the caller to begin to count the polls.
                print("warm", flush=True)
                await asyncio.to_thread(sys.stdin.readline)
            await poll_all()
        return time.process_time() - cpu_s


if __name__ == "__main__":
    print(asyncio.run(poll_for(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(float(sys.argv[4])))))
