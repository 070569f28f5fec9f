"""The modes of a terminal: what a killed program left raw is made sane, what a user chose is left alone."""

from __future__ import annotations

import os
import pty
import termios
import tty
from collections.abc import Iterator

import pytest

from metabonk_tui.ui.terminal.modes import make_sane, sane, terminal_modes

INPUT, OUTPUT, LOCAL, CHARACTERS = 0, 1, 3, 6


@pytest.fixture
def terminal() -> Iterator[int]:
    ours, theirs = pty.openpty()
    try:
        yield theirs
    finally:
        os.close(ours)
        os.close(theirs)


def test_raw_modes_become_those_in_which_a_shell_works(terminal: int) -> None:
    before = termios.tcgetattr(terminal)
    raw = termios.tcgetattr(terminal)
    # What the monitor sets while it runs, and what cfmakeraw(3) sets.
    raw[INPUT] &= ~(termios.IXON | termios.ICRNL)
    raw[LOCAL] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    for make_raw in (lambda: termios.tcsetattr(terminal, termios.TCSANOW, raw), lambda: tty.setraw(terminal)):
        make_raw()
        make_sane(terminal)
        after = termios.tcgetattr(terminal)
        for part in (INPUT, OUTPUT, LOCAL):
            assert after[part] & before[part] == before[part]
        assert after[CHARACTERS][termios.VMIN] == b"\x01"


def test_modes_that_a_user_chose_are_left_alone(terminal: int) -> None:
    chosen = termios.tcgetattr(terminal)
    chosen[LOCAL] &= ~termios.ECHO
    chosen[INPUT] &= ~termios.IXON
    termios.tcsetattr(terminal, termios.TCSANOW, chosen)
    make_sane(terminal)
    assert termios.tcgetattr(terminal) == chosen
    assert sane(chosen) is chosen


def test_no_terminal_has_no_modes() -> None:
    reading, writing = os.pipe()
    try:
        assert terminal_modes(reading) is None
        make_sane(reading)
    finally:
        os.close(reading)
        os.close(writing)
