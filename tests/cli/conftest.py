"""Runs the program in a subprocess with its own home, for the tests of the command line."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import forks
from tests.support.waiting import wait_for

Metabonk = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return home_in(tmp_path)


def home_in(folder: Path) -> dict[str, str]:
    """Return an environment with directories under `folder`, so that no test sees the user's files."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("METABONK_", "XDG_", "COLUMNS"))}
    return kept | {
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "METABONK_TUI_STATE_DIR": str(folder / "state"),
        "TMPDIR": str(folder),
        "NO_COLOR": "1",
    }


@pytest.fixture
def metabonk(home: dict[str, str], tmp_path: Path) -> Metabonk:
    """Run the program to its end: metabonk("check", "--json", input=..., env={...})."""

    def run(*argv: str, env: dict[str, str] | None = None, limit_s: float = 60, **how: Any) -> forks.Done:
        return forks.run(argv, env=home | (env or {}), cwd=tmp_path, timeout=limit_s, **how)

    return run


Recorder = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def recorder(home: dict[str, str]) -> Iterator[Recorder]:
    """Start `record` with arguments and other variables, and end what a test that failed has left."""
    started: list[subprocess.Popen[str]] = []

    def start(*argv: str, **more: str) -> subprocess.Popen[str]:
        command = [*forks.PROGRAM, "record", *argv]
        pipe = subprocess.PIPE
        started.append(forks.Forked(command, env=home | more, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def answers(port: int) -> bool:
    """Return whether a process listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of the demo's processes that name a folder or work in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                cwd = os.readlink(entry / "cwd")
            except OSError:
                continue
            if "metabonk_tui.demo" in line and (str(folder) in line or cwd.startswith(str(folder))):
                found.append(line)
    return found


@dataclass
class Pool:
    """A demo pool that a `demo --no-ui` process runs in the foreground."""

    process: subprocess.Popen[str]
    base_port: int
    workers: int
    config: str
    speed: str

    @property
    def options(self) -> list[str]:
        """The options with which a verb addresses this pool."""
        return ["--config", self.config, "--speed", self.speed]


@contextmanager
def demo(home: dict[str, str], *argv: str) -> Iterator[Pool]:
    """Run `demo --no-ui` while the block runs, then end it with Ctrl-C and assert that nothing is left."""
    command = [*forks.PROGRAM, "demo", "--no-ui", *argv]
    process = forks.Forked(
        command, env=home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        output = "".join(process.stdout.readline() for _ in range(4))
        match = re.search(r"(\d+) workers on ports (\d+)-", output)
        config = re.search(r"--config (\S+) --speed (\S+)", output)
        assert match, output
        assert config, output
        pool = Pool(process, int(match[2]), int(match[1]), config[1], config[2])
        wait_for(lambda: all(answers(pool.base_port + slot) for slot in range(pool.workers)))
        yield pool
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert not Path(pool.config).exists()
    assert not answers(pool.base_port)
    assert processes_of(Path(pool.config).parent) == []
