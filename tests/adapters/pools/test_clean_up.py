"""What MetaBonk's own scripts would end besides the pool, found among real processes."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from metabonk_tui.adapters.pools.clean_up import Bystander, find_bystanders, other_pools, sweeps, warn_of
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.process.proc import Proc
from tests.support.children import UNTIL_CLOSED, Children, config
from tests.support.ports import free_ports

WORKER = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])))
print("ready", flush=True)
sys.stdin.read()
"""


def spec(directory: Path) -> LaunchSpec:
    return LaunchSpec(config(f'[pool]\nbase_port = 5000\n[pool.launcher]\ndirectory = "{directory}"\n'), directory)


def test_workers_on_other_ports_and_mentions_are_found_with_their_groups(tmp_path: Path, children: Children) -> None:
    port = free_ports(2)
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    named = [sys.executable, str(script), "src.worker.main", "--instance-id"]
    first = children.run([*named, "omega-0", "--port", str(port)])
    second = children.run([*named, "omega-1", "--port", str(port + 1)])
    plot = children.python("print(1, flush=True)\n" + UNTIL_CLOSED, "/logs/src.worker.main.log")
    alone = children.python("print(1, flush=True)\n" + UNTIL_CLOSED)
    found = {each.pid: each for each in find_bystanders(spec(tmp_path), (), Proc())}
    assert found[first.pid].port == port
    assert found[second.pid].slot == 1
    assert found[plot.pid].port is None
    assert alone.pid not in found
    pools = other_pools(found.values(), 5000)
    assert f"a pool answers on {port}: --base-port {port}" in pools
    assert not any(f"on {port + 1}:" in text for text in pools)
    ours = {first.pid, second.pid}
    assert not ours & {each.pid for each in find_bystanders(spec(tmp_path), ours, Proc())}


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root reaches other users")
def test_for_root_the_processes_of_every_user_are_in_reach(tmp_path: Path, children: Children) -> None:
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    child = children.run([*user, "sh", "-c", "echo ready; read line", "src.worker.main"])
    assert child.pid in {each.pid for each in find_bystanders(spec(tmp_path), (), Proc())}


def test_the_group_of_the_last_job_is_found(tmp_path: Path, children: Children) -> None:
    child = children.python("print(1, flush=True)\n" + UNTIL_CLOSED)
    job = tmp_path / "temp" / "metabonk_last_job.json"
    job.parent.mkdir()
    for text, found in ((json.dumps({"pgid": child.pid}), True), ("[]", False), ("{", False), ('{"pgid": 1}', False)):
        job.write_text(text)
        assert (child.pid in {each.pid for each in find_bystanders(spec(tmp_path), (), Proc())}) is found, text


@pytest.mark.parametrize(
    ("words", "does"),
    [
        ("python3 launch.py --workers 3", True),
        ("./launch stop", True),
        ("python3 scripts/stop.py --all", True),
        ("python3 launch.py --workers 3 --skip-stop", False),
        ("python3 scripts/start_omega.py", False),
        ("python3 -m pool launch", False),
    ],
)
def test_which_commands_sweep(words: str, does: bool) -> None:
    assert sweeps(tuple(words.split())) is does


def test_only_a_sweeping_command_is_warned_of() -> None:
    victims = (Bystander(7, "python3", 5100, 0), Bystander(9, "bash"))
    (text,) = warn_of(victims, ("python3", "launch.py"))
    assert text == (
        "launch.py also ends these processes, which are not of this pool: python3 (pid 7) on 5100, bash (pid 9)"
    )
    assert warn_of(victims, ("python3", "-m", "x")) == ()
    for wrapper, name in ((("make", "train"), "make"), (("bash", "tools/go.sh"), "go.sh"), (("sh", "-c", "x"), "sh")):
        (text,) = warn_of(victims, wrapper)
        assert text.startswith(f"if {name} runs MetaBonk's launch.py"), "what a wrapper runs cannot be seen"
        assert warn_of(victims, (*wrapper, "--skip-stop")) == ()
    assert warn_of((), ("python3", "launch.py")) == ()


@pytest.mark.parametrize(
    ("workers", "bases"),
    [
        ([(5100, 0), (5101, 1)], [5100]),
        ([(5103, 3)], [5100]),
        ([(5100, None), (5101, None), (5102, None)], [5100]),
        ([(5100, 0), (5200, 0)], [5100, 5200]),
        ([(5001, 1)], []),
        ([(None, None)], []),
    ],
)
def test_a_pool_is_named_by_its_first_port(workers: list[tuple[int | None, int | None]], bases: list[int]) -> None:
    found = [Bystander(pid, "python3", port, slot) for pid, (port, slot) in enumerate(workers, 10)]
    assert other_pools(found, 5000) == tuple(f"a pool answers on {port}: --base-port {port}" for port in bases)
