"""The program in a real terminal: leaving by key and by signal, also while the terminal takes no output."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metabonk_tui.ui.terminal.driver import is_monochrome, title_sequence
from tests.support.paths import ROOT


class Terminal:
    """A pseudo-terminal with the monitor in it. Reads what it writes unless it is `stalled`."""

    def __init__(self, words: Path, **environ: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        base = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLORTERM")}
        self.words = words
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.pty_child", str(words)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env={**base, "TERM": "xterm-256color", **environ},
            start_new_session=True,
        )
        os.close(slave)
        self.output = b""
        self.stalled = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while not self.stalled.is_set():
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self.output += data

    def until(self, condition: Callable[[], object], limit_s: float = 30.0) -> None:
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, self.output[-2000:]
            time.sleep(0.02)

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def ended(self, limit_s: float = 30.0) -> int:
        return self.process.wait(limit_s)

    def ticks(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            return int(self.words.with_suffix(".ticks").read_text())
        return 0

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        self.stalled.set()
        with contextlib.suppress(OSError):
            os.close(self.master)
        self._reader.join(5)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path / "words")
    try:
        terminal.until(lambda: b"VERDICT" in terminal.output)
        yield terminal
    finally:
        terminal.close()


def left_cleanly(output: bytes) -> bool:
    """Left the alternate screen and showed the cursor again."""
    return b"\x1b[?1049l" in output and b"\x1b[?25h" in output


@pytest.mark.parametrize("keys", ["q", "\x03", "\x11"], ids=["q", "ctrl+c", "ctrl+q"])
def test_a_key_leaves_cleanly(terminal: Terminal, keys: str) -> None:
    terminal.until(lambda: b"STOP" in terminal.output)
    assert b"\x1b]2;" in terminal.output
    terminal.type(keys)
    assert terminal.ended() == 0
    terminal.until(lambda: left_cleanly(terminal.output))
    assert b"\x1b[23;2t" in terminal.output
    assert b"Traceback" not in terminal.output
    assert not terminal.words.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_leaves_cleanly_with_its_code(terminal: Terminal, number: signal.Signals) -> None:
    terminal.process.send_signal(number)
    assert terminal.ended() == 128 + number
    terminal.until(lambda: left_cleanly(terminal.output))
    assert b"Traceback" not in terminal.output
    assert not terminal.words.exists()


def test_a_stalled_terminal_neither_stops_the_engine_nor_holds_the_program(terminal: Terminal) -> None:
    terminal.stalled.set()
    # One more read may be under way; after it nobody takes output, and the terminal's buffer fills.
    before = terminal.ticks()
    terminal.until(lambda: terminal.ticks() >= before + 60)
    began = time.monotonic()
    terminal.process.terminate()
    assert terminal.ended() == 128 + signal.SIGTERM
    spent_s = time.monotonic() - began
    assert terminal.words.read_text() == "last words"
    assert 2.5 < spent_s < 20


def test_a_terminal_that_is_gone_does_not_hold_the_program(terminal: Terminal) -> None:
    terminal.stalled.set()
    os.close(terminal.master)
    assert terminal.ended() == 128 + signal.SIGHUP


def test_no_colour_means_no_colour() -> None:
    assert is_monochrome({"NO_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color"})
    assert not is_monochrome({"NO_COLOR": "", "COLORTERM": "truecolor"})


@pytest.mark.parametrize(("term", "one"), [("vt100", True), ("xterm-256color", False), ("no-such-terminal", False)])
def test_terminfo_knows_terminals_of_one_colour(term: str, one: bool) -> None:
    # terminfo is read once in a life of a process.
    code = "from metabonk_tui.ui.terminal.driver import is_monochrome; print(is_monochrome())"
    environ = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLORTERM")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environ, "TERM": term},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(one)


def test_a_title_cannot_end_its_own_sequence() -> None:
    sequence = title_sequence("a\x07b\x1b\\c\x9cd\n" + "x" * 500)
    assert re.fullmatch(r"\x1b\]2;[^\x00-\x1f\x7f-\x9f]{1,120}\x07", sequence)
