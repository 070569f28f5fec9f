"""Prepares, launches and stops one demo pool, and checks that no port still answers afterwards.

Does not: import the demo. It runs the demo as a program with arguments, as the monitor runs MetaBonk.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import FrameType
from typing import NoReturn

from msgspec import Struct, field

from metabonk_tui.cli.exit_codes import UsageError

DEMO = (sys.executable, "-m", "metabonk_tui.demo")
STOP_S = 40.0
RESERVE_TRIES = 20
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LeaveSignal(BaseException):
    """A signal that ends the program; carries its number. Only the owner of the pool may catch it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class DemoPool(Struct):
    """A prepared pool and, once launched, its first launcher."""

    directory: Path
    config: Path
    launch: Sequence[str]
    stop: Sequence[str]
    environment: dict[str, str]
    workers: int
    base_port: int
    launcher: subprocess.Popen[bytes] | None = None
    left: str | None = None
    """What remains after the stop; "": nothing; None: not stopped yet."""
    keep: Callable[[Path], None] = lambda state: None
    """Called with the folder of the demo's state before it is removed."""
    _lock: Lock = field(default_factory=Lock)

    def start(self) -> None:
        """Start the launcher in its own session; output goes to launcher.log. Raises UsageError for a port in use."""
        for port in range(self.base_port, self.base_port + self.workers):
            if _is_answering(port):
                raise UsageError(f"port {port} is in use; choose another with --base-port")
        with (self.directory / "launcher.log").open("wb") as log:
            self.launcher = subprocess.Popen(
                self.launch,
                cwd=self.directory,
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def state(self) -> Path:
        """The folder for the monitor's state."""
        return self.directory / "state"

    def end(self, keeps: bool = False) -> str:
        """Stop the pool, also one that a monitor launched, and remove the folder. Returns what remains, or "".

        `keeps`: the monitor has ended, so its recordings can be kept.
        """
        with self._lock:
            if self.left is None:
                self.left = self._end() if self.launcher is not None else ""
                if keeps:
                    self.keep(self.state)
                if not self.left:
                    shutil.rmtree(self.directory, ignore_errors=True)
            return self.left

    def _end(self) -> str:
        assert self.launcher is not None
        try:
            done = subprocess.run(
                self.stop, cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=STOP_S
            )
            self.launcher.wait(STOP_S)
        except subprocess.TimeoutExpired as error:
            return f"stopping took too long: {error}"
        if done.returncode:
            return (done.stdout + done.stderr).strip() or f"{self.stop[-1]} ended with {done.returncode}"
        ports = [port for port in range(self.base_port, self.base_port + self.workers) if _is_answering(port)]
        return f"ports still open: {ports}" if ports else ""


def _is_answering(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def demo_pool(scenario: str, workers: int, base_port: int, speed: float) -> Iterator[DemoPool]:
    """Prepare a pool in a new folder and stop it after the block, also after a signal or an error."""
    directory = Path(tempfile.mkdtemp(prefix="metabonk-demo-"))
    handlers = {number: signal.signal(number, _raise_leave_signal) for number in END_SIGNALS}
    pool: DemoPool | None = None
    reservation: socket.socket | None = None
    try:
        pool, reservation = _prepare_alone(directory, scenario, workers, base_port, speed)
        yield pool
    finally:
        # A second Ctrl-C must not interrupt the stop and leave workers running; STOP_S bounds each of its waits.
        for number in END_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        left = pool.end(keeps=True) if pool is not None else ""
        if pool is None:
            shutil.rmtree(directory, ignore_errors=True)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if reservation is not None:
            reservation.close()
        if left:
            print(f"left behind, in {directory}: {left}", file=sys.stderr)


def _raise_leave_signal(number: int, frame: FrameType | None) -> NoReturn:
    raise LeaveSignal(number)


def _prepare_alone(
    directory: Path, scenario: str, workers: int, base_port: int, speed: float
) -> tuple[DemoPool, socket.socket | None]:
    """Prepare a pool on ports that no other demo has chosen; return it, and what keeps them until it is closed.

    A demo listens a second after it has found its ports free: another one may find the same.
    """
    for _ in range(RESERVE_TRIES):
        pool = _prepare(directory, scenario, workers, base_port, speed)
        if base_port or sys.platform != "linux":
            break
        reservation = socket.socket(socket.AF_UNIX)
        try:
            reservation.bind(f"\0metabonk-demo-{pool.base_port}")
        except OSError:
            reservation.close()
        else:
            return pool, reservation
    return pool, None


def _prepare(directory: Path, scenario: str, workers: int, base_port: int, speed: float) -> DemoPool:
    arguments = ["prepare", "--dir", directory, "--scenario", scenario, "--workers", workers]
    arguments += ["--base-port", base_port, "--speed", speed]
    command = [*DEMO, *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode == 2:
        # The last line is "python -m metabonk_tui.demo prepare: error: argument --workers: ...".
        raise UsageError(done.stderr.strip().splitlines()[-1].rpartition(": error: ")[2])
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"{command} ended with {done.returncode}")
    prepared = json.loads(done.stdout.splitlines()[-1])
    return DemoPool(
        directory=directory,
        config=Path(prepared["config"]),
        launch=prepared["launch"],
        stop=prepared["stop"],
        environment=prepared["environment"],
        workers=prepared["workers"],
        base_port=prepared["base_port"],
    )
