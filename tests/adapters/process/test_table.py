"""Which processes make up a pool, what each holds, and who does not belong to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.roles import Match, recognise
from metabonk_tui.adapters.process.table import SCAN_EVERY_S, ProcessTable
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import ProcessReading
from tests.support.children import UNTIL_CLOSED, Children, config
from tests.support.paths import ROOT
from tests.support.ports import free_ports
from tests.support.proc_trees import BOOT, PAGE, Table
from tests.support.refs import w
from tests.support.timing import StandingClock as Clock
from tests.support.waiting import wait_for

MB = 1_000_000
READY = "print('ready', flush=True)\n"
WORKER = "python -m src.worker.main --port {port} --instance-id omega-{slot}"


def pool(marker: str, base_port: int = 5000, host: str = "127.0.0.1") -> Config:
    """Make a configuration whose processes no other program has."""
    return config(
        f'[pool]\nhost = "{host}"\nbase_port = {base_port}\n[processes]\nworker = [["{marker}.worker"]]\n'
        f'launcher = [["{marker}.launcher"]]\norchestrator = []\nollama = [["{marker}.ollama"]]\n'
    )


@pytest.fixture
def marker(tmp_path: Path) -> str:
    """Begin the paths of this test's scripts; no other process runs a script of that name."""
    return str(tmp_path / "m")


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def summary(readings: tuple[ProcessReading, ...]) -> list[tuple[str, int | None, int | None, int]]:
    """Say (role, slot, pid, pages of the tree)."""
    return [
        (r.role, None if r.worker is None else r.worker.slot, r.pid, (r.tree_bytes or 0) // PAGE) for r in readings
    ]


def start_worker(
    children: Children, marker: str, code: str, *arguments: str, env: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    """Run the code as the script that the pattern of `pool` names."""
    script = Path(f"{marker}.worker")
    script.write_text(code)
    return children.run([sys.executable, str(script), *arguments], env=env)


# What a process is


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python -m src.worker.main --port 5003 --instance-id omega-3", Match("worker", 0, 3, numbered=True)),
        ("python -m src.worker.main --port 5003 --instance-id omega-1", Match("worker", 0, foreign=True)),
        ("python -m src.worker.main --port=5000", Match("worker", 0, 0)),
        ("/usr/bin/python3.11 -u -X dev -m src.worker.main --port 5063", Match("worker", 0, 63)),
        ("python -um src.worker.main --port 5000", Match("worker", 0, 0)),
        ("python -m src.worker.main --port 5064", Match("worker", 0, 64)),
        ("python -m src.worker.main --port 6023 --instance-id omega-1023", Match("worker", 0, 1023, numbered=True)),
        ("python -m src.worker.main --port 5100 --instance-id omega-0", Match("worker", 0, foreign=True)),
        ("python -m src.worker.main --port 6024", Match("worker", 0, None, foreign=True)),
        ("python -m src.worker.main --port 4999", Match("worker", 0, None, foreign=True)),
        ("python -m src.worker.main --instance-id omega-2", Match("worker", 0, 2)),
        ("python -m src.worker.main --instance-id omega-99", Match("worker", 0, 99)),
        ("python -m src.worker.main --instance-id omega-1024", Match("worker", 0)),
        ("python -m src.worker.main --port", Match("worker", 0)),
        ("python -m src.worker.main --port many", Match("worker", 0)),
        ("python launch.py --workers 3 --no-dashboard", Match("launcher", 0)),
        ("python /srv/MetaBonk/launch.py -c launch.json", Match("launcher", 0)),
        ("bash launch.py", Match("launcher", 0)),
        ("python -m src.orchestrator.main --port 8040", Match("orchestrator", 0)),
        ("/usr/local/bin/ollama serve", Match("ollama", 0)),
        ("/usr/local/bin/ollama runner --model x --port 5001", Match("ollama", 1)),
        # Programs that only mention one of these.
        ("ollama list", None),
        ("ollama run serve", None),
        ("docker logs -f ollama-server", None),
        ("litellm --config /etc/ollama/server.yaml", None),
        ("python plot.py --module src.worker.main --port 5000", None),
        ("python plot.py -m src.worker.main --port 5000", None),
        ("python plot.py /logs/src.worker.main.log --port 5000", None),
        ("python -m pytest -m src.worker.main --port 5000", None),
        ("python -m src.worker.main_test --port 5000", None),
        ("docker run image python -m src.worker.main --port 5000", None),
        ("podman run image python -m src.worker.main --port 5000", None),
        ("kubectl exec pod -- python -m src.worker.main --port 5000", None),
        ("srun python -m src.worker.main --port 5000", None),
        ("uv run python -m src.worker.main --port 5000", None),
        ("py-spy record -- python -m src.worker.main --port 5000", None),
        ("nsys profile python -m src.worker.main --port 5000", None),
        ("nice -n 5 python -m src.worker.main --port 5000", None),
        ("vim launch.py", None),
        ("tmux new -d python launch.py --workers 3", None),
        ("bash -c python_launch.py", None),
        ("grep -rn src.worker.main .", None),
        ("timeout 60 python launch.py", None),
        ("python -c launch.py --verbose", None),
        ("python -Ic src.worker.main --port 5000", None),
        ("python old_launch.py", None),
        ("", None),
    ],
)
def test_a_process_is_recognised_by_what_it_runs(line: str, expected: Match | None) -> None:
    default = config()
    assert recognise(line.split(), default.processes, default.pool.base_port) == expected


