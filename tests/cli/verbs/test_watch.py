"""The monitor in a real terminal, from the command line: it opens, it closes, and a demo leaves nothing behind."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Pool, answers, demo
from tests.cli.verbs.test_demo import assert_nothing_left
from tests.support.examples import ONLY_THOROUGH
from tests.support.ports import free_ports
from tests.support.terminal import Screen
from tests.support.waiting import wait_for

ROWS, COLUMNS = 40, 120


class Terminal:
    """A terminal of our own with the program in it."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "metabonk_tui", *argv],
            env=env | {"TERM": "xterm-256color", "LANG": "C.UTF-8"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self.output = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.ours, 65536)
            except OSError:
                return
            if not data:
                return
            self.output += data

    def shows(self, text: str, limit_s: float = 40) -> None:
        """Wait until the text was drawn."""
        wait_for(lambda: text.encode() in self.output or self.process.poll() is not None, limit_s=limit_s)
        assert text.encode() in self.output, self.output[-2000:].decode(errors="replace")

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.ours, keys.encode())


@contextmanager
def terminal(argv: list[str], env: dict[str, str]) -> Iterator[Terminal]:
    """Open one and see that the program in it is gone in the end."""
    opened = Terminal(argv, env)
    try:
        yield opened
    finally:
        try:
            opened.process.send_signal(signal.SIGTERM)
            opened.process.wait(60)
        finally:
            opened.process.kill()
            os.close(opened.ours)


@pytest.mark.e2e
def test_a_demo_opens_the_monitor_and_closing_it_stops_the_pool(home: dict[str, str], tmp_path: Path) -> None:
    with terminal(["demo", "--workers", "2", "--speed", "60"], home) as screen:
        screen.shows("STOP")
        screen.press("q")
        assert screen.process.wait(60) == 0
    assert_nothing_left(tmp_path)


@pytest.mark.e2e
# The next test has the SIGHUP of a terminal that goes away.
@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=ONLY_THOROUGH)])
def test_a_signal_to_the_monitor_stops_its_demo_pool(
    home: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    with terminal(["demo", "--scenario", "healthy", "--workers", "1"], home) as screen:
        screen.shows("w0")
        screen.process.send_signal(number)
        assert screen.process.wait(60) == 128 + number
    assert_nothing_left(tmp_path)


@pytest.mark.e2e
def test_a_terminal_that_goes_away_ends_the_demo(home: dict[str, str], tmp_path: Path) -> None:
    screen = Terminal(["demo", "--scenario", "healthy", "--workers", "1"], home)
    try:
        screen.shows("w0")
        # What held the other end is gone: the kernel hangs up on the session.
        os.close(screen.ours)
        screen.process.wait(60)
    finally:
        screen.process.kill()
    assert_nothing_left(tmp_path)


@pytest.mark.e2e
def test_closing_the_monitor_of_a_pool_never_stops_the_pool(home: dict[str, str]) -> None:
    with demo(home, "--scenario", "healthy", "--workers", "1", "--speed", "10") as pool:
        look_and_leave(pool, home)
        assert answers(pool.base_port)


def look_and_leave(pool: Pool, home: dict[str, str]) -> None:
    """Open the monitor, see the worker, press q."""
    with terminal(pool.options, home) as screen:
        screen.shows("w0")
        screen.press("q")
        assert screen.process.wait(60) == 0


def test_a_number_on_the_page_without_a_pool_starts_its_command(tmp_path: Path) -> None:
    """No process is looked for that another test may have started."""
    config = tmp_path / "config.toml"
    config.write_text(
        '[processes]\nworker = [["worker-of-this-test"]]\nlauncher = [["launcher-of-this-test"]]\n', encoding="utf-8"
    )
    port = free_ports(3)
    environment = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "METABONK_TUI_CONFIG": str(config),
    }
    (tmp_path / "state").mkdir()
    screen = Screen(["--base-port", str(port)], tmp_path / "state", environment=environment)
    try:
        screen.wait_for("2 .*metabonk_tui setup")
        screen.keys("2")
        screen.wait_for("setup: Enter takes the answer in brackets")
        screen.keys("\x03")
        assert screen.wait_end() == 130
    finally:
        screen.close()
