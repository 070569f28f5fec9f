"""Replaces MetaBonk's `launch.py`: keeps N workers and an orchestrator running in the foreground until a signal.

At the start it ends the pool's old processes. After that it ends only its own children.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import IO

from msgspec import Struct, field

from metabonk_tui.demo.envfile import read_env_file
from metabonk_tui.demo.pool import TOKEN_KEY, PoolLocation, accepts, end
from metabonk_tui.demo.scenarios import SCENARIOS

# launch.py overrides the environment with its JSON profile.
PROFILE = {
    "METABONK_PURE_VISION_MODE": "1",
    "METABONK_EXPLORATION_REWARDS": "1",
    "METABONK_RL_LOGGING": "1",
    "METABONK_STRATEGY_FREQUENCY": "2.0",
    "METABONK_SYSTEM2_ENABLED": "1",
    "METABONK_SYSTEM2_BACKEND": "ollama",
    "METABONK_SYSTEM2_MODEL": "llava:7b",
}
TICK_S = 0.2
RESPAWN_AFTER_S = 0.5
CHILD_GRACE_S = 2.0
OLLAMA_MB = 60.0
OLLAMA_START_S = 5.0


class Slot(Struct):
    """One worker slot with its process and restarts."""

    index: int
    process: subprocess.Popen[bytes] | None = None
    died: float | None = None
    attempts: int = 0
    ready: bool = False
    given_up: bool = False


class Launcher(Struct):
    """One launch of one pool."""

    pool: PoolLocation
    workers: int
    scenario: str
    speed: float
    memory_mb: float
    stopping: str = ""
    """Why the launcher is ending; "": it keeps running."""
    signalled: int = 0
    """The signal that ends the launcher; 0: none."""
    log: IO[str] | None = None
    run_directory: Path = Path()
    orchestrator: subprocess.Popen[bytes] | None = None
    ollama: subprocess.Popen[bytes] | None = None
    slots: list[Slot] = field(default_factory=list)
    announced: bool = False

    def log_line(self, text: str) -> None:
        """Write a line to the terminal and to launch.log."""
        if self.log is not None:
            print(text, file=self.log, flush=True)
            if text.startswith("[start_omega]"):
                with (self.run_directory / "logs" / "omega.log").open("a") as omega:
                    print(text, file=omega)
        try:
            print(text, flush=True)
        except OSError:
            # The terminal or pipe is closed. launch.log has the line, and the pool must keep running.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def run(self) -> int:
        """Stop old processes, start the pool, watch it, clean up. Return 1 if old processes survive, otherwise 0."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self.log_line(
            f"[launch] pool {self.pool.name}: {self.workers} workers, scenario {self.scenario}, speed {self.speed:g}"
        )
        survivors = end(self.pool, self.log_line, self.pool.ports(self.workers))
        if survivors:
            self.log_line(f"[launch] cannot stop pids {survivors}")
            return 1
        try:
            if not self.stopping:
                self._start()
            while not self.stopping:
                self._watch()
                time.sleep(TICK_S)
            if self.signalled:
                self.log_line(f"[start_omega] received {self.signalled}, shutting down...")
        finally:
            self._end_children()
        self.log_line(f"[launch] {self.stopping}; stopped")
        if self.log is not None:
            self.log.close()
        return 0

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.signalled = number
        self.stopping = f"received {signal.Signals(number).name}"

    def _start(self) -> None:
        epoch = int(time.time())
        while (self.pool.directory / "runs" / f"run-launch-{epoch}").exists():
            epoch += 1
        self.run_directory = self.pool.directory / "runs" / f"run-launch-{epoch}"
        logs = self.run_directory / "logs"
        logs.mkdir(parents=True)
        self.log = (logs / "launch.log").open("a", buffering=1)
        self.log_line(f"[start] run {self.run_directory.name}, logs -> {logs}")
        if SCENARIOS[self.scenario].ollama:
            self.ollama = self._spawn("ollama", "ollama", "--port", self.pool.ollama_port, "--memory-mb", OLLAMA_MB)
            self._wait_for_ollama()
        self.orchestrator = self._spawn("omega", "orchestrator", "--port", self.pool.orchestrator_port)
        self.slots = [Slot(index) for index in range(self.workers)]
        for slot in self.slots:
            self._spawn_worker(slot)
        job = {"pgid": self.orchestrator.pid, "ts": time.time(), "launcher_pid": os.getpid(), "pool": self.pool.name}
        job["workers"] = [slot.process.pid for slot in self.slots if slot.process is not None]
        self.pool.job_file.write_text(json.dumps(job))

    def _wait_for_ollama(self) -> None:
        """Wait up to `OLLAMA_START_S` for Ollama, so that the workers' first request succeeds."""
        deadline = time.monotonic() + OLLAMA_START_S
        while not (self.stopping or accepts(self.pool.ollama_port)) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _spawn(
        self, log_name: str, *arguments: object, extra: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "metabonk_tui.demo", str(arguments[0]), "--pool", self.pool.name]
        command += [str(argument) for argument in arguments[1:]]
        profile = PROFILE | dict(SCENARIOS[self.scenario].profile)
        found = {"OLLAMA_HOST": f"http://127.0.0.1:{self.pool.ollama_port}"}
        base = (found if SCENARIOS[self.scenario].finds_ollama else {}) | os.environ
        environment = base | profile | self._run_environment() | (extra or {})
        with (self.run_directory / "logs" / f"{log_name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    def _run_environment(self) -> dict[str, str]:
        return {
            "METABONK_RUN_ID": self.run_directory.name,
            "METABONK_RUN_DIR": str(self.run_directory),
            "MEGABONK_LOG_DIR": str(self.run_directory),
            "ORCHESTRATOR_URL": f"http://127.0.0.1:{self.pool.orchestrator_port}",
        }

    def _spawn_worker(self, slot: Slot) -> None:
        name, port = f"omega-{slot.index}", self.pool.base_port + slot.index
        slot.process = self._spawn(
            f"worker_{slot.index}",
            "worker",
            *("--port", port, "--instance-id", name, "--policy-name", "Greed", "--scenario", self.scenario),
            *("--speed", f"{self.speed:g}", "--workers", self.workers, "--attempt", slot.attempts),
            *("--memory-mb", f"{self.memory_mb:g}", "--orchestrator-port", self.pool.orchestrator_port),
            extra={
                "INSTANCE_ID": name,
                "MEGABONK_INSTANCE_ID": name,
                "WORKER_PORT": str(port),
                "METABONK_WORKER_PORT": str(port),
                "METABONK_WORKER_ID": str(slot.index),
            },
        )
        slot.died, slot.ready = None, False
        self.log_line(f"[start_omega] starting {name} on :{port} (pid {slot.process.pid})")

    def _watch(self) -> None:
        """Check every child process once; respawn dead workers."""
        if self.orchestrator is not None and (code := self.orchestrator.poll()) is not None:
            self.log_line(f"[start_omega] orchestrator exited with {code}")
            self.stopping = f"orchestrator exited with {code}"
            return
        if self.ollama is not None and (code := self.ollama.poll()) is not None:
            self.log_line(f"[start_omega] ollama exited with {code}")
            self.ollama = None
        for slot in self.slots:
            self._watch_slot(slot)
        if all(slot.given_up for slot in self.slots):
            self.stopping = "[start_omega] no worker left"
        elif not self.announced and all(slot.ready for slot in self.slots):
            self.announced = True
            self.log_line(f"[launch] ready: {len(self.slots)}/{len(self.slots)} workers answer")

    def _watch_slot(self, slot: Slot) -> None:
        name = f"omega-{slot.index}"
        if slot.given_up or slot.process is None:
            return
        code = slot.process.poll()
        if code is None:
            if not slot.ready and accepts(self.pool.base_port + slot.index):
                slot.ready = True
                self.log_line(f"[launch] {name} answers on :{self.pool.base_port + slot.index}")
            return
        now = time.monotonic()
        restarts = SCENARIOS[self.scenario].restarts
        if slot.died is None:
            slot.died = now
            if slot.attempts >= restarts:
                slot.given_up = True
                self.log_line(f"[start_omega] {name} restart limit reached ({slot.attempts}/{restarts}) (exit {code})")
        elif now - slot.died >= RESPAWN_AFTER_S:
            slot.attempts += 1
            self.log_line(f"[start_omega] restarting {name} (exit {code}, attempt {slot.attempts})")
            self._spawn_worker(slot)

    def _end_children(self) -> None:
        """End only this launcher's children, because another launcher may own the pool by now."""
        children = [slot.process for slot in self.slots if slot.process is not None]
        children += [process for process in (self.orchestrator, self.ollama) if process is not None]
        for child in children:
            child.terminate()
        deadline = time.monotonic() + CHILD_GRACE_S
        for child in children:
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def run_launcher(pool: PoolLocation, launcher: Launcher, *, named: str, not_exported: bool) -> int:
    """Launch in the foreground, with the pool's token and name in the launcher's own process.

    `named` is the pool on the command line. If it is not this pool, the process executes itself again with its name.
    """
    pool.directory.mkdir(parents=True, exist_ok=True)
    if named == pool.name:
        return launcher.run()
    environment = dict(os.environ)
    if not_exported:
        for key in read_env_file(pool.env_file):
            environment.pop(key, None)
    environment[TOKEN_KEY] = pool.name
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:], "--pool", pool.name], environment)