def test_a_pattern_is_what_runs_and_its_arguments_and_an_empty_one_matches_nothing() -> None:
    patterns = config('[processes]\nworker = [[], ["main.py run", "--pool a b"]]').processes
    assert recognise(["python", "main.py", "--pool", "a", "b"], patterns, 5000) is None
    assert recognise(["python", "main.py", "run", "x", "--pool", "a", "b"], patterns, 5000) == Match("worker", 1)
    assert recognise(["python", "x/main.py", "run", "--pool", "a b"], patterns, 5000) == Match("worker", 1)
    assert recognise(["python", "x main.py", "run", "--pool", "a b"], patterns, 5000) is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["python", "-c", "serve()", "my-ollama"], Match("ollama", 0)),
        (["python3.11", "-Ic", "serve()", "my-ollama", "x"], Match("ollama", 0)),
        (["python", "-c", "serve()", "x", "my-ollama"], None),
        (["python", "-c", "my-ollama"], None),
        (["sh", "-c", "serve", "my-ollama"], None),
        (["python", "-c", "serve()", "src.worker.main"], None),
        (["python", "-c", "serve()", "launch.py"], None),
    ],
)
def test_inline_code_may_be_named_as_ollama_and_as_nothing_else(arguments: list[str], expected: Match | None) -> None:
    """A person may name a stand-in by its first argument. What may be signalled is never found so."""
    patterns = config('[processes]\nollama = [["my-ollama"]]').processes
    assert recognise(arguments, patterns, 5000) == expected


# Made-up process tables


def test_trees_are_charged_to_the_nearest_role_and_may_be_added_up(table: Table) -> None:
    table.add(10, "python launch.py --workers 2", pages=1)
    table.add(11, "python -u scripts/start.py", parent=10, pages=2)
    table.add(12, "python -m src.orchestrator.main --port 8040", parent=11, pages=4)
    for slot in (0, 1):
        table.add(20 + slot, WORKER.format(port=5000 + slot, slot=slot), parent=11, pages=10)
    table.add(30, "gamescope", parent=20, pages=100)
    table.add(31, "MegaBonk.exe", parent=30, pages=1000)
    table.add(40, "ollama serve", pages=5, name="ollama")
    table.add(41, "ollama runner --port 40000", parent=40, pages=500, name="ollama")
    table.add(50, "python unrelated.py", pages=7)
    assert summary(ProcessTable(config(), table.root).read()) == [
        ("launcher", None, 10, 3),
        ("orchestrator", None, 12, 4),
        ("worker", 0, 20, 1110),
        ("worker", 1, 21, 10),
        ("ollama", None, 40, 5),
        ("ollama", None, 41, 500),
    ]


