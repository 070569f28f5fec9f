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

from metabonk_tui.core.text.clean import clean_text

KEPT_LINES = 40
KEPT_BYTES = 16384
_LOOK_S = 0.05
_TELL_S = 0.2


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int | None
    """Its exit code, negative for a signal; None: we ended it, at its deadline or because we gave up."""
    seconds: float
    tail: tuple[str, ...]
    """The last lines that it printed, cleaned."""


def run_short(
    argv: Sequence[str],
    *,
    timeout_s: float,
    give_up: threading.Event,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    document: bytes | None = None,
    told: Callable[[tuple[str, ...]], None] = lambda lines: None,
    leave: bool = False,
) -> Ended:
    """Run it, telling its last lines as they come. Raises OSError or ValueError when it cannot be started.

    It can read `document`, then its input ends; None: it has no input. Its whole group ends with it, also when
    `give_up` is set meanwhile; with `leave`, what it left behind when it ended by itself goes on.
    """
    began = time.monotonic()
    child = subprocess.Popen(
        list(argv),
        cwd=directory,
        env=None if environment is None else dict(environment),
        stdin=subprocess.DEVNULL if document is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert child.stdout is not None
    feeding = _Feeding(child.stdin, document or b"")
    output, told_s, dead = bytearray(), 0.0, False
    with child.stdout as pipe:
        os.set_blocking(pipe.fileno(), False)
        try:
            while not dead and not give_up.is_set() and time.monotonic() - began < timeout_s:
                # Seen, but not reaped: its number stays its own until its group has been ended.
                dead = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
                feeding.go_on()
                _read(pipe.fileno(), output, 0.0 if dead else _LOOK_S)
                if time.monotonic() - told_s >= _TELL_S:
                    told_s = time.monotonic()
                    told(_lines(output))
        finally:
            feeding.end()
            if not (dead and leave):
                os.killpg(child.pid, signal.SIGKILL)
            code = child.wait()
    return Ended(code if dead else None, round(time.monotonic() - began, 2), _lines(output))


class _Feeding:
    """What a command is to read, given to it as it takes it: one that never reads must not hold us."""

    def __init__(self, pipe: IO[bytes] | None, document: bytes) -> None:
        self._pipe = pipe
        self._rest = document
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
            self.go_on()

    def go_on(self) -> None:
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
