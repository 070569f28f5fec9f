"""Parses the argument list of a process: what it runs, and with which arguments.

Does not: read processes, or know the role of a program. `docker run image python -m x` runs docker, not x.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from msgspec import Struct

_PYTHON = re.compile(r"(python|pypy)[0-9.]*t?(-dbg)?")
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish"})
_WITH_VALUE = ("-X", "-W", "--check-hash-based-pycs")
_ENDS_OPTIONS = re.compile(r"-[bBdEhiIOPqRsSuvVx]*([cm])(.*)", re.DOTALL)


class Program(Struct, frozen=True):
    """What a process runs: a module or a script by an interpreter, or a program of its own."""

    entry: str
    """The module, the script as it was given, or the program; "" for a command in an argument (`-c`) or none."""
    arguments: tuple[str, ...] = ()
    """The arguments after the entry."""
    kind: str = "program"
    """"module", "script", "shell script" or "program"."""
    interpreter: str = ""
    """The name of the interpreter; "" for a program."""
    marker: str = ""
    """The first argument after the code of `python -c`, which may name the process; "" for all else."""

    @property
    def words(self) -> tuple[str, ...]:
        return (self.entry, *self.arguments)

    @property
    def is_python(self) -> bool:
        """Whether a Python interpreter runs a module or a script."""
        return self.kind in ("module", "script")

    def matches(self, texts: Sequence[str]) -> bool:
        """Return whether one text begins with what the process runs, and every other text is among its arguments.

        A text of several words stands for as many arguments in a row. The first argument of a program that is no
        interpreter is its command, so the next text must be that: `ollama run serve` does not serve.
        """
        for index, text in enumerate(texts):
            if any(self._begins(text, name) for name in self.names):
                rest = [other for at, other in enumerate(texts) if at != index]
                if self.kind == "program" and rest and not _starts_with(self.arguments, rest[0]):
                    continue
                return all(_in_a_row(other, self.arguments) for other in rest)
        return False

    @property
    def names(self) -> tuple[str, ...]:
        """The names that identify the entry: a script or program may be given by a longer path than is asked for."""
        if self.kind == "module":
            return (self.entry,)
        parts = PurePosixPath(self.entry).parts
        return (self.entry, *("/".join(parts[at:]) for at in range(1, len(parts))))

    def _begins(self, text: str, name: str) -> bool:
        """Return whether a text is this name, alone or with the arguments that follow it."""
        if not name or not text.startswith(name):
            return False
        return text == name or (text[len(name)] == " " and _starts_with(self.arguments, text[len(name) + 1 :]))


def parse_command(arguments: Sequence[str]) -> Program:
    """Return what this argument list runs."""
    if not arguments or not arguments[0]:
        return Program("")
    name = arguments[0].rpartition("/")[2]
    # A login shell has a dash before its name.
    name = name.removeprefix("-")
    if _PYTHON.fullmatch(name):
        return _of_python(arguments, name)
    if name in _SHELLS:
        return _of_shell(arguments, name)
    return Program(arguments[0], tuple(arguments[1:]))


def option(arguments: Sequence[str], name: str) -> str | None:
    """Find the value of `NAME VALUE` or `NAME=VALUE`; `name` includes its dashes. None: not given."""
    for index, argument in enumerate(arguments):
        if argument == name and index + 1 < len(arguments):
            return arguments[index + 1]
        if argument.startswith(f"{name}="):
            return argument[len(name) + 1 :]
    return None


def _of_python(arguments: Sequence[str], name: str) -> Program:
    at = 1
    while at < len(arguments):
        argument = arguments[at]
        ends = _ENDS_OPTIONS.fullmatch(argument)
        if ends is not None and ends[1] == "c":
            marker_at = at + 1 if ends[2] else at + 2
            return Program("", kind="command", interpreter=name, marker="".join(arguments[marker_at : marker_at + 1]))
        if ends is not None:
            module_at = at if ends[2] else at + 1
            module = ends[2] or (arguments[module_at] if module_at < len(arguments) else "")
            return Program(module, tuple(arguments[module_at + 1 :]), "module", name)
        if argument in _WITH_VALUE:
            at += 2
        elif argument == "-":
            break
        elif argument.startswith("-"):
            at += 1
        else:
            return Program(argument, tuple(arguments[at + 1 :]), "script", name)
    return Program("", kind="command", interpreter=name)


def _of_shell(arguments: Sequence[str], name: str) -> Program:
    for at, argument in enumerate(arguments[1:], start=1):
        if argument.startswith(("-", "+")):
            if "c" in argument and not argument.startswith("--"):
                break
            continue
        return Program(argument, tuple(arguments[at + 1 :]), "shell script", name)
    return Program("", kind="command", interpreter=name)


def _starts_with(arguments: Sequence[str], text: str) -> bool:
    """Return whether the first arguments, joined by spaces, are this text."""
    return any(" ".join(arguments[:end]) == text for end in range(1, len(arguments) + 1))


def _in_a_row(text: str, arguments: Sequence[str]) -> bool:
    """Return whether some arguments in a row, joined by spaces, are this text."""
    return any(_starts_with(arguments[at:], text) for at in range(len(arguments)))
