import os
import random
import sys
from pathlib import Path

import pytest

from bench.terminal import COLUMNS, LINES, Terminal

ECHO = """
import os, sys, termios, tty
tty.setraw(0)
os.write(1, b"size %d %d" % os.get_terminal_size())
while (key := os.read(0, 1)) != b"q":
    if key != b"n":
        os.write(1, b"<" + key + b">")
sys.exit(7)
"""
ASKS = """
import os, tty
tty.setraw(0)
os.write(1, b"\\x1b[c")
answer = os.read(0, 20)
os.write(1, b"got %d" % len(answer))
os.read(0, 1)
"""


def started(program: str, tmp_path: Path) -> Terminal:
    return Terminal([sys.executable, "-c", program], dict(os.environ), str(tmp_path))


def output_until(terminal: Terminal, text: bytes) -> bytes:
    """Read from the start until the output has a text."""
    seen, seconds = b"", 0.0
    while text not in seen and seconds < 60:
        seconds += 1
        seen += b"".join(chunk.output for chunk in terminal.start(seconds))
    return seen


def test_a_program_is_driven_from_its_start_to_its_end(tmp_path: Path) -> None:
    with started(ECHO, tmp_path) as terminal:
        assert b"size %d %d" % (COLUMNS, LINES) in output_until(terminal, b"size")
        assert terminal.press(b"a", random.Random(1)) is not None
        assert terminal.quit(b"q") is not None
        assert terminal.code == 7
        assert terminal.cpu_s


def test_a_key_without_an_answer_has_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.terminal.KEY_LIMIT_S", 0.2)
    with started(ECHO, tmp_path) as terminal:
        output_until(terminal, b"size")
        assert terminal.press(b"n", random.Random(1)) is None


def test_a_program_that_does_not_quit_has_no_time_and_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.terminal.QUIT_LIMIT_S", 0.2)
    with started(ECHO, tmp_path) as terminal:
        output_until(terminal, b"size")
        assert terminal.quit(b"n") is None
    assert terminal.code is not None
    assert not os.path.exists(f"/proc/{terminal.pid}")


def test_a_question_to_the_terminal_is_answered(tmp_path: Path) -> None:
    with started(ASKS, tmp_path) as terminal:
        assert b"got" in output_until(terminal, b"got")