def test_every_worker_of_a_large_pool_is_listed_and_a_neighbour_on_higher_ports_is_not(table: Table) -> None:
    table.add(10, "python launch.py --workers 72")
    for slot in range(72):
        table.add(1000 + slot, WORKER.format(port=5000 + slot, slot=slot), parent=10)
    # Another pool: its first worker is number 0 on port 5100.
    table.add(20, "python launch.py --workers 2")
    for slot in range(2):
        table.add(2000 + slot, WORKER.format(port=5100 + slot, slot=slot), parent=20)
    found = [r for r in ProcessTable(config(), table.root).read() if r.role == "worker"]
    assert [(r.worker, r.pid) for r in found] == [(w(slot), 1000 + slot) for slot in range(72)]


def test_workers_without_a_number_beyond_the_wanted_ports_are_another_pools(table: Table) -> None:
    table.add(20, "python -m src.worker.main --port 5000")
    table.add(21, "python -m src.worker.main --port 5070")
    assert [r.pid for r in ProcessTable(config(), table.root).read()] == [20]
    wanted = config("[pool]\nworkers = 71")
    assert [r.pid for r in ProcessTable(wanted, table.root).read()] == [20, 21]


def test_a_reading_carries_identity_own_memory_and_a_clean_name(table: Table) -> None:
    table.add(20, "/opt/v/bin/python -m src.worker.main --port 5002 \x1b[2J", pages=3, start_s=123)
    [reading] = ProcessTable(config(), table.root).read()
    assert (reading.pid, reading.started_at, reading.rss_bytes) == (20, BOOT + 123.0, 3 * PAGE)
    assert reading.name == "python -m src.worker.main --port 5002 �[2J"


def test_a_forked_child_belongs_to_its_worker_and_a_wrapper_is_not_the_program(table: Table) -> None:
    table.add(20, WORKER.format(port=5000, slot=0), pages=10)
    table.add(21, WORKER.format(port=5000, slot=0), parent=20, pages=5)
    table.add(22, WORKER.format(port=5000, slot=0), parent=21, pages=5)
    table.add(30, "uv run launch.py --workers 1", pages=1, name="uv")
    table.add(31, "python launch.py --workers 1", parent=30, pages=2)
    assert summary(ProcessTable(config(), table.root).read()) == [
        ("launcher", None, 31, 2),
        ("worker", 0, 20, 20),
    ]


def test_an_old_and_a_new_worker_of_one_slot_are_both_shown_the_older_first(table: Table) -> None:
    table.add(29, WORKER.format(port=5000, slot=0), start_s=10)
    table.add(21, WORKER.format(port=5000, slot=0), start_s=50)
    assert [reading.pid for reading in ProcessTable(config(), table.root).read()] == [29, 21]


def test_another_pools_launcher_and_orchestrator_are_not_ours(table: Table) -> None:
    table.add(10, "python launch.py --workers 1")
    table.add(11, WORKER.format(port=5000, slot=0), parent=10)
    table.add(20, "python launch.py --workers 1")
    table.add(21, WORKER.format(port=6000, slot=0), parent=20)
    table.add(22, "python -m src.orchestrator.main", parent=20)
    table.add(23, "ollama serve", parent=20, name="ollama")
    # Each user's Ollama is ours too.
    assert [reading.pid for reading in ProcessTable(config(), table.root).read()] == [10, 11, 23]


