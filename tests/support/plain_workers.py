"""Serves the status of many healthy workers from one thread of the test."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.fault_server import answer
from tests.support.ports import free_ports


@contextmanager
def plain_workers(count: int) -> Iterator[int]:
    """Answer on so many ports in a row while the block runs; yields the first port."""
    base = free_ports(count)
    loop = asyncio.new_event_loop()
    began = time.monotonic()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        slot = writer.get_extra_info("sockname")[1] - base
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            passed_s = time.monotonic() - began
            document = {
                "instance_id": f"omega-{slot}",
                "step": passed_s * 5,
                "dynamic_ui_exploration_actions": int(passed_s),
                "dynamic_ui_text_density": 0.1,
                "intrinsic_reward_total": passed_s,
                "system2_trigger_engaged_count": int(passed_s),
            }
            writer.write(answer(json.dumps(document).encode()))
            await writer.drain()
        writer.close()

    async def start() -> list[asyncio.Server]:
        return [await asyncio.start_server(serve, "127.0.0.1", base + slot) for slot in range(count)]

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    servers = asyncio.run_coroutine_threadsafe(start(), loop).result(30)

    async def stop() -> None:
        for server in servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    try:
        yield base
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
