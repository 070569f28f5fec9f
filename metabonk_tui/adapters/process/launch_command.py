"""Compares a process with the configured launch command, argument by argument, and reads a launcher's numbers.

Does not: judge whose process it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from metabonk_tui.adapters.process.command_line import Program, option, parse_command

_BASE_PORT_OPTIONS = ("--base-port", "--worker-base-port")
_INTERPRETER_VERSION = re.compile(r"[0-9.]+t?$")


class LaunchCommand(Struct, frozen=True):
    """The launch command of one pool, with its placeholders, and the directory in which it runs."""

    directory: str
    """Without symbolic links."""
    launch: tuple[str, ...]
    stop: tuple[str, ...] = ()

    def why_other(self, program: Program, cwd: str | None, path: str | None) -> str:
        """Return why a process does not run this command in this directory; "" when it does.

        `path` is the absolute path of what it runs, None: not known.
        """
        if not self.launch:
            return "runs no launch command: none is configured"
        ours = parse_command(self.launch)
        if not self.may_be(program):
            return "does not run our launch command"
        if cwd != self.directory:
            return f"runs in {cwd or 'a directory that cannot be read'}, not in {self.directory}"
        if not self._is_same_program(ours, program, path) or not _is_same_start(ours, program, self._stop_words()):
            return "does not run our launch command"
        return ""

    def may_be(self, program: Program) -> bool:
        """Return whether a process may run this command, by its name alone: a cheap first test."""
        if not self.launch:
            return False
        return program.names[-1] == parse_command(self.launch).names[-1] != ""

    def base_ports(self, arguments: Sequence[str]) -> Iterator[int | None]:
        """Yield every base port that a launcher's arguments name; None: it lacks the one that the command passes."""
        names = {name for name in _BASE_PORT_OPTIONS if option(arguments, name) is not None}
        names |= {name for name in self._base_port_options() if name.startswith("-")}
        for name in sorted(names):
            text = option(arguments, name) or ""
            yield int(text) if re.fullmatch(r"[0-9]{1,5}", text) else None
        wanted = [word for word in self._base_port_options() if not word.startswith("-")]
        if wanted and not names:
            ours = parse_command(self.launch).arguments
            for word in wanted:
                if word.endswith("="):
                    # `make train PORT={base_port}`: a variable may stand anywhere.
                    found = [each.removeprefix(word) for each in arguments if each.startswith(word)]
                else:
                    # The port is an argument of its own: it must stand where the command passes it.
                    at = ours.index(word) if word in ours else len(arguments)
                    found = list(arguments[at : at + 1])
                yield int(found[0]) if found and re.fullmatch(r"[0-9]{1,5}", found[0]) else None

    def workers(self, arguments: Sequence[str]) -> int | None:
        """Read N of `--workers N`; None: not given, or 0 for the launcher's default."""
        text = option(arguments, "--workers") or ""
        return int(text) or None if re.fullmatch(r"[0-9]{1,4}", text) else None

    def _base_port_options(self) -> set[str]:
        """Return what passes the base port in the launch command: "--port", "PORT=", or "{base_port}" on its own."""
        found = set()
        for before, word in zip(("", *self.launch), self.launch, strict=False):
            if word == "{base_port}":
                found.add(before if before.startswith("-") else word)
            elif word.endswith("={base_port}"):
                found.add(word.partition("=")[0] if word.startswith("-") else word.removesuffix("{base_port}"))
        return found

    def _stop_words(self) -> tuple[str, ...]:
        stop = parse_command(self.stop)
        return _leading_words(stop) if self.stop and stop.entry == parse_command(self.launch).entry else ()

    def _is_same_program(self, ours: Program, other: Program, path: str | None) -> bool:
        if ours.kind == "module" or other.kind == "module":
            return (ours.kind, ours.entry) == (other.kind, other.entry) and bool(ours.entry)
        if ours.kind == "program" and "/" not in ours.entry:
            # Found in PATH: only the name is known, and it must be a program again.
            return other.kind == "program" and os.path.basename(other.entry) == ours.entry
        if ours.kind != "program" and _INTERPRETER_VERSION.sub("", ours.interpreter) != _INTERPRETER_VERSION.sub(
            "", other.interpreter
        ):
            return False
        # A program with a `#!` line runs as a script of its interpreter.
        return bool(ours.entry) and path == os.path.normpath(os.path.join(self.directory, ours.entry))


def _is_same_start(ours: Program, other: Program, stop_words: tuple[str, ...]) -> bool:
    """Return whether the arguments begin with the same words, and are not those of the stop command."""
    words = _leading_words(ours)
    if other.arguments[: len(words)] != words:
        return False
    if stop_words and other.arguments[: len(stop_words)] == stop_words:
        return False
    following = other.arguments[len(words) : len(words) + 1]
    expects_option = len(ours.arguments) > len(words) and ours.arguments[len(words)].startswith("-")
    return not (expects_option and following and not following[0].startswith("-"))


def _leading_words(program: Program) -> tuple[str, ...]:
    """Return the arguments before the first option or placeholder: `launch` of `-m pool launch --workers 3`."""
    words: list[str] = []
    for argument in program.arguments:
        if argument.startswith("-") or "{" in argument:
            break
        words.append(argument)
    return tuple(words)


def is_below(path: str | None, directory: str) -> bool:
    """Return whether an absolute path without symbolic links is this directory or lies below it."""
    return path is not None and (path == directory or path.startswith(f"{directory.rstrip('/')}/"))
