"""Knows how to run a component test to its end, or to its deadline: real, in a session of its own, output read live.

Refuses to know what it tests. However much it prints, only its last lines are kept.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from metabonk_tui.adapters.commands import exit_words, make_private_directory
from metabonk_tui.core.config import TestConfig
from metabonk_tui.core.preflight import TestResult
from metabonk_tui.core.status import clean_text

KEPT_LINES = 40
KEPT_BYTES = 16384
_LOOK_S = 0.05
_TELL_S = 0.2

Outcome = Literal["passed", "failed", "timed out", "not started", "broken off"]


def run_test(
    test: TestConfig,
    directory: Path,
    environment: Mapping[str, str],
    told: Callable[[tuple[str, ...]], None],
    give_up: threading.Event,
) -> TestResult:
    """Run it and tell its last lines as they come. Ends its whole group, also when `give_up` is set meanwhile."""
    began = time.monotonic()

    def ended(outcome: Outcome, how: str, tail: tuple[str, ...] = ()) -> TestResult:
        seconds = round(time.monotonic() - began, 2)
        return TestResult(test.name, tuple(test.command), outcome, time.time(), seconds, clean_text(how), tail)

    try:
        child = subprocess.Popen(
            list(test.command),
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return ended("not started", str(error))
    assert child.stdout is not None
    output, told_s, dead = bytearray(), 0.0, False
    with child.stdout as pipe:
        os.set_blocking(pipe.fileno(), False)
        try:
            while not dead and not give_up.is_set() and time.monotonic() - began < test.timeout_s:
                # Seen, but not reaped: its number stays its own until its group has been ended.
                dead = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
                _read(pipe.fileno(), output, 0.0 if dead else _LOOK_S)
                if time.monotonic() - told_s >= _TELL_S:
                    told_s = time.monotonic()
                    told(_lines(output))
        finally:
            os.killpg(child.pid, signal.SIGKILL)
            code = child.wait()
    tail = _lines(output)
    if dead:
        return ended("passed" if code == 0 else "failed", exit_words(code), tail)
    if give_up.is_set():
        return ended("broken off", "the monitor ended", tail)
    return ended("timed out", f"not done within {test.timeout_s:g} s", tail)


def _read(pipe: int, output: bytearray, wait_s: float) -> None:
    """Take what has come, at most a few times what is kept, and forget the beginning."""
    if not select.select([pipe], [], [], wait_s)[0]:
        return
    try:
        chunk = os.read(pipe, 4 * KEPT_BYTES)
    except BlockingIOError:
        return
    if not chunk and wait_s:
        # It closed its output and goes on: there is nothing to wait for but its end.
        time.sleep(wait_s)
    output += chunk
    del output[:-KEPT_BYTES]


def _lines(output: bytearray) -> tuple[str, ...]:
    lines = output.decode(errors="replace").splitlines()
    return tuple(clean_text(line) for line in lines if line.strip())[-KEPT_LINES:]


class KeptResults:
    """The newest result of every component test of one pool, on disk; times are real Unix seconds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        """Why they could not be read or written, for people."""
        self._turn = threading.Lock()

    def read(self) -> tuple[TestResult, ...]:
        """Read them; a file that cannot be believed is as good as none, and `problem` says so."""
        try:
            tree = json.loads(self.path.read_text(encoding="utf-8"))
            return tuple(_result(one) for one in tree)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            self.problem = clean_text(f"kept test results cannot be read ({self.path}): {error}")
            return ()

    def keep(self, result: TestResult) -> None:
        """Put a result in the place of the last one of its name."""
        with self._turn:
            kept = [*(other for other in self.read() if other.name != result.name), result]
            draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.draft")
            try:
                make_private_directory(self.path.parent)
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
                with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="utf-8") as file:
                    json.dump([asdict(one) for one in kept], file)
                draft.replace(self.path)
                self.problem = ""
            except OSError as error:
                self.problem = clean_text(f"a test result cannot be kept ({self.path}): {error}")


def _result(tree: Any) -> TestResult:
    outcome: Any = tree["outcome"]
    if outcome not in ("passed", "failed", "timed out", "not started", "broken off"):
        raise ValueError(f"unknown outcome {outcome!r}")
    return TestResult(
        clean_text(str(tree["name"])),
        tuple(str(word) for word in tree["command"]),
        outcome,
        float(tree["ended_t"]),
        float(tree["seconds"]),
        clean_text(str(tree["how"])),
        tuple(clean_text(str(line)) for line in tree["tail"]),
    )
