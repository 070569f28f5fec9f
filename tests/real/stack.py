"""Brings up the real MetaBonk from a checkout, on CPU, in namespaces of its own, and runs the monitor beside it.

Only a copy of the checkout is used. `stand_ins/` holds what stands for the GPU, the game and Ollama.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from tests.support.paths import ROOT

T = TypeVar("T")
HERE = Path(__file__).parent
STAND_INS = HERE / "stand_ins"
BASE_PORT = 5000
ENV_FILE = "game_agnostic_24h_config.env"
"""MetaBonk's env file for 24 hours. It lacks the sixth flag."""
VERIFIED = "verified.env"
SIXTH_FLAG = "METABONK_INTRINSIC_APPLY_IN_PURE_VISION"
UP_S = 180.0
"""The longest wait for every worker to answer; usually 45 s on two cores."""
NAMESPACES = ("--pid", "--mount", "--net")
WITHOUT_GPU = {
    "METABONK_ALLOW_LEGACY_CAPTURE": "1",
    "METABONK_SYNTHETIC_EYE": "0",
    "METABONK_FRAME_SOURCE": "pipewire",
    "METABONK_OBS_BACKEND": "detections",
    "METABONK_CAPTURE_DISABLED": "1",
    "METABONK_STREAM": "0",
    "METABONK_STREAM_REQUIRE_ZERO_COPY": "0",
    "METABONK_GAME_RESTART": "0",
    "METABONK_REQUIRE_STEAM": "0",
    "METABONK_HUD_DETECT": "0",
    "METABONK_BONKLINK_DRAIN": "1",
    "METABONK_INPUT_BUTTONS": "W,A,S,D,SPACE",
    "METABONK_INPUT_BACKEND": "bonklink",
}
"""What the shell of a user without a GPU sets. None of these flags belongs to a watched component."""


def why_impossible(checkout: str) -> str:
    """Return why the real MetaBonk cannot run here; "" when it can."""
    if not checkout:
        return "no checkout of MetaBonk was given: make real CHECKOUT=PATH"
    if not (Path(checkout) / "launch.py").is_file():
        return f"{checkout} is no checkout of MetaBonk: it has no launch.py"
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        return "unshare and nsenter are not installed"
    done = subprocess.run(
        ["unshare", "--fork", "--mount-proc", *NAMESPACES, "true"], capture_output=True, text=True, timeout=30
    )
    return f"no namespaces: {done.stderr.strip() or done.returncode}" if done.returncode else ""


def prepare_python(work: Path) -> str:
    """Make the virtual environment of MetaBonk's processes once; return why that failed, or ""."""
    ready, wanted = work / "venv" / "ready", HERE / "requirements.txt"
    if ready.is_file() and ready.read_text() == wanted.read_text():
        return ""
    venv.create(work / "venv", with_pip=True)
    pip = [str(work / "venv" / "bin" / "pip"), "install", "--quiet", "-r", str(wanted)]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        return f"pip could not install MetaBonk's imports: {done.stderr.strip()[-300:]}"
    ready.write_text(wanted.read_text())
    return ""


def wait_for(condition: Callable[[], T], what: str, limit_s: float, every_s: float = 0.5) -> T:
    """Return the first true value of a condition; fail after `limit_s`."""
    end = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < end, f"{what}: not within {limit_s:g} s"
        time.sleep(every_s)
    return found


