"""Starts real child processes that end with the test, even after a crash: they exit when their stdin closes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.config.schema import Config
from tests.support.paths import ROOT

UNTIL_CLOSED = "import sys; sys.stdin.read()\n"


def config(toml: str = "") -> Config:
    """Return the packaged configuration with these lines merged over it."""
    return parse_config((ROOT / "config.toml").read_text(), toml)


class Children:
    """Child processes, each in its own session; `close` kills every one and its process group."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def python(
        self, code: str, *arguments: str, env: Mapping[str, str] | None = None, ready: bool = True
    ) -> subprocess.Popen[str]:
        """Run `python -c CODE ARGUMENTS`; with `ready` wait for its first line of output and store it in `.line`."""
        return self.run([sys.executable, "-c", code, *arguments], env=env, ready=ready)

    def run(
        self, command: list[str], env: Mapping[str, str] | None = None, ready: bool = True
    ) -> subprocess.Popen[str]:
        """Run a command; with `ready` wait for its first line of output and store it in `.line`."""
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=None if env is None else {"PATH": os.environ["PATH"], **env},
            start_new_session=True,
        )
        self._started.append(child)
        if ready:
            child.line = self.line(child)  # type: ignore[attr-defined]
        return child

    @staticmethod
    def line(child: subprocess.Popen[str]) -> str:
        """Return the next line of output; fail when the child ends first."""
        assert child.stdout is not None
        text = child.stdout.readline()
        assert text, f"it ended with {child.wait(5)} instead of saying something"
        return text.strip()

    @staticmethod
    def send(child: subprocess.Popen[str], text: str) -> None:
        assert child.stdin is not None
        child.stdin.write(f"{text}\n")
        child.stdin.flush()

    def close(self) -> None:
        for child in self._started:
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()
        for child in self._started:
            if child.returncode is None:
                # Not yet reaped, so the kernel cannot have reused the pid or its group.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait(10)
