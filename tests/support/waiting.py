"""Waits for a condition with a limit: a test never sleeps for luck."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
LIMIT_S = 90.0
NEVER = "it never became true"
REST = 9.0
"""The pause after a look, as a multiple of its CPU time: looks must not take the time of what they wait for."""
LONGEST_REST_S = 0.2


def wait_for(condition: Callable[[], T], what: str = NEVER, limit_s: float = LIMIT_S, every_s: float = 0.01) -> T:
    """Look until the condition is true, and return what it returned; fail after `limit_s`."""
    ends = time.monotonic() + limit_s
    began_s = time.thread_time()
    while not (found := condition()):
        assert time.monotonic() < ends, f"not within {limit_s:g} s: {what}"
        took_s = time.thread_time() - began_s
        time.sleep(max(every_s, min(LONGEST_REST_S, took_s * REST)))
        began_s = time.thread_time()
    return found


async def wait_for_async(
    condition: Callable[[], T], what: str = NEVER, limit_s: float = LIMIT_S, every_s: float = 0.01
) -> T:
    """Look until the condition is true while the event loop runs; fail after `limit_s`."""
    ends = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < ends, f"not within {limit_s:g} s: {what}"
        await asyncio.sleep(every_s)
    return found
