"""Runs a real pool in its own folder, with a backend on it; leaves no process behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec

from metabonk_tui.adapters.pools.launcher import LauncherPool
from metabonk_tui.adapters.process.pool_cgroup import CgroupMount, remove_old_groups
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.adapters.state.role_wire import role_name
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.pool import Action, Plan, TargetProcess
from metabonk_tui.core.model.sample import Event, Operation
from tests.support.children import config
from tests.support.ports import accepts, free_ports

MARK = "FAKE_POOL_FOLDER"


class RealClock:
    speed = 1.0

    def now(self) -> float:
        return time.time()

    def at(self, real_t: float) -> float:
        return real_t


class FakePool:
    """A folder with a launcher, on free ports."""

    def __init__(self, folder: Path, workers: int = 8) -> None:
        self.folder = folder / "checkout"
        self.folder.mkdir()
        self.state = folder / "state"
        self.base_port = free_ports(workers)
        shutil.copy(Path(__file__).with_name("fake_launch.py"), self.folder / "launch.py")
        shutil.copy(self.folder / "launch.py", self.folder / "omega.py")
        self.backends: list[LauncherPool] = []
        self.hands: list[threading.Thread] = []

    def habits(self, *names: str) -> None:
        (self.folder / "mode").write_text(" ".join(names))

    def config(self, launcher: str = "", ollama: str = "[]") -> Config:
        """Return the configuration of this pool; the lines in `launcher` replace those of [pool.launcher]."""
        lines = {
            "directory": f'"{self.folder}"',
            "launch": f'["{sys.executable}", "launch.py", "--workers", "{{workers}}", "--base-port", "{{base_port}}"]',
            "stop": f'["{sys.executable}", "launch.py", "stop"]',
            "environment": f'{{ {MARK} = "{self.folder}" }}',
            "start_timeout_s": "30.0",
            "stop_grace_s": "6.0",
        }
        for line in launcher.splitlines():
            key, _, value = line.partition("=")
            lines[key.strip()] = value.strip()
        table = "\n".join(f"{key} = {value}" for key, value in lines.items())
        worker = f'[["{self.folder}/launch.py worker"]]'
        # Real pools may run on this machine: none of their services may decide what this pool does.
        none = "".join(f"{service} = []\n" for service in ("orchestrator", "vision", "learner"))
        return config(
            f"[pool]\nbase_port = {self.base_port}\n[pool.launcher]\n{table}\n"
            f'[processes]\nworker = {worker}\nlauncher = [["launch.py"]]\n{none}ollama = {ollama}\n'
        )

    @property
    def has_ipv6(self) -> bool:
        """Whether a worker can listen on ::1."""
        try:
            with socket.create_server(("::1", self.base_port), family=socket.AF_INET6):
                return True
        except OSError:
            return False

    def backend(
        self, launcher: str = "", read_only: bool = False, host: str = "127.0.0.1", ollama: str = "[]"
    ) -> LauncherPool:
        """Return a launcher backend with its own lock, as a monitor has."""
        settings = self.config(launcher, ollama)
        settings = msgspec.structs.replace(settings, pool=msgspec.structs.replace(settings.pool, host=host))
        backend = LauncherPool(
            settings,
            self.state,
            clock=RealClock(),
            controller_lock=ControllerRole(role_name("127.0.0.1", self.base_port), self.state / "pool.lock"),
            processes=ProcessTable(settings).read,
            read_only=read_only,
            # Pools of other tests run at the same time.
            bystanders=lambda *_: (),
        )
        self.backends.append(backend)
        return backend

    def launch_by_hand(
        self, workers: int, *more: str, base_port: int | None = None, wrap: tuple[str, ...] = (), **env: str
    ) -> subprocess.Popen[bytes]:
        """Launch without a monitor, as a user does from a shell."""
        port = str(base_port or self.base_port)
        argv = [*wrap, sys.executable, "launch.py", "--workers", str(workers), "--base-port", port, *more]
        return self.start_by_hand(argv, **env)

    def start_by_hand(self, argv: list[str], **env: str) -> subprocess.Popen[bytes]:
        """Start a command in the pool's folder, in a session of its own; it ends with the pool."""
        child = subprocess.Popen(
            argv,
            cwd=self.folder,
            env={**os.environ, MARK: str(self.folder), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        # Reap it when it ends, as a shell does: the stop command takes a zombie for a live process.
        reaper = threading.Thread(target=child.wait)
        reaper.start()
        self.hands.append(reaper)
        return child

    def pids(self) -> set[int]:
        """Return the pids of all live processes that belong to this folder, detached ones included."""
        proc, found = Proc(), set()
        for pid in proc.pids():
            with contextlib.suppress(OSError):
                if f"{MARK}={self.folder}".encode() in proc.environment(pid).split(b"\0") and proc.stat(pid):
                    found.add(pid)
        return found

    def open_ports(self, workers: int = 8) -> list[int]:
        """Return the ports of this pool that accept connections."""
        return [port for port in range(self.base_port, self.base_port + workers) if accepts(port)]

    def close(self) -> None:
        for backend in self.backends:
            backend._lock.release()
        for _ in range(50):
            pids = self.pids()
            if not pids:
                break
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        for hand in self.hands:
            hand.join(10)
        remove_old_groups(f"127.0.0.1-{self.base_port}", CgroupMount())


class OperationRecorder:
    """Collects the progress reports of an operation."""

    def __init__(self) -> None:
        self.all: list[Operation] = []

    def __call__(self, operation: Operation) -> None:
        self.all.append(operation)

    @property
    def last(self) -> Operation:
        return self.all[-1]

    def step(self, name: str) -> str:
        return next(f"{step.state}: {step.detail}" for step in self.last.steps if step.name == name)


async def do(backend: LauncherPool, action: Action) -> tuple[Plan, OperationRecorder, tuple[Event, ...]]:
    """Plan and apply an action; return the plan, the progress and the events."""
    plan = backend.plan(action, await backend.read())
    recorder = OperationRecorder()
    events = await backend.apply(plan, recorder)
    return plan, recorder, events


def workers_of(plan: Plan) -> tuple[TargetProcess, ...]:
    return tuple(hit for hit in plan.hits if hit.role == "worker")
