"""Limits, use and page cache of every group above a process, in every layout that kernels show."""

from __future__ import annotations

from pathlib import Path

import pytest

from metabonk_tui.adapters.host.cgroup import (
    CgroupMemory,
    CgroupTree,
    read_cgroup_memory,
    read_cgroup_swap,
    read_pressure,
)
from tests.support.cgroup_trees import MB, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path).host()


def names(machine: Machine, pid: int | None = None) -> list[list[str]]:
    return [[group.name for group in chain] for chain in CgroupTree(machine.root).chains(pid)]


def test_every_ancestor_is_walked_outermost_first(machine: Machine) -> None:
    machine.mount(1).v1("").v1("/a").v1("/a/b").v1("/a/b/c").process(7, v1="/a/b/c")
    assert names(machine, 7) == [["/", "/a", "/a/b", "/a/b/c"]]


def test_hybrid_has_a_chain_in_each_hierarchy(machine: Machine) -> None:
    machine.mount(1).v1("").v1("/a").mount(2, at="/sys/fs/cgroup/unified").process("self", v1="/a", v2="/")
    assert names(machine) == [["/", "/a"], ["/"]]


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("/docker/abc", "/docker/abc", ["/docker/abc"]),
        ("/docker/abc", "/docker/abc/sub", ["/docker/abc", "/docker/abc/sub"]),
        ("/", "/sub", ["/", "/sub"]),
        # A namespace inside the visible mount: paths are relative to the namespace, the mount's root lies above it.
        ("/..", "/..", ["/.."]),
        ("/../..", "/../..", ["/../.."]),
    ],
)
def test_a_path_is_given_relative_to_what_the_mount_shows(
    machine: Machine, root: str, path: str, expected: list[str]
) -> None:
    machine.mount(1, root=root).v1("").v1("/sub").process(7, v1=path)
    assert names(machine, 7) == [expected]


@pytest.mark.parametrize("path", ["/system.slice/other", "/docker/abcd", "/../elsewhere", "/"])
def test_what_lies_outside_the_mount_limits_only_ourselves(machine: Machine, path: str) -> None:
    machine.mount(1, root="/docker/abc").v1("", limit=5 * MB).process(7, v1=path).process("self", v1=path)
    assert names(machine, 7) == []
    assert names(machine) == [["/docker/abc"]]


def test_levels_that_a_namespace_hides_are_found_by_the_process(machine: Machine) -> None:
    machine.mount(1, root="/../..").v1("").v1("/other").v1("/other/x").v1("/job").v1("/job/w").v1("/job/w/in")
    machine.write("/sys/fs/cgroup/memory/job/w/in/cgroup.procs", "5\n7")
    machine.write("/sys/fs/cgroup/memory/other/x/in/cgroup.procs", "77")
    machine.process(7, v1="/in")
    [chain] = CgroupTree(machine.root).chains(7)
    seen = [str(group.directory.relative_to(machine.root / "sys/fs/cgroup/memory")) for group in chain]
    assert seen == [".", "job", "job/w", "job/w/in"]


def test_the_mount_that_shows_most_ancestors_is_taken(machine: Machine) -> None:
    machine.mount(1, root="/a", at="/mnt/part").v1("", at="/mnt/part").v1("/b", at="/mnt/part")
    machine.mount(1).v1("").v1("/a").v1("/a/b").process(7, v1="/a/b")
    assert names(machine, 7) == [["/", "/a", "/a/b"]]


def test_a_mount_point_with_a_space_is_found(machine: Machine) -> None:
    machine.mount(2, at="/mnt/my\\040groups")
    machine.v2("/a", limit=9 * MB, at="/mnt/my groups").process(7, v2="/a")
    assert names(machine, 7) == [["/", "/a"]]


def test_a_later_mount_hides_the_one_below(machine: Machine) -> None:
    machine.mount(2).v2("/a").process(7, v2="/a")
    machine.mounts.append("99 31 0:40 / /sys/fs/cgroup rw - tmpfs tmpfs rw")
    machine.write("/proc/self/mountinfo", "\n".join(machine.mounts))
    assert names(machine, 7) == []


@pytest.mark.parametrize(
    "text",
    ["", "garbage", "4:memory", "x:y:z", "0::", "0::relative", "\x00\xff", "5:cpu,cpuacct:/a", "1:name=memory:/a"],
)
def test_a_cgroup_file_of_garbage_has_no_groups(machine: Machine, text: str) -> None:
    machine.mount(1).v1("/a").write("/proc/7/cgroup", text)
    assert names(machine, 7) == []


def test_a_process_that_is_gone_has_no_groups(machine: Machine) -> None:
    assert names(machine.mount(2), 7) == []


def test_a_group_that_is_gone_leaves_its_ancestors(machine: Machine) -> None:
    machine.mount(2).v2("/a").process(7, v2="/a/gone (deleted)")
    assert names(machine, 7) == [["/", "/a"]]