def roles_of(processes: ProcessTable) -> list[tuple[str, int | None, bool | None]]:
    """Scan, and say (role, pid, not confirmed)."""
    return [(each.role, each.pid, each.unconfirmed) for each in processes.read(fresh=True)]


def test_another_pools_launcher_stays_another_pools_when_its_workers_end_first(table: Table) -> None:
    table.add(20, "python launch.py --workers 1")
    table.add(21, WORKER.format(port=6000, slot=0), parent=20)
    table.add(22, "python -m src.orchestrator.main", parent=20)
    processes = ProcessTable(config(), table.root)
    assert roles_of(processes) == []
    table.remove(21)
    assert roles_of(processes) == []
    table.remove(20)
    table.add(22, "python -m src.orchestrator.main", parent=1)
    assert roles_of(processes) == [], "an orphan of the other pool"


def test_a_launcher_that_turns_out_to_be_another_pools_is_listed_once_more_and_not_confirmed(table: Table) -> None:
    table.add(20, "python launch.py --workers 1")
    table.add(22, "python -m src.orchestrator.main", parent=20)
    processes = ProcessTable(config(), table.root)
    assert roles_of(processes) == [("launcher", 20, True), ("orchestrator", 22, True)]
    table.add(21, WORKER.format(port=6000, slot=0), parent=20)
    assert roles_of(processes) == [("launcher", 20, True), ("orchestrator", 22, True)]
    assert roles_of(processes) == []


def test_our_launcher_stays_ours_when_all_its_workers_are_gone(table: Table) -> None:
    table.add(10, "python launch.py --workers 1")
    table.add(11, WORKER.format(port=5000, slot=0), parent=10)
    processes = ProcessTable(config(), table.root)
    assert roles_of(processes) == [("launcher", 10, None), ("worker", 11, None)]
    table.remove(11)
    assert roles_of(processes) == [("launcher", 10, None)]


@pytest.mark.parametrize(
    ("line", "listed"),
    [
        ("python launch.py --worker-base-port 6000 --workers 1", []),
        ("python launch.py --worker-base-port 5000 --workers 1", [("launcher", 10, None)]),
        ("python launch.py --base-port=6000", []),
        ("python launch.py --workers 1", [("launcher", 10, True)]),
    ],
)
def test_a_launcher_without_workers_is_known_by_the_port_that_it_names(
    table: Table, line: str, listed: list[tuple[str, int, bool | None]]
) -> None:
    table.add(10, line)
    assert roles_of(ProcessTable(config(), table.root)) == listed


def test_a_launcher_without_workers_in_our_directory_is_ours(table: Table, tmp_path: Path) -> None:
    table.add(10, "python launch.py --workers 1")
    table.add(20, "python launch.py --workers 1")
    for pid, name in ((10, "MetaBonk"), (20, "another")):
        (tmp_path / name).mkdir()
        (tmp_path / "proc" / str(pid) / "cwd").symlink_to(tmp_path / name)
    ours = config(f'[pool.launcher]\ndirectory = "{tmp_path / "MetaBonk"}"')
    assert roles_of(ProcessTable(ours, table.root)) == [("launcher", 10, None), ("launcher", 20, True)]


def test_a_launcher_with_one_worker_of_ours_is_ours(table: Table) -> None:
    table.add(10, "python launch.py --workers 2")
    table.add(11, WORKER.format(port=5000, slot=0), parent=10)
    table.add(12, WORKER.format(port=6000, slot=1), parent=10)
    assert [reading.pid for reading in ProcessTable(config(), table.root).read()] == [10, 11]


def test_a_pool_ten_ports_further_is_another_one(table: Table) -> None:
    table.add(10, "python launch.py --workers 3")
    table.add(11, WORKER.format(port=5010, slot=0), parent=10)
    table.add(12, "python -m src.orchestrator.main", parent=10)
    table.add(20, "python -m src.worker.main --port 5020")
    table.add(30, "python launch.py --workers 3")
    table.add(31, "python -m src.worker.main --port 5030", parent=30)
    assert ProcessTable(config(), table.root).read() == ()


