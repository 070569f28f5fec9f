"""The program in a real terminal: leaving by key and by signal, also while the terminal takes no output."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import random
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte
import pytest

from metabonk_tui.ui.terminal.colors import is_monochrome
from metabonk_tui.ui.terminal.driver import ESCAPE_WAIT_MS, Driver, title_sequence
from tests.support.paths import ROOT
from tests.support.terminal import Screen, text_of
from tests.support.waiting import wait_for


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

    def fill(self) -> None:
        """Take no more output, and fill the buffer of the terminal: the next write of the program blocks."""
        self.stalled.set()
        fd = os.open(f"/proc/{self.process.pid}/fd/1", os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            os.write(fd, b" ")  # ends the read that is under way
            self._reader.join(30)
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(fd, b" " * 4096)
        finally:
            os.close(fd)

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


@pytest.mark.parametrize("keys", ["q", "\x03"], ids=["q", "ctrl+c"])
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
    terminal.fill()
    before = terminal.ticks()
    terminal.until(lambda: terminal.ticks() >= before + 20)
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
    code = "from metabonk_tui.ui.terminal.colors import is_monochrome; print(is_monochrome())"
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


# What a test reads of a screen

PLAIN = "abc ●│─é"


@pytest.mark.parametrize("letters", [PLAIN, PLAIN + "e\u0301", PLAIN + "日本🙂"], ids=["plain", "combining", "wide"])
def test_the_text_of_a_screen_is_what_pyte_shows(letters: str) -> None:
    chance = random.Random(7)
    screen = pyte.Screen(40, 10)
    stream = pyte.ByteStream(screen)
    for row in range(1, 11):
        text = "".join(chance.choices(letters, k=chance.randrange(10, 30))) + letters[-1]
        place, end = f"\x1b[{row};{chance.randrange(1, 5)}H", chance.choice(("", "\x1b[K"))
        stream.feed((place + text + end).encode())
        assert text_of(screen) == "\n".join(screen.display)
    assert letters[-1] in text_of(screen)
    screen.resize(12, 50)
    assert text_of(screen) == "\n".join(screen.display)


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
    # Clocks go on, and LIVE becomes LAG where the machine is slow.
    wanted = [line for line in whole.splitlines() if ":" not in line and "LIVE" not in line and "LAG" not in line]
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


SIZES = ((120, 40), (20, 5), (200, 50), (40, 50), (200, 8), (80, 24))


def test_after_each_resize_the_picture_is_what_ctrl_l_makes_of_it(screen: Screen) -> None:
    pictures = {}
    for size in SIZES:
        screen.resize(*size)
        screen.wait_for("STOP|LAUNCH|VERDICT|CONTINUE|q")
        screen.write_over("\x1b[1;1HXX")
        screen.keys("\x0c")
        screen.wait_until(lambda: "XX" not in screen.text.splitlines()[0][:2], f"redrawn at {size}", 20.0)
        pictures[size] = screen.text
    for size in SIZES[::-1]:
        screen.resize(*size)
        wait_whole(screen, pictures[size], f"a resize to {size}")


@pytest.mark.parametrize("environment", [{"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "latin-1"}])
def test_in_a_locale_that_is_not_utf8_it_comes_up_in_ascii_and_hears_keys(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    screen = Screen(["--base-port", "6", "--workers", "1"], tmp_path, environment=environment)
    try:
        screen.wait_for("VERDICT")
        screen.wait_for("q quit")
        screen.keys("?")
        screen.wait_for("KEYS ON THE DASHBOARD SCREEN")
        assert screen.text.isascii()
        screen.keys("\x03")
        assert screen.wait_end() == 0
    finally:
        screen.close()


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
        return "KEYS ON THE DASHBOARD SCREEN" in screen.text

    screen.wait_until(helped, "the help screen", 20.0)
    screen.keys("\x03")
    assert screen.wait_end() == 0


class Reader:
    """The reader of the keyboard over a pipe in place of a terminal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waits: list[int | None] = []
        self.keys: list[tuple[str, float]] = []
        reading, self.terminal = os.pipe()
        self.driver = Driver.__new__(Driver)
        self.driver.fileno, self.driver.exit_event = reading, threading.Event()
        self.driver._input_end = os.pipe()
        monkeypatch.setattr(
            self.driver, "process_message", lambda event: self.keys.append((event.key, time.monotonic()))
        )
        real, waits = select.poll, self.waits

        class Poll:
            def __init__(self) -> None:
                self._poll = real()

            def register(self, descriptor: int, what: int) -> None:
                self._poll.register(descriptor, what)

            def poll(self, wait_ms: int | None) -> list[tuple[int, int]]:
                waits.append(wait_ms)
                return self._poll.poll(wait_ms)

        monkeypatch.setattr(select, "poll", Poll)
        self.thread = threading.Thread(target=self.driver.run_input_thread, daemon=True)
        self.thread.start()

    def end(self) -> None:
        """End the reader as the driver does, which wakes it: a reader that still waits is not waited for."""
        self.driver._key_thread, self.driver._mouse = self.thread, False
        self.driver.disable_input()
        assert not self.thread.is_alive()


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    reader = Reader(monkeypatch)
    try:
        yield reader
    finally:
        if reader.thread.is_alive():
            reader.end()


def test_the_reader_sleeps_until_a_key_comes_and_ends_at_once(reader: Reader) -> None:
    wait_for(lambda: reader.waits)
    time.sleep(0.5)
    assert reader.waits == [None]
    os.write(reader.terminal, b"a\x1b[B")
    wait_for(lambda: reader.waits[-1] is None and len(reader.waits) > 1)
    assert [key for key, _ in reader.keys] == ["a", "down"]
    assert reader.waits == [None, ESCAPE_WAIT_MS, None]
    reader.end()


def test_an_escape_alone_is_a_key_after_a_tenth_of_a_second(reader: Reader) -> None:
    pressed_s = time.monotonic()
    os.write(reader.terminal, b"\x1b")
    wait_for(lambda: reader.keys)
    key, seen_s = reader.keys[0]
    assert key == "escape"
    assert seen_s - pressed_s > 0.09
    assert reader.waits[:2] == [None, ESCAPE_WAIT_MS]


def test_the_reader_of_a_terminal_that_is_gone_neither_spins_nor_stays(reader: Reader) -> None:
    os.close(reader.terminal)
    time.sleep(0.5)
    assert len(reader.waits) < 10
    reader.end()


def test_a_reader_that_was_ended_can_be_started_again(reader: Reader) -> None:
    reader.end()
    reader.end()
    again = threading.Thread(target=reader.driver.run_input_thread, daemon=True)
    again.start()
    reader.thread = again
    os.write(reader.terminal, b"q")
    wait_for(lambda: reader.keys)
    reader.end()
