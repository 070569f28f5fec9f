import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench import process_tree

BURNT_S = 0.2
BURN = f"import time\nwhile time.process_time() < {BURNT_S}: pass\n"
PROGRAMS = {
    "itself": BURN,
    "a thread": f"import threading\nt = threading.Thread(target=lambda: exec({BURN!r}))\nt.start(); t.join()\n",
    "an ended child": f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])\n",
    "a living child": (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {BURN!r} + 'print(flush=True); input()'],"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
    ),
}


@contextmanager
def waiting(program: str) -> Iterator[int]:
    """Run a program up to its end and keep it there while the block runs; yields its pid."""
    process = subprocess.Popen(
        [sys.executable, "-c", program + "print('done', flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"done\n"
        yield process.pid
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(30)


@pytest.mark.parametrize("who", PROGRAMS)
def test_the_cpu_time_of_every_part_of_a_tree_counts(who: str) -> None:
    with waiting(PROGRAMS[who]) as pid:
        # The kernel counts ended children in ticks of 10 ms.
        assert process_tree.cpu_s(pid) >= BURNT_S - 0.02


def test_a_process_that_is_gone_costs_nothing() -> None:
    with waiting("") as pid:
        pass
    assert process_tree.cpu_s(pid) == 0.0
    assert process_tree.PeakRss(pid).peak_bytes == 0


def test_memory_that_was_given_back_stays_in_the_peak() -> None:
    size = 64 << 20
    with waiting(f"kept = b'x' * {size}\ndel kept\n") as pid:
        assert process_tree.PeakRss(pid).peak_bytes > size
        assert process_tree.rss_bytes(pid) < size


def test_a_child_counts_when_it_was_seen_twice() -> None:
    size = 64 << 20
    child = f"kept = b'x' * {size}; print(flush=True); input()"
    program = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
    )
    with waiting(program) as pid:
        peak = process_tree.PeakRss(pid)
        peak.look()
        assert peak.peak_bytes < size
        peak.look()
        assert peak.peak_bytes > size