def test_more_workers_than_configured_are_ours_with_their_number_or_launcher(table: Table) -> None:
    table.add(10, "python launch.py --workers 5")
    table.add(11, "python -m src.worker.main --port 5000", parent=10)
    table.add(12, "python -m src.worker.main --port 5004", parent=10)
    table.add(13, WORKER.format(port=5007, slot=7))
    table.add(14, "python -m src.worker.main --port 5008")
    assert [reading.pid for reading in ProcessTable(config(), table.root).read()] == [10, 11, 12, 13]


def test_a_worker_on_another_address_of_this_machine_is_not_ours(children: Children, marker: str) -> None:
    code = (
        "import socket, sys\nhost, port = sys.argv[4], int(sys.argv[2])\n"
        "s = socket.create_server((host, port)); print('ready', flush=True)\n"
    )
    port = free_ports(2)
    start = {
        host: start_worker(children, marker, code + UNTIL_CLOSED, "--port", str(port), "--host", host)
        for host in ("127.0.0.1", "127.0.0.2")
    }
    assert [reading.pid for reading in ProcessTable(pool(marker, base_port=port)).read()] == [start["127.0.0.1"].pid]
    other = pool(marker, base_port=port, host="127.0.0.2")
    assert [reading.pid for reading in ProcessTable(other).read()] == [start["127.0.0.2"].pid]


def test_what_listens_on_a_wanted_port_is_shown_unconfirmed_whatever_its_command(
    children: Children, marker: str
) -> None:
    port = free_ports(4)
    code = f"import socket\ns = socket.create_server(('127.0.0.1', {port + 1})); print('ready', flush=True)\n"
    other = children.python(code + UNTIL_CLOSED)
    beyond = children.python(code.replace(str(port + 1), str(port + 3)) + UNTIL_CLOSED)
    mine = start_worker(children, marker, READY + UNTIL_CLOSED, "--port", str(port))
    processes = ProcessTable(pool(marker, base_port=port))
    for fresh in (False, True):
        found = [(each.worker, each.pid, each.unconfirmed) for each in processes.read(fresh)]
        assert found == [(w(0), mine.pid, None), (w(1), other.pid, True)]
    assert beyond.poll() is None


NO_ARGUMENTS = """
import ctypes
fields = open("/proc/self/stat").read().rpartition(")")[2].split()
start, end = int(fields[45]), int(fields[46])
ctypes.memset(start, 0, end - start)
"""
"""Arguments of zeros read as none at all: a process that wrote over them, or that is seen in the middle of exec."""


def test_what_listens_and_shows_no_arguments_is_named_by_the_kernel(children: Children, marker: str) -> None:
    port = free_ports(1)
    code = f"import socket\ns = socket.create_server(('127.0.0.1', {port}))\n"
    hidden = children.python(code + NO_ARGUMENTS + "print('ready', flush=True)\n" + UNTIL_CLOSED)
    kernel_name = Path(f"/proc/{hidden.pid}/comm").read_text().strip()
    found = [(each.pid, each.name) for each in ProcessTable(pool(marker, base_port=port)).read()]
    assert found == [(hidden.pid, kernel_name)]


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root makes namespaces")
def test_a_worker_in_another_network_namespace_is_not_ours(children: Children, marker: str) -> None:
    Path(f"{marker}.worker").write_text(READY + UNTIL_CLOSED)
    children.run(["unshare", "-n", sys.executable, f"{marker}.worker", "--port", "5000"])
    assert ProcessTable(pool(marker)).read() == ()


def test_a_launcher_without_workers_yet_may_be_ours(table: Table) -> None:
    table.add(10, "python launch.py --workers 1")
    assert [reading.role for reading in ProcessTable(config(), table.root).read()] == ["launcher"]


