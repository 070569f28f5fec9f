"""Asks a person in the terminal, each question with a default. The text goes to stderr.

Does not: decide what to ask, or act on an answer.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable

Checked = Callable[[str], str]
"""Returns what is wrong with an answer; "" for nothing."""


class NoAnswer(KeyboardInterrupt):
    """The person closed the input, which ends the questions as Ctrl-C does."""


class Questions:
    """A row of questions; `takes_defaults`: each is printed with its default, and no answer is awaited."""

    def __init__(self, *, takes_defaults: bool) -> None:
        self.takes_defaults = takes_defaults

    def say(self, text: str = "") -> None:
        """Print text; lines that are wider than the terminal are broken between words."""
        print("\n".join(map(_wrapped, text.split("\n"))), file=sys.stderr, flush=True)

    def text(self, question: str, default: str, check: Checked = lambda answer: "", shown: str = "") -> str:
        """Return the typed answer, or the default for an empty one. Asks again while `check` finds a mistake.

        `shown`: how the default is named in the question; "": as it is. The default is not checked.
        """
        if self.takes_defaults:
            self.say(f"{question} [{shown or default}]")
            return default
        while True:
            print(f"{question} [{shown or default}] ", end="", file=sys.stderr, flush=True)
            try:
                line = sys.stdin.readline()
            except UnicodeDecodeError:
                line = "\0\n"
            if not line:
                self.say()
                raise NoAnswer
            answer = line.strip()
            if not answer:
                return default
            problem = check(answer) if answer.isprintable() else "it has characters that cannot be printed"
            if not problem:
                return answer
            self.say(f"  {problem}")

    def agree(self, question: str, default: bool) -> bool:
        """Return whether the person agrees; by default `default`."""
        words = {"y": True, "yes": True, "n": False, "no": False}
        answer = self.text(
            question,
            "y" if default else "n",
            lambda typed: "" if typed.lower() in words else "y or n",
            "Y/n" if default else "y/N",
        )
        return words[answer.lower()]

    def number(self, question: str, default: int, least: int, most: int) -> int:
        """Return a whole number in these bounds."""

        def check(typed: str) -> str:
            is_number = typed.isascii() and typed.isdigit() and len(typed) < 10
            return "" if is_number and least <= int(typed) <= most else f"a number from {least} to {most}"

        return int(self.text(question, str(default), check))

    def choice(self, question: str, options: int, default: int, check: Checked, least: int = 1) -> int | str:
        """Return the number of a listed option, from `least` on, or another text that `check` accepts."""

        def is_option(typed: str) -> bool:
            return typed.isascii() and typed.isdigit() and len(typed) < 10 and least <= int(typed) <= options

        answer = self.text(question, str(default), lambda typed: "" if is_option(typed) else check(typed))
        return int(answer) if is_option(answer) else answer


def _wrapped(line: str) -> str:
    columns = shutil.get_terminal_size().columns
    if len(line) <= columns or not sys.stderr.isatty():
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 3)
    return textwrap.fill(line, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
