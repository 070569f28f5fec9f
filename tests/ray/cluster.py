"""A real Ray cluster on this machine: a head without CPUs and nodes, each `ray start --block` ended by its pid."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.ports import free_ports
from tests.support.waiting import wait_for

STORE_BYTES = 80_000_000
NODE_BYTES = 1_000_000_000
LIMIT_S = 120.0


def ray_python() -> Path:
    """Return the Python that has ray: a variable names it, or `make test-ray` installed it."""
    return Path(os.environ.get("METABONK_RAY_PYTHON") or ROOT / ".venv-ray" / "bin" / "python")


def why_not() -> str:
    """Return why no cluster can be started here; "" when one can."""
    return "" if ray_python().with_name("ray").exists() else "ray is not installed: make test-ray installs it"


class RayCluster:
    """The processes, and what a test asks of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token_file = folder / "token"
        self._nodes: dict[str, subprocess.Popen[bytes]] = {}
        self._ports: dict[str, int] = {}
        """The port of each node's raylet."""
        self._port = free_ports(29)
        self.address = ""

    def start(self) -> None:
        """Start the head and two nodes, and wait until each has joined."""
        self.folder.chmod(0o700)
        self.token_file.write_text(secrets.token_hex(32))
        self.token_file.chmod(0o600)
        home = self.folder / "home"
        home.mkdir()
        port = self._port
        self._run(
            "head",
            *("--head", f"--port={port}", f"--dashboard-port={port + 1}", "--include-dashboard=false"),
            *("--num-cpus=0", "--memory=1", f"--temp-dir={self.folder}/t"),
        )
        current = self.folder / "t" / "ray_current_cluster"
        wait_for(lambda: current.exists() and "Ray runtime started" in self.log("head"), "the head runs", LIMIT_S, 0.1)
        self.address = current.read_text().strip()
        for name in ("n1", "n2"):
            self.add_node(name)

    def add_node(self, name: str, **more: str) -> None:
        """Start a node with one CPU, and wait until it has joined; `more` are variables of its processes.

        Two nodes that start on one machine at the same time choose the same ports.
        """
        where = f"--address={self.address}"
        self._run(name, where, "--num-cpus=1", f"--memory={NODE_BYTES}", more=more)
        wait_for(lambda: "Ray runtime started" in self.log(name), f"{name} runs", LIMIT_S, 0.1)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "XDG_"))}
        return {
            **kept,
            "HOME": str(self.folder / "home"),
            "PYTHONPATH": str(ROOT),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token_file),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_memory_monitor_refresh_ms": "0",
            "RAY_health_check_period_ms": "1000",
            "RAY_health_check_failure_threshold": "3",
        }

    def _run(self, name: str, *options: str, more: Mapping[str, str] | None = None) -> None:
        first = self._port + 2 + 3 * len(self._ports)
        self._ports[name] = first
        ports = (
            f"--node-manager-port={first}",
            f"--object-manager-port={first + 1}",
            f"--dashboard-agent-listen-port={first + 2}",
        )
        fixed = ("--block", "--disable-usage-stats", f"--object-store-memory={STORE_BYTES}")
        with (self.folder / f"{name}.log").open("wb") as out:
            self._nodes[name] = subprocess.Popen(
                [ray_python().with_name("ray"), "start", *options, *ports, *fixed],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**self.environment(), **(more or {})},
                start_new_session=True,
            )

    def name_of(self, node_id: str) -> str:
        """Return which of our nodes has an id of Ray."""
        port = int(
            self.run_python(f"print([n['NodeManagerPort'] for n in ray.nodes() if n['NodeID'] == {node_id!r}][0])")
        )
        return next(name for name, found in self._ports.items() if found == port)

    def kill_node(self, name: str) -> None:
        """Let a node fail: kill its whole group."""
        node = self._nodes.pop(name)
        os.killpg(node.pid, signal.SIGKILL)
        node.wait(30)

    def stop(self) -> None:
        """End the nodes, then the head, by their pids."""
        for node in reversed(self._nodes.values()):
            node.terminate()
        for node in reversed(self._nodes.values()):
            try:
                node.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(node.pid, signal.SIGKILL)
                node.wait(20)

    def run_python(self, text: str) -> str:
        """Run a driver of its own in the cluster, and return what it prints."""
        begin = f"import ray; ray.init(address={self.address!r}, namespace='pool', log_to_driver=False)\n"
        done = subprocess.run(
            [ray_python(), "-I", "-c", begin + text],
            capture_output=True,
            text=True,
            env=self.environment(),
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def ray_cluster(folder: Path) -> Iterator[RayCluster]:
    """Run a cluster while the block runs."""
    folder.mkdir()
    cluster = RayCluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