def test_the_dead_and_the_hidden_are_not_there(table: Table) -> None:
    table.add(20, WORKER.format(port=5000, slot=0), state="Z")
    table.add(21, WORKER.format(port=5001, slot=1), state="X")
    table.add(22)
    table.write("23/stat", "garbage")
    table.write("24/cmdline", WORKER.format(port=5002, slot=2))
    table.write("self/stat", "1 (x) S")
    assert ProcessTable(config(), table.root).read() == ()
    assert ProcessTable(config(), table.root / "nowhere").read() == ()


def test_a_name_with_brackets_and_a_loop_of_parents_do_no_harm(table: Table) -> None:
    table.add(20, WORKER.format(port=5000, slot=0), parent=21, name="a) Z (b")
    table.add(21, "x", parent=20, pages=2)
    assert summary(ProcessTable(config(), table.root).read()) == [("worker", 0, 20, 3)]


def test_between_scans_only_the_known_are_read(table: Table) -> None:
    clock = Clock()
    table.add(20, WORKER.format(port=5000, slot=0), pages=1)
    table.add(30, "game", parent=20, pages=10)
    processes = ProcessTable(config(), table.root, clock)
    assert summary(processes.read()) == [("worker", 0, 20, 11)]
    table.add(20, WORKER.format(port=5000, slot=0), pages=2)
    table.add(30, "game", parent=20, pages=20)
    table.add(21, WORKER.format(port=5001, slot=1))
    assert summary(processes.read()) == [("worker", 0, 20, 22)]
    clock.now += SCAN_EVERY_S
    assert [reading.pid for reading in processes.read()] == [20, 21]


def test_a_fresh_reading_finds_the_new_at_once(table: Table) -> None:
    processes = ProcessTable(config(), table.root, Clock())
    assert processes.read() == ()
    table.add(20, WORKER.format(port=5000, slot=0))
    assert processes.read() == ()
    assert [reading.pid for reading in processes.read(fresh=True)] == [20]


def test_after_a_death_the_successor_is_found_at_the_next_reading(table: Table) -> None:
    clock = Clock()
    table.add(20, WORKER.format(port=5000, slot=0))
    table.add(21, WORKER.format(port=5001, slot=1))
    processes = ProcessTable(config(), table.root, clock)
    processes.read()
    table.remove(20)
    assert [reading.pid for reading in processes.read()] == [21]
    clock.now += 1
    table.add(40, WORKER.format(port=5000, slot=0))
    assert [reading.pid for reading in processes.read()] == [40, 21]


@pytest.mark.parametrize("successor", ["python innocent.py", WORKER.format(port=5000, slot=0)])
def test_a_reused_pid_is_another_process(table: Table, successor: str) -> None:
    table.add(20, WORKER.format(port=5000, slot=0), start_s=100, pages=5)
    processes = ProcessTable(config(), table.root, Clock())
    processes.read()
    table.add(20, successor, start_s=101, pages=9)
    assert [reading.started_at for reading in processes.read()] == [BOOT + 101.0] * ("worker" in successor)


def test_a_reused_descendants_pid_is_not_charged(table: Table) -> None:
    table.add(20, WORKER.format(port=5000, slot=0), pages=1)
    table.add(30, "game", parent=20, pages=10)
    processes = ProcessTable(config(), table.root, Clock())
    processes.read()
    table.add(30, "innocent", parent=1, pages=5000, start_s=200)
    assert summary(processes.read()) == [("worker", 0, 20, 1)]


