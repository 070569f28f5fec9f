"""Two pools of real demo workers as two hosts of one configuration, each with an agent of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from metabonk_tui.demo.pool import pool_at
from metabonk_tui.demo.prepare import prepare
from tests.support.demo_pools import carrying
from tests.support.paths import ROOT
from tests.support.ports import accepts, free_ports

SPEED = 10.0
MEMORY_MB = 40.0
PORTS = 70
"""Ports of one pool: its workers, and its orchestrator and Ollama behind the 64th."""


class Host:
    """One host: a prepared pool, and the configuration that its agent reads."""

    def __init__(self, folder: Path, base_port: int) -> None:
        self.folder, self.base_port = folder, base_port
        folder.mkdir()
        location = pool_at(str(folder), base_port)
        facts = prepare(location, scenario="healthy", workers=2, speed=SPEED, memory_mb=MEMORY_MB)
        self.config = Path(str(facts["config"]))
        self.state = folder / "state"

    def command(self, *wrap: str) -> list[str]:
        """Return what starts its agent, with a state of its own as another machine has."""
        environment = [f"XDG_STATE_HOME={self.state}", f"PYTHONPATH={ROOT}", f"METABONK_TUI_STATE_DIR={self.state}"]
        agent = [sys.executable, "-m", "metabonk_tui", "agent", "--config", str(self.config)]
        return [*wrap, "env", *environment, *agent]

    def edit(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))

    def answering(self, most: int = 4) -> list[int]:
        """Return the slots that listen, where this machine reaches them."""
        return [slot for slot in range(most) if accepts(self.base_port + slot)]

    def processes(self) -> list[int]:
        """Return the pids of its pool."""
        return carrying(pool_at(str(self.folder), self.base_port).name)

    def end(self) -> None:
        """Kill what is left of its pool. Its processes carry a name that no other pool has."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def configuration(hosts: Iterable[tuple[str, Host, Sequence[str]]], **more: str) -> str:
    """Return the monitor's configuration of these hosts: (name, host, further lines)."""
    text = "[pool]\nworkers = 2\n[memory]\nworker_gb = 0.055\nollama_gb = 0.075\nfloor_gb = 0.01\n"
    for name, host, lines in hosts:
        command = more.get(name) or json.dumps(host.command())
        text += f'[[host]]\nname = "{name}"\nbase_port = {host.base_port}\n'
        text += "\n".join(lines) + "\n"
        text += f"command = {command}\n"
    return text


@contextmanager
def two_hosts(folder: Path) -> Iterator[tuple[Host, Host]]:
    """Prepare two hosts; kill what is left of their pools at the end."""
    base = free_ports(2 * PORTS)
    hosts = Host(folder / "node1", base), Host(folder / "node2", base + PORTS)
    try:
        yield hosts
    finally:
        for host in hosts:
            host.end()
