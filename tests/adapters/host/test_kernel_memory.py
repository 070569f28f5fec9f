"""The same truths on the real kernel: real groups, real limits, real kills."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from metabonk_tui.adapters.host.kernel_log import KernelLog
from metabonk_tui.adapters.host.memory import KernelMemory
from tests.support.children import UNTIL_CLOSED, Children
from tests.support.kernel_groups import KernelGroup, KernelGroups

MB = 1_000_000
LIMIT = 96 << 20
JOIN = "import os, sys\nopen(sys.argv[1], 'w').write(str(os.getpid()))\n"
READY = "print('ready', flush=True)\n"
GREEDY = "sys.stdin.readline()\nhoard = []\nwhile True: hoard.append(bytearray(b'x' * (1 << 20)))\n"

pytestmark = pytest.mark.kernel


@pytest.fixture
def groups() -> Iterator[KernelGroups]:
    made = KernelGroups()
    if not made.possible:
        pytest.skip(made.why_not)
    yield made
    made.close()


def inside(children: Children, group: KernelGroup, code: str = READY + UNTIL_CLOSED) -> subprocess.Popen[str]:
    """Start a child that joins the group before it does anything else."""
    return children.python(JOIN + code, str(group.procs))


def test_a_limit_of_the_workers_group_is_what_they_can_have(groups: KernelGroups, children: Children) -> None:
    group = groups.make()
    group.limit(LIMIT)
    child = inside(children, group)
    reading = KernelMemory().read([child.pid])
    assert reading.available_bytes is not None
    assert 0 < reading.available_bytes <= LIMIT
    assert (reading.limited_by, reading.limit_bytes, reading.total_bytes) == (group.name, LIMIT, LIMIT)
    unlimited = KernelMemory().read()
    assert unlimited.available_bytes is not None
    assert unlimited.available_bytes > LIMIT


def test_a_limit_of_the_grandparent_counts(groups: KernelGroups, children: Children) -> None:
    grandparent = groups.make()
    grandparent.limit(LIMIT)
    group = groups.make(groups.make(grandparent))
    child = inside(children, group)
    reading = KernelMemory().read([child.pid])
    assert (reading.limited_by, reading.limit_bytes) == (grandparent.name, LIMIT)


def test_held_memory_counts_and_page_cache_does_not(groups: KernelGroups, children: Children, tmp_path: Path) -> None:
    group = groups.make()
    group.limit(LIMIT)
    code = (
        "sys.stdin.readline()\n"
        f"file = open({str(tmp_path / 'dataset')!r}, 'wb+')\n"
        "for _ in range(40): file.write(b'x' * (1 << 20))\n"
        "file.flush(); os.fsync(file.fileno()); file.seek(0)\n"
        "while file.read(1 << 20): pass\n"
        "print('cached', flush=True)\n"
        "sys.stdin.readline()\nheld = bytearray(b'x' * (30 << 20))\nprint('held', flush=True)\n"
    )
    child = inside(children, group, READY + code + UNTIL_CLOSED)
    memory = KernelMemory()
    empty, empty_usage = memory.read([child.pid]).available_bytes, group.usage_bytes()
    children.send(child, "cache")
    children.line(child)
    cached, cached_usage = memory.read([child.pid]).available_bytes, group.usage_bytes()
    if memory.read([child.pid]).working_set_bytes == cached_usage or cached_usage - empty_usage < 30 * MB:
        pytest.skip("the temporary folder has no page cache of its own")
    children.send(child, "hold")
    children.line(child)
    held = memory.read([child.pid]).available_bytes
    assert empty is not None
    assert cached is not None
    assert held is not None
    assert empty - cached < 15 * MB
    assert cached - held > 25 * MB


def test_a_real_oom_kill_is_counted_for_the_group(groups: KernelGroups, children: Children) -> None:
    group = groups.make()
    group.limit(LIMIT)
    survivor, greedy = inside(children, group), inside(children, group, READY + GREEDY)
    memory = KernelMemory()
    before = memory.read([survivor.pid, greedy.pid])
    assert (before.oom_kills, before.oom_scope) == (0, "cgroup")
    children.send(greedy, "go")
    assert greedy.wait(60) == -9
    after = memory.read([survivor.pid, greedy.pid])
    assert (after.oom_kills, after.oom_scope) == (1, "cgroup")
    # The level looks fine again a moment later: only the counter remembers.
    assert after.available_bytes is not None
    assert after.available_bytes > LIMIT // 3


def test_the_kill_of_the_last_worker_is_still_counted(groups: KernelGroups, children: Children) -> None:
    group = groups.make()
    group.limit(LIMIT)
    greedy = inside(children, group, READY + GREEDY)
    memory = KernelMemory()
    assert memory.read([greedy.pid]).oom_kills == 0
    children.send(greedy, "go")
    assert greedy.wait(60) == -9
    assert memory.read([greedy.pid]).oom_kills == 1
    assert memory.read([]).oom_kills == 1


def test_a_kill_in_another_group_is_not_ours(groups: KernelGroups, children: Children) -> None:
    ours, other = groups.make(), groups.make()
    ours.limit(LIMIT)
    other.limit(LIMIT)
    worker, stranger = inside(children, ours), inside(children, other, READY + GREEDY)
    memory, host = KernelMemory(), KernelMemory()
    memory.read([worker.pid])
    before = host.read([])
    children.send(stranger, "go")
    assert stranger.wait(60) == -9
    after = host.read([])
    assert after.oom_scope == "host"
    assert before.oom_kills is not None
    assert after.oom_kills is not None
    assert after.oom_kills > before.oom_kills
    reading = memory.read([worker.pid])
    assert (reading.oom_kills, reading.oom_scope) == (0, "cgroup")


def test_a_group_that_is_removed_reads_as_unknown(groups: KernelGroups, children: Children) -> None:
    group = groups.make()
    child = inside(children, group)
    memory = KernelMemory()
    assert memory.read([child.pid]).oom_scope == "cgroup"
    child.kill()
    child.wait()
    group.directory.rmdir()
    reading = memory.read([child.pid])
    assert (reading.oom_kills, reading.oom_scope) == (None, None)
    assert reading.available_bytes is not None


def test_limits_are_seen_from_inside_a_cgroup_namespace(groups: KernelGroups, children: Children) -> None:
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-C", "true"], check=False).returncode:
        pytest.skip("no cgroup namespace can be made")
    outer = groups.make()
    outer.limit(LIMIT)
    group = groups.make(outer)
    look = (
        "import json, sys\nfrom metabonk_tui.adapters.host.memory import KernelMemory\n"
        "reading = KernelMemory().read()\n"
        "print(json.dumps([reading.available_bytes, reading.limit_bytes, reading.limited_by]), flush=True)\n"
    )
    enter = JOIN + f"os.execv({unshare!r}, ['unshare', '-C', {sys.executable!r}, '-c', {look!r}])\n"
    available, limit, limited_by = json.loads(children.python(enter, str(group.procs)).line)  # type: ignore[attr-defined]
    assert limit == LIMIT
    assert 0 < available <= LIMIT
    assert limited_by.endswith(outer.directory.name)


def test_the_kernels_log_names_the_victim(groups: KernelGroups, children: Children) -> None:
    log = KernelLog(pids_are_ours=True)
    if log.read().error is not None:
        pytest.skip("the kernel's log is not readable here")
    group = groups.make()
    group.limit(LIMIT)
    greedy = inside(children, group, READY + GREEDY)
    children.send(greedy, "go")
    assert greedy.wait(60) == -9
    end, kills = time.monotonic() + 20, []
    while not kills and time.monotonic() < end:
        kills = [kill for kill in log.read().kills if kill.task_cgroup.endswith(group.directory.name)]
        time.sleep(0.05)
    assert [(kill.pid, kill.oom_cgroup == kill.task_cgroup) for kill in kills] == [(greedy.pid, True)]
    assert (kills[0].rss_bytes or 0) > LIMIT // 2
