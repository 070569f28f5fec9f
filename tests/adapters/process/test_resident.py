"""What the trees of a pool hold: file pages out, every shared page once, however many map it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.resident import DIVIDE_EVERY_S, EVERY_S, HeldMemory, PoolMemory
from tests.support.children import UNTIL_CLOSED, Children
from tests.support.proc_trees import Table
from tests.support.timing import StandingClock as Clock

MB = 1024 * 1024
ROOTS = {1: (1, 5.0), 2: (2, 5.0), 3: (3, 5.0)}


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def process(table: Table, pid: int, anon: int, file: int = 0, shmem: int = 0, pss_anon: int | None = None) -> None:
    """Add a process; sizes are in MB."""
    kb = [
        f"{name}:\t{size * 1024:>8} kB" for name, size in (("RssAnon", anon), ("RssFile", file), ("RssShmem", shmem))
    ]
    table.write(f"{pid}/status", "Name:\tpython\nVmRSS:\t 1 kB\n" + "\n".join(kb) + "\nThreads:\t1\n")
    if pss_anon is not None:
        table.write(f"{pid}/smaps_rollup", f"55-7f ---p 00000000 00:00 0 [rollup]\nPss_Anon: {pss_anon * 1024} kB\n")


def maps(table: Table, pid: int, *segments: tuple[str, str, int, int]) -> None:
    """Write the mappings of a process: (path, inode, resident MB, its part in MB)."""
    text = "7f00-7f10 r-xp 00000000 08:01 77 /usr/lib/libtorch.so\nSize: 9 kB\nRss: 9000000 kB\nPss: 9000000 kB\n"
    for path, inode, rss, pss in segments:
        text += (
            f"7f20-7f30 rw-s 00000000 00:19 {inode}                 {path}\nSize: 9999999 kB\nKernelPageSize: 4 kB\n"
            f"MMUPageSize: 4 kB\nRss: {rss * 1024} kB\nPss: {pss * 1024} kB\nShared_Clean: 0 kB\nVmFlags: rd wr sh\n"
        )
    table.write(f"{pid}/smaps", text)


def read(table: Table, trees: dict[int, list[int]]) -> dict[int, HeldMemory]:
    memory = PoolMemory(Proc(table.root), Clock())
    held = memory.read({(root, 5.0): [(pid, 5.0) for pid in tree] for root, tree in trees.items()})
    return {root: found for (root, _), found in held.items()}


def test_file_pages_are_nobodys(table: Table) -> None:
    process(table, 1, anon=300, file=900)
    assert read(table, {1: [1]}) == {1: HeldMemory(300 * MB, 0, 0)}


def test_a_segment_that_all_map_counts_once_and_is_common(table: Table) -> None:
    for pid in (1, 2, 3, 4):
        process(table, pid, anon=20, shmem=800, pss_anon=20)
        maps(table, pid, ("/dev/shm/frames (deleted)", "9", 800, 200))
    held = read(table, {pid: [pid] for pid in (1, 2, 3, 4)})
    assert held[1] == HeldMemory(20 * MB, 200 * MB, 200 * MB)
    assert sum(each.anon_bytes + each.shmem_bytes for each in held.values()) == 880 * MB


def test_a_segment_within_one_tree_is_its_own(table: Table) -> None:
    for pid, path in ((1, "/memfd:frames"), (2, "/SYSV00000000"), (3, "/dev/zero")):
        process(table, pid, anon=20, shmem=400)
        process(table, pid * 10, anon=5, shmem=400)
        maps(table, pid, (path, f"{pid}", 400, 200))
        maps(table, pid * 10, (path, f"{pid}", 400, 200))
    held = read(table, {pid: [pid, pid * 10] for pid in (1, 2, 3)})
    assert set(held.values()) == {HeldMemory(25 * MB, 400 * MB, 0)}


def test_own_and_common_segments_are_told_apart(table: Table) -> None:
    for pid in (1, 2):
        process(table, pid, anon=0, shmem=900)
        maps(table, pid, ("/dev/shm/all", "9", 800, 400), ("/dev/shm/mine", f"{pid}", 100, 100))
    assert set(read(table, {1: [1], 2: [2]}).values()) == {HeldMemory(0, 500 * MB, 400 * MB)}


def test_pages_that_a_fork_shares_are_divided(table: Table) -> None:
    process(table, 1, anon=2000, pss_anon=1010)
    process(table, 10, anon=2000, pss_anon=1010)
    assert read(table, {1: [1, 10]}) == {1: HeldMemory(2020 * MB, 0, 0)}


def test_where_segments_may_not_be_read_the_largest_part_counts_once(table: Table) -> None:
    for pid, shmem in ((1, 700), (2, 800), (3, 800)):
        process(table, pid, anon=20, shmem=shmem)
    held = read(table, {1: [1], 2: [2], 3: [3]})
    assert sum(each.shmem_bytes for each in held.values()) == 800 * MB
    assert sum(each.common_bytes for each in held.values()) == 800 * MB
    assert {each.anon_bytes for each in held.values()} == {20 * MB}


@pytest.mark.parametrize("status", [None, "", "VmRSS: 5 kB\n", "RssAnon:\t5 kB\n", "RssAnon: lots kB\nRssShmem: 1 kB"])
def test_what_was_not_read_is_left_out_and_is_not_zero(table: Table, status: str | None) -> None:
    if status is not None:
        table.write("1/status", status)
    process(table, 2, anon=3)
    assert read(table, {1: [1], 2: [2]}) == {2: HeldMemory(3 * MB, 0, 0)}


def test_a_new_worker_divides_anew_and_one_that_grows_is_followed(table: Table) -> None:
    clock = Clock()
    memory = PoolMemory(Proc(table.root), clock)
    process(table, 1, anon=20, shmem=800)
    maps(table, 1, ("/dev/shm/all", "9", 800, 800))
    assert memory.read({ROOTS[1]: [ROOTS[1]]}) == {ROOTS[1]: HeldMemory(20 * MB, 800 * MB, 0)}
    for pid in (1, 2):
        process(table, pid, anon=20, shmem=800)
        maps(table, pid, ("/dev/shm/all", "9", 800, 400))
    both = {ROOTS[pid]: [ROOTS[pid]] for pid in (1, 2)}
    clock.now += EVERY_S
    assert set(memory.read(both).values()) == {HeldMemory(20 * MB, 400 * MB, 400 * MB)}
    process(table, 1, anon=50, shmem=800)
    assert memory.read(both)[ROOTS[1]].anon_bytes == 20 * MB, "not every tick"
    clock.now += EVERY_S
    assert memory.read(both)[ROOTS[1]].anon_bytes == 50 * MB
    maps(table, 1, ("/dev/shm/all", "9", 800, 300))
    clock.now += EVERY_S
    assert memory.read(both)[ROOTS[1]].shmem_bytes == 400 * MB, "the walk is made once a minute"
    clock.now += DIVIDE_EVERY_S
    assert memory.read(both)[ROOTS[1]].shmem_bytes == 300 * MB


HOLD = """
import mmap, os, sys
buffer = mmap.mmap(-1, 60_000_000, flags=mmap.MAP_SHARED)
buffer.write(b"x" * 60_000_000)
own = bytearray(b"x" * 60_000_000)
if os.fork() == 0:
    for place in range(0, 60_000_000, 4096):
        buffer[place], own[place]
    print(os.getpid(), flush=True)
    sys.stdin.read()
    os._exit(0)
"""


def test_real_pages_of_a_fork_and_of_a_shared_buffer_count_once(children: Children) -> None:
    parent = children.python(HOLD + UNTIL_CLOSED)
    child = int(parent.line)  # type: ignore[attr-defined]
    proc = Proc()
    if not proc.text(child, "smaps_rollup"):
        pytest.skip("this kernel does not say how the pages of a process are divided")
    trees = {(pid, 0.0): [(pid, 0.0)] for pid in (parent.pid, child)}
    held = PoolMemory(proc, Clock()).read(trees)
    assert len(held) == 2
    assert 60_000_000 < sum(each.anon_bytes for each in held.values()) < 90_000_000
    assert 55_000_000 < sum(each.shmem_bytes for each in held.values()) < 65_000_000
    assert all(each.common_bytes == each.shmem_bytes for each in held.values())
    assert os.getpid() not in {pid for pid, _ in held}