class RealStack:
    """One copy of MetaBonk in its namespaces. Use `open_stack`."""

    def __init__(self, checkout: Path, python_home: Path, work: Path) -> None:
        self.work = work
        self.metabonk = work / "MetaBonk"
        self.state = work / "state"
        self._python = python_home / "venv" / "bin" / "python"
        self._children: list[subprocess.Popen[Any]] = []
        shutil.copytree(checkout, self.metabonk, ignore=shutil.ignore_patterns(".git"), symlinks=True)
        flags = (self.metabonk / ENV_FILE).read_text()
        (self.metabonk / VERIFIED).write_text(f"{flags}\n{SIXTH_FLAG}=1\n")
        self.configure(VERIFIED)
        self.set_mode("menu")
        no_game = work / "no-game"
        no_game.mkdir()
        (work / "no-icd.json").write_text("{}")
        self.environment = {
            "PATH": os.pathsep.join((str(STAND_INS / "bin"), str(self._python.parent), os.environ["PATH"])),
            "PYTHONPATH": str(STAND_INS / "python"),
            "REAL_WORK": str(work),
            "HOME": str(work),
            "USER": "root",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MEGABONK_GAME_DIR": str(no_game),
            "VK_ICD_FILENAMES": str(work / "no-icd.json"),
            **WITHOUT_GPU,
        }
        self._unshare = self._start_namespaces()
        self._init_pid = self._wait_init()

    # The stack

    def launch(
        self, workers: int = 2, *, env_file: str = VERIFIED, exported: bool = True, extra: str = ""
    ) -> subprocess.Popen[Any]:
        """Start MetaBonk by hand, as its user does: source the env file in a shell, then run launch.py."""
        source = f". ./{env_file}"
        if exported:
            source = f"set -a; {source}; set +a"
        command = f"{source}; {extra} exec python launch.py --workers {workers} --no-dashboard"
        with (self.work / "launch.log").open("ab") as log:
            return self._start(["bash", "-c", command], self.environment, self.metabonk, log, log)

    def wait_up(self, workers: int = 2) -> None:
        """Wait until so many workers answer."""
        wait_for(
            lambda: all(self.status(slot) for slot in range(workers)), f"{workers} workers answer\n{self.log()}", UP_S
        )

    def wait_working(self, workers: int = 2) -> None:
        """Wait until so many workers act and System2 answers them: on a fast clock, a start looks like silence."""

        def works(slot: int) -> bool:
            status = self.status(slot) or {}
            return bool(status.get("actions_total")) and bool(status.get("system2_trigger_engaged_count"))

        self.wait_up(workers)
        wait_for(lambda: all(works(slot) for slot in range(workers)), f"{workers} workers work", UP_S)

    def status(self, slot: int) -> dict[str, Any] | None:
        """Return a worker's /status by curl; None: no JSON object."""
        done = self.inside(["curl", "-s", "-m", "3", f"http://127.0.0.1:{BASE_PORT + slot}/status"])
        with suppress(ValueError):
            found = json.loads(done.stdout)
            return found if isinstance(found, dict) else None
        return None

    def set_mode(self, mode: str) -> None:
        """Set what the game shows: "menu", "play", "frozen" or "no frames"."""
        (self.work / "mode").write_text(mode)

    def wait_seen(self) -> None:
        """Wait until the monitor beside has recorded that the workers answer."""
        wait_for(lambda: self.events(kind="worker.up"), "the monitor sees the workers", 60)

    def freeze(self, slot: int) -> None:
        """Make the loop of a worker raise: it still answers, with the same numbers."""
        (self.work / f"frozen-{BASE_PORT + slot}").touch()

    def break_module(self, name: str) -> None:
        """Make a module of the copy of MetaBonk fail when it is imported."""
        path = self.metabonk / name
        path.write_text(path.read_text() + '\nraise ImportError("broken by the test")\n')

    def pids(self, words: str) -> list[int]:
        """Return the pids, as the namespace numbers them, of the processes with these words in the command line."""
        return [pid for pid, line in self._processes().items() if words in line]

    def worker_pid(self, slot: int) -> int | None:
        """Return the pid of a worker's process; None: there is none."""
        found = self.pids(f"-m src.worker.main --port {BASE_PORT + slot} ")
        return found[0] if found else None

    def kill(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to a process of the namespace."""
        done = self.inside(["kill", f"-{number.value}", str(pid)])
        assert done.returncode == 0, done.stderr

    def log(self) -> str:
        """Return the last lines of the launcher's output."""
        with suppress(OSError):
            return "\n".join((self.work / "launch.log").read_text(errors="replace").splitlines()[-15:])
        return ""

    # The monitor

    def configure(self, env_file: str) -> None:
        """Write the configuration of a user whose workers run with this env file."""
        config = self.work / "config" / "metabonk-tui"
        config.mkdir(parents=True, exist_ok=True)
        lines = ("[pool.launcher]", f"directory = {json.dumps(str(self.metabonk))}", f'env_file = "{env_file}"')
        (config / "config.toml").write_text("\n".join(lines) + "\n")

    def monitor(self, *words: str, limit_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run a verb of the monitor in the namespaces."""
        return self.inside(self._monitor_argv(words), self._monitor_environment(), self.metabonk, limit_s)

    def monitor_json(self, *words: str, limit_s: float = 120.0) -> dict[str, Any]:
        """Run a verb that prints JSON; return it with the exit code as "exit"."""
        done = self.monitor(*words, limit_s=limit_s)
        try:
            return {**json.loads(done.stdout), "exit": done.returncode}
        except ValueError:
            raise AssertionError(f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}") from None

    @contextmanager
    def watching(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `record` (or another verb) beside the block; end it afterwards."""
        with (self.work / "watching.log").open("ab") as log:
            argv = self._monitor_argv(words or ("record",))
            process = self._start(argv, self._monitor_environment(), self.metabonk, log, log)
        try:
            yield process
        finally:
            inner = self._inner_pid(process)
            if inner is not None:
                os.kill(inner, signal.SIGTERM)
            process.wait(30)

    def events(self, run: str = "last", kind: str = "") -> list[dict[str, Any]]:
        """Return the events of a recorded run, of one kind and its subkinds; empty before the run is recorded."""
        if not list(self.state.glob("runs/*.db")):
            return []
        found: list[dict[str, Any]] = self.monitor_json("report", run, "--json")["events"]
        return [event for event in found if f"{event['kind']}.".startswith(f"{kind}." if kind else "")]

    # The namespaces

    def inside(
        self,
        argv: list[str],
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        limit_s: float = 30.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the namespaces and wait for it."""
        return subprocess.run(
            [*self._enter(directory or self.work), *argv],
            env=environment or self.environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
        )

    def close(self) -> None:
        """Kill process 1 of the namespaces, and with it everything in them."""
        with suppress(ProcessLookupError):
            os.kill(self._init_pid, signal.SIGKILL)
        self._unshare.wait(30)
        for child in self._children:
            child.wait(30)

    def _start_namespaces(self) -> subprocess.Popen[Any]:
        init = [str(self._python), str(STAND_INS / "init.py"), str(self.work), str(self._python)]
        with (self.work / "init.log").open("wb") as log:
            return subprocess.Popen(
                ["unshare", "--fork", "--kill-child=SIGKILL", "--mount-proc", *NAMESPACES, *init],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_init(self) -> int:
        wait_for((self.work / "ready").exists, "the namespaces", 30.0, every_s=0.1)
        pid = self._unshare.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def _enter(self, directory: Path) -> list[str]:
        return ["nsenter", f"--target={self._init_pid}", *NAMESPACES, f"--wd={directory}", "--"]

    def _start(
        self, argv: list[str], environment: Mapping[str, str], directory: Path, out: Any, err: Any
    ) -> subprocess.Popen[Any]:
        child = subprocess.Popen(
            [*self._enter(directory), *argv],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        self._children.append(child)
        return child

    def _inner_pid(self, process: subprocess.Popen[Any]) -> int | None:
        """Return the pid of the command that nsenter forked; None: it has ended."""
        with suppress(OSError, IndexError):
            return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
        return None

    def _processes(self) -> dict[int, str]:
        done = self.inside(["ps", "-e", "-ww", "-o", "pid=,args="])
        lines = (line.strip().partition(" ") for line in done.stdout.splitlines())
        return {int(pid): f"{line} " for pid, _, line in lines}

    def _monitor_environment(self) -> dict[str, str]:
        return {
            "PATH": self.environment["PATH"],
            "HOME": str(self.work),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "PYTHONPATH": str(ROOT),
            "XDG_CONFIG_HOME": str(self.work / "config"),
            "METABONK_TUI_STATE_DIR": str(self.state),
        }

    def _monitor_argv(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "metabonk_tui", *words]


@contextmanager
def open_stack(checkout: Path, python_home: Path, work: Path) -> Iterator[RealStack]:
    """Make a copy of MetaBonk and its namespaces; end everything in them afterwards."""
    stack = RealStack(checkout, python_home, work)
    try:
        yield stack
    finally:
        stack.close()
