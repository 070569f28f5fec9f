"""Computes how many connections fit below the limit of open files. Does not: count what is open."""

from __future__ import annotations

import resource
import sys

RESERVED = 24
"""Descriptors for everything but connections: the terminal, two event loops, the recording, locks, logs, /proc."""
FEWEST_CONNECTIONS = 4


def limit() -> int:
    """Return how many files the monitor may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def most_connections() -> int:
    """Return how many workers can be polled at the same time."""
    return max(FEWEST_CONNECTIONS, limit() - RESERVED)


def why_too_few(workers: int) -> str:
    """Return why so many workers cannot be polled at the same time; "" when they can."""
    room = most_connections()
    if workers <= room:
        return ""
    # A power of two above the need, as `ulimit -n` is usually written.
    enough = 1 << (workers + 2 * RESERVED).bit_length()
    return (
        f"no file descriptors left for {workers} connections (limit {limit()}): {room} workers are polled at a time; "
        f"raise the limit with ulimit -n {enough}"
    )
