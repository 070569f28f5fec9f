"""`launch`, `resize` and `stop` on two hosts, by real agents on real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.adapters.state.role_wire import role_name
from tests.cli.conftest import Metabonk, Recorder
from tests.support.clusters import Host, configuration, two_hosts
from tests.support.forks import PROGRAM, Forked
from tests.support.waiting import wait_for

ACTS = ("read_only = false",)
Hosts = tuple[Host, Host]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    with two_hosts(tmp_path) as made:
        yield made


@pytest.fixture
def config(hosts: Hosts, tmp_path: Path) -> Path:
    """Write the configuration of a monitor that may act on both."""
    path = tmp_path / "both.toml"
    path.write_text(configuration([("node1", hosts[0], ACTS), ("node2", hosts[1], ACTS)]))
    return path


def test_launch_on_both_resize_one_a_controller_that_is_killed_and_stop_all_beside_a_recorder(
    metabonk: Metabonk, recorder: Recorder, hosts: Hosts, config: Path, home: dict[str, str], tmp_path: Path
) -> None:
    node1, node2 = hosts
    done = metabonk("launch", "2", "--yes", "--config", str(config))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done on node1, node2\n"
    assert done.stderr.index("host      node1") < done.stderr.index("host      node2")
    assert (node1.answering(), node2.answering()) == ([0, 1], [0, 1])
    before = node1.processes()

    done = metabonk("resize", "3", "--hosts", "node2", "--yes", "--config", str(config))
    assert done.returncode == 0, done.stderr
    assert "stops     node2/w1 pid" in done.stderr
    assert "node1" not in done.stderr
    assert node2.answering() == [0, 1, 2]
    assert node1.processes() == before, "nothing was done on the other host"
    assert record_of(node2)["workers"] == 3

    # A controller that is killed leaves a whole pool, and the next one knows it.
    kill_during_resize(2, config, home, tmp_path)
    wait_for(
        lambda: (
            record_of(node2)["workers"] == 2
            and record_of(node2)["ready_s"] is not None
            and node2.answering() == [0, 1]
        ),
        "the agent finishes the resize",
    )
    # Its role is free again only when it has ended.
    role = ControllerRole(role_name("127.0.0.1", node2.base_port), tmp_path / "lock", "keep")
    wait_for(role.try_acquire, "the agent has ended")
    role.release()
    again = metabonk("resize", "2", "--hosts", "node2", "--yes", "--config", str(config))
    assert (again.returncode, again.stdout) == (0, "")
    assert "nothing to do" in again.stderr

    # Beside a recorder the verbs connect by themselves.
    recording = recorder("--config", str(config))
    runs = Path(home["METABONK_TUI_STATE_DIR"]) / "runs"
    wait_for(lambda: any(str(recording.pid) in one.read_text() for one in runs.glob("*.writer")), "it records")
    done = metabonk("stop", "--yes", "--config", str(config))
    assert done.returncode == 0, done.stderr
    assert (node1.processes(), node2.processes()) == ([], [])
    assert recording.poll() is None


def record_of(host: Host) -> dict[str, Any]:
    """Return what the host's agent keeps about its launch."""
    record: dict[str, Any] = json.loads(next(host.state.glob("pool-*.json")).read_text())
    return record


def kill_during_resize(workers: int, config: Path, home: dict[str, str], folder: Path) -> None:
    """Resize the pool of node2, and kill the program once a step of the agent is shown: then it has begun."""
    words = ["resize", str(workers), "--hosts", "node2", "--yes", "--config", str(config)]
    quiet = subprocess.DEVNULL
    monitor = Forked([*PROGRAM, *words], env=home, cwd=folder, stdin=quiet, stdout=quiet, stderr=subprocess.PIPE)
    assert monitor.stderr is not None
    try:
        seen = b""
        while re.search(rb"(running|done) +node2: (?!asked)", seen) is None:
            line = monitor.stderr.readline()
            assert line, seen.decode()
            seen += line
    finally:
        monitor.send_signal(signal.SIGKILL)
        monitor.wait()
        monitor.stderr.close()


def test_a_host_that_cannot_be_reached_stops_all_and_the_others_are_named(
    metabonk: Metabonk, hosts: Hosts, tmp_path: Path
) -> None:
    node1, node2 = hosts
    path = tmp_path / "one.toml"
    broken = json.dumps(["sh", "-c", "echo 'ssh: connect to host node2: No route to host' >&2; exit 255"])
    path.write_text(configuration([("node1", node1, ACTS), ("node2", node2, ACTS)], node2=broken))
    done = metabonk("launch", "2", "--yes", "--config", str(path))
    assert done.returncode == 2
    assert "refused: node2: ssh: connect to host node2: No route to host" in done.stderr
    assert "--hosts node1" in done.stderr
    assert node1.processes() == []
    done = metabonk("launch", "2", "--hosts", "node1", "--yes", "--config", str(path))
    assert done.returncode == 0, done.stderr
    assert node1.answering() == [0, 1]


def test_both_the_monitor_and_the_host_must_allow_it(metabonk: Metabonk, hosts: Hosts, tmp_path: Path) -> None:
    node1, node2 = hosts
    path = tmp_path / "some.toml"
    path.write_text(configuration([("node1", node1, ()), ("node2", node2, ACTS)]))
    node2.edit('backend = "launcher"', 'backend = "none"')
    done = metabonk("launch", "2", "--yes", "--config", str(path))
    assert done.returncode == 2
    assert 'node2: this host is only watched: pool.backend is "none" in its configuration' in done.stderr
    done = metabonk("launch", "2", "--hosts", "node1", "--yes", "--config", str(path))
    assert done.returncode == 2
    assert "node1: read-only" in done.stderr
    assert (node1.processes(), node2.processes()) == ([], [])


def test_another_controller_is_named_whether_it_has_one_host_or_all(
    metabonk: Metabonk, hosts: Hosts, config: Path, tmp_path: Path
) -> None:
    of_node2 = ControllerRole(role_name("127.0.0.1", hosts[1].base_port), tmp_path / "lock", "keep")
    assert of_node2.try_acquire()
    try:
        done = metabonk("launch", "2", "--yes", "--config", str(config))
    finally:
        of_node2.release()
    assert done.returncode == 2
    assert f"node2: another monitor acts on this pool: pid {os.getpid()}" in done.stderr

    of_all = ControllerRole(role_name("node1+node2", hosts[0].base_port), tmp_path / "lock", "keep")
    assert of_all.try_acquire()
    try:
        of_all.set_busy(True)
        done = metabonk("launch", "2", "--yes", "--config", str(config))
    finally:
        of_all.release()
    assert done.returncode == 2
    assert "an action on the pool is under way" in done.stderr
    assert (hosts[0].processes(), hosts[1].processes()) == ([], [])


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('[[host]]\nname = "node1"\n', "no [[host]] is called node9; there are node1"),
        ("", "--hosts needs [[host]]"),
    ],
)
def test_a_name_that_is_not_configured_is_a_wrong_call(
    metabonk: Metabonk, tmp_path: Path, lines: str, words: str
) -> None:
    (tmp_path / "some.toml").write_text(lines)
    done = metabonk("stop", "--hosts", "node9", "--config", "some.toml")
    assert (done.returncode, done.stdout) == (64, "")
    assert words in done.stderr