def test_a_daemon_that_left_the_tree_is_charged_by_the_port_in_its_environment(table: Table) -> None:
    table.add(20, WORKER.format(port=5000, slot=0), pages=1, start_s=100)
    table.add(30, "daemon", pages=10, start_s=150, environ="A=1 WORKER_PORT=5000")
    table.add(31, "elder", pages=100, start_s=50, environ="WORKER_PORT=5000")
    table.add(32, "stranger", pages=100, start_s=150, environ="WORKER_PORT=6000")
    table.add(33, "garbage", pages=100, start_s=150, environ="WORKER_PORT=x WORKER_PORT")
    table.add(34, "hostile", pages=100, start_s=150, environ=f"WORKER_PORT={'9' * 5000}")
    processes = ProcessTable(config(), table.root, Clock())
    assert summary(processes.read()) == [("worker", 0, 20, 11)]
    assert summary(processes.read(fresh=True)) == [("worker", 0, 20, 11)]


# Real processes


def test_real_workers_are_found_with_their_identity(children: Children, marker: str) -> None:
    started = time.time()
    one = start_worker(children, marker, READY + UNTIL_CLOSED, "--port", "5002")
    two = start_worker(children, marker, READY + UNTIL_CLOSED, "--instance-id", "omega-1")
    start_worker(children, marker, READY + UNTIL_CLOSED, "--port", "7000")
    start_worker(children, marker, READY + UNTIL_CLOSED, "--port", "5003")
    children.python(f"# {marker}.worker --port 5004\n" + READY + UNTIL_CLOSED)
    children.run(["/bin/sh", "-c", f"echo ready; read line; : {marker}.worker --port 5005"])
    readings = ProcessTable(pool(marker)).read()
    assert [(reading.worker, reading.pid) for reading in readings] == [(w(1), two.pid), (w(2), one.pid)]
    for reading in readings:
        assert reading.started_at is not None
        # The kernel's boot time has whole seconds.
        assert abs(reading.started_at - started) < 15
        assert reading.rss_bytes > 1 * MB


def test_a_worker_is_known_by_the_port_it_listens_on(children: Children, marker: str) -> None:
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)\n"
    child = start_worker(children, marker, code + UNTIL_CLOSED)
    start_worker(children, marker, READY + UNTIL_CLOSED)
    port = int(child.line)  # type: ignore[attr-defined]
    readings = ProcessTable(pool(marker, base_port=port - 2)).read()
    assert [(reading.worker, reading.pid) for reading in readings] == [(w(2), child.pid)]


def test_we_and_what_started_us_are_never_part_of_the_pool() -> None:
    everything = config('[processes]\nworker = []\norchestrator = []\nollama = []\nlauncher = [["py"]]')
    found = {reading.pid for reading in ProcessTable(everything).read()}
    assert not found & {os.getpid(), os.getppid()}


@pytest.mark.parametrize("how", ["fork", "exec", "daemon"])
def test_memory_held_by_a_grandchild_is_charged_to_its_worker(children: Children, marker: str, how: str) -> None:
    hold = "b = bytearray(60_000_000); print(os.getpid(), flush=True); sys.stdin.read()"
    anew = f"[sys.executable, '-c', 'import os, sys; {hold}']"
    start = {
        "fork": f"if os.fork() == 0:\n    {hold}\n    os._exit(0)\n",
        "exec": f"import subprocess; subprocess.Popen({anew})\n",
        "daemon": f"if os.fork() == 0:\n    os.setsid()\n    os.fork() or os.execv(sys.executable, {anew})\n"
        "    os._exit(0)\nos.wait()\n",
    }[how]
    child = start_worker(
        children, marker, "import os, sys\n" + start + UNTIL_CLOSED, "--port", "5000", env={"WORKER_PORT": "5000"}
    )
    [reading] = ProcessTable(pool(marker)).read()
    assert reading.pid == child.pid
    assert reading.tree_bytes is not None
    assert reading.rss_bytes < 55 * MB
    assert reading.tree_bytes - reading.rss_bytes > 55 * MB


