"""Lets all threads of this process share the free memory of one heap. Does not: change what Python itself caches."""

from __future__ import annotations

import sys

_M_ARENA_MAX = -8
"""The parameter of mallopt(3), by malloc.h of glibc."""


def share_one_heap() -> bool:
    """Ask the C library for one heap for all threads; return whether it agreed. Call it before any thread begins.

    glibc opens a heap for each thread that allocates. With the threads of a monitor these held 3 MB of 49 that were
    free, or were needed once. One heap costs no speed: only one thread of Python allocates at a time.
    """
    if sys.platform != "linux":
        return False
    import ctypes  # imported late: verbs that only look need none of it

    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1))
    except (AttributeError, OSError):
        # Other C libraries, like musl, know no such heaps.
        return False
