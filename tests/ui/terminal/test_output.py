"""The thread that writes to the terminal: it blocks no caller, the newest rows win, and it does not end unnoticed."""

from __future__ import annotations

import os
import pty
import re
import select
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabonk_tui.ui.terminal import output as module
from metabonk_tui.ui.terminal.diff import ScreenDiff
from metabonk_tui.ui.terminal.output import MOST_WAITING, SYNC_END, SYNC_START, TerminalOutput
from tests.support.terminal import Screen
from tests.support.waiting import wait_for
from tests.ui.terminal.test_diff import Terminal, drawn, pages


class Pipe:
    """A terminal that takes nothing until it is read, once its buffer is full."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self.reading, self.writing = os.pipe()
        self.gone, self.faults = threading.Event(), threading.Event()
        self.output = TerminalOutput(self.writing, encoding, self.gone.set, self.faults.set)

    def fill(self) -> None:
        """Write more than the pipe holds, and wait until the thread is blocked by it."""
        self.output.write("\x1b]2;" + "x" * 200_000 + "\x07")
        wait_for(lambda: not select.select([], [self.writing], [], 0)[1])

    def read_to_end(self) -> str:
        """Stop the output and return everything that it wrote."""
        found = bytearray()

        def read() -> None:
            while data := os.read(self.reading, 65536):
                found.extend(data)

        thread = threading.Thread(target=read)
        thread.start()
        self.output.stop()
        os.close(self.writing)
        thread.join()
        os.close(self.reading)
        return bytes(found).decode(errors="replace")


def rows(*texts: str) -> str:
    return "".join(f"\x1b[{y};1H{text}" for y, text in enumerate(texts, 1))


def test_a_terminal_that_takes_nothing_holds_nobody_and_gets_the_newest_rows() -> None:
    pipe = Pipe()
    pipe.fill()
    for i in range(1000):
        pipe.output.write_rows(rows(f"frame {i:04}", "the same"), False)
        pipe.output.write(f"\x1b]2;title {i}\x07")
    pipe.output.write("\x1b[?1049l")
    shown = pipe.read_to_end()
    assert re.findall(r"frame (\d+)", shown) == ["0999"]
    assert shown.count("the same") == 1
    assert 1 < shown.count("title") <= MOST_WAITING
    assert shown.endswith("\x1b[?1049l")


def test_what_waits_is_dropped_when_the_picture_is_left() -> None:
    pipe = Pipe()
    pipe.fill()
    pipe.output.write(rows("a picture"))
    pipe.output.drop_rows()
    pipe.output.write("\x1b[?25h")
    shown = pipe.read_to_end()
    assert "a picture" not in shown
    assert shown.endswith("\x1b[?25h")


def test_rows_are_one_frame_where_the_terminal_knows_frames() -> None:
    pipe = Pipe()
    pipe.output.write_rows(rows("a"), True)
    assert re.fullmatch(f"{re.escape(SYNC_START)}[^?]+{re.escape(SYNC_END)}", pipe.read_to_end())


@pytest.mark.parametrize(("encoding", "written"), [("latin-1", b"? \xb1"), ("ascii", b"? ?")])
def test_a_character_that_the_locale_does_not_have_is_replaced(encoding: str, written: bytes) -> None:
    pipe = Pipe(encoding)
    pipe.output.write("\x1b[K■ ±\udc80")
    pipe.output.stop()
    assert os.read(pipe.reading, 99) == b"\x1b[K" + written + b"?"
    os.close(pipe.reading)
    os.close(pipe.writing)
    assert not pipe.faults.is_set()


def test_a_bug_loses_one_write_and_is_said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    real = ScreenDiff.difference_of
    monkeypatch.setattr(ScreenDiff, "difference_of", lambda *_: 1 / 0)
    pipe = Pipe()
    pipe.output.write(rows("lost"))
    assert pipe.faults.wait(30.0)
    monkeypatch.setattr(ScreenDiff, "difference_of", real)
    pipe.output.write(rows("shown"))
    assert "shown" in pipe.read_to_end()
    assert "ZeroDivisionError" in caplog.text


def test_a_terminal_that_is_gone_is_said_once_and_holds_nobody() -> None:
    ours, theirs = pty.openpty()
    calls: list[str] = []
    output = TerminalOutput(theirs, "utf-8", lambda: calls.append("gone"), lambda: calls.append("fault"))
    os.close(ours)
    for _ in range(3):
        output.write(rows("nobody reads this"))
    output.stop()
    os.close(theirs)
    assert calls == ["gone"]


def test_rows_below_the_end_of_a_terminal_that_is_now_lower_are_not_drawn_into_its_last_row() -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (2, 80))
    output = TerminalOutput(theirs, "utf-8", lambda: None, lambda: None)
    output.write(rows("first", "last", "below"))
    output.stop()
    shown = os.read(ours, 4096)
    os.close(ours)
    os.close(theirs)
    assert b"last" in shown
    assert b"below" not in shown


def test_a_terminal_that_another_program_made_non_blocking_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NOT_READY_MS", 10)
    pipe = Pipe()
    os.set_blocking(pipe.writing, False)
    pipe.output.write("\x1b]2;" + "x" * 200_000 + "\x07")
    assert pipe.read_to_end().count("x") == 200_000
    assert not pipe.faults.is_set()


steps = st.lists(st.one_of(pages, st.sampled_from(["forget", "title", "clear"])), max_size=8)


@given(steps, st.booleans())
def test_after_any_output_the_newest_picture_is_seen(sequence: list[dict[int, str] | str], is_slow: bool) -> None:
    plain, seen, pipe = Terminal(), Terminal(), Pipe()
    pipe.output._is_slow = is_slow
    shown: dict[int, str] = {}
    for step in sequence:
        if isinstance(step, dict):
            pipe.output.write(drawn(step))
            shown |= step
        elif step == "forget":
            # As the app does: whatever is there, every row is written again.
            pipe.output.forget()
            pipe.output.write(drawn(shown) if shown else "")
        elif step == "clear":
            pipe.output.write("\x1b[2J")
            shown = {}
        else:
            pipe.output.write("\x1b]2;title\x07")
    plain.write(drawn(shown))
    seen.write(pipe.read_to_end())
    assert seen.shown() == plain.shown()


@pytest.fixture
def slow_screen(tmp_path: Path) -> Iterator[Screen]:
    """The monitor with a picture that changes in every cell, at the end of a line of 2400 bytes a second."""
    screen = Screen([str(tmp_path / "words")], tmp_path, module="tests.support.pty_child", bytes_per_s=2400)
    try:
        screen.read_within("VERDICT", 40_000)
        yield screen
    finally:
        screen.close()


def test_over_a_slow_line_a_key_shows_its_screen_before_old_frames(slow_screen: Screen) -> None:
    screen = slow_screen
    # More than the kernel holds, so that the monitor has noticed that the line is slow.
    screen.read_bytes(12_000)
    screen.keys("?")
    # The kernel holds 8 to 12 KB of a terminal, a frame has 6 KB; with every frame in turn it were 89 KB.
    assert screen.read_within("STATES", 40_000) < 40_000
    screen.keys("q")
    assert screen.wait_end() == 0
