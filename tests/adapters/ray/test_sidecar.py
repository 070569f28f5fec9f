"""The sidecar: that only it imports ray, what it refuses, and its protocol with a stand-in for the cluster."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metabonk_tui.adapters.ray import sidecar
from metabonk_tui.adapters.ray.actors import Record, actors_of, look_of
from metabonk_tui.adapters.ray.node_link import node_link
from metabonk_tui.adapters.ray.sidecar_process import (
    SCRIPT,
    Sidecar,
    SidecarError,
    sidecar_command,
    sidecar_environment,
)
from metabonk_tui.adapters.ray.spec import RaySpec
from metabonk_tui.core.config.schema import Config
from tests.support.children import config
from tests.support.fake_ray import FakeRay
from tests.support.paths import ROOT
from tests.support.waiting import wait_for

IMPORTERS = {"metabonk_tui/adapters/ray/sidecar.py", "metabonk_tui/adapters/ray/actor.py"}
STAND_IN = """
import asyncio, os, sys, time
from metabonk_tui.adapters.ray import sidecar
from tests.support.fake_ray import FakeRay
class Cluster(FakeRay):
    def kill(self, ask):
        time.sleep(600)
if sys.argv[1] == "hangs":
    time.sleep(600)
if sys.argv[1] == "garbage":
    print("ray says hello", flush=True); time.sleep(600)
if sys.argv[1] == "ends":
    print("no such cluster", file=sys.stderr, flush=True); sys.exit(3)
if sys.argv[1] == "refuses":
    print('{"n": 0, "error": "AuthenticationError: the token is wrong"}', flush=True); os._exit(1)
if sys.argv[1] == "other":
    print('{"n": 0, "schema": 99, "version": "3"}', flush=True); time.sleep(600)
sidecar_out = os.dup(1)
def write(answer):
    import json
    os.write(sidecar_out, json.dumps(answer).encode() + b"\\n")
