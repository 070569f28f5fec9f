"""Whose kills are counted, and that no change of the counter looks like a kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from metabonk_tui.adapters.host.cgroup import CgroupTree, read_cgroup_memory
from metabonk_tui.adapters.host.oom_counter import OomCounter, counter_file
from tests.support.cgroup_trees import MB, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path).host(oom=50)


def chosen(machine: Machine, pid: int) -> str | None:
    [chain] = CgroupTree(machine.root).chains(pid)
    file = counter_file(chain, {group: read_cgroup_memory(group) for group in chain})
    return None if file is None else str(file.relative_to(machine.root / "sys/fs/cgroup"))


def counter(machine: Machine, name: str, kills: int) -> Path:
    """Make (or move) a v1 group's counter."""
    machine.v1(f"/{name}", oom=kills)
    return machine.root / f"sys/fs/cgroup/memory/{name}/memory.oom_control"


def v2_counter(machine: Machine, name: str, kills: int) -> Path:
    machine.v2(f"/{name}", oom=kills)
    return machine.root / f"sys/fs/cgroup/{name}/memory.events"


def test_v2_takes_the_tightest_limited_ancestor(machine: Machine) -> None:
    machine.mount(2).v2("/pool", limit=500 * MB).v2("/pool/w", limit=900 * MB).v2("/pool/w/0").process(
        7, v2="/pool/w/0"
    )
    assert chosen(machine, 7) == "pool/memory.events"


def test_v2_without_a_limit_takes_the_nearest_group_that_counts(machine: Machine) -> None:
    machine.mount(2).v2("/user").v2("/user/scope", oom=None).process(7, v2="/user/scope")
    assert chosen(machine, 7) == "user/memory.events"


def test_v1_takes_the_own_group_because_ancestors_do_not_count(machine: Machine) -> None:
    machine.mount(1).v1("").v1("/pool", limit=500 * MB).v1("/pool/w").process(7, v1="/pool/w")
    assert chosen(machine, 7) == "memory/pool/w/memory.oom_control"


def test_the_root_group_is_everybodys(machine: Machine) -> None:
    machine.mount(1).v1("", oom=3).process(7, v1="/")
    assert chosen(machine, 7) is None
    machine.mount(2, at="/mnt/v2").process(8, v2="/")
    [chain] = CgroupTree(machine.root).chains(8)
    assert counter_file(chain, {}) is None


def test_a_kill_in_the_group_is_counted(machine: Machine) -> None:
    oom = OomCounter(machine.root)
    file = counter(machine, "pool", 2)
    assert oom.read({file}) == (2, "cgroup")
    counter(machine, "pool", 3)
    assert oom.read({file}) == (3, "cgroup")


def test_a_kill_elsewhere_is_not_ours(machine: Machine) -> None:
    oom = OomCounter(machine.root)
    file = counter(machine, "pool", 0)
    oom.read({file})
    counter(machine, "other", 9)
    machine.host(oom=59)
    assert oom.read({file}) == (0, "cgroup")


def test_the_kill_that_removed_the_last_worker_is_counted(machine: Machine) -> None:
    oom = OomCounter(machine.root)
    oom.read({counter(machine, "pool", 0)})
    counter(machine, "pool", 1)
    assert oom.read(set()) == (1, "cgroup")
    counter(machine, "pool", 2)
    assert oom.read(set()) == (2, "cgroup")


def test_the_kill_that_removed_one_of_many_groups_is_counted_once(machine: Machine) -> None:
    oom = OomCounter(machine.root)
    files = [counter(machine, name, 0) for name in ("w0", "w1", "ollama")]
    assert oom.read(set(files)) == (0, "cgroup")
    counter(machine, "ollama", 1)
    assert [oom.read({files[0], files[1]}) for _ in range(3)] == [(1, "cgroup")] * 3


@pytest.mark.parametrize("past", [0, 7])
def test_a_new_group_brings_no_past(machine: Machine, past: int) -> None:
    oom = OomCounter(machine.root)
    old = counter(machine, "old", 2)
    oom.read({old})
    new = counter(machine, "new", past)
    assert oom.read({old, new}) == (2, "cgroup")
    assert oom.read({new}) == (2, "cgroup")
    counter(machine, "new", past + 1)
    assert oom.read({new}) == (3, "cgroup")


def test_a_group_that_vanished_reads_as_unknown_and_never_as_the_hosts(machine: Machine) -> None:
    oom = OomCounter(machine.root)
    file = counter(machine, "pool", 2)
    oom.read({file})
    file.unlink()
    assert oom.read({file}) == (None, None)
    assert oom.read(set()) == (None, None)
    new = counter(machine, "pool2", 5)
    assert oom.read({new}) == (2, "cgroup")


def test_a_group_made_anew_under_the_same_name_starts_at_zero(machine: Machine) -> None:
    oom = OomCounter(machine.root)
    file = counter(machine, "pool", 4)
    oom.read({file})
    counter(machine, "pool", 1)
    assert oom.read({file}) == (5, "cgroup")


def test_nested_v2_counters_count_one_kill_once(machine: Machine) -> None:
    oom = OomCounter(machine.root)
    files = {v2_counter(machine, "pool", 0), v2_counter(machine, "pool/w1", 0)}
    assert oom.read(files) == (0, "cgroup")
    v2_counter(machine, "pool/w1", 1)
    v2_counter(machine, "pool", 1)
    assert oom.read(files) == (1, "cgroup")


def test_before_any_worker_is_seen_the_host_counts(machine: Machine) -> None:
    oom = OomCounter(machine.root)
    assert oom.read(set()) == (50, "host")
    assert oom.read({None}) == (50, "host")
    assert oom.read({counter(machine, "pool", 0)}) == (0, "cgroup")


def test_without_any_counter_it_is_unknown(tmp_path: Path) -> None:
    assert OomCounter(tmp_path).read(set()) == (None, None)
    Machine(tmp_path).write("/proc/vmstat", "oom_kill many")
    assert OomCounter(tmp_path).read(set()) == (None, None)
