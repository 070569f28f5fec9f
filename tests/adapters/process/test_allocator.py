"""Threads that share one heap, seen in the maps of a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading
from metabonk_tui.adapters.process.allocator import share_one_heap
agreed = share_one_heap() if sys.argv[1] == "one" else True
kept = []
together = threading.Barrier(4)
def allocate():
    together.wait()
    kept.extend(bytearray(2000) for _ in range(200))
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
sizes = []
for line in open("/proc/self/maps"):
    span, access = line.split()[:2]
    first, last = (int(end, 16) for end in span.split("-"))
    sizes.append(last - first if access == "---p" else 0)
print(agreed, sum(size > 60 << 20 for size in sizes))
"""
"""glibc reserves 64 MB of addresses for each heap of a thread."""


def heaps(how: str) -> tuple[str, int]:
    argv = [sys.executable, "-c", PROGRAM, how]
    agreed, count = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    return agreed, int(count)


def test_no_thread_has_a_heap_of_its_own() -> None:
    if heaps("each")[1] == 0:
        pytest.skip("this C library has no heaps of threads")
    assert heaps("one") == ("True", 0)