write({"n": 0, "schema": 1, "version": "2.60.0"})
print("\\x1b[31mlast words\\x1b[0m", file=sys.stderr, flush=True)
asyncio.run(sidecar.serve(iter(sys.stdin.buffer.readline, b""), write, Cluster()))
os._exit(0)
"""
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}


def ray_config(folder: Path, more: str = "") -> Config:
    return config(
        f'[pool]\nbackend = "ray"\nbase_port = 5000\n[pool.launcher]\ndirectory = "{folder}"\n'
        f'[pool.ray]\naddress = "10.0.0.1:6379"\npython = "/srv/ray/bin/python"\nnamespace = "mine"\n{more}'
    )


def stand_in(how: str) -> Sidecar:
    return Sidecar((sys.executable, "-c", STAND_IN, how), ENVIRONMENT)


@pytest.fixture
def served() -> Iterator[Sidecar]:
    found = stand_in("serves")
    yield found
    found.close()


def test_only_the_sidecar_imports_ray() -> None:
    found = set()
    for path in (ROOT / "metabonk_tui").rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if re.search(r"\bray\b", text) else ():
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            if any(name.split(".")[0] == "ray" for name in names):
                found.add(str(path.relative_to(ROOT)))
    assert found == IMPORTERS


@pytest.mark.parametrize("name", ["sidecar.py", "actor.py", "keeper.py"])
def test_what_runs_elsewhere_imports_nothing_of_this_package(name: str) -> None:
    tree = ast.parse(SCRIPT.with_name(name).read_text())
    used = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    used |= {(n.module or "").split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert used - {"ray"} <= set(sys.stdlib_module_names)
    assert name != "keeper.py" or "ray" not in used


@pytest.mark.parametrize("address", ["auto", "local", "ray://10.0.0.1:10001", "", "auto:1"])
def test_without_an_address_nothing_is_joined(address: str) -> None:
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), address, "mine"], input=b"", capture_output=True, timeout=60
    )
    assert done.returncode == 1
    assert "no address of a cluster" in json.loads(done.stdout)["error"]


def test_the_command_and_the_environment_choose_cluster_and_token(tmp_path: Path) -> None:
    found = ray_config(tmp_path, 'token_file = "/srv/token"')
    assert sidecar_command(found) == ("/srv/ray/bin/python", "-I", str(SCRIPT), "10.0.0.1:6379", "mine")
    environ = {"RAY_ADDRESS": "elsewhere:1", "RAY_AUTH_TOKEN": "x", "PYTHONPATH": "/x", "LANG": "C"}
    assert sidecar_environment(found, environ) == {
        "LANG": "C",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": "/srv/token",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    assert sidecar_environment(ray_config(tmp_path), environ)["RAY_AUTH_MODE"] == "disabled"


@pytest.mark.parametrize(
    ("host", "address", "name"),
    [
        ("gpu1", "10.0.0.1", "gpu1"),
        ("ip-10-0-0-12.ec2.internal", "10.0.0.12", "ip-10-0-0-12"),
        ("a-machine-with-a-very-long-name", "10.0.0.1", "a-machine-with-a-very-long-name"),
        ("", "10.0.0.1", "10-0-0-1"),
        ("", "fe80::1", "fe80-1"),
        ("-x\x1b[1m/", "10.0.0.1", "x-1m"),
        ("...", "...", "node"),
    ],
)
def test_a_node_has_the_name_of_its_machine_in_the_form_of_a_host(host: str, address: str, name: str) -> None:
    assert sidecar.host_name(host, address) == name


def test_a_conversation(served: Sidecar, tmp_path: Path) -> None:
    assert look_of(served.ask("look")).record is None
    assert served.version == "2.60.0"
    record, spec = Record("t" * 32, 2, 1.0), RaySpec(ray_config(tmp_path))
    served.ask("record", record={"token": record.token, "workers": 2, "launched_at": 1.0})
    from metabonk_tui.adapters.pools.launch_spec import NO_VARIABLES

    served.ask("start", **spec.start(record, {0: 1, 1: 1}, NO_VARIABLES))
    actors = actors_of(look_of(served.ask("look")))
    assert [actor.label for actor in actors.values()] == ["w0.1", "w1.1"]
    served.ask("ask_to_end", names=[actors[0].name])
    assert [actor.lives for actor in actors_of(look_of(served.ask("look"))).values()] == [False, True]
    with pytest.raises(SidecarError, match="unknown question"):
        served.ask("shutdown")
    with pytest.raises(SidecarError, match="KeyError"):
        served.ask("ask_to_end")


def test_a_call_that_hangs_holds_up_no_other(served: Sidecar) -> None:
    served.ask("look")
    with pytest.raises(SidecarError, match="did not answer in time"):
        served.ask("kill", 1.0, names=[])
    assert look_of(served.ask("look")).record is None


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ("ends", "no such cluster"),
        ("refuses", "AuthenticationError: the token is wrong"),
        ("other", "of another version"),
        ("garbage", "the sidecar ended with"),
    ],
)
def test_a_sidecar_that_is_of_no_use_says_why(how: str, problem: str) -> None:
    found = stand_in(how)
    with pytest.raises(SidecarError, match=problem):
        found.ask("look", 60.0)
    if how != "other":
        wait_for(lambda: found._process is None, "its end is seen")
        began_s = time.monotonic()
        with pytest.raises(SidecarError, match=problem):
            found.ask("look", 60.0)
        assert time.monotonic() - began_s < 30, "it is not started again at once"
    found.close()


def test_a_sidecar_that_has_not_joined_yet_is_waited_for_a_little() -> None:
    found = stand_in("hangs")
    with pytest.raises(SidecarError, match="has not let the sidecar join"):
        found.ask("look", 0.1)
    process = found._process
    assert process is not None
    found.close()
    assert process.poll() is not None, "it ends with the monitor"


def test_a_python_that_does_not_exist() -> None:
    found = Sidecar(("/nowhere/python",), {})
    with pytest.raises(SidecarError, match="cannot be started"):
        found.ask("look")
    found.close()


def test_the_sidecar_ends_with_its_pipe_and_its_last_words_are_kept(served: Sidecar) -> None:
    served.ask("look")
    process = served._process
    assert process is not None
    process.kill()
    wait_for(lambda: served._process is None, "its end is seen")
    with pytest.raises(SidecarError, match="last words"):
        served.ask("look")


async def test_an_agent_is_read_through_the_sidecar(served: Sidecar, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    await asyncio.to_thread(served.ask, "look")
    link = node_link(ray_config(tmp_path), served, "n1", "actor", 1, (0, 2))
    first = await link.read()
    assert first.error == "", first
    assert first.sample is not None
    assert {ref.label for ref in first.sample.workers} == {"n1/w0", "n1/w2"}
    assert first.sample.host("n1").memory is not None
    second = await link.read()
    assert second.error == ""
    await link.aclose()
    missing = node_link(ray_config(tmp_path, 'program = ["/nowhere/program"]'), served, "n1", "actor", 1, (0,))
    assert "cannot be started" in (await missing.read()).error


def test_several_threads_ask_at_once(served: Sidecar) -> None:
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(served.ask("look")["record"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [None] * 8


def test_the_stand_in_answers_what_the_sidecar_answers() -> None:
    assert all(hasattr(FakeRay, name) and hasattr(sidecar.RayDriver, name) for name in sidecar.OPERATIONS)
