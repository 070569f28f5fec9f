"""Each question has a default, repeats itself until the answer is right, and ends with the input."""

from __future__ import annotations

import io
import sys

import pytest

from metabonk_tui.cli.setup.questions import NoAnswer, Questions


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdin", stream)
    return stream


def answers(stream: io.StringIO, text: str) -> Questions:
    stream.write(text)
    stream.seek(0)
    return Questions(takes_defaults=False)


def test_enter_takes_the_default_and_a_wrong_answer_is_asked_again(
    typed: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = answers(typed, "\nmaybe\nYES\n0\n99999999999\n7\n\x1b[A\nx\n")
    assert ask.agree("a?", default=False) is False
    assert ask.agree("b?", default=False) is True
    assert ask.number("c", 3, 1, 500) == 7
    assert ask.text("d", "none") == "x"
    err = capsys.readouterr().err
    assert err.startswith("a? [y/N] b? [y/N]   y or n\n")
    assert err.count("  a number from 1 to 500\n") == 2
    assert "cannot be printed" in err
    assert "\x1b" not in err


def test_a_choice_is_a_number_of_the_list_or_a_text_that_is_right(typed: io.StringIO) -> None:
    ask = answers(typed, "3\nbad\n2\n0\ngood\n\n")

    def check(text: str) -> str:
        return "" if text == "good" else f"{text} is wrong"

    assert ask.choice("x", 2, 1, check) == 2
    assert ask.choice("x", 2, 1, check, least=0) == 0
    assert ask.choice("x", 2, 1, check) == "good"
    assert ask.choice("x", 2, 1, check) == 1


def test_the_end_of_the_input_is_no_answer(typed: io.StringIO) -> None:
    with pytest.raises(NoAnswer):
        answers(typed, "").text("x", "default")
    assert issubclass(NoAnswer, KeyboardInterrupt)


def test_defaults_are_printed_and_not_asked(typed: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    assert Questions(takes_defaults=True).number("workers", 3, 1, 9) == 3
    assert capsys.readouterr().err == "workers [3]\n"


def test_a_line_is_broken_at_the_width_of_the_terminal(
    typed: io.StringIO, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    ask = Questions(takes_defaults=True)
    ask.say("  one two three four five")
    assert capsys.readouterr().err == "  one two three four five\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    ask.say("  one two three four five\nsix")
    assert capsys.readouterr().err == "  one two three four\n     five\nsix\n"


def test_bytes_that_are_no_text_are_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8"))
    with pytest.raises(NoAnswer):
        Questions(takes_defaults=False).text("x", "y")
    assert "cannot be printed" in capsys.readouterr().err
