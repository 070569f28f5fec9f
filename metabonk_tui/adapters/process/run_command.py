"""Knows how to run a command to its end, or to its deadline: in a session of its own, its output read live.

Refuses to know what it is for. However much it prints, only its last lines are kept.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from metabonk_tui.adapters.process.spawn import start_session
from metabonk_tui.core.text.clean import clean_text

KEPT_LINES = 40
KEPT_BYTES = 16384
_POLL_S = 0.05
_OUTPUT_INTERVAL_S = 0.2


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended."""

    code: int | None
    """Its exit code, negative for a signal; None: we ended it, at its deadline or because we gave up."""
    seconds: float
    tail: tuple[str, ...]
    """The last lines that it printed, cleaned."""


def run_command(
    argv: Sequence[str],
    *,
    timeout_s: float,
    give_up: threading.Event,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    document: bytes | None = None,
    on_output: Callable[[tuple[str, ...]], None] = lambda lines: None,
    leave_children: bool = False,
) -> CommandResult:
    """Run it, telling its last lines as they come. Raises OSError or ValueError when it cannot be started.

    It can read `document`, then its input ends; None: it has no input. Its whole group ends with it, also when
    `give_up` is set meanwhile; with `leave_children`, what it left behind when it ended by itself goes on.
    """
    began = time.monotonic()
    stdin = subprocess.DEVNULL if document is None else subprocess.PIPE
    child = start_session(argv, directory, environment, subprocess.PIPE, subprocess.STDOUT, stdin)
    assert child.stdout is not None
    input_writer = _InputWriter(child.stdin, document or b"")
    output, output_sent_s, has_exited = bytearray(), 0.0, False
    with child.stdout as pipe:
        os.set_blocking(pipe.fileno(), False)
        try:
            while not has_exited and not give_up.is_set() and time.monotonic() - began < timeout_s:
                has_exited = _has_exited(child)
                input_writer.write_some()
                _read(pipe.fileno(), output, 0.0 if has_exited else _POLL_S)
                if time.monotonic() - output_sent_s >= _OUTPUT_INTERVAL_S:
                    output_sent_s = time.monotonic()
                    on_output(_lines(output))
        finally:
            input_writer.end()
            code = _end(child, leave_children=has_exited and leave_children)
    return CommandResult(code if has_exited else None, round(time.monotonic() - began, 2), _lines(output))


def run_into_files(
    argv: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    timeout_s: float,
    out: IO[bytes],
    err: IO[bytes],
) -> int | None:
    """Run it, its output in files: a job that it leaves behind would hold a pipe open. Its whole group ends with it.

    Returns the exit code; None: not done in time. Raises OSError when it cannot be started.
    """
    deadline_s = time.monotonic() + timeout_s
    child = start_session(argv, directory, environment, out, err)
    pause_s = 0.001
    try:
        while not (has_exited := _has_exited(child)) and time.monotonic() < deadline_s:
            time.sleep(pause_s)
            pause_s = min(0.02, pause_s * 1.5)
    finally:
        code = _end(child)
    return code if has_exited else None


def _has_exited(child: subprocess.Popen[bytes]) -> bool:
    """Tell without reaping it: its pid stays its own until its group has been ended."""
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _end(child: subprocess.Popen[bytes], *, leave_children: bool = False) -> int:
    """End its group and reap it; return its exit code."""
    if not leave_children:
        os.killpg(child.pid, signal.SIGKILL)
    return child.wait()


class _InputWriter:
    """What a command is to read, given to it as it takes it: one that never reads must not hold us."""

    def __init__(self, pipe: IO[bytes] | None, document: bytes) -> None:
        self._pipe = pipe
        self._rest = document
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
            self.write_some()

    def write_some(self) -> None:
        """Give it as much as it takes now, and the end of it after that."""
        if self._pipe is None:
            return
        try:
            while self._rest:
                self._rest = self._rest[os.write(self._pipe.fileno(), self._rest) :]
        except BlockingIOError:
            return
        except OSError:
            # It does not want to read: that is its own affair.
            self._rest = b""
        self.end()

    def end(self) -> None:
        """Close its input."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None


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