def test_growth_is_seen_without_looking_through_all_processes(children: Children, marker: str) -> None:
    code = READY + "import sys\nsys.stdin.readline()\nb = bytearray(50_000_000)\nprint('grown', flush=True)\n"
    child = start_worker(children, marker, code + UNTIL_CLOSED, "--port", "5000")
    processes = ProcessTable(pool(marker), monotonic=Clock())
    [before] = processes.read()
    children.send(child, "grow")
    children.line(child)
    [after] = processes.read()
    assert after.rss_bytes - before.rss_bytes > 45 * MB


def test_a_killed_worker_is_gone_at_the_next_reading_even_as_a_zombie(children: Children, marker: str) -> None:
    child = start_worker(children, marker, READY + UNTIL_CLOSED, "--port", "5000")
    processes = ProcessTable(pool(marker), monotonic=Clock())
    assert len(processes.read()) == 1
    os.kill(child.pid, signal.SIGKILL)
    # Not waited for: it stays in the table as a zombie, which psutil calls running.
    wait_for(lambda: ") Z " in Path(f"/proc/{child.pid}/stat").read_text())
    assert processes.read() == ()
    assert ProcessTable(pool(marker)).read() == ()


def test_a_stopped_process_is_said_to_be_stopped_until_it_is_resumed(children: Children, marker: str) -> None:
    child = start_worker(children, marker, READY + UNTIL_CLOSED, "--port", "5000")
    processes = ProcessTable(pool(marker), monotonic=Clock())
    assert [reading.stopped for reading in processes.read()] == [None]
    os.kill(child.pid, signal.SIGSTOP)
    wait_for(lambda: [reading.stopped for reading in processes.read()] == [True])
    os.kill(child.pid, signal.SIGCONT)
    wait_for(lambda: [reading.stopped for reading in processes.read()] == [None])


def test_this_process_reads_as_itself() -> None:
    proc = Proc()
    stat = proc.stat(os.getpid())
    assert stat is not None
    assert stat.parent_pid == os.getppid()
    assert proc.is_same(os.getpid(), stat.started_at)
    assert not proc.is_same(os.getpid(), stat.started_at - 1)
    assert proc.arguments(os.getpid())[1:] == tuple(sys.orig_argv[1:])


def test_reading_the_known_is_cheap(children: Children, marker: str) -> None:
    for slot in range(3):
        start_worker(children, marker, READY + UNTIL_CLOSED, "--port", str(5000 + slot))
    processes = ProcessTable(pool(marker), monotonic=Clock())
    processes.read()
    timings = []
    for _ in range(30):
        started = time.perf_counter()
        assert len(processes.read()) == 3
        timings.append(time.perf_counter() - started)
    assert min(timings) < 0.005


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root can hide processes")
def test_hidden_processes_are_not_seen_and_do_no_harm(children: Children, marker: str) -> None:
    worker = start_worker(children, marker, READY + UNTIL_CLOSED, "--port", "5000")
    [reading] = ProcessTable(pool(marker)).read()
    look = (
        "import os, subprocess, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from tests.adapters.process.test_table import ProcessTable, pool\n"
        "from metabonk_tui.adapters.process.environ import Environments\n"
        "if subprocess.run(['mount', '-t', 'proc', '-o', 'hidepid=2', 'proc', '/proc']).returncode:\n"
        "    print('cannot mount'); sys.exit()\n"
        f"wanted = pool({marker!r})\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        f"print(ProcessTable(wanted).read(), Environments(wanted).read({worker.pid}, {reading.started_at}).values)\n"
    )
    line = children.run(["unshare", "-m", "--propagation", "private", sys.executable, "-c", look]).line  # type: ignore[attr-defined]
    if line == "cannot mount":
        pytest.skip("/proc cannot be mounted anew")
    assert line == "() None"


def test_kernel_threads_are_known_from_one_file(tmp_path: Path) -> None:
    threads = Proc().kernel_threads()
    assert all(stat.of_kernel for pid in threads if (stat := Proc().stat(pid)) is not None)
    assert os.getpid() not in threads
    assert Proc(tmp_path).kernel_threads() == frozenset()
