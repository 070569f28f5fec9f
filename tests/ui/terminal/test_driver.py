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
from tests.support.terminal import Screen


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


# Hostile input, and what others write over the screen

MESSAGE = "\x1b[3;5HBroadcast message: the system is going down\r\n\x1b[?25h\x1b[31m and more \x1b[20;1H\x1b[2K"


@pytest.fixture
def screen(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Screen]:
    """The monitor with one standing scene, which it repaints every `request.param` seconds."""
    repaint_s = getattr(request, "param", 3600.0)
    screen = Screen([str(tmp_path / "words"), str(repaint_s)], tmp_path, module="tests.support.pty_child")
    try:
        screen.wait_for("VERDICT")
        screen.wait_for("q quit")
        yield screen
    finally:
        screen.close()


def wait_whole(screen: Screen, whole: str, why: str) -> None:
    wanted = [line for line in whole.splitlines() if ":" not in line]
    screen.wait_until(lambda: all(line in screen.text.splitlines() for line in wanted), f"whole after {why}", 20.0)


def test_a_message_over_the_screen_is_gone_after_each_of_these(screen: Screen) -> None:
    whole = screen.text
    for name, act in {
        "focus in": lambda: screen.keys("\x1b[I"),
        "a resize to the same size": lambda: screen.signal(signal.SIGWINCH),
        "SIGSTOP and SIGCONT": lambda: screen.signal(signal.SIGSTOP, signal.SIGCONT),
        "SIGTSTP and SIGCONT": lambda: screen.signal(signal.SIGTSTP, signal.SIGCONT),
        "ctrl+l": lambda: screen.keys("\x0c"),
    }.items():
        screen.write_over(MESSAGE)
        screen.wait_for("Broadcast")
        act()
        wait_whole(screen, whole, name)
    screen.keys("q")
    assert screen.wait_end() == 0


@pytest.mark.parametrize("screen", [1.0], indirect=True)
def test_a_message_over_the_screen_is_gone_after_a_while_without_a_key(screen: Screen) -> None:
    whole = screen.text
    screen.write_over(MESSAGE)
    wait_whole(screen, whole, "a while")


def test_hostile_input_does_not_end_it_and_keys_work_afterwards(screen: Screen) -> None:
    for keys in (
        b"\xff",
        b"\xc3(",
        b"\x1b[M\x20\xff\xc3",
        b"\x1b[M\x20",
        b"\x1b[99999999999;1u",
        b"\x1b[97:65;2u",
        b"\x1b[48;1;1;1;1t"[:7],
        b"\x1b[200~" + b"Xstop\r\xff" * 1000,
    ):
        screen.keys(keys)
    screen.wait_for("VERDICT")

    def helped() -> object:
        # The paste without its end takes keys for two seconds.
        screen.keys("?")
        return "Redraw the whole screen" in screen.text

    screen.wait_until(helped, "the help screen", 20.0)
    screen.keys("\x03")
    assert screen.wait_end() == 0
