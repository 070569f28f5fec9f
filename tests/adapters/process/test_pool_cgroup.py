"""The cgroup of a pool: on a tree of files, in the kernel where one can be made, by a stand-in for systemd."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from metabonk_tui.adapters.process.pool_cgroup import (
    NO_GROUP,
    CgroupMount,
    choose_placement,
    is_pool_group,
    pool_group_of,
    remove_empty,
    remove_old_groups,
)
from metabonk_tui.adapters.process.spawn import start_session

GROUP = "/user.slice/metabonk-tui-127.0.0.1-5000-1"


def tree(root: Path, groups: dict[str, str], ours: str = "/user.slice", top: str = "/") -> Path:
    """Write a /proc and a cgroup v2 mount with these members."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(f"4:memory:/x\n0::{ours}\n")
    (root / "proc/self/mountinfo").write_text(f"30 20 0:26 {top} /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
    for group, pids in groups.items():
        folder = root / "sys/fs/cgroup" / group.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.procs").write_text(pids)
    return root


def test_the_members_are_those_of_the_group_and_below(tmp_path: Path) -> None:
    mount = CgroupMount(tree(tmp_path, {"/user.slice": "9\n", GROUP: "11\n12\n0\n", f"{GROUP}/below": "13\n"}))
    assert mount.members(GROUP) == {11, 12, 13}


@pytest.mark.parametrize(
    "cgroup",
    [None, "", "/", "/user.slice", "relative", f"{GROUP}/..", "/gone/metabonk-tui-x", "/../metabonk-tui-x"],
)
def test_a_group_that_no_monitor_made_has_no_members(tmp_path: Path, cgroup: str | None) -> None:
    mount = CgroupMount(tree(tmp_path, {"/": "1\n7\n", "/user.slice": "9\n", GROUP: "11\n"}))
    assert mount.members(cgroup) == frozenset()


def test_a_mount_that_shows_a_part_of_the_hierarchy_shows_only_its_groups(tmp_path: Path) -> None:
    mount = CgroupMount(tree(tmp_path, {"/metabonk-tui-x": "11\n"}, top="/docker/1"))
    assert mount.members("/docker/1/metabonk-tui-x") == {11}
    assert mount.members("/docker/12/metabonk-tui-x") == frozenset()


def test_without_cgroup_v2_there_is_no_group(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("4:memory:/x\n")
    mount = CgroupMount(tmp_path)
    assert (mount.of("self"), mount.members(GROUP)) == (None, frozenset())
    assert choose_placement("p", {"PATH": ""}, tmp_path) == NO_GROUP


def test_a_group_of_systemd_that_is_not_delegated_is_left_alone(tmp_path: Path) -> None:
    root = tree(tmp_path, {"/user.slice": ""})
    (root / "run/systemd/system").mkdir(parents=True)
    if os.geteuid() == 0:
        assert choose_placement("p", {"PATH": ""}, root) == NO_GROUP
    assert not list((root / "sys/fs/cgroup/user.slice").glob("metabonk*"))


@pytest.mark.parametrize(("lingers", "ours", "scoped"), [(True, "/a", True), (False, "/a", False)])
def test_a_scope_is_made_only_where_it_outlives_the_login(
    tmp_path: Path, lingers: bool, ours: str, scoped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    root = tree(tmp_path / "root", {}, ours)
    (root / "run/systemd/system").mkdir(parents=True)
    if lingers:
        (root / "var/lib/systemd/linger").mkdir(parents=True)
        (root / "var/lib/systemd/linger/kim").touch()
    command = tmp_path / "bin/systemd-run"
    command.parent.mkdir()
    command.write_text('#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done; shift; exec "$@"\n')
    command.chmod(0o755)
    placement = choose_placement("127.0.0.1-5000", {"PATH": f"{command.parent}:/bin", "USER": "kim"}, root)
    assert bool(placement.argv_prefix) is scoped
    if scoped:
        assert placement.argv_prefix[:4] == ("systemd-run", "--scope", "--quiet", "--collect")
        assert "--unit=metabonk-tui-127.0.0.1-5000-" in placement.argv_prefix[4]
        assert placement.argv_prefix[5:] == ("--user", "--")


def test_a_scope_that_systemd_refuses_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    root = tree(tmp_path / "root", {}, "/user.slice/user@1000.service/app.slice/x.service")
    (root / "run/systemd/system").mkdir(parents=True)
    command = tmp_path / "systemd-run"
    command.write_text("#!/bin/sh\nexit 1\n")
    command.chmod(0o755)
    assert choose_placement("p", {"PATH": f"{tmp_path}:/bin"}, root).argv_prefix == ()


def test_empty_groups_of_ended_pools_are_removed(tmp_path: Path) -> None:
    now = int(time.time())
    names = {
        f"metabonk-tui-p-{now:x}": False,
        f"metabonk-tui-other-{now - 700:x}": False,
        f"metabonk-tui-other-{now:x}": True,
        "metabonk-tui-other-x": True,
        "session-1.scope": True,
    }
    root = tree(tmp_path, {})
    for name in (*names, "."):
        (root / "sys/fs/cgroup/user.slice" / name).mkdir(parents=True, exist_ok=True)
    remove_old_groups("p", CgroupMount(root))
    assert {name: (root / "sys/fs/cgroup/user.slice" / name).exists() for name in names} == names


def test_a_process_enters_its_group_before_its_command_runs() -> None:
    placement, mount = choose_placement("a-test", {"PATH": ""}), CgroupMount()
    if placement.directory is None:
        pytest.skip("this user may make no cgroup v2 here")
    child = start_session(
        ["sleep", "600"], None, None, subprocess.DEVNULL, subprocess.DEVNULL, prepare=placement.prepare
    )
    try:
        group = pool_group_of(child.pid, mount)
        assert group is not None
        assert is_pool_group(group)
        assert mount.members(group) == {child.pid}
        remove_empty(group, mount)
        assert placement.directory.exists(), "a process is in it"
    finally:
        child.kill()
        child.wait(10)
        remove_empty(group, mount)
    assert not placement.directory.exists()
