"""A pool on two real nodes behind real sshds: launched, one node pulled out and put back, resized, stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from metabonk_tui.adapters.agent import link, start
from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.model.pool import Action, Launch, Resize, Stop
from metabonk_tui.core.model.sample import Operation
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.engine import host_watch
from metabonk_tui.engine.engine import Engine
from tests.support.clusters import Host, configuration
from tests.support.nodes import Node, real_nodes, ssh_lines
from tests.support.ports import free_ports
from tests.support.waiting import wait_for


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[list[Node], Path]]:
    with real_nodes(2, tmp_path / "nodes") as made:
        yield made


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[list[Host]]:
    """Prepare a pool for each node, with the same ports: each node has its own."""
    base = free_ports(70)
    made = [Host(tmp_path / name, base) for name in ("node1", "node2")]
    yield made
    for host in made:
        host.end()


@pytest.fixture
def config(nodes: tuple[list[Node], Path], hosts: list[Host], tmp_path: Path) -> Path:
    machines, key = nodes
    path = tmp_path / "both.toml"
    path.write_text(
        configuration(
            (f"node{at}", host, [*ssh_lines(node, key), "read_only = false"])
            for at, (host, node) in enumerate(zip(hosts, machines, strict=True), 1)
        )
    )
    return path


def pids_of(snapshot: Snapshot, host: str) -> list[int | None]:
    return [worker.pid for worker in snapshot.workers if worker.ref.host == host]


def latest(monitor: Engine) -> Snapshot:
    snapshot = monitor.latest()
    assert snapshot is not None
    return snapshot


def state_of(monitor: Engine, host: str) -> str:
    snapshot = monitor.latest()
    seen = snapshot.hosts[host].link if snapshot is not None and host in snapshot.hosts else None
    return seen.state if seen is not None else ""


def carry_out(monitor: Engine, action: Action) -> Operation:
    """Have a plan carried out, as a person does who agrees to it; return how it ended."""
    plan = monitor.plan(action)
    assert plan.mode != "refused", plan.refusal
    began = latest(monitor).t
    monitor.submit(plan)

    def ended() -> Operation | None:
        operation = latest(monitor).pool.operation
        return operation if operation is not None and (operation.ended_at or 0.0) > began else None

    return wait_for(ended, "the action has ended") or Operation("", 0.0, ())


def is_acting(monitor: Engine) -> bool:
    """Return whether the agent has said that the resize is at one of its steps."""
    operation = latest(monitor).pool.operation
    if operation is None or not operation.action.startswith("resize"):
        return False
    return operation.steps[0].detail not in ("", "asked")


def up(monitor: Engine) -> int:
    return sum(worker.reach is Reach.UP for worker in latest(monitor).workers)


def test_launch_lose_a_node_get_it_back_resize_and_stop(
    nodes: tuple[list[Node], Path],
    hosts: list[Host],
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    far = nodes[0][1]
    monkeypatch.setattr(link, "ANSWER_LIMIT_S", 2.0)
    monkeypatch.setattr(link, "PAUSES_S", (0.5,))
    monkeypatch.setattr(start, "SSH", tuple(each.replace("Timeout=10", "Timeout=1") for each in start.SSH))
    monkeypatch.setattr(host_watch, "LOST_S", 4.0)
    loaded = load_config(str(config), {})
    with watching(loaded.config, call="metabonk-tui", state=tmp_path / "ours", records=False) as monitor:
        wait_for(lambda: state_of(monitor, "node1") == state_of(monitor, "node2") == "UP", "both nodes answer")
        assert carry_out(monitor, Launch(2)).message == "done on node1, node2"
        assert all(len(host.processes()) >= 3 for host in hosts), "the same slots and ports, on two nodes"
        wait_for(lambda: up(monitor) == 4, "all workers answer")
        before = pids_of(latest(monitor), "node2")
        assert None not in before

        far.pull()
        wait_for(lambda: state_of(monitor, "node2") == "LOST", "node2 is lost")
        lost = latest(monitor)
        assert state_of(monitor, "node1") == "UP"
        assert [w.reach for w in lost.workers if w.ref.host == "node1"] == [Reach.UP] * 2
        assert [w.reach for w in lost.workers if w.ref.host == "node2"] == [Reach.UNOBSERVED] * 2
        assert lost.obituaries == (), "a lost node is no dead worker"
        plan = monitor.plan(Stop())
        assert plan.refusal.startswith("node2: ")
        assert plan.able == ("node1",)
        assert monitor.plan(Stop(hosts=plan.able)).mode == "stop"

        far.plug()
        wait_for(lambda: state_of(monitor, "node2") == "UP", "node2 is back")
        wait_for(lambda: up(monitor) == 4, "its workers too")
        assert pids_of(latest(monitor), "node2") == before
        assert latest(monitor).obituaries == ()

        # The controller goes in the middle of a resize: the agent behind ssh finishes it.
        monitor.submit(monitor.plan(Resize(3, hosts=("node2",))))
        wait_for(lambda: is_acting(monitor), "the agent of node2 acts")

    def is_whole() -> bool:
        record = json.loads(next(hosts[1].state.glob("pool-*.json")).read_text())
        return record["workers"] == 3 and record["ready_s"] is not None

    wait_for(is_whole, "the agent has finished the resize")
    with watching(loaded.config, call="metabonk-tui", state=tmp_path / "ours", records=False) as monitor:
        wait_for(lambda: monitor.latest() is not None and up(monitor) == 5, "one more worker answers")
        seen = latest(monitor).hosts["node2"].link
        assert seen is not None
        assert (seen.workers, seen.launched) == (3, True), "the next monitor knows the number"
        assert carry_out(monitor, Stop()).ok
    assert [host.processes() for host in hosts] == [[], []]
