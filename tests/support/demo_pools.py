"""Drives a demo pool from outside, through processes, ports and files."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from metabonk_tui.demo.pool import pool_at
from tests.support.waiting import wait_for

DEMO = [sys.executable, "-m", "metabonk_tui.demo"]
POOL_PORTS = 66
"""From the first worker's port to Ollama's."""
LIMIT_S = 30.0
T = TypeVar("T")
OWN_KEYS = ("METABONK_", "MEGABONK_", "OLLAMA_")


def clean_environment(**more: str) -> dict[str, str]:
    """Return the test's environment without the variables of MetaBonk."""
    return {key: value for key, value in os.environ.items() if not key.startswith(OWN_KEYS)} | more


def environ_of(pid: int) -> dict[str, str]:
    """Return the initial environment of a process."""
    rows = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(row.split("=", 1) for row in rows if "=" in row)


def carrying(name: str) -> list[int]:
    """Return the pids of a pool's processes; does not use the demo's code."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and f"METABONK_DEMO_POOL={name}" in (entry / "environ").read_text().split("\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@dataclass
class DemoPool:
    """A prepared pool and its launchers."""

    directory: Path
    facts: dict[str, Any]
    launches: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def base_port(self) -> int:
        return int(self.facts["base_port"])

    @property
    def name(self) -> str:
        return pool_at(str(self.directory), self.base_port).name

    def launch(self, *more: str, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Launch with the command and the environment that `prepare` printed."""
        env = clean_environment(METABONK_HEARTBEAT_S="0.3", **self.facts["environment"]) | (environment or {})
        return self.start([*self.facts["launch"], *more], env)

    def launch_with_env_file(self, workers: int) -> subprocess.Popen[bytes]:
        """Launch as a monitor does: bash sources the env file with `set -a`."""
        script = 'set -a; . "$1"; shift; exec "$@"'
        argv = [text.format(workers=workers) for text in self.config["pool"]["launcher"]["launch"]]
        return self.start(["bash", "-c", script, "launch", self.facts["env_file"], *argv], clean_environment())

    @property
    def config(self) -> dict[str, Any]:
        return tomllib.loads(Path(self.facts["config"]).read_text())

    def start(self, argv: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.directory / "launcher.out").open("ab") as out:
            launched = subprocess.Popen(
                argv, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        self.launches.append(launched)
        return launched

    def stop(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.facts["stop"], env=clean_environment(**environment), capture_output=True, text=True, timeout=LIMIT_S
        )

    def output(self) -> str:
        return (self.directory / "launcher.out").read_text()

    def log(self, name: str) -> str:
        """Return one log of the newest run."""
        return (sorted(self.directory.glob("runs/*"))[-1] / "logs" / name).read_text()

    def get(self, port: int, path: str = "/status", timeout_s: float = 5.0) -> Any:
        """Return a JSON document by GET; None while no worker answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=timeout_s) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def status(self, slot: int) -> Any:
        return self.get(self.base_port + slot)

    def is_listening(self, port: int) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def wait_up(self, workers: int) -> list[dict[str, Any]]:
        """Wait until `workers` workers answer; return their statuses."""
        return [wait_for(lambda slot=slot: self.status(slot), f"worker {slot} answers") for slot in range(workers)]

    def heartbeats(self) -> dict[str, dict[str, Any]]:
        """Return the orchestrator's workers by id; empty while it does not answer."""
        answer = self.get(self.base_port + 64, "/workers")
        return answer["workers_by_id"] if answer else {}

    def wait_heartbeats(self, workers: int) -> dict[str, dict[str, Any]]:
        """Wait until the orchestrator lists exactly `workers` workers; return them."""
        return wait_for(
            lambda: rows if len(rows := self.heartbeats()) == workers else None, f"{workers} workers sent a heartbeat"
        )

    def pid(self, slot: int) -> int:
        """Return a worker's pid, found by the port in its environment."""

        def look() -> int | None:
            for pid in carrying(self.name):
                try:
                    if environ_of(pid).get("WORKER_PORT") == str(self.base_port + slot):
                        return pid
                except OSError:
                    continue
            return None

        return wait_for(look, f"a process of slot {slot}")

    def assert_gone(self) -> None:
        """Assert that no process and no open port is left."""
        assert carrying(self.name) == []
        for port in (*range(self.base_port, self.base_port + 8), self.base_port + 64, self.base_port + 65):
            assert not self.is_listening(port), f"port {port} still answers"


MakePool = Callable[..., DemoPool]
"""(scenario, *, speed, workers, folder) -> a prepared pool."""
