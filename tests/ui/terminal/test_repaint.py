"""The monitor in a real terminal: hostile input does not end it, and what others write over it disappears."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.terminal import Screen

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
