"""Runs the program in a real pty and reads its screen with pyte."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pyte
from wcwidth import wcwidth

from tests.support.paths import ROOT

T = TypeVar("T")


def text_of(screen: pyte.Screen) -> str:
    """Return the text on a screen, as `screen.display` does, which looks at each cell by itself and takes 10 ms."""
    blank, columns = screen.default_char, range(screen.columns)
    lines = []
    for y in range(screen.lines):
        cell_at = screen.buffer[y].get
        lines.append("".join([cell_at(x, blank).data for x in columns]))
    text = "\n".join(lines)
    # The cell after a wide character is no part of the text; nothing that this program draws is wide.
    return "\n".join(screen.display) if any(wcwidth(char) == 2 for char in set(text)) else text


class Screen:
    """Runs `metabonk-tui ARGUMENTS`, or another Python module, in its own terminal."""

    def __init__(
        self,
        arguments: list[str],
        state: Path,
        *,
        columns: int = 120,
        lines: int = 40,
        module: str = "metabonk_tui",
        environment: Mapping[str, str] | None = None,
        bytes_per_s: int | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """Start the program; `state` is its state directory, `environment` has other variables for it.

        `command` runs instead of the program: a shell or a terminal multiplexer that runs it.
        `bytes_per_s`: the terminal is at the end of a line that carries no more.
        """
        self._bytes_per_s = bytes_per_s
        self.bytes_read = 0
        more = dict(environment or {})
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._text: str | None = None
        """The text since something was last read; None: it must be put together again."""
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            child_environment = {
                **{name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")},
                "TERM": "xterm-256color",
                "LC_ALL": "C.UTF-8",
                "METABONK_TUI_STATE_DIR": str(state),
                "XDG_RUNTIME_DIR": str(state),
                "XDG_CONFIG_HOME": str(state),
                "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
                **more,
            }
            os.chdir(state)
            # An explicit environment: readline puts LINES and COLUMNS where only C sees them.
            words = [*command] if command else [sys.executable, "-m", module, *arguments]
            os.execvpe(words[0], words, child_environment)
        self.code: int | None = None

    @property
    def text(self) -> str:
        """The text on the screen now."""
        if self._text is None:
            self._text = text_of(self._screen)
        return self._text

    @property
    def colors(self) -> set[str]:
        """The colours of the text and behind it: a name for one of the sixteen, six hexadecimal digits for another."""
        cells = [cell for line in self._screen.buffer.values() for cell in line.values()]
        return {color for cell in cells for color in (cell.fg, cell.bg)}

    def wait_for(self, pattern: str, limit_s: float = 30.0) -> str:
        """Read until the screen matches; return the match. Fails with the screen after `limit_s`."""
        found = self.wait_until(lambda: re.search(pattern, self.text), pattern, limit_s)
        assert found is not None
        return found[0]

    def wait_until(self, met: Callable[[], T], what: str, limit_s: float) -> T:
        """Read until a condition on the screen is met; return what it found. Fails with the screen after `limit_s`."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            found = met()
            if found:
                while self._read(0.05):
                    pass  # a frame arrives in pieces: check it when it is complete
                found = met()
            if found:
                return found
            if not self._read(0.2) and self.ended():
                break
        raise AssertionError(f"{what!r} was not on the screen within {limit_s:g} s:\n{self.text}")

    def read_within(self, pattern: str, most_bytes: int, limit_s: float = 60.0) -> int:
        """Read until the screen matches; return how many bytes that took. Fails after `most_bytes` or `limit_s`.

        A slow line is never quiet: the match may be of a frame that is not complete.
        """
        before, end = self.bytes_read, time.monotonic() + limit_s
        while not re.search(pattern, self.text):
            if self.bytes_read - before > most_bytes or time.monotonic() > end:
                raise AssertionError(f"{self.bytes_read - before} bytes without {pattern!r}:\n{self.text}")
            self._read(0.2)
        return self.bytes_read - before

    def read_bytes(self, count: int, limit_s: float = 60.0) -> None:
        """Read this many bytes; fails after `limit_s`."""
        end, until = time.monotonic() + limit_s, self.bytes_read + count
        while self.bytes_read < until:
            assert time.monotonic() < end, f"{until - self.bytes_read} bytes are missing"
            self._read(0.2)

    def keys(self, text: str | bytes) -> None:
        """Send keys to the program."""
        os.write(self._terminal, text if isinstance(text, bytes) else text.encode())

    def confirm(self, word: str) -> None:
        """Type the word that unlocks a question, and press Enter later than a paste would: after it was read."""
        self.keys(word)
        self.wait_until(lambda: "locked until" not in self.text, "the question is unlocked", 30.0)
        time.sleep(0.5)
        self.keys("\r")

    def settle(self, quiet_s: float = 0.3, limit_s: float = 5.0) -> None:
        """Read until nothing was written for a while."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end and self._read(quiet_s):
            pass

    def write_over(self, text: str) -> None:
        """Write over the screen, as wall(1) and background jobs do."""
        fd = os.open(f"/proc/{self.pid}/fd/0", os.O_WRONLY | os.O_NOCTTY)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, as a split pane of tmux does."""
        self._screen.resize(lines, columns)
        self._text = None
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def signal(self, *numbers: signal.Signals) -> None:
        """Send signals to the program; after one that stops it, wait until it stands."""
        for number in numbers:
            os.kill(self.pid, number)
            if number in (signal.SIGSTOP, signal.SIGTSTP):
                os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    def ended(self) -> bool:
        """Return whether the program has ended; store its exit code in `code`."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def wait_end(self, limit_s: float = 30.0) -> int:
        """Read until the program ends; return its exit code."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            self._read(0.1)
            if self.ended():
                return self.code or 0
        raise AssertionError(f"still running after {limit_s:g} s:\n{self.text}")

    def kill(self) -> None:
        """Kill the program with SIGKILL, as a crash would."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait_end()

    def close(self) -> None:
        """End the program, with SIGTERM first, because a demo must stop its pool."""
        if not self.ended():
            os.kill(self.pid, signal.SIGTERM)
            with suppress(AssertionError):
                self.wait_end(20.0)
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._terminal)

    def _read(self, limit_s: float) -> bool:
        readable, _, _ = select.select([self._terminal], [], [], limit_s)
        if not readable:
            return False
        try:
            read = os.read(self._terminal, 65536 if self._bytes_per_s is None else max(1, self._bytes_per_s // 20))
        except OSError:
            time.sleep(0.05)  # the program's side is closed: it is about to end
            return False
        self._stream.feed(read)
        self._text = None
        self.bytes_read += len(read)
        if self._bytes_per_s is not None:
            time.sleep(len(read) / self._bytes_per_s)
        return bool(read)
