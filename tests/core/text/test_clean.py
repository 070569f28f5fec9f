"""What is left of a text from outside."""

import pytest

from metabonk_tui.core.text.clean import LOOKED_AT, clean_text, without_colours


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a\tb\r\nc", "a b  c"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("x" * 201, "x" * 199 + "…"),
        ("x" * 200, "x" * 200),
        ("\u202eevil", "\ufffdevil"),
        ("http://me:pw9@host", "http://••••@host"),
    ],
)
def test_cleaning(text: str, expected: str) -> None:
    assert clean_text(text) == expected


def test_a_text_whose_rest_was_not_looked_at_is_marked_as_cut() -> None:
    assert clean_text("token=" + "x" * LOOKED_AT + " y") == "token=••••…"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1mValidation\x1b[0m", "Validation"),
        ("\x1b[38;5;196mred\x1b[m", "red"),
        ("\x1b[2J\x1b[H\x1b[?25lx", "x"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://h\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bx\x1b=y\x1b7z", "xyz"),
        ("pass\x1b[0mword=x9", "password=x9"),
        ("\x1b]never ends\nnext", "\x1b]never ends\nnext"),
        ("cut \x1b[38;5", "cut \x1b[38;5"),
        ("a [1m b", "a [1m b"),
    ],
)
def test_escape_sequences_of_a_terminal_are_dropped(text: str, expected: str) -> None:
    assert without_colours(text) == expected
