"""Runs a command to its end or deadline, in its own session, and reads its output live.

Does not: interpret the output. Keeps at most the last 40 lines of the last 16 KiB.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from msgspec import Struct

from metabonk_tui.adapters.process.spawn import output_lines, start_session

KEPT_LINES = 40
KEPT_BYTES = 16384
_POLL_S = 0.05
_OUTPUT_INTERVAL_S = 0.2


class CommandResult(Struct, frozen=True):
    """How a command ended."""

    code: int | None
    """Its exit code, negative for a signal; None: killed at its deadline or because `give_up` was set."""
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
    """Run a command and report its last lines as they come. Raises OSError or ValueError if it cannot start.

    The command reads `document` on its input; None: no input. Kills its process group at the end, at the timeout
    and when `give_up` is set. With `leave_children` the children of a command that ended by itself continue.
    """
    began = time.monotonic()
    stdin = subprocess.DEVNULL if document is None else subprocess.PIPE
    child = start_session(argv, directory, environment, subprocess.PIPE, subprocess.STDOUT, stdin)
    assert child.stdout is not None
    input_writer = _InputWriter(child.stdin, document or b"")
    output, output_sent_s, has_exited = _Output(), 0.0, False
    with child.stdout as pipe:
        os.set_blocking(pipe.fileno(), False)
        try:
            while not has_exited and not give_up.is_set() and time.monotonic() - began < timeout_s:
                has_exited = _has_exited(child)
                input_writer.write_some()
                _read(pipe.fileno(), output, 0.0 if has_exited else _POLL_S)
                if time.monotonic() - output_sent_s >= _OUTPUT_INTERVAL_S:
                    output_sent_s = time.monotonic()
                    on_output(output.lines())
        finally:
            input_writer.end()
            code = _end(child, leave_children=has_exited and leave_children)
    return CommandResult(code if has_exited else None, round(time.monotonic() - began, 2), output.lines())


def _has_exited(child: subprocess.Popen[bytes]) -> bool:
    """Return whether it has exited, without reaping it: its pid must not be reused before its group is killed."""
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _end(child: subprocess.Popen[bytes], *, leave_children: bool = False) -> int:
    """Kill its group unless `leave_children`, and reap it; return its exit code."""
    if not leave_children:
        os.killpg(child.pid, signal.SIGKILL)
    return child.wait()


class _Output:
    """The last 16 KiB that a command printed."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._is_cut = False

    def add(self, chunk: bytes) -> None:
        self._kept += chunk
        self._is_cut = self._is_cut or len(self._kept) > KEPT_BYTES
        del self._kept[:-KEPT_BYTES]

    def lines(self) -> tuple[str, ...]:
        """Return its last lines, cleaned and without secrets."""
        return output_lines(self._kept.decode(errors="replace"), is_cut=self._is_cut)[-KEPT_LINES:]


class _InputWriter:
    """Writes a command's input without blocking, because a command may never read it."""

    def __init__(self, pipe: IO[bytes] | None, document: bytes) -> None:
        self._pipe = pipe
        self._rest = document
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
            self.write_some()

    def write_some(self) -> None:
        """Write as much as the pipe takes now, and close the pipe after the last byte."""
        if self._pipe is None:
            return
        try:
            while self._rest:
                self._rest = self._rest[os.write(self._pipe.fileno(), self._rest) :]
        except BlockingIOError:
            return
        except OSError:
            # The command has closed its input, which is no failure.
            self._rest = b""
        self.end()

    def end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None


def _read(pipe: int, output: _Output, wait_s: float) -> None:
    """Read at most 64 KiB of new output, and keep its last 16 KiB."""
    if not select.select([pipe], [], [], wait_s)[0]:
        return
    try:
        chunk = os.read(pipe, 4 * KEPT_BYTES)
    except BlockingIOError:
        return
    if not chunk and wait_s:
        # The command has closed its output and still runs: sleep, because `select` returns at once.
        time.sleep(wait_s)
    output.add(chunk)