@pytest.mark.parametrize(
    ("limit", "high", "usage", "cache", "expected"),
    [
        ("max", "max", 5 * MB, 0, None),
        (100 * MB, "max", 30 * MB, 0, CgroupMemory(100 * MB, 30 * MB, 70 * MB)),
        ("max", 80 * MB, 30 * MB, 0, CgroupMemory(80 * MB, 30 * MB, 50 * MB)),
        (100 * MB, 80 * MB, 30 * MB, 0, CgroupMemory(80 * MB, 30 * MB, 50 * MB)),
        # The page cache can be had back: a group full of it is not full.
        (100 * MB, "max", 100 * MB, 90 * MB, CgroupMemory(100 * MB, 10 * MB, 90 * MB)),
        # Counters are not read at one instant.
        (100 * MB, "max", 10 * MB, 20 * MB, CgroupMemory(100 * MB, 0, 100 * MB)),
        (100 * MB, 80 * MB, 95 * MB, 0, CgroupMemory(80 * MB, 95 * MB, 0)),
        (0, "max", 10 * MB, 0, CgroupMemory(0, 10 * MB, 0)),
        ("garbage", "-5", 10 * MB, 0, None),
        ("", "", 10 * MB, 0, None),
        (100 * MB, "max", "garbage", 0, CgroupMemory(100 * MB, None, None)),
    ],
)
def test_what_a_v2_group_leaves(
    machine: Machine,
    limit: int | str,
    high: int | str,
    usage: int | str,
    cache: int,
    expected: CgroupMemory | None,
) -> None:
    machine.mount(2).v2("/a", limit=limit, high=high, usage=usage, cache=cache).process(7, v2="/a")
    [chain] = CgroupTree(machine.root).chains(7)
    assert read_cgroup_memory(chain[-1]) == expected


@pytest.mark.parametrize(
    ("slab", "left"),
    [
        ("slab_reclaimable 40000000\nslab_unreclaimable 5", 50 * MB),  # 100 - (90 - 40)
        ("slab_reclaimable 0\nslab 9", 10 * MB),
        ("slab 40000000", 10 * MB),  # a kernel that does not say which part it gives back
        ("slab_reclaimable lots", 10 * MB),
        ("slab_reclaimable 95000000", 100 * MB),  # never more than the limit
    ],
)
def test_reclaimable_slab_of_a_v2_group_can_be_had_back(machine: Machine, slab: str, left: int) -> None:
    stat = f"inactive_file 0\nactive_file 0\n{slab}"
    machine.mount(2).v2("/a", limit=100 * MB, usage=90 * MB, stat=stat).process(7, v2="/a")
    [chain] = CgroupTree(machine.root).chains(7)
    memory = read_cgroup_memory(chain[-1])
    assert memory is not None
    assert memory.available_bytes == left


@pytest.mark.parametrize(
    ("limit", "usage", "cache", "expected"),
    [
        (9223372036854771712, 5 * MB, 0, None),
        (9223372036854710272, 5 * MB, 0, None),
        (100 * MB, 30 * MB, 10 * MB, CgroupMemory(100 * MB, 20 * MB, 80 * MB)),
        ("garbage", 30 * MB, 10 * MB, None),
        (100 * MB, "", 10 * MB, CgroupMemory(100 * MB, None, None)),
    ],
)
def test_what_a_v1_group_leaves(
    machine: Machine, limit: int | str, usage: int | str, cache: int, expected: CgroupMemory | None
) -> None:
    machine.mount(1).v1("/a", limit=limit, usage=usage, cache=cache).process(7, v1="/a")
    [chain] = CgroupTree(machine.root).chains(7)
    assert read_cgroup_memory(chain[-1]) == expected


@pytest.mark.parametrize("stat", ["", "garbage", "active_file x\ninactive_file 3", "active_file 3", "total_cache 9"])
def test_a_limit_without_a_readable_stat_leaves_an_unknown_amount(machine: Machine, stat: str) -> None:
    machine.mount(2).v2("/a", limit=100 * MB, usage=99 * MB, stat=stat).process(7, v2="/a")
    [chain] = CgroupTree(machine.root).chains(7)
    assert read_cgroup_memory(chain[-1]) == CgroupMemory(100 * MB, None, None)


def test_v1_reports_the_limit_above_the_container_only_at_its_top(machine: Machine) -> None:
    machine.mount(1, root="/docker/abc")
    machine.v1("", usage=30 * MB, inherited=50 * MB).v1("/in", usage=20 * MB, inherited=50 * MB)
    machine.process(7, v1="/docker/abc/in")
    [chain] = CgroupTree(machine.root).chains(7)
    assert [read_cgroup_memory(group) for group in chain] == [CgroupMemory(50 * MB, 30 * MB, 20 * MB), None]


def test_swap_limits_are_read_where_a_group_has_one(machine: Machine) -> None:
    machine.mount(2).v2("/a").process(7, v2="/a")
    [chain] = CgroupTree(machine.root).chains(7)
    assert read_cgroup_swap(chain[-1]) is None
    machine.write("/sys/fs/cgroup/a/memory.swap.max", 5 * MB)
    machine.write("/sys/fs/cgroup/a/memory.swap.current", 2 * MB)
    assert read_cgroup_swap(chain[-1]) == (5 * MB, 2 * MB)
    machine.write("/sys/fs/cgroup/a/memory.swap.max", "max")
    assert read_cgroup_swap(chain[-1]) is None


def test_pressure_is_read_or_unknown(machine: Machine) -> None:
    assert read_pressure(machine.root / "proc/pressure/memory") == (1.5, 0.5)
    machine.write("/proc/pressure/memory", "some avg10=nan avg60=0")
    assert read_pressure(machine.root / "proc/pressure/memory") == (None, None)
    assert read_pressure(machine.root / "nowhere") == (None, None)
