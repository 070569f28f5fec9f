"""The colour of the background: what the terminal answers, and that none of its bytes is ever a key."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from metabonk_tui.ui.terminal import background
from metabonk_tui.ui.terminal.background import TORN_S, AnswerFilter, is_light, question, take_typed
from metabonk_tui.ui.terminal.textual_private import key_parser

ANSWER = b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    monkeypatch.setattr(background, "_asked_s", None)
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        take_typed()
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize(
    ("answer", "light"),
    [
        (b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\", True),
        (b"\x1b]11;rgb:ff/ff/d7\x07", True),
        (b"\x1b]11;rgba:fafa/f4f4/eded/ffff\x07", True),
        (ANSWER, False),
        (b"\x1b]11;rgb:0/2/3\x07", False),
        (b"\x1b]11;rgb:", None),
        (b"\x1b]11;white\x07", None),
        (b"", None),
    ],
)
def test_the_answer(terminal: tuple[int, int], answer: bytes, light: bool | None) -> None:
    reading, writing = terminal
    assert question("xterm-256color") == background.QUERY
    os.write(writing, b"q" + answer + b"\x1b[A")
    assert is_light(reading) is light
    # A whole answer is taken out; what is none, the filter drops.
    left = take_typed()
    assert left == (b"q" + answer + b"\x1b[A" if light is None else b"q\x1b[A")
    assert is_light(reading) is None, "a terminal is asked once"


@pytest.mark.parametrize("term", ["linux", "vt100", "dumb"])
def test_a_terminal_that_does_not_know_the_question_is_not_asked(terminal: tuple[int, int], term: str) -> None:
    assert question(term) == ""
    assert is_light(terminal[0]) is None


@pytest.mark.parametrize("answer", [ANSWER, b"\x1b]11;rgb:ff/ff/ff\x07"])
def test_a_late_answer_torn_at_any_place_is_no_key(answer: bytes) -> None:
    whole = b"a\x1b[B" + answer + b"b\x1b[A"
    for first in range(len(whole)):
        for second in range(first, len(whole)):
            answers, parser, keys = AnswerFilter(), key_parser(), []
            for part in (whole[:first], whole[first:second], whole[second:]):
                if part and (text := answers.feed(part, 1.0).decode()):
                    keys += [getattr(event, "key", "") for event in parser.feed(text)]
            assert [key for key in keys if key] == ["a", "down", "b", "up"], (first, second)


def test_keys_that_begin_like_an_answer_remain_keys() -> None:
    answers = AnswerFilter()
    assert answers.feed(b"\x1b", 1.0) == b"\x1b"
    assert answers.feed(b"]11;", 1.0 + 2 * TORN_S) == b"]11;"
    assert answers.feed(b"\x1b]x", 2.0) == b"\x1b]x"
    assert answers.feed(b"\x1b", 2.5) + answers.feed(b"]x", 2.5) == b"\x1b]x"
    # An answer without its end is dropped after a while.
    assert answers.feed(ANSWER[:9], 3.0) == b""
    assert answers.feed(b"q", 3.0 + 2 * TORN_S) == b"q"
