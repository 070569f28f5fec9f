"""What the workers can still have: the least of the host and every group above them and us."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metabonk_tui.adapters.host.memory import KernelMemory
from metabonk_tui.core.model.host import MemoryReading
from tests.support.cgroup_trees import MB, Machine
from tests.support.examples import examples

HOST = 8_000 * MB // 1024 * 1024


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path).host()


def read(machine: Machine, *pids: int) -> MemoryReading:
    return KernelMemory(machine.root).read(pids)


def test_without_cgroups_the_host_decides(machine: Machine) -> None:
    reading = read(machine, 7, 8)
    assert reading.available_bytes == HOST
    assert reading.total_bytes == 16_000 * MB // 1024 * 1024
    assert (reading.limited_by, reading.limit_bytes) == ("host", None)
    assert reading.working_set_bytes == reading.total_bytes - HOST
    assert (reading.swap_total_bytes, reading.swap_used_bytes) == (2000 * 1024, 1500 * 1024)
    assert (reading.oom_kills, reading.oom_scope) == (0, "host")
    assert (reading.pressure_some_avg10, reading.pressure_full_avg10) == (1.5, 0.5)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("limited", ["/a", "/a/b", "/a/b/c"])
@pytest.mark.parametrize("whose", ["self", 7])
def test_a_limit_on_any_ancestor_counts(machine: Machine, version: int, limited: str, whose: int | str) -> None:
    machine.mount(version)
    for path in ("/a", "/a/b", "/a/b/c"):
        group = {"limit": 500 * MB} if path == limited else {}
        (machine.v1 if version == 1 else machine.v2)(path, usage=300 * MB, cache=100 * MB, **group)
    machine.process("self").process(7)
    machine.process(whose, **{f"v{version}": "/a/b/c"})
    reading = read(machine, 7)
    assert (reading.available_bytes, reading.limited_by, reading.limit_bytes) == (300 * MB, limited, 500 * MB)
    assert (reading.total_bytes, reading.working_set_bytes) == (500 * MB, 200 * MB)


def test_who_leaves_least_is_named_even_if_another_limit_is_tighter(machine: Machine) -> None:
    machine.mount(2).v2("/a", limit=900 * MB, usage=850 * MB).v2("/a/b", limit=500 * MB, usage=100 * MB)
    reading = read(machine.process(7, v2="/a/b"), 7)
    assert (reading.available_bytes, reading.limited_by, reading.limit_bytes) == (50 * MB, "/a", 500 * MB)


def test_every_workers_own_groups_count(machine: Machine) -> None:
    machine.mount(2).v2("/w0", limit=900 * MB).v2("/w1", limit=400 * MB).process(7, v2="/w0").process(8, v2="/w1")
    assert read(machine, 7).limit_bytes == 900 * MB
    assert read(machine, 7, 8).limit_bytes == 400 * MB


def test_a_limit_above_the_hosts_memory_leaves_the_host_in_charge(machine: Machine) -> None:
    machine.mount(2).v2("/a", limit=64_000 * MB, usage="garbage").process(7, v2="/a")
    reading = read(machine, 7)
    assert (reading.available_bytes, reading.limited_by) == (HOST, "host")


def test_a_limit_whose_use_cannot_be_read_leaves_an_unknown_amount(machine: Machine) -> None:
    machine.mount(2).v2("/a", limit=500 * MB, usage="").process(7, v2="/a")
    reading = read(machine, 7)
    assert (reading.available_bytes, reading.limited_by, reading.limit_bytes) == (None, "/a", 500 * MB)


def test_a_fixture_of_a_hybrid_machine(machine: Machine) -> None:
    machine.mount(1).mount(2, at="/sys/fs/cgroup/unified").v1("/a", limit=500 * MB, usage=100 * MB)
    reading = read(machine.process("self", v1="/a", v2="/"))
    assert (reading.available_bytes, reading.limited_by) == (400 * MB, "/a")


def test_a_group_name_from_outside_is_cleaned(machine: Machine) -> None:
    machine.mount(2).v2("/a\x1b[2J", limit=500 * MB).process(7, v2="/a\x1b[2J")
    limited_by = read(machine, 7).limited_by
    assert limited_by is not None
    assert limited_by.isprintable()


@pytest.mark.parametrize("text", ["", "garbage", "MemTotal: lots kB", "MemTotal: 5 kB", "\x00\xff"])
def test_without_a_readable_meminfo_available_is_unknown(machine: Machine, text: str) -> None:
    machine.write("/proc/meminfo", text)
    reading = read(machine)
    assert reading.available_bytes is None
    assert reading.swap_total_bytes is None


def test_an_old_kernel_without_mem_available_counts_free_and_page_cache(machine: Machine) -> None:
    assert read(machine.host(available=None)).available_bytes == 600 * 1024


def arc(size: object, least: object) -> str:
    return f"13 1 0x01 96 26112 1 2\nname  type data\nsize   4    {size}\nc_min  4    {least}"


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (arc(5_000 * MB, 1_000 * MB), 4_000 * MB),
        (arc(1_000 * MB, 1_000 * MB), 0),
        (arc(500 * MB, 1_000 * MB), 0),  # below its minimum it gives nothing back
        (arc(9_000 * MB, 1_000 * MB), 0),  # more than is used: not the cache of this meminfo
        ("name type data\nsize 4 5000000000", 0),  # no minimum: nothing is promised
        (arc("lots", 0), 0),
        ("", 0),
    ],
)
def test_the_zfs_cache_of_the_host_is_available_down_to_its_minimum(machine: Machine, text: str, more: int) -> None:
    machine.write("/proc/spl/kstat/zfs/arcstats", text)
    assert read(machine).available_bytes == HOST + more


def test_the_hosts_zfs_cache_is_not_given_to_a_container_with_its_own_meminfo(machine: Machine) -> None:
    machine.write("/proc/spl/kstat/zfs/arcstats", arc(5_000 * MB, 0))
    machine.write("/proc/self/mountinfo", "99 31 0:44 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw")
    assert read(machine).available_bytes == HOST


def test_the_hosts_zfs_cache_does_not_widen_a_group(machine: Machine) -> None:
    machine.write("/proc/spl/kstat/zfs/arcstats", arc(5_000 * MB, 0))
    machine.mount(2).v2("/a", limit=500 * MB, usage=450 * MB).process(7, v2="/a")
    assert read(machine, 7).available_bytes == 50 * MB


def test_reserved_huge_pages_are_no_memory_for_a_worker(machine: Machine) -> None:
    meminfo = Path(machine.root) / "proc/meminfo"
    pages = "HugePages_Total:   28000\nHugePages_Free:    28000\nHugepagesize:       2048 kB\nHugetlb: 57344000 kB\n"
    meminfo.write_text(meminfo.read_text() + pages)
    assert read(machine).available_bytes == HOST


def test_nothing_at_all_is_unknown_not_zero(tmp_path: Path) -> None:
    assert KernelMemory(tmp_path).read([7]) == MemoryReading()


def test_the_pressure_is_the_workers_own_where_they_have_one(machine: Machine) -> None:
    machine.mount(2).v2("/w").process(7, v2="/w").process(8, v2="/quiet").v2("/quiet")
    machine.write("/sys/fs/cgroup/w/memory.pressure", "some avg10=42.00 avg60=1 x\nfull avg10=9.25 avg60=1 x")
    machine.write("/sys/fs/cgroup/quiet/memory.pressure", "some avg10=0.00 avg60=1 x\nfull avg10=0.00 avg60=1 x")
    reading = read(machine, 8, 7)
    assert (reading.pressure_some_avg10, reading.pressure_full_avg10) == (42.0, 9.25)
    assert read(machine).pressure_some_avg10 == 1.5


def test_a_v1_zombie_in_the_root_group_does_not_turn_to_the_hosts_counter(machine: Machine) -> None:
    machine.mount(1).v1("").v1("/pool", oom=1).process(7, v1="/pool").process(8, v1="/", state="Z")
    reading = read(machine, 7, 8)
    assert (reading.oom_kills, reading.oom_scope) == (1, "cgroup")


def test_a_worker_in_the_root_group_needs_the_hosts_counter(machine: Machine) -> None:
    machine.host(oom=5).mount(1).v1("").v1("/pool", oom=1).process(7, v1="/pool").process(8, v1="/")
    reading = read(machine, 7, 8)
    assert (reading.oom_kills, reading.oom_scope) == (5, "host")


def test_a_groups_share_of_swap_counts_where_it_is_less(machine: Machine) -> None:
    machine.mount(2).v2("/a").process(7, v2="/a")
    machine.write("/sys/fs/cgroup/a/memory.swap.max", 1000)
    machine.write("/sys/fs/cgroup/a/memory.swap.current", 10)
    reading = read(machine, 7)
    assert (reading.swap_total_bytes, reading.swap_used_bytes) == (1000, 10)


_size = st.one_of(st.integers(0, 20_000 * MB), st.sampled_from(["max", "", "garbage", "-1", "1e9", str(1 << 70)]))
_group = st.tuples(_size, _size, _size, st.integers(0, 20_000 * MB))


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=st.lists(_group, min_size=1, max_size=3))
def test_available_is_unknown_or_within_the_host_and_every_limit(
    tmp_path_factory: pytest.TempPathFactory, groups: list[tuple[int | str, int | str, int | str, int]]
) -> None:
    machine = Machine(tmp_path_factory.mktemp("m")).host().mount(2)
    path = ""
    for limit, high, usage, cache in groups:
        path += "/g"
        machine.v2(path, limit=limit, high=high, usage=usage, cache=cache)
    reading = read(machine.process(7, v2=path), 7)
    limits = [limit for group in groups for limit in group[:2] if isinstance(limit, int)]
    assert reading.limit_bytes == min(limits, default=None)
    if reading.available_bytes is not None:
        assert 0 <= reading.available_bytes <= min([HOST, *limits])
        assert reading.working_set_bytes is not None
        assert reading.working_set_bytes >= 0
    else:
        assert reading.limited_by != "host"


def test_this_machine_reads_sanely_and_cheaply() -> None:
    memory = KernelMemory()
    pids = [os.getpid(), os.getppid(), 1, 4_000_000]
    first = memory.read(pids)
    assert first.total_bytes is not None
    assert first.available_bytes is not None
    assert 0 < first.available_bytes <= first.total_bytes
    assert first.limited_by is not None
    timings = []
    for _ in range(50):
        started = time.perf_counter()
        memory.read(pids)
        timings.append(time.perf_counter() - started)
    # The best of many, with much room: a reading that walks all groups or all processes anew would not pass.
    assert min(timings) < 0.02
