"""Records are named by host and port; one of an earlier version counts only for the pool that it belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from metabonk_tui.adapters.pools.launch_record import LaunchRecord, RecordFile, record_file
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.tree import TOKEN_VARIABLE
from tests.support.children import Children, config
from tests.support.ports import free_ports

LISTEN = """
import socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("127.0.0.1", "pool-5000.json"),
        ("localhost", "pool-5000.json"),
        ("LOCALHOST.", "pool-5000.json"),
        ("0.0.0.0", "pool-5000.json"),
        ("127.1", "pool-5000.json"),
        ("::ffff:127.0.0.1", "pool-5000.json"),
        ("127.0.0.2", "pool-127.0.0.2-5000.json"),
        ("::1", "pool-__1-5000.json"),
        ("ip6-localhost", "pool-__1-5000.json"),
        ("node-7", "pool-node-7-5000.json"),
        ("../../etc", "pool-.._.._etc-5000.json"),
    ],
)
def test_spellings_of_one_host_share_a_record_and_no_others_do(tmp_path: Path, host: str, name: str) -> None:
    spec = LaunchSpec(config(f'[pool]\nhost = "{host}"\nbase_port = 5000\n'), tmp_path)
    assert spec.record_path == tmp_path / name
    assert spec.log_path == tmp_path / name.replace(".json", ".log")


@pytest.mark.parametrize(
    ("at_own_path", "host", "reaches", "counts"),
    [
        (True, "127.0.0.2", False, True),
        (True, "", None, True),
        (True, "", False, False),
        (False, "", True, True),
        (False, "", None, False),
        (False, "127.0.0.1", False, False),
    ],
)
def test_which_record_counts(tmp_path: Path, at_own_path: bool, host: str, reaches: bool | None, counts: bool) -> None:
    own, other = tmp_path / "pool-127.0.0.2-5000.json", tmp_path / "pool-5000.json"
    RecordFile(own if at_own_path else other).write(LaunchRecord(token="x", host=host))
    assert (RecordFile(own, other, lambda record: reaches).read() is not None) is counts


def test_an_old_record_is_found_by_the_pool_whose_processes_listen_there(tmp_path: Path) -> None:
    port, children = free_ports(2), Children()
    old = LaunchRecord(token="the-token-of-a-test", workers=2)
    RecordFile(tmp_path / f"pool-{port}.json").write(old)
    try:
        children.python(LISTEN, "127.0.0.2", str(port), env={TOKEN_VARIABLE: old.token})
        found = {
            host: record_file(LaunchSpec(config(f'[pool]\nhost = "{host}"\nbase_port = {port}\n'), tmp_path), Proc())
            for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3")
        }
        assert {host: file.read() for host, file in found.items()} == {
            "127.0.0.1": None,
            "127.0.0.2": old,
            "127.0.0.3": None,
        }
    finally:
        children.close()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"token": 5}', "[" * 9000, '{"token": "x", "workers": "2"}', "x" * 70_000]
)
def test_a_damaged_record_is_named_and_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pool-5000.json"
    path.write_text(text)
    file = RecordFile(path)
    assert file.read() is None
    assert str(path) in file.problem


def test_a_record_keeps_its_group_and_refuses_another_type(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "pool-5000.json")
    file.write(LaunchRecord(cgroup="/a/metabonk-tui-x"))
    assert (file.read() or LaunchRecord()).cgroup == "/a/metabonk-tui-x"
    file.path.write_text(file.path.read_text().replace('"/a/metabonk-tui-x"', "7"))
    assert file.read() is None
