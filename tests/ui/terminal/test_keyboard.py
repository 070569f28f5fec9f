"""Bytes of the keyboard: text that is not UTF-8, mouse reports, pastes, each whole and torn at any place."""

from __future__ import annotations

import pytest

from metabonk_tui.ui.terminal.keyboard import BULK_BYTES, MAX_PASTE_BYTES, SILENT_S, KeyboardInput

X10 = b"\x1b[M\x20\xff\xc3"
"""Column 223, row 163: the second byte is no UTF-8, and the third begins a character of two bytes."""
X10_TEXT = "\x1b[M\0\0\0"
START, END = "\x1b[200~", "\x1b[201~"


def feed(*reads: bytes, every_s: float = 0.01) -> str:
    keyboard = KeyboardInput()
    return "".join(keyboard.feed(read, 100 + i * every_s) for i, read in enumerate(reads))


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (b"q", "q"),
        (b"\x1b", "\x1b"),
        ("ü→🎮".encode(), "ü→🎮"),
        (b"\xffq", "\N{REPLACEMENT CHARACTER}q"),
        (b"\xe4q", "\N{REPLACEMENT CHARACTER}q"),
        (b"\xc3\x28", "\N{REPLACEMENT CHARACTER}("),
        (b"\x9b31m", "\N{REPLACEMENT CHARACTER}31m"),
        (X10 + b"q", X10_TEXT + "q"),
        (X10 + X10 + b"q", X10_TEXT * 2 + "q"),
        (b"\x1b[M\x1b[Mq", X10_TEXT + "q"),
        (b"\x1b[<0;300;90Mq", "\x1b[<0;300;90Mq"),
        (b"\x1b[200~X\nstop\n\xff\x1b[M\x7f\x1b[201~q", START + "X stop \N{REPLACEMENT CHARACTER}[M" + END + "q"),
        ("\x1b[200~ü→\x1b[201~".encode(), START + "ü→" + END),
        (b"\x1b[200~" + b"x" * 9000 + b"\x1b[201~q", START + "x" * MAX_PASTE_BYTES + END + "q"),
        (b"\x1b[200~" + b"x" * (MAX_PASTE_BYTES - 2) + b"\x1b[201~", START + "x" * (MAX_PASTE_BYTES - 2) + END),
        (b"\x1b[201~q", "\x1b[201~q"),
    ],
)
def test_one_read(read: bytes, text: str) -> None:
    assert feed(read) == text


@pytest.mark.parametrize("whole", ["ü→".encode() + b"q", X10 + b"q", b"\x1b[200~Xy\x1b[201~q"])
def test_it_may_be_torn_at_any_place(whole: bytes) -> None:
    for at in range(len(whole) + 1):
        assert feed(whole[:at], whole[at:]) == feed(whole), at
    assert feed(*(bytes((byte,)) for byte in whole)) == feed(whole)


def test_a_mouse_report_that_never_ends_takes_no_later_key() -> None:
    assert feed(b"\x1b[M\x20", b"q", every_s=SILENT_S + 0.1).endswith("q")


def test_a_paste_without_its_end_takes_keys_for_two_seconds_only() -> None:
    keyboard = KeyboardInput()
    assert keyboard.feed(b"\x1b[200~" + b"x" * 100, 10.0) == START
    # The user presses a key again and again: that must not prolong the paste.
    typed = [keyboard.feed(b"q", 10.0 + i / 2) for i in range(1, 7)]
    assert typed == ["", "", "", "", END + "q", "q"]


def test_a_paste_may_last_longer_than_the_limit() -> None:
    keyboard = KeyboardInput()
    assert keyboard.feed(b"\x1b[200~", 10.0) == START
    for i in range(10):
        assert keyboard.feed(b"X" * (BULK_BYTES + 1), 11.0 + i) == ""
    assert keyboard.feed(b"X\x1b[201~q", 21.0) == "X" * (10 * (BULK_BYTES + 1) + 1) + END + "q"
