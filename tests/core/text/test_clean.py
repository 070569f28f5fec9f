"""What is left of a text from outside."""

import pytest

from metabonk_tui.core.text.clean import LOOKED_AT, clean_text


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
