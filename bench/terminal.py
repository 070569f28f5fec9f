"""Runs one program in a terminal of its own and measures it from outside.

Does not: know which program it is, or judge. Only the program's own process tree is counted.
"""

from __future__ import annotations

import fcntl
import os
import pty
import random
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType

from bench import process_tree
from bench.painted import Chunk

COLUMNS, LINES = 120, 40
SILENCE_S = 0.08
"""A key is pressed after this much silence, so that the output which follows is its own."""
KEY_LIMIT_S = 2.0
QUIT_LIMIT_S = 15.0
LOOK_S = 0.25
_ANSWERS = {
    b"\x1b[c": b"\x1b[?62;22c",
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",
}
"""Questions that real terminals answer, and a program may wait for."""
_QUESTION = re.compile(rb"\x1b\[(?:c|6n|\?2026\$p)")


class Terminal:
    """A program in its own pseudo-terminal, from its start to its end."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], cwd: str) -> None:
        self.began_s = time.monotonic()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
                os.chdir(cwd)
                os.execvpe(argv[0], list(argv), dict(environment))
            finally:
                os._exit(127)
        self.code: int | None = None
        self.cpu_s: float | None = None
        """CPU seconds of the whole life; None: it still runs."""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.code is None:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, number)
                self.wait_end(5.0)
        os.close(self._fd)

    def start(self, seconds: float) -> list[Chunk]:
        """Read for `seconds` from the start; return what arrived, with time and CPU of the tree at each moment."""
        chunks: list[Chunk] = []
        while (left := self.began_s + seconds - time.monotonic()) > 0:
            output = self._read(left)
            if output is None:
                break
            if output:
                chunks.append(Chunk(time.monotonic() - self.began_s, process_tree.cpu_s(self.pid), output))
        return chunks

    def idle(self, seconds: float, peak: process_tree.PeakRss) -> tuple[float, float, int]:
        """Read for `seconds`; return the seconds that passed, the CPU seconds of the tree, and the bytes written."""
        began_s, cpu_s, count = time.monotonic(), process_tree.cpu_s(self.pid), 0
        next_look_s = began_s
        while (left := began_s + seconds - time.monotonic()) > 0:
            output = self._read(min(left, LOOK_S))
            if output is None:
                break
            count += len(output)
            if time.monotonic() >= next_look_s:
                next_look_s += LOOK_S
                peak.look()
        return time.monotonic() - began_s, process_tree.cpu_s(self.pid) - cpu_s, count

    def write(self, keys: bytes) -> None:
        """Press keys, without waiting for what they do."""
        os.write(self._fd, keys)

    def press(self, key: bytes, phase: random.Random) -> float | None:
        """Press a key at a random moment; return the seconds until the first output, None: none came."""
        self._wait_silence()
        ends_s = time.monotonic() + phase.uniform(0.0, 0.3)
        while (left := ends_s - time.monotonic()) > 0:
            if self._read(left) is None:
                return None
        self._wait_silence()
        pressed_s = time.monotonic()
        os.write(self._fd, key)
        while (left := pressed_s + KEY_LIMIT_S - time.monotonic()) > 0:
            output = self._read(left)
            if output is None:
                return None
            if output:
                return time.monotonic() - pressed_s
        return None

    def quit(self, key: bytes) -> float | None:
        """Press the key that quits; return the seconds until the program has ended, None: it did not."""
        pressed_s = time.monotonic()
        with suppress(OSError):
            os.write(self._fd, key)
        return time.monotonic() - pressed_s if self.wait_end(QUIT_LIMIT_S) else None

    def wait_end(self, limit_s: float) -> bool:
        """Read until the program has ended; return whether it has."""
        ends_s = time.monotonic() + limit_s
        while self.code is None and time.monotonic() < ends_s:
            self._read(0.005)
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                self.cpu_s = usage.ru_utime + usage.ru_stime
        return self.code is not None

    def _wait_silence(self) -> None:
        ends_s = time.monotonic() + KEY_LIMIT_S
        while time.monotonic() < ends_s and self._read(SILENCE_S):
            pass

    def _read(self, limit_s: float) -> bytes | None:
        """Return the output that arrives within `limit_s`, b"": none; None: the program has closed its terminal."""
        readable, _, _ = select.select([self._fd], [], [], limit_s)
        if not readable:
            return b""
        try:
            output = os.read(self._fd, 65536)
        except OSError:
            time.sleep(0.002)  # closed: it is about to end
            return None
        for question in _QUESTION.findall(output):
            os.write(self._fd, _ANSWERS[question])
        return output
