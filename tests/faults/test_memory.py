"""The kernel kills for memory, in a real memory cgroup, while the real program watches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.conditions import LONG
from tests.faults.conftest import MakeWorld
from tests.faults.world import World
from tests.support.kernel_groups import KernelGroup, KernelGroups
from tests.support.waiting import wait_for

pytestmark = [LONG, pytest.mark.kernel, pytest.mark.timeout(180)]
MB = 1_000_000
QUICK = "[observe]\ninterval_s = 0.2\n[memory]\nfloor_gb = 0.01\n"


@pytest.fixture
def group() -> Iterator[KernelGroup]:
    """Make a group with a limit of 200 MB."""
    groups = KernelGroups()
    if not groups.possible:
        pytest.skip(groups.why_not)
    made = groups.make()
    made.limit(200 * MB)
    yield made
    groups.close()


def joining(group: KernelGroup, *shell: str) -> list[str]:
    """Return the words that run a command in the group; `shell` replaces the exec of a shell."""
    return ["sh", "-c", f'echo $$ > {group.procs}; {" ".join(shell) or "exec"} "$@"', "sh"]


def killed(world: World, name: str) -> dict[str, Any]:
    """Record, let a process outgrow its group, and return what the report says after the kill."""
    recorder = world.start("record")
    world.wait_stored(8)
    world.hold(name, 300)
    wait_for(
        lambda: json.loads(world.run("status", "--format", "json").stdout)["memory"]["oom_kills"],
        "the kill is on the status line",
        60.0,
        every_s=0.5,
    )
    world.wait_stored(8)
    assert world.end(recorder)[0] == 0
    found: dict[str, Any] = json.loads(world.run("report", "last", "--json", ours=False).stdout)
    return found


def test_ollama_is_killed_and_every_worker_lives(make_world: MakeWorld, group: KernelGroup) -> None:
    world = make_world(lines=QUICK)
    for slot in range(2):
        world.worker(slot, *joining(group))
    world.ollama(*joining(group))
    report = killed(world, "ollama")
    texts = [event["text"] for event in report["events"] if event["kind"] == "memory.oom"]
    assert report["verdict"]["word"] == "STOP"
    assert any("ollama" in text.lower() for text in texts), texts
    assert world.open_ports() == [0, 1]


def test_a_worker_below_a_shell_is_killed_for_memory_and_not_by_an_exit_code(
    make_world: MakeWorld, group: KernelGroup
) -> None:
    world = make_world(lines=QUICK)
    world.worker(0, *joining(group))
    world.worker(1, *joining(group, "true;"))
    report = killed(world, "w1")
    texts = [event["text"] for event in report["events"] if event["kind"] == "memory.oom"]
    assert report["verdict"]["word"] == "STOP"
    assert any("w1" in text for text in texts), texts
    assert world.open_ports() == [0]
